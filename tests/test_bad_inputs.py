"""Bad inputs: each ends in the right records, or in a sentence that names file, place, cause and cure."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from helpers_read import collect, docx, p, texts, xls

from pipeline.errors import InputRefused
from pipeline.read import discover

SAID = "办个证跑了四趟，窗口还说材料不全。"
TRADITIONAL = "辦個證跑了四趟，窗口還說材料不全。"
ZEROS = b"\x00" * 4096


def reasons(path: Path) -> list[str]:
    rejects = collect(path)[1]
    assert all(reject.message.endswith("。") for reject in rejects)
    assert all(path.name in reject.message or reject.location != "全文" for reject in rejects)
    return [reject.reason for reject in rejects]


# Encodings


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("龴㐀𠮷：办不了。\n".encode("gb18030"), ["龴㐀𠮷：办不了。"]),
        (
            b"\xfe\x59\xfe\x61" + "：这两个字打不出来，窗口不给办证。\n".encode("gb18030"),
            None,
        ),  # GB18030-2022 moved these
        (f"{TRADITIONAL}\n".encode("big5hkscs"), [TRADITIONAL]),
        ("意見很多".encode("big5"), ["意見很多"]),
        (f"{SAID}\n".encode("utf-16-le"), [SAID]),
        (f"{SAID}\n".encode("utf-16-be"), [SAID]),
        (f"{SAID}\n".encode("utf-32"), [SAID]),
        (f"{SAID}\n".encode() + f"{SAID}\n".encode("gbk") + f"{SAID}\n".encode(), [SAID] * 3),
        (f"{SAID}\n".encode() + ZEROS, [SAID]),
        (ZEROS + f"{SAID}\n".encode(), None),
        (f"办证\ue5e5难\U000f0000，{SAID}".encode(), [f"办证\ue5e5难\U000f0000，{SAID}"]),
        ((f"{SAID}\n" * 5).encode("gbk")[:-2], None),
        ((f"{SAID}\n" * 5).encode()[:-2], None),
        (f"{SAID}\n".encode("utf-16-le") + b"\x00", None),
        (f"{SAID}\n".encode() + b"\xed\xa0\x80\xed\xb0\x80" + f"{SAID}\n".encode(), None),
    ],
)
def test_encodings(tmp_path: Path, raw: bytes, read: list[str] | None) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    responses, rejects, _ = collect(path)
    assert not rejects
    if read is None:
        whole = "".join(response.text for response in responses)
        assert sum(char in SAID or char in "这两个字打不出来给：" for char in whole) >= 0.6 * len(whole.strip("\0"))
    else:
        assert [response.text.strip("\0") for response in responses if response.text.strip("\0")] == read


@pytest.mark.parametrize(
    "raw", [random.Random(1).randbytes(4000), ZEROS, b"\xef\xbb\xbf", b"\xff\xfe", b"\n\n\n", b"\x1a"]
)
@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl", ".srt", ".xlsx", ".docx"])
def test_what_is_no_text_is_one_reject(tmp_path: Path, raw: bytes, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(raw)
    responses, rejects, _ = collect(path)
    assert not [response for response in responses if response.normal.strip("\x1a \ufffd")]
    assert rejects or raw == b"\x1a"


def test_halves_of_surrogates_in_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "办证\\ud83d难"}\n{"text": "\\ude00办证难"}\n')
    assert texts(path) == ["办证�难", "�办证难"]


# Text tables


@pytest.mark.parametrize(
    ("raw", "read", "rejected"),
    [
        ('编号,意见\n1,"办证难\n2,好\n3,很好\n', ["好", "很好"], ["quote"]),
        ('编号,意见\n1,办证难\n2,"好\n', ["办证难"], ["quote"]),
        ("编号,意见\n1,难,多\n2\n3,好\n4,很好,,,\n", ["好", "很好"], ["row_shape", "row_shape"]),
        ("某市调查\n导出：2024-01-01\n\n编号,意见,单位\n1,难,甲\n2,好,乙\n注：来自热线\n", ["难", "好"], ["row_shape"]),
        ("编号;意见\n1;难,多\n2,好;一般\n", ["难,多", "一般"], []),
        ("编号|意见\n1|难\n", ["难"], []),
        ("编号,意见\r1,难\r2,好\r", ["难", "好"], []),
        ("编号,意见\r\n1,难\n2,好\r3,行\n", ["难", "好", "行"], []),
        ("编号,意见\r\r\n1,难\r\r\n", ["难"], []),
        ("编号,意见\n1,难\n编号,意见\n2,好\n", ["难", "好"], ["heading"]),
        ("\ufeff\ufeff编号,意见\n1,难\n", ["难"], []),
        ("编号,意见\n1,办\0证难\n", ["办\0证难"], []),
        ('{"text": "难"}\n{"text": "好"}\n', ["难", "好"], []),
        ('<?xml version="1.0"?><a>难</a>', [], ["wrong_type"]),
        ("编号,意见\n", [], ["empty"]),
    ],
)
def test_broken_text_tables(tmp_path: Path, raw: str, read: list[str], rejected: list[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(raw.encode())
    assert texts(path) == read
    assert reasons(path) == rejected


def test_a_heading_with_an_unclosed_quote_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('编号,"意见\n1,办证难\n2,好\n', encoding="utf-8")
    with pytest.raises(InputRefused, match="第1行的引号没有成对"):
        collect(path)


def test_columns_of_the_same_heading_are_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("意见,意见\n难,好\n", encoding="utf-8")
    responses, _, reading = collect(path)
    assert [(response.text, response.meta) for response in responses] == [("难", {"意见_2": "好"})]
    assert "“意见_2”" in reading.warnings[0]
    assert texts(path, text=("意见", "意见_2")) == ["难", "好"]


@pytest.mark.slow
def test_a_line_of_200_million_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("编号,意见\n1,")
        for _ in range(200):
            file.write("办证难" * 111_111)
        file.write("\n2,好\n")
    responses, rejects, _ = collect(path)
    assert [len(response.text) for response in responses] == [200 * 333_333, 1]
    assert not rejects


# Workbooks


def workbook(path: Path, fill: Callable[[xlsxwriter.Workbook], object]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        fill(book)
    return path


def two_tables(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("表")
    rows = [["编号", "意见"], [1, "难"], [2, "好"], [], ["编号", "意见", "单位"], [3, "慢", "甲"]]
    for at, row in enumerate(rows):
        sheet.write_row(at, 0, row)


def rebuilt(path: Path, part: str, edit: Callable[[bytes], bytes]) -> Path:
    """Change a part of a container."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, edit(content) if name == part else content)
    return path


