"""Tables of web pages (HTML), as old systems save them under the name of a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..records import Reject, Response
from .encoding import detect, lines
from .source import Notes, ReadOptions, Source, UnreadableError
from .tables import Broken, table_records

if TYPE_CHECKING:
    from lxml import etree

PAGE_BYTES = 256 << 20
"""A page is held in memory as a whole."""

_WIDEST = 1000
_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")
_SPACE = re.compile(r"[ \t\r\n]+")


def read_web(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read the rows of all tables of a page, the heading among the first."""
    from lxml import html

    if source.path.stat().st_size > PAGE_BYTES:
        raise UnreadableError("too_large", f"超过 {PAGE_BYTES >> 20} MB：请用 Excel 打开，另存为 .xlsx。")
    encoding = detect(source.path, options.encoding)
    notes.encoding = encoding.name
    if encoding.warning:
        notes.warn(encoding.warning)
    text = _DECLARED.sub("", "".join(lines(source.path, encoding)))
    page = html.document_fromstring(text, parser=html.HTMLParser(no_network=True, huge_tree=False))
    rows: list[list[str] | Broken] = [_cells(row) for row in page.iter("tr") if row.find(".//table") is None]
    if not rows:
        raise UnreadableError("wrong_type", "内容其实是网页（HTML），里面没有表格：请回到原系统重新导出。")
    yield from table_records(enumerate(rows, start=1), source.name, options, notes)


def _cells(row: etree._Element) -> list[str]:
    """Return the cells of a row; one that covers several columns is followed by empty ones."""
    cells: list[str] = []
    for cell in row.iterchildren("td", "th"):
        span = cell.get("colspan", "1").strip()
        cells += [_words(cell), *[""] * (min(int(span), _WIDEST) - 1 if span.isdecimal() else 0)]
    return cells


def _words(cell: etree._Element) -> str:
    """Return what a person sees in a cell: lines end at `<br>` and paragraphs only."""
    pieces: list[str] = []
    for element in cell.iter():
        if element.tag in ("br", "p", "div", "li") and element is not cell:
            pieces.append("\n")
        if isinstance(element.tag, str) and element.tag not in ("script", "style"):
            pieces.append(_SPACE.sub(" ", element.text or ""))
        if element is not cell:
            pieces.append(_SPACE.sub(" ", element.tail or ""))
    return "".join(pieces).strip()
