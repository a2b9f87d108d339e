"""Word documents: everything that a reader of the document sees, in its order, whatever it stands in."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..records import Reject, Response
from .archive import open_archive, refuse_dtd, relations, xml
from .labels import ASIDE, Paragraph
from .prose import responses
from .source import Notes, ReadOptions, Source, UnreadableError
from .talk import talk_of

if TYPE_CHECKING:
    from lxml import etree

UNPACKED_BYTES = 2 << 30
"""All parts together, pictures included."""

PART_BYTES = 256 << 20
"""One part: a transcript of 20,000 paragraphs takes about ten million bytes."""

_STYLE_HEAD = re.compile(r"(?:heading|标题)\s*(\d)", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_NOTES = {"footnotes": "脚注", "endnotes": "尾注", "comments": "批注", "header": "页眉", "footer": "页脚"}
_PARTS = ("header", "footer", "footnotes", "endnotes", "comments")
_SKIPPED = {
    "del",
    "moveFrom",
    "pPr",
    "rPr",
    "sectPr",
    "tblPr",
    "trPr",
    "tcPr",
    "instrText",
    "delText",
    "Fallback",
    "sdtPr",
}
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_BOX = "txbxContent"


def read_word(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read a .docx; the encoding option does not apply."""
    notes.encoding = "docx"
    with open_archive(source.path, UNPACKED_BYTES) as archive:
        paragraphs, damage = _document(archive)
    for paragraph in paragraphs:
        notes.containers[_container(paragraph)] += 1
    yield from responses(source.name, paragraphs, notes)
    if damage:
        yield Reject(
            source.name,
            "正文",
            "damaged",
            f"{source.name} 的正文从{damage}之后已损坏，后面的没有读到：请用 Word 打开修复后另存。",
        )


def _container(paragraph: Paragraph) -> str:
    return "表格" if paragraph.location.startswith("表") else paragraph.flow or "正文"


def _document(archive: zipfile.ZipFile) -> tuple[list[Paragraph], str]:
    """All paragraphs with something in them, and after which one the body is damaged."""
    from lxml import etree

    body = next((part for kind, part in relations(archive, "").values() if kind == "officeDocument"), "")
    body = body if body in archive.NameToInfo else "word/document.xml"
    if body not in archive.NameToInfo:
        raise UnreadableError("damaged", "Word 文件里缺少正文：请用 Word 打开后另存。")
    parts = relations(archive, body)
    walk = _Walk(_styles(archive, parts))
    damage = ""
    try:
        for block in _blocks(archive, body):
            walk.block(block)
    except (etree.XMLSyntaxError, zipfile.BadZipFile, EOFError, OSError) as error:
        if not walk.found:
            raise UnreadableError(
                "damaged", f"正文的结构已损坏（{type(error).__name__}）：请用 Word 打开修复后另存。"
            ) from None
        damage = walk.found[-1].location
    for wanted in _PARTS:
        for kind, part in sorted(parts.values()):
            if kind == wanted:
                walk.part(xml(archive, part, PART_BYTES), _NOTES[kind])
    return walk.found, damage


def _blocks(archive: zipfile.ZipFile, name: str) -> Iterator[etree._Element]:
    """Return the children of the body, one after the other, forgotten once read."""
    from lxml import etree

    if archive.getinfo(name).file_size > PART_BYTES:
        raise UnreadableError(
            "too_large", f"正文解开后超过 {PART_BYTES >> 20} MB，为安全起见没有读取：请拆成几个文件。"
        )
    with archive.open(name) as part:
        events = etree.iterparse(part, events=("end",), resolve_entities=False, no_network=True, load_dtd=False)
        for _, element in events:
            body = element.getparent()
            if body is not None and _tag(body) == "body" and len(list(body.iterancestors())) == 1:
                refuse_dtd(element.getroottree())
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del body[0]


def _styles(archive: zipfile.ZipFile, parts: dict[str, tuple[str, str]]) -> dict[str, int]:
    """Return the heading level of the styles that have one."""
    name = next((part for kind, part in parts.values() if kind == "styles"), "")
    root = xml(archive, name, PART_BYTES) if name else None
    levels = {}
    for style in root.iter("{*}style") if root is not None else ():
        named = style.find("{*}name")
        match = _STYLE_HEAD.fullmatch(_value(named)) if named is not None else None
        if match:
            levels[_attribute(style, "styleId")] = int(match[1])
    return levels


