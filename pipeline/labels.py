"""Labelled units: read from any sheet, checked, named; duplicates counted once and never torn apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.codebook import Codebook, of_labels
from pipeline.errors import LabelsRefused
from pipeline.exchange import is_export, read_records
from pipeline.marks import Fault, Heads, bare, read_mark, tidy
from pipeline.normalise import normalise
from pipeline.read import BUG, ReadOptions, Source, read
from pipeline.records import Reject, Response

if TYPE_CHECKING:
    import pandas as pd

SHEET = "标注"
"""The sheet of a workbook made by `sample`; where there is one, only it is read."""

DRAWN = "抽样"
"""The column in which `sample` says why a unit was drawn."""

AUDIT, WHOLE = "随机抽查", "随机抽查（整人）"
"""Drawn at random from all units; belonging to a respondent drawn at random, with all units of his."""

_TITLES = ("留言主题", "主题", "标题", "title", "subject")
_GROUPS = ("respondent", "受访者", "setting")
_SHOWN = 8
_ROW = re.compile(r"(\d+)(?:行)?$")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled units, a text, statement, set of categories and group each.

    Units of one group (a respondent, the setting one author imagined) never stand on both sides of a split.
    """

    texts: tuple[str, ...]
    statements: tuple[str, ...]
    """A statement type, or empty where nobody labelled it."""
    categories: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    places: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    """Why each unit was drawn, where the sheet says so."""
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Iterable[int]) -> Labels:
        """Return some of the units, in the order given."""
        rows = [int(row) for row in rows]
        columns = ("texts", "statements", "categories", "groups", "places", "ids", "drawn")
        picked = {name: tuple(column[i] for i in rows) for name in columns if (column := getattr(self, name))}
        return replace(self, **picked)


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Which columns of the sheet hold what; `label` means one label a row, whatever the labels are."""

    text: tuple[str, ...] = ()
    label: str | None = None
    respondent: str | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    text: str
    group: str
    id: str
    cells: dict[str, str]
    path: Path | None = None


def read_labels(paths: Sequence[Path], codebook: Codebook | None = None, options: LabelOptions | None = None) -> Labels:
    """Read labelled sheets (xlsx, csv, jsonl, parquet …) whatever a clerk did to them.

    Parameters
    ----------
    paths : sequence of Path
        A row a unit: `text`, `statement`, `categories` (or a ticked column each), or any label column.
    codebook : Codebook, optional
        Whose categories the labels name, by id or Chinese name; needed unless `options.label` is given.
    options : LabelOptions, optional
        The columns that the user named.

    Returns
    -------
    Labels
        Every labelled row, in order; what was left out is said in `warnings`.

    Raises
    ------
    LabelsRefused
        If a column is missing, a label unknown (with its cell), or nothing is labelled.
    InputRefused
        If it is not certain which column holds the text.
    """
    options = options or LabelOptions()
    rows: list[_Row] = []
    warnings: list[str] = []
    for path in paths:
        rows += _rows_of(Path(path), options, warnings)
    return _interpreted(rows, codebook, options, warnings)


def from_frame(frame: pd.DataFrame, codebook: Codebook | None = None, label: str | None = None) -> Labels:
    """Take labels from a table with the columns `text`, `statement`, `categories` (or `label`); see `read_labels`."""
    if "text" not in frame:
        raise LabelsRefused(f"标注表缺少列 text，现有的列是：{'、'.join(map(str, frame.columns))}。")
    rows = []
    for number, record in enumerate(frame.to_dict("records"), 2):
        cells = {str(key): _cell(value) for key, value in record.items()}
        text, group = cells.pop("text"), next((cells[name] for name in _GROUPS if cells.get(name)), str(number))
        if text.strip():
            rows.append(_Row(f"第 {number} 行", text, group, "", cells))
    return _interpreted(rows, codebook, LabelOptions(label=label), [])


def _cell(value: object) -> str:
    if value is None or value != value:  # nan
        return ""
    return ";".join(map(str, value)) if isinstance(value, (list, tuple, np.ndarray)) else str(value)


# Reading


def _rows_of(path: Path, options: LabelOptions, warnings: list[str]) -> list[_Row]:
    if not path.is_file():
        raise LabelsRefused(f"找不到标注文件 {path}：请检查文件名和所在的文件夹。")
    if is_export(path):
        return _exported(path)
    by = (options.label,) if options.label else ()
    wanted = ReadOptions(
        options.text[-1:], None, options.respondent, by, None, options.encoding, options.sheet or _own_sheet(path)
    )
    reading = read(Source(path, path.name), wanted, apart=True)
    rows, blank = [], []
    for record in reading:
        if isinstance(record, Response):
            rows.append(_row(record, path, options))
        elif record.reason == "empty" and rows:
            blank.append(record)
        elif record.reason not in ("empty", "no_text_column", "heading"):
            raise (RuntimeError if record.reason == BUG else LabelsRefused)(f"{path.name} {record.message}")
    if not rows:
        raise LabelsRefused(f"{path.name} 里没有一行文字：请确认给对了文件和列（--text 列名）。")
    warnings += reading.warnings + _blank_rows(path.name, blank)
    if rows and (title := _title(rows[0].cells, options)):
        warnings.append(f"{path.name}：文字取自“{title}”加正文；只要正文请用 --text 指明。")
    return rows


def _exported(path: Path) -> list[_Row]:
    """Return the rows of another tool's export."""
    records = [record for record in read_records(path) if record["text"].strip()]
    if not records:
        raise LabelsRefused(f"{path.name} 里没有一条文字：请确认导出时选对了项目。")
    places = (f"{path.name} 第 {number} 条" for number in range(1, len(records) + 1))
    return [_Row(place, record["text"], place, "", record) for place, record in zip(places, records, strict=True)]


