"""The workbook that people label in: drop-downs, a ✓ column a category, the codebook beside it; nothing in it is live."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.codebook import Codebook
from pipeline.errors import OutputRefused
from pipeline.folder import writing
from pipeline.labels import SHEET
from pipeline.marks import TICK
from pipeline.records import Statement
from pipeline.workbooks import new_workbook

ID, LABEL = "编号", "标签"
_BOOK, _CHOICES = "编码手册", "选项"
_LONGEST = 32_000
_WIDTHS = {"文本": 60, "依据": 30, "备注": 20, "位置": 14, "文件": 14, "主类别": 12, LABEL: 14}


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the sheet: the unit, what is told beside it, and what is filled in already."""

    id: str
    text: str
    told: Mapping[str, str] = field(default_factory=dict)
    """Columns before the label columns, by heading."""
    guess: Mapping[str, str] = field(default_factory=dict)
    """Columns behind the label columns."""
    statement: str = ""
    categories: tuple[str, ...] | None = None
    """Filled in; None leaves the cells empty."""


def unit_key(file: str, response: str, unit: int, text: str) -> str:
    """Return the id by which a unit of a run is known in a sheet, whatever is done to its rows.

    Examples
    --------
    >>> unit_key("访谈.txt", "1", 2, "办个证跑了四趟。")
    'qee35b71a29847d2'
    """
    return "q" + hashlib.sha256(f"{file}\0{response}\0{unit}\0{text}".encode()).hexdigest()[:15]


def write_sheet(
    path: Path, items: Sequence[Item], codebook: Codebook, *, exclusive: bool = False, force: bool = False
) -> Path:
    """Write the workbook.

    Parameters
    ----------
    path : Path
        Where; a workbook that somebody may have labelled in is replaced only with `force`.
    items : sequence of Item
        The rows, all with the same headings in `told` and `guess`.
    codebook : Codebook
        For the columns, the choices and the second sheet.
    exclusive : bool
        Whether a row has exactly one label: one drop-down instead of statement and ticks.
    """
    if path.exists() and not force:
        raise OutputRefused(f"{path} 已存在，里面也许有人标注过，没有覆盖：请换一个名字（-o），或加 --force 替换它。")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with new_workbook(path) as book:
        _labels(book, items, codebook, exclusive=exclusive)
        _codebook(book, codebook)
        _choices(book, codebook, exclusive=exclusive)
    return path


def _labels(book: Any, items: Sequence[Item], codebook: Codebook, *, exclusive: bool) -> None:
    told = list(items[0].told) if items else []
    guess = list(items[0].guess) if items else []
    names = list(codebook.names.values())
    fill = [LABEL] if exclusive else ["表述类型", "主类别", *names]
    heads = [ID, *told, "文本", *fill, *guess, "备注"]
    sheet = book.add_worksheet(SHEET)
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DDE7F0", "border": 1}),
        "fill": book.add_format({"valign": "top", "align": "center", "bg_color": "#FFF9E0", "border": 1}),
        "text": book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"}),
    }
    for column, head in enumerate(heads):
        wide = _WIDTHS.get(head, 6 if head in names else 11)
        sheet.set_column(column, column, wide, formats["text"], {"hidden": True} if head == ID else None)
        sheet.write_string(0, column, head, formats["head"])
    for row, item in enumerate(items, 1):
        cells = (
            {ID: item.id, "文本": item.text} | dict(item.told) | dict(item.guess) | _filled(item, codebook, exclusive)
        )
        for column, head in enumerate(heads):
            style = formats["fill" if head in fill else "text"]
            sheet.write_string(row, column, cells.get(head, "")[:_LONGEST], style)
    sheet.freeze_panes(1, 1 + len(told) + 1)
    sheet.autofilter(0, 0, max(len(items), 1), len(heads) - 1)
    _validated(sheet, heads, fill, len(items) + 200, len(names), exclusive=exclusive)


def _filled(item: Item, codebook: Codebook, exclusive: bool) -> dict[str, str]:
    statement = {"表述类型": Statement(item.statement).zh} if item.statement and not exclusive else {}
    if item.categories is None:
        return statement
    if exclusive:
        return {LABEL: codebook.name_of(item.categories[0]) if item.categories else ""}
    ticks = {codebook.name_of(category): TICK for category in item.categories}
    return statement | (ticks or {"主类别": "无"})


def _validated(
    sheet: Any, heads: Sequence[str], fill: Sequence[str], last: int, categories: int, *, exclusive: bool
) -> None:
    """Put a drop-down on each cell that is to be filled in."""
    lists = {
        "表述类型": f"={_CHOICES}!$A$1:$A$4",
        "主类别": f"={_CHOICES}!$B$1:$B${categories + 1}",
        LABEL: f"={_CHOICES}!$B$1:$B${categories}",
    }
    for head in fill:
        column = list(heads).index(head)
        tick = head not in lists or (exclusive and head != LABEL)
        rule = {"validate": "list", "source": [TICK] if tick else lists[head], "error_type": "warning"}
        sheet.data_validation(1, column, last, column, rule | {"error_message": "请从下拉列表里选，或留空。"})


def _codebook(book: Any, codebook: Codebook) -> None:
    sheet = book.add_worksheet(_BOOK)
    wrap = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    bold = book.add_format({"bold": True})
    heads = {
        "编号": "id",
        "名称": "name",
        "定义": "definition",
        "包括": "include",
        "不包括": "exclude",
        "例句": "examples",
    }
    sheet.set_column(0, 1, 14, wrap)
    sheet.set_column(2, 5, 40, wrap)
    for column, (head, name) in enumerate(heads.items()):
        sheet.write_string(0, column, head, bold)
        for row, category in enumerate(codebook.categories, 1):
            sheet.write_string(row, column, getattr(category, name)[:_LONGEST], wrap)
    sheet.freeze_panes(1, 0)


def _choices(book: Any, codebook: Codebook, *, exclusive: bool) -> None:
    """Write the lists that the drop-downs show, on a sheet of their own, hidden."""
    sheet = book.add_worksheet(_CHOICES)
    for row, statement in enumerate(Statement):
        sheet.write_string(row, 0, statement.zh)
    for row, name in enumerate([*codebook.names.values(), *([] if exclusive else ["无"])]):
        sheet.write_string(row, 1, name)
    sheet.hide()
