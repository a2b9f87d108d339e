"""The main job on small real files: what comes out, when nothing is done, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import pipeline
from pipeline.errors import CodebookRefused, EnvironmentFault, InputRefused, OutputRefused
from pipeline.job import Progress, _workers
from pipeline.present import report
from pipeline.read import Source
from pipeline.resources import shipped
from pipeline.result import Run, verify

TALK = "访谈者：办证方便吗？\n受访者A：办个证跑了四趟，窗口还说材料不全。建议搞一网通办。\n受访者B：现在方便多了。\n"
SHEET = (
    (
        "编号,意见,单位,日期\n001,办事难，跑了很多趟,民政局,2024-03-05\n"
        "002,公交车太少，等很久。,教育局,2024-03-06\n003,？？,教育局,2024-03-07\n"
    )
    .replace("难，", "难、")
    .replace("少，", "少、")
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "访谈.txt").write_text(TALK, encoding="utf-8")
    (folder / "问卷.csv").write_text(SHEET, encoding="gb18030")
    return folder


def contents(out: Path) -> dict[str, str]:
    """Return the hash of every file of a run that people see."""
    paths = (path for path in out.rglob("*") if path.is_file() and ".qunyan" not in path.parts)
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def stages(out: Path, inputs: Any, **options: Any) -> list[str]:
    seen: list[Progress] = []
    pipeline.classify(inputs, out, progress=seen.append, **options)
    return list(dict.fromkeys(state.stage for state in seen))


def test_the_whole_job(folder: Path, tmp_path: Path) -> None:
    run = pipeline.classify(folder, tmp_path / "out", by=["单位"])
    units = run.units()
    assert list(units["response"])[-2:] == ["001", "002"]
    assert units["role"].iloc[0] == "interviewer"
    assert {"frequencies", "keywords", "cooccurrence", "by_单位", "quotes", "remainder", "words"} <= set(run.tables)
    assert not run.table("frequencies").empty
    assert list(run.rejects["reason"]) == ["no_words"]
    files = run.manifest["files"]
    assert [(files[name]["read"], files[name]["classified"], files[name]["rejected"]) for name in sorted(files)] == [
        (3, 3, 0),
        (3, 2, 1),
    ]
    assert files["问卷.csv"]["sha256"] == hashlib.sha256((folder / "问卷.csv").read_bytes()).hexdigest()
    assert run.manifest["totals"]["respondents"] == 4
    assert "2 个文件，4 位受访者" in repr(run)
    assert verify(tmp_path / "out") == []


def test_offsets_point_into_the_source(folder: Path, tmp_path: Path) -> None:
    answer = TALK.splitlines()[1].partition("：")[2]
    units = pipeline.classify(folder / "访谈.txt", tmp_path / "out").units()
    for row in units[units["respondent"].str.contains("A")].to_dict("records"):
        assert answer[row["start"] : row["end"]] == row["text"]


def test_units_open_in_duckdb_and_pandas_as_they_are(folder: Path, tmp_path: Path) -> None:
    run = pipeline.classify(folder, tmp_path / "out")
    count = duckdb.execute(
        "SELECT count(单位) FROM read_parquet(?)", [str(tmp_path / "out/units/*.parquet")]
    ).fetchall()
    assert count == [(2,)]
    assert len(pd.read_parquet(tmp_path / "out" / "units")) == len(run.units(["text"]))


def test_the_same_again_does_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert stages(out, folder) == ["code", "tables"]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert stages(out, folder) == ["unchanged"]
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before


def test_other_input_asks_for_force(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipeline.classify(folder, out)
    before = contents(out)
    (folder / "访谈.txt").write_text(TALK + "受访者C：路灯坏了没人修。\n", encoding="utf-8")
    with pytest.raises(OutputRefused, match="--force"):
        pipeline.classify(folder, out)
    assert contents(out) == before
    assert len(pipeline.classify(folder, out, force=True).units()) == 7
    assert verify(out) == []


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    pipeline.classify(folder, whole)

    def stop(state: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.classify(folder, stopped, progress=stop)
    with pytest.raises(InputRefused, match="没有完整的运行结果"):
        _ = Run(stopped).manifest
    pipeline.classify(folder, stopped)
    assert contents(stopped) == contents(whole)


def test_the_bytes_depend_on_nothing_but_input_and_options(folder: Path, tmp_path: Path) -> None:
    pipeline.classify(folder, tmp_path / "one")
    code = "import sys, pipeline; pipeline.classify([sys.argv[1], sys.argv[2]], sys.argv[3], jobs=2)"
    files = [str(folder / "问卷.csv"), str(folder / "访谈.txt")]
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", code, *files, str(tmp_path / "two")], check=True, env=environment)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_large_run_is_presented_in_processes_of_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.classify(folder, tmp_path / "small", by=["单位"])
    monkeypatch.setattr("pipeline.present.LARGE", 0)
    pipeline.classify(folder, tmp_path / "large", by=["单位"])
    assert contents(tmp_path / "small") == contents(tmp_path / "large")
    report(tmp_path / "large")
    assert contents(tmp_path / "small") == contents(tmp_path / "large")
    with pytest.raises(InputRefused, match="没有这列"):
        report(tmp_path / "large", by=["没有这列"])


def test_a_result_within_the_input_folder_is_no_input(folder: Path) -> None:
    first = pipeline.classify(folder, folder / "结果").manifest
    assert stages(folder / "结果", folder) == ["unchanged"]
    assert set(first["files"]) == {"访谈.txt", "问卷.csv"}


def test_the_result_of_an_earlier_run_is_no_input(folder: Path, tmp_path: Path) -> None:
    pipeline.classify(folder / "访谈.txt", folder / "上次")
    (folder / "上次" / "笔记.txt").write_text("路灯坏了。", encoding="utf-8")
    assert set(pipeline.classify(folder, tmp_path / "out").manifest["files"]) == {"访谈.txt", "问卷.csv"}
    both = pipeline.classify([folder / "上次", folder / "问卷.csv"], tmp_path / "both")
    assert set(both.manifest["files"]) == {"问卷.csv"}
    with pytest.raises(InputRefused, match="不能再作输入"):
        pipeline.classify(folder / "上次", tmp_path / "new")
    named = pipeline.classify(folder / "上次" / "笔记.txt", tmp_path / "named")
    assert len(named.units()) == 1


def test_page_and_word_report_belong_to_the_run(folder: Path, tmp_path: Path) -> None:
    run = pipeline.classify(folder, tmp_path / "out", by=["单位"])
    assert {"report.html", "report.docx", "results.xlsx"} <= set(run.manifest["outputs"])
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "办个证跑了四趟" in page
    assert "路灯" not in page
    with zipfile.ZipFile(run.folder / "report.docx") as word:
        body = word.read("word/document.xml").decode("utf-8")
    assert "读到记录6条" in re.sub("<[^>]+>", "", body)
    (run.folder / "report.html").write_text("changed")
    assert [fault.file for fault in verify(run.folder)] == ["report.html"]


def test_the_report_says_how_right_the_model_is(folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(shipped("models/builtin"), tmp_path / "model"))
    ids = pipeline.Coder.load().categories
    card = {"n": 800, "accuracy": 0.6, "macro_f1": 0.7, "intervals": {"macro_f1": [0.66, 0.74]}}
    for per_category, told in ((ids, 3), (ids[1:], 0)):
        whole = card | {"per_category": {key: {} for key in per_category}}
        (model / "card.json").write_text(json.dumps(whole), encoding="utf-8")
        run = pipeline.classify(folder, tmp_path / "out", model=model, force=True)
        assert len(run.manifest["quality"]) == told
        with zipfile.ZipFile(run.folder / "report.docx") as word:
            assert ("交叉检验" in word.read("word/document.xml").decode("utf-8")) == bool(told)


def test_workers_by_the_size_of_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 3)
    sizes = {0: 1, 3 << 20: 1, 5 << 20: 2, 99 << 20: 3}
    for size, workers in sizes.items():
        with (tmp_path / "a.txt").open("wb") as file:
            file.truncate(size)
        assert _workers([Source(tmp_path / "a.txt", "a.txt")]) == workers


def test_a_run_draws_its_tables_and_shows_them_in_chinese(folder: Path, tmp_path: Path) -> None:
    run = pipeline.classify(folder, tmp_path / "out")
    assert run.chart("frequencies") is not None
    with pytest.raises(KeyError, match="没有图"):
        run.chart("remainder")
    with pytest.raises(KeyError, match="没有名为"):
        run.chart("by_单位")
    shown = run.table("frequencies", zh=True)
    sheet = pd.read_csv(run.folder / "tables" / "frequencies.csv", encoding="utf-8-sig")
    assert list(shown.columns) == list(sheet.columns)
    assert list(shown["类别"]) == list(run.table("frequencies")["name"])


def test_a_column_in_doubt_stops_the_run_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipeline.classify(folder / "访谈.txt", out)
    before = contents(out)
    (folder / "z.csv").write_text("甲,乙\n路灯坏了很久没有人来修,公交车太少要等很久才来\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="--text"):
        pipeline.classify(folder, out, force=True)
    assert contents(out) == before
    with pytest.raises(InputRefused):
        pipeline.classify(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_refusal_in_the_middle_takes_everything_back(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        pipeline.classify(folder / "访谈.txt", tmp_path / "out", by=["单位"])  # known when all is coded
    assert not (tmp_path / "out").exists()


def test_what_is_refused_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out"
    book = tmp_path / "手册.csv"
    book.write_text("id,name,terms\na,甲,难\na,乙,苦\n", encoding="utf-8")
    for inputs, options, error in (
        (empty, {}, InputRefused),
        (tmp_path / "nothing", {}, InputRefused),
        (folder, {"codebook": book}, CodebookRefused),
        (folder, {"unit": "word"}, ValueError),
        (folder, {"jobs": 0}, ValueError),
    ):
        with pytest.raises(error):
            pipeline.classify(inputs, out, **options)  # type: ignore[arg-type]
    assert not out.exists()


def test_standard_input_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given("路灯坏了\n公交车太少\n")
    assert len(pipeline.classify("-", tmp_path / "out").units()) == 2
    given("路灯坏了\n公交车太少\n")
    assert stages(tmp_path / "out", "-") == ["unchanged"]
    given("别的话\n")
    with pytest.raises(OutputRefused):
        pipeline.classify("-", tmp_path / "out")


def test_report_writes_again_without_coding(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    run = pipeline.classify(folder, out)
    before = contents(out)
    (out / "tables" / "words.csv").unlink()
    monkeypatch.setattr("pipeline.job.code_files", None)
    assert report(out).manifest == run.manifest
    assert contents(out) == before
    assert "by_单位" in report(out, by=["单位"]).tables
    with pytest.raises(InputRefused):
        report(out, by=["没有这列"])
    assert "by_单位" in Run(out).tables
    assert "by_单位" not in report(out, by=[]).tables
    assert not list((out / "tables").glob("by_*"))
    assert verify(out) == []


def test_interviewers_count_only_when_asked_for(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    without = pipeline.classify(folder, out).table("frequencies")["units"].max()
    again = pipeline.classify(folder, out, interviewer=True)
    assert again.table("frequencies")["units"].max() == without + 1


def test_verify_finds_what_was_changed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipeline.classify(folder, out)
    (out / "tables" / "words.csv").write_text("changed")
    (out / "rejects.csv").unlink()
    (out / "units" / "part-99999-00000-000000000000.parquet").write_bytes(b"")
    (out / "我的笔记.txt").write_text("mine")
    assert {(fault.file.split("/")[-1][:5], fault.kind) for fault in verify(out)} == {
        ("words", "altered"),
        ("rejec", "missing"),
        ("part-", "added"),
    }
    with pytest.raises(InputRefused):
        verify(tmp_path / "nothing")


def test_the_manifest_has_no_times_and_no_paths(folder: Path, tmp_path: Path) -> None:
    pipeline.classify(folder, tmp_path / "out")
    text = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    keys = {
        "key",
        "format",
        "versions",
        "options",
        "reading",
        "coder",
        "codebook",
        "words",
        "files",
        "tables",
        "quality",
        "totals",
        "headings",
        "outputs",
    }
    assert set(json.loads(text)) == keys


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_environment(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="-o"):
        pipeline.classify(folder, tmp_path / "file" / "out")


def test_an_unknown_table_names_those_there_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="frequencies"):
        pipeline.classify(folder, tmp_path / "out").table("nothing")


def test_a_run_opens_by_a_string_too(folder: Path, tmp_path: Path) -> None:
    done = pipeline.classify(folder, out=tmp_path / "out")
    assert Run(str(tmp_path / "out")).manifest == done.manifest  # type: ignore[arg-type]