def _row(record: Response, path: Path, options: LabelOptions) -> _Row:
    cells = {bare(name): value for name, value in record.meta.items()}
    group = next((cells[name] for name in _GROUPS if cells.get(name)), record.respondent)
    above = [_named(cells, name) for name in options.text[:-1]] or [cells.get(_title(cells, options), "")]
    text = "\n".join(part.strip() for part in (*above, record.text) if part.strip())
    return _Row(f"{path.name} {record.location}", text, f"{path.stem}/{group}", record.response, cells, path)


def _title(cells: dict[str, str], options: LabelOptions) -> str:
    """Return the column of titles that belong before the text, where the user named no text column."""
    if options.text:
        return ""
    return next((name for name in cells if name.lower() in _TITLES and name != options.label), "")


def _named(cells: dict[str, str], name: str) -> str:
    if name not in cells:
        raise LabelsRefused(f"没有“{name}”这一列（--text），现有的列是：{'、'.join(cells)}。")
    return cells[name]


def _own_sheet(path: Path) -> str | None:
    """Return the name of the sheet that `sample` made, where the workbook has it."""
    if path.suffix.lower() not in (".xlsx", ".xlsm", ".xls"):
        return None
    import python_calamine as calamine

    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            return SHEET if SHEET in book.sheet_names else None
    except Exception:  # noqa: BLE001 -- what is wrong with the file is said by the reader
        return None


def _blank_rows(name: str, blank: Sequence[Reject]) -> list[str]:
    if not blank:
        return []
    return [f"{name}：{len(blank)} 行的文字是空白，没有用（{_some([reject.location for reject in blank])}）。"]


def _some(places: Sequence[str]) -> str:
    more = f" 等 {len(places)} 处" if len(places) > _SHOWN else ""
    return "、".join(places[:_SHOWN]) + more


# What the cells say


def _interpreted(rows: list[_Row], codebook: Codebook | None, options: LabelOptions, warnings: list[str]) -> Labels:
    if options.label:
        return _single(rows, options.label, warnings)
    if codebook is None:
        raise ValueError("without a label column a codebook is needed")
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    heads = Heads.of(columns, codebook)
    if not heads.any_category:
        raise LabelsRefused(
            f"标注表里没有类别列（categories、类别，或每个类别一列），现有的列是：{'、'.join(columns)}。"
            "若每行只有一个标签，请用 --label 列名 指明。"
        )
    marks = [read_mark(row.cells, heads, codebook) for row in rows]
    _refuse([(row, fault) for row, mark in zip(rows, marks, strict=True) for fault in mark.faults])
    done = [
        (row, mark.statement, mark.categories)
        for row, mark in zip(rows, marks, strict=True)
        if mark.categories is not None
    ]
    left = [row for row, mark in zip(rows, marks, strict=True) if mark.categories is None]
    return _labels([row for row, _, _ in done], [s for _, s, _ in done], [c for _, _, c in done], left, warnings)


def _single(rows: list[_Row], column: str, warnings: list[str]) -> Labels:
    """Take the one label a row that stands in `column`."""
    name = next((cell for row in rows for cell in row.cells if tidy(cell).lower() == bare(column).lower()), None)
    if name is None:
        columns = list(dict.fromkeys(name for row in rows for name in row.cells))
        raise LabelsRefused(f"标注表里没有“{column}”这一列（--label），现有的列是：{'、'.join(columns)}。")
    done = [(row, tidy(row.cells.get(name, ""))) for row in rows]
    left = [row for row, label in done if not label]
    done = [(row, label) for row, label in done if label]
    if changed := {row.cells[name] for row, label in done if row.cells[name] != label}:
        warnings.append(f"{len(changed)} 种标签只差空格或全角半角，已统一：{_some(sorted(map(repr, changed)))}。")
    _warn_alike({label for _, label in done}, warnings)
    return _labels([row for row, _ in done], [""] * len(done), [(label,) for _, label in done], left, warnings)


def _warn_alike(labels: Iterable[str], warnings: list[str]) -> None:
    by_plain: dict[str, list[str]] = {}
    for label in sorted(labels):
        by_plain.setdefault(re.sub(r"\W", "", label).lower(), []).append(label)
    warnings += [
        f"标签 {'、'.join(alike)} 只差大小写或标点，当作不同的标签；若是同一个请改成一样。"
        for alike in by_plain.values()
        if len(alike) > 1
    ]


