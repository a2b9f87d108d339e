"""Writes `report.docx`: a report that an office edits and hands in, in the usual fonts of official documents.

Layout after GB/T 9704-2012 (margins, sizes, spacing). Equal input gives equal bytes: no times, a fixed zip.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from pipeline.folder import whole_file
from pipeline.report.pictures import Figure
from pipeline.report.sentences import Block, compose, records
from pipeline.tables import Table, visible

if TYPE_CHECKING:
    import pandas as pd
    from docx.document import Document
    from docx.text.paragraph import Paragraph

TITLE_FONT, HEAD_FONT, SUBHEAD_FONT, BODY_FONT = "方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312"
LATIN_FONT = "Times New Roman"
FALLBACKS = {
    "方正小标宋简体": "方正小标宋_GBK,华文中宋,宋体",
    "楷体_GB2312": "楷体",
    "仿宋_GB2312": "仿宋",
    "黑体": "SimHei",
}
"""Word takes the first that the machine has."""

_STYLES = {
    "Normal": (BODY_FONT, 16),
    "Title": (TITLE_FONT, 22),
    "Heading 1": (HEAD_FONT, 16),
    "Heading 2": (SUBHEAD_FONT, 16),
    "Quote": (SUBHEAD_FONT, 14),
    "Caption": (HEAD_FONT, 12),
}
"""The fonts and sizes (points) of the styles: 二号, 三号, 四号, 小四."""

_COLUMNS = {
    "frequencies": {
        "类别": 3.3, "提到问题人数": 1.9, "占比": 1.7, "95%区间": 3.4, "问题语句": 1.8, "建议语句": 1.8, "肯定语句": 1.7,
    },
    "prevalence": {"类别": 3.9, "按什么计": 2.3, "机器编码占比": 2.9, "校正后占比": 2.7, "95%区间": 3.8},
    "remainder": {"项目": 7.2, "语句数": 2.8, "占全部语句": 2.8, "受访者数": 2.8},
}  # fmt: skip
"""The tables' headings, and their widths in centimetres."""

_FIRST = (1980, 1, 1, 0, 0, 0)
_WIDTH, _HEIGHT = 15.6, 14.5
"""Centimetres that a picture may take."""


def write_word(
    path: Path,
    tables: Sequence[Table],
    figures: Sequence[Figure],
    totals: Mapping[str, str | int],
    *,
    quality: Sequence[str] = (),
    privacy: str = "",
) -> Path:
    """Write the run as a Word report.

    Parameters
    ----------
    path : Path
        Where to write; complete or not there.
    tables : sequence of Table
        Of the run.
    figures : sequence of Figure
        Of `pipeline.report.pictures.draw_figures`.
    totals : mapping of str to (str or int)
        The numbers of files and records, by their Chinese names.
    quality : sequence of str
        Sentences on how right the coder is; without them the report says that this is unknown.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    EnvironmentFault
        If the file cannot be written.
    """
    document = _document()
    drawn = {figure.table: figure for figure in figures}
    frames = {table.name: table.frame for table in tables}
    for block in compose(tables, totals, list(drawn), quality, privacy):
        _write(document, block, frames, drawn)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(packed(document, {"word/fontTable.xml": _font_table()}))
    return path


def packed(document: Document, parts: Mapping[str, bytes] | None = None) -> bytes:
    """Return a document as bytes that depend on its content only, some parts of it exchanged."""
    written, stable = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(stable, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _FIRST)
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            target.writestr(entry, (parts or {}).get(name) or source.read(name), zipfile.ZIP_DEFLATED)
    return stable.getvalue()


def _font_table() -> bytes:
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val={quoteattr(others)}/><w:charset w:val="86"/></w:font>'
        for name, others in FALLBACKS.items()
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f'{head}<w:fonts xmlns:w="{space}">{fonts}</w:fonts>'.encode()


def _document() -> Document:
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt, RGBColor

    document = docx.Document()
    for name, (font, size) in _STYLES.items():
        _set_font(document.styles[name], font, size)
        document.styles[name].font.color.rgb = RGBColor(0, 0, 0)
    normal = document.styles["Normal"].paragraph_format
    normal.line_spacing, normal.space_after, normal.space_before = Pt(28), Pt(0), Pt(0)
    for name in ("Title", "Caption"):
        document.styles[name].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for name in ("Title", "Heading 1", "Heading 2", "Quote", "Caption"):
        style: Any = document.styles[name]
        style.font.bold, style.font.italic = False, False
        style.paragraph_format.space_before = Pt(0)
        style.paragraph_format.space_after = Pt(24 if name == "Title" else 0)
        for border in style.element.xpath("w:pPr/w:pBdr"):
            border.getparent().remove(border)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin, section.bottom_margin = Cm(3.7), Cm(3.5)
    section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
    _number_pages(section.footer.paragraphs[0])
    _set_properties(document)
    return document