def test_a_second_table_below_the_first(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", two_tables)
    assert texts(path) == ["难", "好", "慢"]
    assert reasons(path) == ["heading"]


def test_a_workbook_is_what_it_holds_not_what_its_name_says(tmp_path: Path) -> None:
    new = workbook(tmp_path / "new.xlsx", two_tables)
    old = xls(tmp_path / "old.xls", [["编号", "意见"], [1.0, "难"]])
    for path, names in ((new, ("a.xls", "a.csv", "a.docx", "a.txt")), (old, ("b.xlsx", "b.csv", "b.pdf"))):
        for name in names:
            shutil.copy(path, tmp_path / name)
            assert texts(tmp_path / name) == texts(path)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_a_dtd_in_any_part_is_refused(tmp_path: Path, part: str) -> None:
    path = workbook(tmp_path / "a.xlsx", two_tables)
    rebuilt(path, part, lambda content: content.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY e "e">]>', 1))
    assert reasons(path) == ["damaged"]
    assert "DTD" in collect(path)[1][0].message


def test_sheets_of_the_same_name_are_read_once_and_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", two_tables)
    sheet = b'<sheet name="\xe8\xa1\xa8" sheetId="1" r:id="rId1"/>'
    rebuilt(path, "xl/workbook.xml", lambda content: content.replace(sheet, sheet * 3))
    assert texts(path) == ["难", "好", "慢"]
    assert reasons(path) == ["heading", "damaged"]


@pytest.mark.parametrize(
    "raw",
    [
        b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n<html><table><tr><td>1</td></tr></table></html>",
        b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>',
        b"PK\x05\x06" + b"\0" * 18,
    ],
)
def test_other_files_under_the_name_of_a_workbook(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(raw)
    assert not texts(path)
    assert reasons(path) == ["wrong_type"]


def test_dates_too_far_for_python_do_not_cost_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"意见": ["难", "好"], "日": pa.array([2**50, None], pa.timestamp("s"))}), path)
    responses, _, _ = collect(path)
    assert [response.text for response in responses] == ["难", "好"]
    assert responses[0].meta["日"]


# Names that differ only by case


def test_names_that_differ_by_case_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("意见,Dept,dept,FILE,原表_FILE\n难,a,b,c,d\n", encoding="utf-8")
    meta = collect(path, text=("意见",))[0][0].meta
    assert meta == {"Dept": "a", "dept_2": "b", "原表_FILE": "c", "原表_FILE_2": "d"}


# Documents


