"""Makes small real files of the formats for which no library that we need can write them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from pipeline.read import Reading, ReadOptions, Source, read
from pipeline.records import Reject, Response

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def collect(path: Path, **options: object) -> tuple[list[Response], list[Reject], Reading]:
    """Read a file: its responses, its rejects, and the notes."""
    reading = read(Source(path, path.name), ReadOptions(**options))  # type: ignore[arg-type]
    records = list(reading)
    places = [record.location for record in records if isinstance(record, Response)]
    assert len(set(places)) == len(places), "locations are unique within a file"
    responses = [record for record in records if isinstance(record, Response)]
    assert all(len(response.text) == len(response.normal) for response in responses)
    return responses, [record for record in records if isinstance(record, Reject)], reading


def texts(path: Path, **options: object) -> list[str]:
    """Read a file: the texts of its responses."""
    return [response.text for response in collect(path, **options)[0]]


def p(text: str, inner: str = "") -> str:
    """Write a Word paragraph."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r>{inner}</w:p>"


def docx(path: Path, body: str, parts: dict[str, str] | None = None, prolog: str = "") -> Path:
    """Write a .docx of this body, with further parts (`footnotes`, `header`, `styles` …)."""
    document = (
        f"<?xml version='1.0' encoding='UTF-8'?>{prolog}<w:document {W} {MC}><w:body>{body}</w:body></w:document>"
    )
    parts = parts or {}
    own = "".join(
        f'<Relationship Id="r{at}" Type="{_OFFICE}/{name}" Target="{name}.xml"/>' for at, name in enumerate(parts)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", document)
        archive.writestr("word/_rels/document.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{own}</Relationships>')
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", f"<w:{name} {W}>{content}</w:{name}>")
    return path


def pdf(path: Path, pages: list[list[str]]) -> Path:
    """Write a PDF with a text layer: each page a list of lines; an empty page shows a filled box."""
    chars = sorted({char for page in pages for line in page for char in line})
    codes = {char: at + 1 for at, char in enumerate(chars)}
    mapping = "\n".join(f"<{codes[char]:04x}> <{ord(char):04x}>" for char in chars)
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{len(chars)} beginbfchar\n{mapping}\nendbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{7 + 2 * at} 0 R' for at in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [4 0 R] "
        "/ToUnicode 6 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        "/Supplement 0 >> /DW 1000 /FontDescriptor 5 0 R >>",
        "<< /Type /FontDescriptor /FontName /X /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 800 "
        "/Descent -200 /CapHeight 700 /StemV 80 >>",
        f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",
    ]
    for at, page in enumerate(pages):
        shown = [
            f"BT /F 12 Tf 50 {780 - 20 * row} Td <{''.join(f'{codes[char]:04x}' for char in line)}> Tj ET"
            for row, line in enumerate(page)
        ]
        content = "\n".join(shown) or "0 0 200 200 re f"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {8 + 2 * at} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    data, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    data += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{data.index('xref')}\n%%EOF"
    path.write_bytes(data.encode("latin-1"))
    return path


def xls(path: Path, rows: list[list[str | float]], sheet: str = "表") -> Path:
    """Write an old .xls (BIFF8) of one sheet."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    cells = b""
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                cells += record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
            else:
                cells += record(0x0203, place + struct.pack("<d", value))
    named = struct.pack("<BB", len(sheet), 1) + sheet.encode("utf-16-le")
    end = record(0x000A, b"")
    start = len(begin(5)) + 4 + 6 + len(named) + len(end)
    book = begin(5) + record(0x0085, struct.pack("<IBB", start, 0, 0) + named) + end
    return compound(path, "Workbook", book + begin(0x10) + cells + end)


def compound(path: Path, stream: str, data: bytes) -> Path:
    """Write an OLE container with one stream."""
    data = data.ljust(4096, b"\0")
    sectors = -(-len(data) // 512)
    data = data.ljust(sectors * 512, b"\0")
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    table += [0xFFFFFFFF] * (128 - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack(
        "<HHHHH6sIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0
    )
    header = header.ljust(512, b"\xff")

    def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
        raw = name.encode("utf-16-le")
        links = struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child)
        head = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw) + 2 if raw else 0, kind, 1) + links
        return head + b"\0" * 36 + struct.pack("<IQ", first, size)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(stream, 2, 0xFFFFFFFF, 2, len(data))
    folder += entry("", 0, 0xFFFFFFFF, 0, 0) * 2
    path.write_bytes(header + struct.pack("<128I", *table) + folder + data)
    return path
