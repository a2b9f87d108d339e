"""Writes `results.xlsx`: contents, numbers, tables, units. Nothing in it is live; equal input, equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.query import unit_parts
from pipeline.report.unitsheets import NOTE, fitted, write_units
from pipeline.tables import Table, visible
from pipeline.workbooks import new_workbook

if TYPE_CHECKING:
    import pandas as pd

MOST_TABLE_ROWS = 2_000
"""Rows of a table's sheet; all of them are in `tables/`."""


_SHARES = ("share", "low", "high", "difference")
_P_VALUES = ("p", "p_adjusted")
_NOT_IN_NAMES = dict.fromkeys(map(ord, "[]:*?/\\'"), "_")


@dataclass(frozen=True, slots=True)
class _Formats:
    title: Any
    note: Any
    head: Any
    text: Any
    whole: Any
    share: Any
    number: Any
    p: Any
    unit: Any

    def of(self, column: str, kind: str) -> Any:
        """Return the format of a table's column, by its English name and dtype kind."""
        if column.endswith(_SHARES):
            return self.share
        return (
            self.p if column in _P_VALUES else {"i": self.whole, "u": self.whole, "f": self.number}.get(kind, self.text)
        )


def write_workbook(
    path: Path,
    tables: Sequence[Table],
    folder: Path,
    codebook_names: Mapping[str, str],
    totals: Mapping[str, str | int],
) -> Path:
    """Write the tables and units of a run as an Excel workbook.

    Texts are written as texts, whatever they look like; a text too long for a cell is cut with a mark, characters that
    the format cannot hold become U+FFFD. Memory does not grow with the number of units.

    Parameters
    ----------
    path : Path
        Where to write; complete or not there.
    tables : sequence of Table
        A sheet each, in order.
    folder : Path
        OUT, with `units/part-*.parquet`.
    codebook_names : mapping of str to str
        Category id to Chinese name.
    totals : mapping of str to (str or int)
        The numbers of the sheet 概况, by their Chinese names.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    InputRefused
        If the folder holds no run.
    EnvironmentFault
        If the file cannot be written.
    """
    with _new_book(path) as book:
        _fill(book, tables, unit_parts(folder), codebook_names, totals)
    return path


def write_tables_book(path: Path, tables: Sequence[Table]) -> Path:
    """Write tables as an Excel workbook, a sheet each; see `write_workbook`."""
    with _new_book(path) as book:
        formats = _formats(book)
        for table, name in zip(tables, _sheet_names(tables), strict=True):
            _write_table(book.add_worksheet(name), formats, table)
    return path


def _new_book(path: Path) -> AbstractContextManager[Any]:
    font = {"font_name": "微软雅黑", "font_size": 10}
    return new_workbook(path, title="群言分类结果", constant_memory=True, default_format_properties=font)


def _fill(
    book: Any, tables: Sequence[Table], parts: list[Path], names: Mapping[str, str], totals: Mapping[str, str | int]
) -> None:
    formats = _formats(book)
    contents, numbers = book.add_worksheet("目录"), book.add_worksheet("概况")
    _write_totals(numbers, formats, totals)
    listed = [("概况", "本次分类的总数", len(totals), "")]
    for table, name in zip(tables, _sheet_names(tables), strict=True):
        sheet = book.add_worksheet(name)
        first = _write_table(sheet, formats, table)
        if table.name == "frequencies":
            _add_chart(book, sheet, table, first)
        listed.append((name, table.title, len(table.frame), "".join(table.notes)))
    sheets = write_units(book, (formats.head, formats.unit), parts, names)
    listed += [(name, "每条语句及其编码", rows, NOTE) for name, rows in sheets]
    _write_contents(contents, formats, listed)


def _formats(book: Any) -> _Formats:
    cell = {"valign": "top", "border": 1, "border_color": "#D9D9D9"}
    return _Formats(
        title=book.add_format({"bold": True, "font_size": 14}),
        note=book.add_format({"font_color": "#595959"}),
        head=book.add_format({**cell, "bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#DDEBF7"}),
        text=book.add_format({**cell, "text_wrap": True}),
        whole=book.add_format({**cell, "num_format": "#,##0"}),
        share=book.add_format({**cell, "num_format": "0.0%"}),
        number=book.add_format({**cell, "num_format": "0.00"}),
        p=book.add_format({**cell, "num_format": "0.0000"}),
        unit=book.add_format({"valign": "top", "text_wrap": True}),
    )


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """Return names that Excel takes: at most 31 characters, none of those it refuses, different also in capitals."""
    taken = {"目录", "概况"}
    names = []
    for table in tables:
        name = base = visible(table.title).translate(_NOT_IN_NAMES)[:28]
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _write_contents(sheet: Any, formats: _Formats, listed: list[tuple[str, str, int, str]]) -> None:
    sheet.write_string(0, 0, "目录", formats.title)
    sheet.write_string(1, 0, "本文件只有文字、数字和一张图，不含公式、链接和宏。", formats.note)
    for column, (heading, width) in enumerate((("工作表", 24), ("内容", 24), ("行数", 10), ("说明", 100))):
        sheet.set_column(column, column, width)
        sheet.write_string(3, column, heading, formats.head)
    for row, (name, title, rows, note) in enumerate(listed, 4):
        for column, value in enumerate((name, title, rows, note)):
            _write_cell(sheet, row, column, value, formats.whole if column == 2 else formats.text)
    sheet.freeze_panes(4, 0)


