"""Opening what comes out runs nothing: hostile text through the whole command, into every kind of output."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from lxml import etree

pytestmark = pytest.mark.slow

FORMULAS = [
    "=1+1办证难",
    "+1+1办证难",
    "-1+1办证难",
    "@SUM(A1)办证难",
    "\t=1+1办证难",
    "\r=1+1办证难",
    "＝1+1办证难",
    "=cmd|'/C calc'!A0办证难",
    '=HYPERLINK("http://evil.example/","办证难")',
    '=WEBSERVICE("http://evil.example/")办证难',
    '=DDE("cmd";"/C calc";"x")办证难',
]
MARKUP = [
    "<script>document.title='hacked'</script>办证难",
    "</script><script>document.title='hacked'</script>办证难",
    "<img src=x onerror=document.title='hacked'>办证难",
    "<svg onload=document.title='hacked'><a href='javascript:alert(1)'>办证难</a></svg>",
    "[办证难](javascript:document.title='hacked')",
    "{{7*7}}{% raw %}${7*7}办证难",
    "<r><t>办证难</t></r>",
    '<w:fldSimple w:instr="DDEAUTO c:\\\\windows\\\\cmd.exe"/>办证难',
    "]]><!--办证难--><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "javascript:document.title='hacked' 办证难 http://evil.example/ mailto:a@evil.example",
]
CONTROLS = [
    "办\x1b[31m证\x1b]0;hacked\x07难\x1b[2J",
    "办\x00证\x08\x08\x7f\x85\x9b31m难",
    "办\u202e证难\u2066\u200f\u061c",
    "办\u2028证\u2029难\ufeff\ufffe\U000e0041",
]
LONG = "办证难，" * 10_000
HOSTILE = [*FORMULAS, *MARKUP, *CONTROLS, LONG]
_TURNS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
_MARKS = set("\u200e\u200f\u061c")


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=600)


def live(printed: str) -> list[str]:
    """Return the characters of printed text that do something: controls, escapes, turns of direction."""
    return [
        repr(char)
        for char in printed
        if (unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") and char != "\n")
        or unicodedata.bidirectional(char) in _TURNS
        or char in _MARKS
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the command on hostile files, and return the folder and all that was printed."""
    folder = tmp_path_factory.mktemp("hostile")
    inputs = folder / "in"
    inputs.mkdir()
    with (inputs / "=cmd()_<b>.csv").open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file, quoting=csv.QUOTE_ALL)
        sheet.writerow(["意见", "=单位<script>", "姓名"])
        sheet.writerows([text, text[:80], text[:20]] for text in HOSTILE for _ in range(6))
        sheet.writerows([["\x1b[31m？？", "=x", ""], ["", "=y", "z"]])
    book = openpyxl.Workbook()
    book.active.title = "=cmd <b>"
    for text in [
        "意见",
        *(text for text in HOSTILE if not re.search("[\x00-\x08\x0b-\x1f\ufffe]", text)),
        LONG[:32_000],
    ]:
        cell = book.active.cell(book.active.max_row + 1, 1, text[:32_000])
        cell.data_type = "s"
    book.save(inputs / "表.xlsx")
    lines = [json.dumps({"意见": text, "单位": "甲"}) for text in (*HOSTILE, "办\ud800证难\udfff")]
    (inputs / "行.jsonl").write_text("\n".join(lines), encoding="utf-8")
    turns = [f"<b>张三</b>：{text}" for text in HOSTILE[:-1]]
    (inputs / "话.txt").write_text("访谈者：请谈谈。\n" + "\n".join(turns), encoding="utf-8")
    commands = [
        ("classify", "in", "-o", "out", "--by", "=单位<script>", "--no-redact"),
        ("report", "out"),
        ("explore", "out", "--csv"),
        ("explore", "out", "--kwic", "难"),
        ("explore", "out", "--kwic", "\x1b[31m\u202e"),
        ("verify", "out"),
        ("classify", "in", "-o", "out2", "--by", "\x1b[31m没有\u202e这列"),
        *(("explain", text) for text in HOSTILE[:-1] if "\x00" not in text and not text.startswith(("-", "+"))),
    ]
    printed = ""
    for command in commands:
        done = run(*command, folder=folder)
        assert done.returncode in (0, 3, 4), done.stderr.decode()
        assert b"Traceback" not in done.stderr
        printed += (done.stdout + done.stderr).decode()
    return folder / "out", printed


