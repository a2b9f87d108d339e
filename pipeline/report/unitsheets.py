"""The workbook's sheets of units: streamed from the parts, a row a unit, in their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from pipeline.records import UNIT_SCHEMA, Statement
from pipeline.tables import visible

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1_000_000
"""Units of a sheet, of the 1,048,576 rows that Excel takes; further units go on in a further sheet."""

MOST_UNITS = 1_000_000
"""Units of a run that the workbook holds; a larger run's are in its parts only, and the sheet says so."""

MOST_TEXT = 32_767
"""UTF-16 units that a cell takes."""

CUT = "……（超长，已截断）"

BATCH = 5_000
"""Units held at a time."""

COLUMNS = {
    "file": ("文件", 18),
    "location": ("位置", 12),
    "respondent": ("受访者", 16),
    "role": ("角色", 8),
    "section": ("所在章节", 16),
    "question": ("所答问题", 20),
    "text": ("原文", 60),
    "statement": ("表述类型", 10),
    "statement_confidence": ("表述置信度", 11),
    "categories": ("类别", 22),
    "confidences": ("类别置信度", 13),
    "evidence": ("依据词语", 24),
    "review": ("需复核", 8),
    "cut": ("被截断", 8),
}
"""Columns of the sheets with their headings and widths; the user's own follow. The other columns are for programs."""

NOTE = "每行一条语句，与 units/ 里的次序相同；角色空白的是受访者。"


_SPECIAL = re.compile("[&<>\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x|^\\s|\\s$")
_ESCAPED = re.compile("(_x[0-9a-fA-F]{4}_)")
"""What Excel would read as the code of a character."""


class UnitSheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A sheet whose rows of texts and numbers are written as they come.

    The library makes an object a cell and looks through all its options; half of a large run's time went there. A row
    of plain cells is a line of XML, ten times as fast. (Needs a workbook with `constant_memory`.)
    """

    def write_cells(self, row: int, names: Sequence[str], cells: Sequence[str | float | None], style: Any) -> None:
        """Write a row: a number as a number, a text as a text, nothing for None and the empty text.

        Parameters
        ----------
        row : int
            From 0; behind all that were written.
        names : sequence of str
            The columns' letters.
        cells : sequence of (str, float or None)
            As many.
        style : xlsxwriter.Format
            Of all of them.
        """
        number, xf = row + 1, style._get_xf_index()
        found = [
            f'<c r="{name}{number}" s="{xf}" t="inlineStr"><is>{_text(cell)}</is></c>'
            if isinstance(cell, str)
            else f'<c r="{name}{number}" s="{xf}"><v>{cell!r}</v></c>'
            for name, cell in zip(names, cells, strict=True)
            if cell is not None and cell != ""
        ]
        self._check_dimensions(row, len(cells) - 1)
        self._write_single_row(number)
        self.fh.write(f'<row r="{number}">{"".join(found)}</row>')


@lru_cache(maxsize=10_000)
def _text(text: str) -> str:
    """Return a text as XML; sources, questions and categories stand in many cells."""
    if len(text) <= MOST_TEXT // 2 and not _SPECIAL.search(text):
        return f"<t>{text}</t>"
    text = fitted(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _ESCAPED.sub(r"_x005F\1", text)
    return f'<t xml:space="preserve">{text}</t>'


def fitted(text: str) -> str:
    """Return text that a cell can hold: nothing that XML refuses, not too long.

    Examples
    --------
    >>> fitted("办事难"), len(fitted("长" * 40_000)), fitted("长" * 40_000)[-5:]
    ('办事难', 32767, '，已截断）')
    """
    text = visible(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter takes such a text for XML of its own
    if len(text) <= MOST_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MOST_TEXT:
        return text
    return units[: 2 * (MOST_TEXT - len(CUT))].decode("utf-16-le", "ignore") + CUT


def write_units(
    book: Any, formats: tuple[Any, Any], parts: list[Path], names: Mapping[str, str]
) -> list[tuple[str, int]]:
    """Write all units, over as many sheets as they need; of a run too large for that, a sentence says where they are.

    Parameters
    ----------
    book : xlsxwriter.Workbook
        With `constant_memory`.
    formats : tuple of xlsxwriter.Format
        Of headings, and of texts.
    parts : list of Path
        The run's parts, in order.
    names : mapping of str to str
        Category id to Chinese name.

    Returns
    -------
    list of (str, int)
        The sheets' names and how many units each has.
    """
    if (units := _units(parts)) > MOST_UNITS:
        return [_left_out(book, units)]
    own = _own_columns(parts)
    head, text = formats
    written: list[tuple[str, int]] = []
    sheet, row = None, 0
    letters = [xl_col_to_name(column) for column in range(len(COLUMNS) + len(own))]
    for cells in _rows(parts, own, names):
        if sheet is None or row == MOST_ROWS:
            if sheet is not None:
                written.append(_finish(sheet, row, len(cells)))
            sheet, row = _start(book, head, own, len(written) + 1), 0
        row += 1
        sheet.write_cells(row, letters, cells, text)
    if sheet is None:
        sheet = _start(book, head, own, 1)
    return [*written, _finish(sheet, row, len(COLUMNS) + len(own))]


def _units(parts: list[Path]) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(part).num_rows for part in parts)


def _left_out(book: Any, units: int) -> tuple[str, int]:
    sheet = book.add_worksheet("语句")
    told = f"共 {units:,} 条语句，超过 {MOST_UNITS:,} 条，Excel 打不开这么大的表，没有列入本文件。"
    sheet.write_string(0, 0, told + "全部语句和编码在 units 文件夹的 Parquet 文件里；有代表性的见“典型原话”。")
    return sheet.get_name(), 0


def _own_columns(parts: list[Path]) -> list[str]:
    """Return the user's columns, in the order in which the parts bring them."""
    import pyarrow.parquet as pq

    found = dict.fromkeys(name for part in parts for name in pq.read_schema(part).names)
    return [name for name in found if name not in UNIT_SCHEMA.names]