def _write_totals(sheet: Any, formats: _Formats, totals: Mapping[str, str | int]) -> None:
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 40)
    sheet.write_string(0, 0, "概况", formats.title)
    for row, (name, value) in enumerate(totals.items(), 2):
        sheet.write_string(row, 0, fitted(name), formats.head)
        _write_cell(sheet, row, 1, value, formats.whole if isinstance(value, int) else formats.text)


def _write_table(sheet: Any, formats: _Formats, table: Table) -> int:
    """Write title, notes, headings and rows; return the first row of data."""
    frame = table.frame[list(table.headings)].head(MOST_TABLE_ROWS)
    cut = (f"只列前 {MOST_TABLE_ROWS} 行，全部见 tables/{table.name}.csv。",) if len(table.frame) > len(frame) else ()
    sheet.write_string(0, 0, fitted(table.title), formats.title)
    for row, note in enumerate((*table.notes, *cut), 1):
        sheet.write_string(row, 0, fitted(note), formats.note)
    head = len(table.notes) + len(cut) + 2
    for column, heading in enumerate(table.headings.values()):
        sheet.set_column(column, column, _width(frame.iloc[:, column]))
        sheet.write_string(head, column, fitted(heading), formats.head)
    cell_formats = [formats.of(name, frame[name].dtype.kind) for name in table.headings]
    shown = frame.astype(object).where(frame.notna(), None)
    for row, values in enumerate(shown.itertuples(index=False, name=None), head + 1):
        for column, value in enumerate(values):
            _write_cell(sheet, row, column, value, cell_formats[column])
    sheet.freeze_panes(head + 1, 0)
    if len(frame):
        sheet.autofilter(head, 0, head + len(frame), len(table.headings) - 1)
    return head + 1


def _write_cell(sheet: Any, row: int, column: int, value: Any, cell_format: Any) -> None:
    """Write a value as what it is: a text as a text, None as an empty cell."""
    if isinstance(value, str):
        sheet.write_string(row, column, fitted(value), cell_format)
    elif value is None:
        sheet.write_blank(row, column, None, cell_format)
    else:
        sheet.write_number(row, column, value, cell_format)


def _width(values: pd.Series[Any]) -> float:
    """Return a column's width in characters: Chinese ones take two."""
    if values.dtype.kind in "iuf":
        return 12
    longest = values.head(500).map(lambda value: len(value) if isinstance(value, str) else 0).max()
    return float(min(max(2 * (longest if len(values) else 0) + 2, 12), 70))


def _add_chart(book: Any, sheet: Any, table: Table, first: int) -> None:
    """Add the bars of the categories' shares of respondents, with their intervals, under the table."""
    frame = table.frame.iloc[:-2]  # the last rows are no categories: 无类别, 合计
    if frame.empty or frame["respondent_share"].isna().all():
        return
    columns = list(table.headings)
    last = first + len(frame) - 1
    name, share = columns.index("name"), columns.index("respondent_share")
    chart = book.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": "提到问题的受访者占比",
            "categories": [sheet.get_name(), first, name, last, name],
            "values": [sheet.get_name(), first, share, last, share],
            "categories_data": [fitted(name) for name in frame["name"]],
            "values_data": frame["respondent_share"].tolist(),
            "fill": {"color": "#4472C4"},
            "gap": 60,
            "y_error_bars": {
                "type": "custom",
                "plus_values": (frame["respondent_high"] - frame["respondent_share"]).tolist(),
                "minus_values": (frame["respondent_share"] - frame["respondent_low"]).tolist(),
            },
        }
    )
    chart.set_title({"name": "提到各类问题的受访者占比（误差线为95%区间）", "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "name_font": {"size": 10}})
    chart.set_x_axis({"num_format": "0%", "min": 0, "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_size({"width": 760, "height": 120 + 26 * len(frame)})
    sheet.insert_chart(first + len(table.frame) + 1, 0, chart)