def _labels(
    rows: list[_Row],
    statements: list[str],
    categories: list[tuple[str, ...] | None],
    left: list[_Row],
    warnings: list[str],
) -> Labels:
    if not rows:
        raise LabelsRefused(
            f"{len(left)} 行里没有一行有标注：请先填写标签列再训练（没有类别写“无”，空着表示还没有标注）。"
        )
    if left:
        where = _some([row.place for row in left])
        warnings.append(f"{len(rows) + len(left)} 行里有 {len(left)} 行还没有标注，没有用（{where}）；要用请填上标签。")
    return Labels(
        tuple(row.text for row in rows),
        tuple(statements),
        tuple(found or () for found in categories),
        tuple(row.group for row in rows),
        tuple(row.place for row in rows),
        tuple(row.id for row in rows),
        tuple(row.cells.get(DRAWN, "") for row in rows),
        tuple(warnings),
    )


def _refuse(found: Sequence[tuple[_Row, Fault]]) -> None:
    """Name the cells that were not understood."""
    if not found:
        return
    lines = [f"  {_cell_of(row, fault.column)}：{fault.sentence}。" for row, fault in found[:_SHOWN]]
    more = [f"  ……共 {len(found)} 处。"] if len(found) > _SHOWN else []
    raise LabelsRefused("\n".join(["有看不懂的标注，没有训练：", *lines, *more]))


def _cell_of(row: _Row, column: str) -> str:
    """Return a cell's name: `标注.xlsx 标注!D5`, or the row and the column's heading."""
    number = _ROW.search(row.place)
    letter = _letter(row.path, row.place, column) if row.path and number else ""
    if letter and number:
        return f"{re.sub('[A-Z]+[0-9]+$', '', row.place)}{letter}{number[1]}"
    return f"{row.place}“{column}”列"


def _letter(path: Path, place: str, column: str) -> str:
    """Return the letters of a column of a workbook by its heading."""
    if path.suffix.lower() not in (".xlsx", ".xlsm", ".xls") or "!" not in place:
        return ""
    import python_calamine as calamine

    from pipeline.read.columns import HEADER_WITHIN, letters

    sheet = place.removeprefix(f"{path.name} ").rsplit("!", 1)[0]
    with calamine.CalamineWorkbook.from_path(str(path)) as book:
        for cells in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False, nrows=HEADER_WITHIN):
            for at, cell in enumerate(cells):
                if bare(str(cell)) == column:
                    return letters(at)
    return ""


# Duplicates


def deduplicated(labels: Labels) -> Labels:
    """Count equal rows once; say where one text has different labels."""
    keys = [tidy(text) for text in labels.texts]
    seen: dict[str, dict[tuple[str, tuple[str, ...]], int]] = {}
    for row, key in enumerate(keys):
        seen.setdefault(key, {}).setdefault((labels.statements[row], labels.categories[row]), row)
    kept = sorted(row for said in seen.values() for row in said.values())
    warnings = list(labels.warnings)
    if len(kept) < len(labels):
        again = sorted(set(range(len(labels))) - set(kept))
        where = f"（{_some([labels.places[row] for row in again])}）" if labels.places else ""
        warnings.append(f"{len(again)} 行与前面的行文字和标注都相同，只算一次{where}。")
    torn = [list(said.values()) for said in seen.values() if len(said) > 1]
    if torn:
        where = _some(["＝".join(labels.places[row] if labels.places else str(row) for row in rows) for rows in torn])
        warnings.append(f"{len(torn)} 条相同的文字标了不同的标签，都用了，请核对：{where}。")
    return replace(labels.take(kept), warnings=tuple(warnings))


def joined_groups(labels: Labels) -> NDArray[np.int_]:
    """Return a group's number a unit: rows of one group, and equal texts, belong together.

    Examples
    --------
    >>> joined_groups(Labels(("难", "慢", "难 "), ("", "", ""), ((), (), ()), ("a", "b", "c"))).tolist()
    [0, 1, 0]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    groups = np.unique(np.asarray(labels.groups), return_inverse=True)[1]
    texts = np.unique(np.asarray([tidy(text) for text in labels.texts]), return_inverse=True)[1] + groups.max() + 1
    size = int(texts.max()) + 1
    graph = coo_matrix((np.ones(len(groups)), (groups, texts)), shape=(size, size))
    number = connected_components(graph, directed=False)[1][groups]
    return np.unique(number, return_index=False, return_inverse=True)[1]


def book_of(labels: Labels, codebook: Codebook | None) -> Codebook:
    """Return the codebook, or, for single labels without one, the codebook that the labels amount to."""
    return codebook or of_labels(label for row in labels.categories for label in row)


def normalised(labels: Labels, clean: Callable[[str], str] = normalise) -> list[str]:
    """Return the texts as every later room reads them."""
    return [clean(text).strip() for text in labels.texts]
