"""Small honest files of every format, and mutants of them: bytes changed, pieces moved, parts of containers changed."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from helpers_read import docx, p, pdf, xls

SAID = (
    "办个证跑了四趟，窗口还说材料不全。",
    "建议一网通办，少跑路。",
    "问：方便吗？答：不方便。",
    "１２３ＡＢＣ\t，。",
)
ROWS = [["编号", "意见", "单位"], *([str(number), text, "甲"] for number, text in enumerate(SAID))]
TURNS = "标题\n时间：2024年3月5日\n问：办证方便吗？\n答：跑了四趟。\n  还要复印。\n张主任：我说两句。\n（一）问题\n1. 路灯坏了。\n"
CUES = "1\n00:00:01,000 --> 00:00:02,500\n张三：办事难，\n\n2\n00:00:03,000 --> 00:00:04,000\n跑了四趟。\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v 张三>办事难，</v>\n\n00:03.000 --> 00:04.000\n跑了四趟。\n"
ODD = (
    *(bytes([number]) for number in (0, 9, 10, 13, 26, 31, 34, 39, 44, 58, 60, 62, 92, 127, 128, 255)),
    b'"', b'""', b",", b"\t", b"\r\n", b"\r", b"-->", b"<", b">", b"&amp;", b"&#0;", b"]]>", b"<!--", b"<![CDATA[",
    b"-1", b"0", b"4294967296", b"99999999999999999999", b"1e999", b"NaN", b"\xc2\xb2", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x84\x31\x95\x33", "：".encode(), "问：".encode(), "（".encode() * 50,
    b"A" * 300, b"(" * 100, b"[" * 100, b"{" * 100, "\u202e".encode(), "\u2028".encode(), b"\x1b[31m", b"%s%n", b"../",
)  # fmt: skip

Make = Callable[[Path], object]


def _bytes(text: str, encoding: str = "utf-8") -> Make:
    return lambda path: path.write_bytes(text.encode(encoding))


def _table(separator: str) -> str:
    return "\n".join(separator.join(row) for row in ROWS) + "\n"


def _workbook(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("表一", "表二"):
            sheet = book.add_worksheet(name)
            for at, row in enumerate(ROWS):
                sheet.write_row(at, 0, row)
            sheet.write_formula(6, 1, "=A1", None, "公式的值")
            sheet.write_number(7, 0, 1.5)
            sheet.write_datetime(8, 0, __import__("datetime").datetime(2024, 3, 5))
            sheet.write(8, 1, "有日期")
            sheet.merge_range(9, 0, 10, 1, "合并")


def _parquet(path: Path) -> None:
    pq.write_table(pa.table({"编号": [1, 2], "意见": list(SAID[:2]), "标签": [["a"], None]}), path)


def _document(path: Path) -> None:
    body = p("标题") + "".join(map(p, TURNS.splitlines()))
    cell = f"<w:tc>{p('问')}</w:tc><w:tc>{p('办事难')}</w:tc>"
    box = p("", f"<w:r><w:txbxContent>{p('框里')}</w:txbxContent></w:r>")
    notes = f'<w:footnote w:id="1">{p("脚注")}</w:footnote>'
    docx(path, f"{body}<w:tbl><w:tr>{cell}</w:tr><w:tr>{cell}</w:tr></w:tbl>{box}", {"footnotes": notes})


HONEST: dict[str, Make] = {
    "a.txt": _bytes(TURNS),
    "gbk.txt": _bytes(TURNS, "gb18030"),
    "u16.txt": _bytes(TURNS, "utf-16"),
    "a.md": _bytes("# 标题\n\n" + TURNS.replace("问：", "**问：**")),
    "a.csv": _bytes(_table(",") + '9,"有引号，\n两行",乙\n'),
    "gbk.csv": _bytes(_table(";"), "gb18030"),
    "a.tsv": _bytes(_table("\t")),
    "a.jsonl": _bytes("".join(json.dumps(dict(zip(ROWS[0], row, strict=True))) + "\n" for row in ROWS[1:])),
    "a.srt": _bytes(CUES),
    "a.vtt": _bytes(VTT),
    "a.docx": _document,
    "a.xlsx": _workbook,
    "a.xls": lambda path: xls(path, [list(row) for row in ROWS]),
    "web.xls": _bytes(
        "<html><table>"
        + "".join("<tr>" + "".join(f"<td colspan=1>{cell}</td>" for cell in row) + "</tr>" for row in ROWS)
        + "</table></html>"
    ),
    "a.parquet": _parquet,
    "a.pdf": lambda path: pdf(path, [list(SAID), [], ["第二页"]]),
}
"""How to write an honest file, by its name."""


def mutant(chance: random.Random, raw: bytes, others: list[bytes]) -> bytes:
    """Return a damaged copy: of a container often with one part damaged inside, so that the damage lies deep."""
    if raw.startswith(b"PK") and chance.random() < 0.7:
        return _within(chance, raw)
    return _damaged(chance, raw, others)


def _within(chance: random.Random, raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = set(chance.sample(names, chance.randint(1, min(2, len(names)))))
        others = [old.read(name) for name in names]
        for name in names:
            content = old.read(name)
            if name not in chosen:
                new.writestr(name, content)
            elif chance.random() < 0.9:
                damage = _tags if chance.random() < 0.6 else _damaged
                new.writestr(name, damage(chance, content, others))
    return out.getvalue()


def _tags(chance: random.Random, raw: bytes, _: list[bytes]) -> bytes:
    """Move, double or leave out whole elements, and change what stands between quotes: the XML stays well-formed often."""
    parts = raw.split(b"<")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(parts))
        kind = chance.randrange(5)
        if kind == 0 and len(parts) > 1:
            del parts[at]
        elif kind == 1:
            parts.insert(at, parts[chance.randrange(len(parts))])
        elif kind == 2:
            parts[at : at + 1] = [parts[at]] * chance.choice((2, 50))
        elif b'"' in parts[at]:
            pieces = parts[at].split(b'"')
            pieces[chance.randrange(len(pieces))] = chance.choice(ODD)
            parts[at] = b'"'.join(pieces)
    return b"<".join(parts)


def _damaged(chance: random.Random, raw: bytes, others: list[bytes]) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 2, 8, 64, 1000)))
        kind = chance.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = chance.choice(ODD)
        elif kind == 3:
            data[at:end] = data[at:end] * chance.choice((2, 3, 20))
        elif kind == 4:
            data[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
        elif kind == 5:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            data[at:end] = other[start : start + 200]
        elif chance.random() < 0.3:
            del data[at:]
    return bytes(data)
