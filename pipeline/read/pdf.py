"""PDF with a text layer: lines joined into paragraphs; pages that are pictures are rejected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..records import Reject, Response
from .labels import Paragraph, labelled
from .prose import responses
from .sections import head_level
from .source import Notes, ReadOptions, Source, UnreadableError

_PAGE_NUMBER = re.compile(r"[-—–\s]*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[/／共]\s*(?:共\s*)?\d{1,4}\s*页?)?[-—–\s]*")
_ENDS = tuple("。！？!?…；;：:”」")
_FULL = 0.9
"""A line at least so long, compared with the long lines of its page, runs on in the next one."""


def read_pdf(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read the text layer of a PDF; the encoding option does not apply."""
    notes.encoding = "pdf"
    pages, pictures = _pages(source)
    paragraphs = list(_paragraphs(pages, notes))
    notes.containers["页"] += len(pages)
    yield from responses(source.name, paragraphs, notes)
    for page in pictures:
        place = f"第{page}页"
        message = f"{place}没有文字层（多半是扫描的图片）：请先做文字识别（OCR），再读识别后的文件。"
        yield Reject(source.name, place, "no_text_layer", message)


def _pages(source: Source) -> tuple[list[tuple[int, list[str]]], list[int]]:
    """Return the lines of each page, by its number, and the numbers of pages that show something but have no text."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(source.path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableError("encrypted", "有密码保护：请去掉密码后另存。") from None
        raise UnreadableError("damaged", "PDF 已损坏或不完整：请重新下载或导出。") from None
    pages, pictures = [], []
    try:
        for number in range(1, len(document) + 1):
            lines, empty = _page(document, number - 1)
            if lines:
                pages.append((number, lines))
            elif not empty:
                pictures.append(number)
    finally:
        document.close()
    return pages, pictures


def _page(document: Any, index: int) -> tuple[list[str], bool]:
    """Return the lines of a page, and whether nothing at all is drawn on it."""
    page = document[index]
    try:
        text = page.get_textpage()
        try:
            words = text.get_text_bounded().replace("\ufffe", "").replace("\r\n", "\n").replace("\r", "\n")
        finally:
            text.close()
        lines = [line for line in words.split("\n") if line.strip()]
        return lines, not lines and next(iter(page.get_objects(max_depth=1)), None) is None
    finally:
        page.close()


@dataclass(slots=True)
class _Building:
    text: str
    place: str


def _paragraphs(pages: list[tuple[int, list[str]]], notes: Notes) -> Iterator[Paragraph]:
    """Join the lines of a paragraph, over the end of a page too; leave page numbers out and count them."""
    now: _Building | None = None
    runs_on = False
    for page, lines in pages:
        kept = [
            line for at, line in enumerate(lines) if not (at in (0, len(lines) - 1) and _PAGE_NUMBER.fullmatch(line))
        ]
        notes.containers["页码"] += len(lines) - len(kept)
        full = _FULL * max(map(_wide, kept), default=0)
        number = 0
        for line in kept:
            if now and runs_on and not _begins(line):
                now.text += _gap(now.text, line) + line
            else:
                if now:
                    yield Paragraph(now.text, now.place)
                number += 1
                now = _Building(line, f"第{page}页第{number}段")
            runs_on = _wide(line) >= full and not line.rstrip().endswith(_ENDS)
    if now:
        yield Paragraph(now.text, now.place)


def _begins(line: str) -> bool:
    """Whether a line begins a paragraph of its own: indented, a numbered head, a speaker."""
    return line.startswith(("\u3000", "  ")) or head_level(Paragraph(line, "")) != 0 or labelled(line)


def _wide(line: str) -> int:
    """Return the width of a line in half characters."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line.strip())


def _gap(before: str, after: str) -> str:
    """Return a space between two words of Latin letters, nothing between Chinese."""
    return " " if before[-1:].isascii() and before[-1:].isalnum() and after[:1].isascii() else ""