def test_the_terminal_gets_no_live_character(finished: tuple[Path, str]) -> None:
    _, printed = finished
    assert len(printed) > 5000
    assert live(printed) == []


def test_csv_cells_are_text(finished: tuple[Path, str]) -> None:
    out, _ = finished
    paths = [*out.glob("tables/*.csv"), *out.glob("explore/*.csv"), out / "rejects.csv"]
    assert len(paths) >= 10
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        begun = [cell for cell in cells if re.match(r"[=+\-@\t\r\n＝＋－＠]", cell) and not _number(cell)]
        assert begun == [], path
        assert not any(re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", cell) for cell in cells), path


def _number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[\d.]+(?:e[+-]?\d+)?|-?inf", cell))


def test_the_workbook_has_no_formula_and_no_link(finished: tuple[Path, str]) -> None:
    out, _ = finished
    with zipfile.ZipFile(out / "results.xlsx") as archive:
        names = archive.namelist()
        assert not [
            name for name in names if re.search(r"externalLink|vba|connections|\.bin|embeddings|ctrlProps", name)
        ]
        for name in names:
            root = etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))
            tags = {etree.QName(element).localname for element in root.iter(etree.Element)}
            assert not {"hyperlink", "ddeLink", "oleLink"} & tags, name
            if "/charts/" not in name:
                assert "f" not in tags, name
            assert b'TargetMode="External"' not in archive.read(name)
    texts = {
        str(cell)
        for row in openpyxl.load_workbook(out / "results.xlsx", read_only=True)["语句"].iter_rows(values_only=True)
        for cell in row
    }
    assert {"=1+1办证难", "<r><t>办证难</t></r> "} <= texts, "a formula is there as text"


class _Elements(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_only_our_own_elements(finished: tuple[Path, str]) -> None:
    out, _ = finished
    page = _Elements()
    page.feed((out / "report.html").read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.found]
    assert tags.count("script") == 3
    assert not {"img", "iframe", "object", "embed", "base", "link", "video", "audio", "foreignobject"} & set(tags)
    for tag, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "xlink:href", "src", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    policy = next(attributes["content"] for tag, attributes in page.found if "http-equiv" in attributes)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_word_report_has_no_field_and_no_link(finished: tuple[Path, str]) -> None:
    out, _ = finished
    with zipfile.ZipFile(out / "report.docx") as archive:
        assert not [name for name in archive.namelist() if re.search(r"vba|embeddings|activeX|\.bin", name)]
        for name in archive.namelist():
            data = archive.read(name)
            assert b'TargetMode="External"' not in data, name
            if name.endswith(".xml"):
                root = etree.fromstring(data)
                tags = {etree.QName(element).localname for element in root.iter(etree.Element)}
                assert not {"instrText", "hyperlink", "object", "altChunk", "attachedTemplate"} & tags, name
                fields = {value for field in root.iter("{*}fldSimple") for value in field.attrib.values()}
                ours = {"PAGE", "SEQ 表 \\* ARABIC", "SEQ 图 \\* ARABIC"}
                assert fields <= ours, "only the numbers of our own pages, tables and figures"


def test_parquet_keeps_what_was_said(finished: tuple[Path, str]) -> None:
    out, _ = finished
    stored = pq.read_table(out / "units", columns=["file", "text"]).to_pylist()
    said = "".join(row["text"] for row in stored if row["file"] == "=cmd()_<b>.csv")
    for text in (*FORMULAS[:4], MARKUP[0], MARKUP[2], CONTROLS[0], CONTROLS[2]):
        assert text.strip() in said, text


def test_a_browser_shows_it_as_text(finished: tuple[Path, str]) -> None:
    browser = pytest.importorskip("test_page_browser")
    if not (browser.CHROMIUM and browser.DRIVER):
        pytest.skip("no chromium with its chromedriver on this machine")
    out, _ = finished
    driver = browser.browser()
    try:
        page = browser.opened(driver, out / "report.html")
        assert page.title == "群言：意见分析"
        assert page.get_log("browser") == []
        assert page.find_elements("tag name", "img") == []
        page.find_element("id", "by-text").send_keys("onerror")
        listed = "return [...document.querySelectorAll('#list li')].map((item) => item.textContent)"
        browser.wait(lambda: (texts := page.execute_script(listed)) and all("onerror" in text for text in texts))
        assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    finally:
        driver.quit()