def _start(book: Any, head: Any, own: list[str], number: int) -> Any:
    sheet = book.add_worksheet("语句" if number == 1 else f"语句{number}", UnitSheet)
    headings = [*COLUMNS.values(), *((name, 14) for name in own)]
    for column, (heading, width) in enumerate(headings):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, fitted(heading), head)
    sheet.freeze_panes(1, 0)
    return sheet


def _finish(sheet: Any, rows: int, columns: int) -> tuple[str, int]:
    sheet.autofilter(0, 0, max(rows, 1), columns - 1)
    return sheet.get_name(), rows


def _rows(parts: list[Path], own: list[str], names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    wanted = [*COLUMNS, *own]
    for part in parts:
        with pq.ParquetFile(part) as file:
            here = [name for name in wanted if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH, columns=here):
                yield from zip(*(_cells(batch, name, names) for name in wanted), strict=True)


def _cells(batch: pa.RecordBatch, name: str, names: Mapping[str, str]) -> list[Any]:
    """Return a column of the sheet, from one of a batch."""
    if name not in batch.schema.names:
        return [""] * len(batch)
    column = batch.column(name)
    if name == "evidence":
        return _evidence(column)
    values = column.to_pylist()
    show = _SHOWN.get(name)
    if name == "categories":
        return ["、".join(names.get(one, one) for one in some or ()) for some in values]
    return [show(value) for value in values] if show else values


def _evidence(column: Any) -> list[str]:
    """Return the distinct words that decided, in order, of each unit."""
    import pyarrow.compute as pc

    terms = pc.struct_field(pc.list_flatten(column), "term").to_pylist()
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    cells, start = [], 0
    for length in lengths:
        cells.append("、".join(dict.fromkeys(filter(None, terms[start : start + length]))))
        start += length
    return cells


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 3)


_SHOWN: dict[str, Callable[[Any], str | float | None]] = {
    "role": lambda role: "访谈者" if role == "interviewer" else "",
    "statement": lambda statement: Statement(statement).zh if statement else "",
    "statement_confidence": _rounded,
    "confidences": lambda values: "、".join(f"{value:.2f}" for value in values or () if value is not None),
    "review": lambda review: "是" if review else "",
    "cut": lambda cut: "是" if cut else "",
}