def bomb(path: Path, part: str, megabytes: int) -> Path:
    """Blow a part up, with a name that the rest refers to."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist() if name != part}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, content in parts.items():
            new.writestr(name, content)
        with new.open(part, "w", force_zip64=True) as file:
            for _ in range(megabytes):
                file.write(b" " * (1 << 20))
    return path


def test_a_bomb_is_refused_and_honest_lines_beside_it_are_read(tmp_path: Path) -> None:
    line = "路灯坏了没人修。"
    honest = docx(tmp_path / "honest.docx", p(line) * 20_000)
    assert honest.stat().st_size < 100_000
    assert texts(honest) == [line] * 20_000
    for part in ("word/document.xml", "word/media/image1.png"):
        path = bomb(docx(tmp_path / "bomb.docx", p(line)), part, 2100)
        assert path.stat().st_size < 20_000_000
        assert reasons(path) == ["too_large"]


@pytest.mark.parametrize(
    "text",
    [
        "办证难" * 400_000,
        "问：" * 300_000,
        "（" * 500_000,
        "。" * 300_000,
        "“" * 200_000,
        "1" * 1_000_000,
        " " * 1_000_000 + "难",
        "\t" * 300_000 + "a",
        "#" * 200_000 + " a",
        "**" * 100_000,
        "张三 " * 200_000,
        "0:" * 200_000,
        "[" * 200_000,
    ],
    ids=lambda text: text[:3],
)
def test_paragraphs_of_a_million_characters(tmp_path: Path, text: str) -> None:
    for name in ("a.txt", "a.md", "a.srt"):
        path = tmp_path / name
        path.write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n" if name == "a.srt" else text, encoding="utf-8")
        responses, rejects, _ = collect(path)
        assert responses or rejects
        assert not {reject.reason for reject in rejects} - {"empty", "damaged"}
    path = docx(tmp_path / "a.docx", p(text))
    responses, rejects, _ = collect(path)
    assert not rejects
    assert "".join(response.text for response in responses).strip() == text.strip() or "问：" in text


# File systems


def run(inputs: list[str | Path], out: Path, *before: str) -> subprocess.CompletedProcess[str]:
    command = [
        *before,
        sys.executable,
        "-m",
        "pipeline.cli",
        "--lang",
        "zh",
        "classify",
        *map(str, inputs),
        "-o",
        str(out),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, errors="backslashreplace")


@pytest.mark.skipif(os.name != "posix", reason="names that other systems do not allow")
def test_odd_names_links_and_pipes_in_a_folder(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = [
        "a\nb.txt",
        "\x1b[31m红.txt",
        "=cmd().txt",
        "\u202e反.txt",
        "-x.txt",
        "%s%n.txt",
        "长" * 80 + ".txt",
        " .txt",
    ]
    names += [
        "<b>.txt",
        "'; DROP TABLE.txt",
        "a\\b.txt",
        "*.txt",
        "$(id).txt",
        os.fsdecode(b"\xb7\xc3\xcc\xb8\xff.txt"),
    ]
    for name in names:
        (folder / name).write_text(SAID, encoding="utf-8")
    (folder / "loop").symlink_to(folder)
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    os.mkfifo(folder / "pipe.txt")
    done = run([folder], out)
    assert done.returncode == 3, done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr
    files = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == len(names) + 5
    assert sum(file["classified"] for file in files.values()) == len(names)
    assert not any(char in name for name in files for char in "\n\x1b")
    kinds = {path.relative_to(out).parts[0] for path in out.rglob("*")}
    assert kinds == {".qunyan", "manifest.json", "rejects.csv", "report.docx", "report.html", "results.xlsx", "tables", "units"}  # fmt: skip
    assert {path.parent for path in out.rglob("*")} == {out, *(out / name for name in (".qunyan", "units", "tables"))}


@pytest.mark.skipif(os.name != "posix", reason="special files")
def test_inputs_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    for given in (
        tmp_path / "pipe.txt",
        Path("/dev/zero"),
        tmp_path / "self.txt",
        tmp_path / ("长" * 300),
        tmp_path / "没有.txt",
    ):
        done = run([given], tmp_path / "out")
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    mortal: list[str] = []
    if os.geteuid() == 0:
        mortal = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        if not shutil.which("setpriv") or subprocess.run([*mortal, "true"], capture_output=True).returncode:
            pytest.skip("root may read everything here")
    folder = tmp_path / "in"
    (folder / "锁").mkdir(parents=True)
    (folder / "半锁").mkdir()
    for name in ("好.txt", "坏.txt", "锁/x.txt", "半锁/y.txt"):
        (folder / name).write_text(SAID, encoding="utf-8")
    for name, mode in (("坏.txt", 0), ("锁", 0), ("半锁", 0o400)):
        (folder / name).chmod(mode)
    try:
        done = run([folder], tmp_path / "out", *mortal)
        assert done.returncode == 3, done.stderr
        told = (tmp_path / "out" / "rejects.csv").read_text(encoding="utf-8-sig")
        assert told.count("unreadable") == 3
        assert "权限" in told
        done = run([folder / "半锁" / "y.txt"], tmp_path / "out2", *mortal)
        assert done.returncode == 4
        assert "权限" in done.stderr
    finally:
        for name in ("坏.txt", "锁", "半锁"):
            (folder / name).chmod(0o700)


def test_inputs_are_never_changed(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(root / "data" / "examples", folder)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.iterdir()}
    for path in folder.iterdir():
        path.chmod(0o400)
    assert run([folder], tmp_path / "out").returncode == 3
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == {
        path: (raw, changed) for path, (raw, changed, _) in before.items()
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_discover_does_not_stop_at_what_it_cannot_see(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "a.txt")
    sources, rejects = discover([tmp_path])
    assert not sources
    assert [reject.reason for reject in rejects] == ["link"]