def _set_font(style: Any, font: str, size: int) -> None:
    """Set the font for Chinese and for Latin text; Word ignores a Chinese font unless `w:eastAsia` names it."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style.font.name, style.font.size = LATIN_FONT, Pt(size)
    fonts = style.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")  # quotation marks and dashes are Chinese ones


def _set_properties(document: Document) -> None:
    """Name the document, and take away the template's author and times."""
    properties = document.core_properties
    properties.title, properties.author, properties.comments, properties.language = "意见调研报告", "", "", "zh-CN"
    for element in properties._element.xpath("dcterms:created | dcterms:modified"):
        element.getparent().remove(element)


def _number_pages(paragraph: Paragraph) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.add_run("— ")
    _add_field(paragraph, "PAGE", "1")
    paragraph.add_run(" —")


def _add_field(paragraph: Paragraph, code: str, shown: str) -> None:
    """Add a number that Word counts itself; `shown` stands until it does."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _write(document: Document, block: Block, frames: Mapping[str, pd.DataFrame], drawn: Mapping[str, Figure]) -> None:
    if block.kind == "table":
        _caption(document, "表", block.text)
        _add_table(document, _COLUMNS[block.source], _ROWS[block.source](frames[block.source]))
    elif block.kind == "figure":
        _add_figure(document, drawn[block.source])
    elif block.kind == "quote":
        quote = _add_text(document, block.text, "Quote")
        quote.add_run(visible(f"（{block.source}）")).font.size = 12 * 12_700
    else:
        style = {"title": "Title", "head": "Heading 1", "subhead": "Heading 2", "text": "Normal"}[block.kind]
        _add_text(document, block.text, style)


def _add_text(document: Document, text: str, style: str) -> Paragraph:
    """Add a paragraph, its first line set in by two characters as official documents have it."""
    from docx.oxml.ns import qn

    paragraph = document.add_paragraph(visible(text), style)
    if style != "Title":
        indent = paragraph._p.get_or_add_pPr().get_or_add_ind()
        indent.set(qn("w:firstLineChars"), "200")
        indent.set(qn("w:firstLine"), str(2 * 20 * _STYLES[style][1]))  # for programs that know no characters
    return paragraph


def _caption(document: Document, kind: str, text: str) -> None:
    number = (
        sum(1 for paragraph in document.paragraphs if paragraph.text.startswith(kind) and _is_caption(paragraph)) + 1
    )
    caption = document.add_paragraph(kind, "Caption")
    _add_field(caption, f"SEQ {kind} \\* ARABIC", str(number))
    caption.add_run(f"　{visible(text)}")
    caption.paragraph_format.keep_with_next = kind == "表"


def _is_caption(paragraph: Paragraph) -> bool:
    return paragraph.style is not None and paragraph.style.name == "Caption"


def _add_figure(document: Document, figure: Figure) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm

    width, height = figure.size
    across = min(_WIDTH, _HEIGHT * width / height)
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.line_spacing = 1.0
    paragraph.paragraph_format.keep_with_next = True
    picture = paragraph.add_run().add_picture(io.BytesIO(figure.png()), Cm(across))
    picture._inline.docPr.set("descr", visible(figure.description))
    _caption(document, "图", figure.title)


def _add_table(document: Document, widths: Mapping[str, float], rows: Sequence[Sequence[str]]) -> None:
    from docx.oxml import OxmlElement
    from docx.shared import Cm

    table = document.add_table(1 + len(rows), len(widths), "Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, widths.values(), strict=True):
        column.width = Cm(width)
    for row, texts in zip(table.rows, [list(widths), *rows], strict=True):
        for cell, text, width in zip(row.cells, texts, widths.values(), strict=True):
            cell.width = Cm(width)
            _fill(cell.paragraphs[0], text)
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _fill(paragraph: Paragraph, text: str) -> None:
    from docx.shared import Pt

    paragraph.paragraph_format.line_spacing = 1.0
    paragraph.add_run(visible(text)).font.size = Pt(10.5)


def _frequency_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Return the categories by the number of respondents, those of no category and the total last."""
    last = frame["category"].str.startswith("(")
    order = [*frame[~last].sort_values("problem_respondents", ascending=False, kind="stable").index, *frame[last].index]
    return [
        [
            row["name"],
            str(row["problem_respondents"]),
            _share(row["respondent_share"]),
            f"{_share(row['respondent_low'])}—{_share(row['respondent_high'])}",
            *(str(row[f"{kind}_units"]) for kind in ("problem", "suggestion", "praise")),
        ]
        for row in records(frame.loc[order])
    ]


def _remainder_rows(frame: pd.DataFrame) -> list[list[str]]:
    return [
        [row["name"], str(row["units"]), _share(row["share"]), str(row["respondents"])]
        for row in records(frame[frame["units"] > 0])
    ]


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else ""


def _prevalence_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Return the shares of problems; of respondents where they could be corrected, else of units."""
    shown = frame[(frame["kind"] == "problem") & (frame["base"] == frame["base"].iloc[0])]
    shown = shown if len(shown) else frame
    return [
        [
            row["name"],
            row["base_name"],
            _share(row["coded_share"]),
            _share(row["share"]),
            f"{_share(row['low'])}—{_share(row['high'])}",
        ]
        for row in records(shown)
    ]


_ROWS = {"frequencies": _frequency_rows, "prevalence": _prevalence_rows, "remainder": _remainder_rows}