def _tag(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attribute(element: etree._Element, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _value(element: etree._Element) -> str:
    return _attribute(element, "val")


class _Walk:
    """Collects the paragraphs, and says where each one is.

    Parameters
    ----------
    styles : dict
        The heading level of styles.
    """

    def __init__(self, styles: dict[str, int]) -> None:
        self.found: list[Paragraph] = []
        self._styles = styles
        self._numbers: Counter[str] = Counter()
        self._boxes: list[Paragraph] = []

    def block(self, element: etree._Element) -> None:
        """Read a child of the body: a paragraph, a table, or what wraps them."""
        tag = _tag(element)
        if tag == "p":
            self._numbers["段"] += 1
            self._paragraph(element, f"第{self._numbers['段']}段", "")
        elif tag == "tbl":
            self._numbers["表"] += 1
            self._table(element, f"表{self._numbers['表']}", "")
        elif tag not in _SKIPPED:
            for child in element:
                self.block(child)
        self.found += self._boxes
        self._boxes = []

    def part(self, root: etree._Element | None, name: str) -> None:
        """Read headers, footers, notes or comments."""
        if root is None:
            return
        for paragraph in root.iter("{*}p"):
            if not any(_tag(above) in (_BOX, "p") for above in paragraph.iterancestors()):
                self._numbers[name] += 1
                self._paragraph(paragraph, f"{name}{self._numbers[name]}", name)
        self.found += self._boxes
        self._boxes = []

    def _paragraph(self, element: etree._Element, place: str, flow: str, voice: str = "") -> None:
        pieces: list[str] = []
        self._text(element, pieces)
        text = "".join(pieces)
        if not text.strip() or (flow in ("页眉", "页脚") and not _LETTER.search(text)):
            return
        lines = [line for line in text.split("\n") if line.strip()]
        for number, line in enumerate(lines, start=1):
            where = f"{place}第{number}行" if len(lines) > 1 else place
            self.found.append(Paragraph(line, where, flow, self._level(element), voice if number == 1 else ""))

    def _level(self, element: etree._Element) -> int:
        style = element.find("{*}pPr/{*}pStyle")
        return self._styles.get(_value(style), 0) if style is not None else 0

    def _text(self, element: etree._Element, pieces: list[str]) -> None:
        """Return the text of a paragraph; text boxes anchored in it are read after it."""
        for child in element:
            tag = _tag(child)
            if tag == "t":
                pieces.append(child.text or "")
            elif tag in _BREAKS:
                pieces.append(_BREAKS[tag])
            elif tag == _BOX:
                self._box(child)
            elif tag not in _SKIPPED:
                self._text(child, pieces)

    def _box(self, element: etree._Element) -> None:
        self._numbers["框"] += 1
        name = f"文本框{self._numbers['框']}"
        outer, self.found = self.found, []
        for number, paragraph in enumerate(_own_paragraphs(element), start=1):
            self._paragraph(paragraph, f"{name}第{number}段", name)
        self._boxes, self.found = self._boxes + self.found, outer

    def _table(self, element: etree._Element, name: str, flow: str) -> None:
        """Return a table row by row; where a column names speakers, the cells beside hold what was said."""
        rows = [[cell for cell in row.iter("{*}tc") if _owner(cell, "tr") is row] for row in _rows(element)]
        talk = talk_of([[_words(cell) for cell in row] for row in rows])
        for at, row in enumerate(rows, start=1):
            where = f"{name}第{at}行"
            voice = talk.voice(at - 1)
            for column, cell in enumerate(row):
                if voice and column == talk.speakers:
                    continue
                beside = talk.is_beside(at - 1, column, _words(cell))
                belongs = ASIDE if beside else flow or (where if talk.rows else "")
                self._cell(cell, f"{where}第{column + 1}列", belongs, voice if column == talk.said else "")

    def _cell(self, element: etree._Element, place: str, flow: str, voice: str) -> None:
        several = _own_paragraphs(element)
        for number, paragraph in enumerate(several, start=1):
            self._paragraph(paragraph, f"{place}第{number}段" if len(several) > 1 else place, flow, voice)
            voice = ""


def _own_paragraphs(element: etree._Element) -> list[etree._Element]:
    """Return the paragraphs inside, tables and content controls opened, but not those of a text box anchored in one."""
    return [p for p in element.iter("{*}p") if _owner(p, "p") is None or _inside(element, _owner(p, "p"))]


def _owner(element: etree._Element, tag: str) -> etree._Element | None:
    return next((above for above in element.iterancestors() if _tag(above) == tag), None)


def _inside(element: etree._Element, paragraph: etree._Element | None) -> bool:
    """Whether `element` itself stands in that paragraph (as a text box does)."""
    return any(above is paragraph for above in element.iterancestors())


def _rows(element: etree._Element) -> list[etree._Element]:
    return [row for row in element.iter("{*}tr") if _owner(row, "tbl") is element]


def _words(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())).strip().rstrip("：:")
