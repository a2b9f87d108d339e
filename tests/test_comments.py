"""Coded transcripts: the respondent's own file, with a comment on each coded unit and nothing else changed."""

from __future__ import annotations

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_runs import NAMES, unit

from pipeline.errors import InputRefused
from pipeline.report.comments import write_comments

docx = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def transcript(path: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("访谈者：办证方便吗？")
    paragraph = document.add_paragraph("张三：办个证")
    paragraph.add_run("跑了四").bold = True
    paragraph.add_run("趟。建议搞 一网通办。好的。")
    document.add_table(1, 2).cell(0, 1).text = "大厅快多了"
    document.add_paragraph("好的。")
    document.save(str(path))
    return path


def units(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows)


CODED = units(
    unit("访谈者", "n", "service_gap", "办证方便吗？", role="interviewer"),
    unit("张三", "p", "service_gap resources", "办个证跑了四趟。"),
    unit("张三", "s", "service_gap", "建议搞 一网通办。", review=True, evidence=[]),
    unit("张三", "n", "", "好的。"),
    unit("张三", "g", "", "大厅快多了", evidence=[]),
)


def commented(path: Path) -> dict[str, str]:
    """Return the text that each comment is on, and what it says."""
    document = docx.Document(str(path))
    said = {comment.comment_id: comment.text for comment in document.comments}
    found, active = {}, {}
    for element in document.element.body.iter():
        number = int(element.get(f"{W}id", -1))
        if element.tag == f"{W}commentRangeStart":
            active[number] = ""
        elif element.tag == f"{W}commentRangeEnd":
            found[active.pop(number)] = said[number]
        elif element.tag == f"{W}t":
            active = {key: text + (element.text or "") for key, text in active.items()}
    return found


def text_of(path: Path) -> list[str]:
    return ["".join(t.text or "" for t in p.iter(f"{W}t")) for p in docx.Document(str(path)).element.body.iter(f"{W}p")]


def test_each_coded_unit_has_its_comment(tmp_path: Path) -> None:
    source = transcript(tmp_path / "访谈.docx")
    assert write_comments(source, tmp_path / "编码.docx", CODED, NAMES) == 0
    assert commented(tmp_path / "编码.docx") == {
        "办个证跑了四趟。": "问题｜服务缺位、保障不足\n依据：办个",
        "建议搞 一网通办。": "建议｜服务缺位\n把握不大，建议复核",
        "大厅快多了": "肯定",
    }


def test_nothing_else_changes(tmp_path: Path) -> None:
    source = transcript(tmp_path / "访谈.docx")
    before = source.read_bytes()
    write_comments(source, tmp_path / "编码.docx", CODED, NAMES)
    assert source.read_bytes() == before
    assert text_of(tmp_path / "编码.docx") == text_of(source)
    bold = [run.text for run in docx.Document(str(tmp_path / "编码.docx")).paragraphs[1].runs if run.bold]
    assert "".join(bold) == "跑了四"


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    source = transcript(tmp_path / "访谈.docx")
    for name in ("a.docx", "b.docx"):
        write_comments(source, tmp_path / name, CODED, NAMES)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


def test_comments_that_are_there_stay(tmp_path: Path) -> None:
    source = transcript(tmp_path / "访谈.docx")
    write_comments(source, tmp_path / "once.docx", CODED[:2], NAMES)
    write_comments(tmp_path / "once.docx", tmp_path / "twice.docx", CODED[2:], NAMES)
    assert len(list(docx.Document(str(tmp_path / "twice.docx")).comments)) == 3


def test_deleted_text_is_not_commented_on_and_equal_texts_each_get_their_own(tmp_path: Path) -> None:
    document = docx.Document()
    for _ in range(3):
        document.add_paragraph("太慢了。")
    first = document.paragraphs[0]._p
    gone = first.makeelement(f"{W}del", {})
    gone.extend(list(first.iter(f"{W}r")))
    first.append(gone)
    document.save(str(tmp_path / "a.docx"))
    twice = units(*[unit(name, "p", "", "太慢了。") for name in "甲乙"])
    assert write_comments(tmp_path / "a.docx", tmp_path / "b.docx", twice, NAMES) == 0
    marked = [len(list(p._p.iter(f"{W}commentRangeStart"))) for p in docx.Document(str(tmp_path / "b.docx")).paragraphs]
    assert marked == [0, 1, 1]


def test_what_stands_outside_the_body_is_counted(tmp_path: Path) -> None:
    source = transcript(tmp_path / "访谈.docx")
    elsewhere = units(unit("甲", "p", "resources", "这句在页眉里"))
    assert write_comments(source, tmp_path / "b.docx", elsewhere, NAMES) == 1


@pytest.mark.parametrize("content", [b"", b"not a zip", "zip"])
def test_what_is_no_word_file_is_refused(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "a.docx"
    if isinstance(content, str):
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("a.txt", "a")
    else:
        path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"a\.docx"):
        write_comments(path, tmp_path / "b.docx", CODED, NAMES)
    assert not (tmp_path / "b.docx").exists()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text("办证难跑了。\t", min_size=1, max_size=12), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), max_size=6),
)
def test_comments_stand_on_their_units_however_the_runs_are_cut(
    tmp_path: Path, runs: list[str], cuts: list[int]
) -> None:
    text = "".join(runs)
    document = docx.Document()
    paragraph = document.add_paragraph()
    for run in runs:
        paragraph.add_run(run)
    document.save(str(tmp_path / "a.docx"))
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    stretches = [text[start:end] for start, end in pairwise(edges)]
    assert (
        write_comments(
            tmp_path / "a.docx", tmp_path / "b.docx", units(*(unit("甲", "p", "", s) for s in stretches)), NAMES
        )
        == 0
    )
    copied = docx.Document(str(tmp_path / "b.docx")).paragraphs[0]
    assert copied.text == text
    marks, at = [], 0
    for element in copied._p.iter():
        if element.tag == f"{W}commentRangeStart":
            marks.append(at)
        elif element.tag in (f"{W}t", f"{W}tab") and element.getparent().tag == f"{W}r":
            at += len(element.text or "") if element.tag == f"{W}t" else 1
    assert marks == edges[:-1]
