"""Files: which are found, what they really are, their encodings, and what is said of those that cannot be read."""

from __future__ import annotations

import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from helpers_read import collect, compound, docx, p, pdf, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputRefused
from pipeline.read import ReadOptions, Source, discover, read
from pipeline.read.encoding import Encoding, detect, lines

CHINESE = "办个证跑了四趟，窗口还说材料不全。\n建议一网通办，少跑路。\n"


def test_discover_finds_files_in_order_and_leaves_out_what_nobody_wrote(tmp_path: Path) -> None:
    (tmp_path / "子").mkdir()
    for name in ("b.txt", "a.CSV", "子/c.docx", ".hidden.txt", "~$c.docx", "Thumbs.db", "图.bmp"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    sources, rejects = discover([tmp_path])
    assert [source.name for source in sources] == ["a.CSV", "b.txt", "子/c.docx"]
    assert {reject.file: reject.reason for reject in rejects} == {
        "link.txt": "link",
        "loop": "link",
        "图.bmp": "unsupported",
    }


def test_discover_gives_unique_names_whatever_the_order(tmp_path: Path) -> None:
    for folder in ("甲", "乙"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(folder)
    forward, _ = discover([tmp_path / "甲", tmp_path / "乙", tmp_path / "甲" / "a.txt"])
    backward, _ = discover([tmp_path / "乙", tmp_path / "甲"])
    assert forward == backward
    assert [source.name for source in forward] == ["乙/a.txt", "甲/a.txt"]


def test_discover_refuses_what_does_not_exist_and_rejects_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="找不到"):
        discover([tmp_path / "没有.txt"])
    os.mkfifo(tmp_path / "pipe.txt")
    assert [reject.reason for reject in discover([tmp_path])[1]] == ["unsupported"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encoding_is_found(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(CHINESE.encode(encoding))
    assert texts(path) == CHINESE.splitlines()
    assert collect(path)[2].encoding == name


def test_short_gbk_among_ascii_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,ok\n2,ok\n3,办事难\n".encode("gbk"))
    assert texts(path) == ["ok", "ok", "办事难"]


def test_big5_is_suspected(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    words = "辦理證件要跑四趟，窗口還說材料不全，希望政府簡化手續。"
    path.write_bytes(words.encode("big5"))
    assert texts(path) == [words]
    assert collect(path)[2].encoding == "big5hkscs"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_one_bad_byte_costs_one_character(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    raw = (CHINESE * 20).encode(encoding)
    path.write_bytes(raw[: len(raw) // 2] + b"\xff" + raw[len(raw) // 2 :])
    responses, rejects, reading = collect(path)
    whole = "".join(response.text for response in responses)
    assert not rejects
    assert "�" in whole
    assert sum(1 for char in whole if char in set(CHINESE)) > 0.97 * len(whole)
    assert any("�" in warning for warning in reading.warnings)


def test_a_file_of_two_encodings_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("编号,意见\n1,办事难\n".encode() + "2,窗口态度差\n3,材料要得太多\n".encode("gbk"))
    responses, _, reading = collect(path)
    assert [response.text for response in responses] == ["办事难", "窗口态度差", "材料要得太多"]
    assert reading.warnings


def test_the_encoding_named_is_taken_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("窗口".encode("gbk"))
    assert texts(path, encoding="GBK") == ["窗口"]
    assert collect(path, encoding="utf-8")[1][0].reason == "encoding"
    with pytest.raises(InputRefused, match="不认识的编码"):
        texts(path, encoding="utf-99")


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00\ufeff")), st.sampled_from(["utf-8", "gb18030"])
)
def test_lines_round_trip(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    raw = f"{text}\r\n{text}\n{text}".encode(encoding)
    path.write_bytes(raw)
    assert "".join(lines(path, Encoding(encoding))).encode(encoding) == raw


@settings(deadline=None)  # loading a library takes as long as it takes
@given(st.binary(max_size=300))
def test_any_bytes_end_in_records_or_a_reject(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for ending in (".txt", ".csv", ".jsonl", ".srt", ".docx", ".xlsx", ".pdf", ".parquet"):
        path = folder / f"a{ending}"
        path.write_bytes(raw)
        with suppress(InputRefused):  # a table without a column of answers
            responses, rejects, _ = collect(path)
            assert responses or rejects


def test_a_control_byte_in_a_text_stays_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("办事\x00难，\ue000跑了四趟".encode())
    assert detect(path).name == "utf-8"
    responses, _, _ = collect(path)
    assert responses[0].text == "办事\x00难，\ue000跑了四趟"
    assert responses[0].normal == "办事 难，\ue000跑了四趟"


@pytest.mark.parametrize("ending", [".txt", ".csv", ".docx", ".xlsx", ".xls", ".pdf", ".jsonl", ".parquet", ".srt"])
def test_an_empty_file_is_one_reject(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"")
    responses, rejects, _ = collect(path)
    assert not responses
    assert [(reject.reason, reject.records) for reject in rejects] == [("empty", 1)]
    assert f"a{ending}" in rejects[0].message


@pytest.mark.parametrize("ending", [".docx", ".pdf"])
def test_a_truncated_file_is_one_reject(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    whole = docx(path, p("办事难") * 50) if ending == ".docx" else pdf(path, [["办事难"]])
    path.write_bytes(whole.read_bytes()[:200])
    responses, rejects, _ = collect(path)
    assert not responses
    assert [reject.reason for reject in rejects] == ["damaged"]


@pytest.mark.parametrize(
    ("stream", "ending", "reason", "cure"),
    [
        ("EncryptedPackage", ".xlsx", "encrypted", "密码"),
        ("EncryptedPackage", ".docx", "encrypted", "密码"),
        ("WordDocument", ".docx", "legacy_doc", "另存为 .docx"),
    ],
)
def test_locked_and_old_documents_are_named(tmp_path: Path, stream: str, ending: str, reason: str, cure: str) -> None:
    path = compound(tmp_path / f"a{ending}", stream, b"x")
    _, rejects, _ = collect(path)
    assert [reject.reason for reject in rejects] == [reason]
    assert cure in rejects[0].message


@pytest.mark.parametrize(
    ("name", "raw", "word"),
    [
        ("a.xls", b"<html><body>\xe8\xaf\xb7\xe7\x99\xbb\xe5\xbd\x95</body></html>", "HTML"),
        ("a.docx", b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        ("a.docx", b"{\\rtf1 x}", "RTF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n0000", "图片"),
        ("a.parquet", b"1,2,3", "Parquet"),
    ],
)
def test_another_kind_is_rejected_by_its_name(tmp_path: Path, name: str, raw: bytes, word: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    _, rejects, _ = collect(path)
    assert len(rejects) == 1
    assert word in rejects[0].message


def test_a_wrong_ending_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.txt", p("办事难"))
    responses, _, reading = collect(path)
    assert [response.text for response in responses] == ["办事难"]
    assert "Word" in reading.warnings[0]
    table = tmp_path / "b.xlsx"
    table.write_text("编号,意见\n1,办事难\n")
    assert texts(table) == ["办事难"]


def test_a_zip_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    assert "解压" in collect(path)[1][0].message


def test_records_can_be_sent_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("办事难\n")
    records = list(read(Source(path, "a.txt"), ReadOptions()))
    assert pickle.loads(pickle.dumps(records)) == records


def test_a_file_that_vanished_is_rejected(tmp_path: Path) -> None:
    assert [reject.reason for reject in collect(tmp_path / "a.txt")[1]] == ["unreadable"]
