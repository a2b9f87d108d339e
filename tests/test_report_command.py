"""`qunyan report --comments --sav` as users run it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.errors import InputRefused
from pipeline.present import report
from pipeline.report.coded import write_commented
from pipeline.result import verify

docx = pytest.importorskip("docx")
SOURCE = "访谈_柳塘村.docx"


@pytest.fixture(scope="module")
def run(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    sources = tmp_path_factory.mktemp("sources") / "访谈"
    (sources / "一村").mkdir(parents=True)
    shutil.copy(examples / SOURCE, sources / "一村" / SOURCE)
    shutil.copy(examples / "访谈_街道办.txt", sources)
    return pipeline.classify(sources, out=sources.parent / "结果")


def test_the_transcripts_come_back_with_comments_and_a_file_for_spss(run: pipeline.Run) -> None:
    sources = run.folder.parent / "访谈"
    before = (sources / "一村" / SOURCE).read_bytes()
    words = ["report", run.folder, "--comments", sources, "--sav"]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, words)], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "results.sav" in done.stdout
    copy = run.folder / "comments" / "一村" / SOURCE
    comments = [comment.text for comment in docx.Document(str(copy)).comments]
    units = run.units()
    own = units[units["file"].str.endswith(SOURCE) & (units["role"] != "interviewer")]
    assert len(comments) == ((own["categories"].map(len) > 0) | (own["statement"] != "neutral")).sum() > 3
    assert any(comment.startswith("问题｜") for comment in comments)
    assert (sources / "一村" / SOURCE).read_bytes() == before, "the source stays as it is"
    pyreadstat = pytest.importorskip("pyreadstat")
    frame, meta = pyreadstat.read_sav(str(run.folder / "results.sav"))
    assert len(frame) == len(units)
    assert meta.column_names_to_labels["c01_formalism"] == "形式主义"
    assert verify(run.folder) == [], "what is made on demand is no part of the run"


def test_a_file_that_was_not_coded_is_left_out_or_refused(run: pipeline.Run, tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("办个证跑了四趟。")
    document.save(str(tmp_path / "别的.docx"))
    with pytest.raises(InputRefused, match=r"别的\.docx 不是这次运行编码的文件"):
        report(run.folder, comments=[tmp_path])
    with pytest.raises(InputRefused, match="没有找到"):
        report(run.folder, comments=[run.folder.parent / "访谈" / "访谈_街道办.txt"])
    shutil.copy(run.folder.parent / "访谈" / "一村" / SOURCE, tmp_path)
    told = write_commented(run.folder, [tmp_path], run.manifest["files"], run.manifest["codebook"]["categories"])
    assert told == ["别的.docx 不是这次运行编码的文件（或之后改动过），没有写批注。"]


def test_another_run_in_the_folder_takes_them_away(run: pipeline.Run, tmp_path: Path) -> None:
    out = tmp_path / "结果"
    source = tmp_path / SOURCE
    shutil.copy(run.folder.parent / "访谈" / "一村" / SOURCE, source)
    pipeline.classify(source, out=out)
    report(out, comments=[source], sav=True)
    assert (out / "comments" / SOURCE).exists()
    pipeline.classify(source, out=out, unit="response", force=True)
    assert not (out / "comments" / SOURCE).exists()
    assert not (out / "results.sav").exists()
