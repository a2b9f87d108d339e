"""The example data, whole: what is read from it, equal bytes however it is run, and files as they are described."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import pipeline
from pipeline.records import UNIT_SCHEMA
from pipeline.result import Run, verify

BY = ["单位", "年龄段"]
GOLDEN = Path(__file__).with_name("golden")
READ = ["file", "location", "response", "unit", "respondent", "role", "question", "text"]


@pytest.fixture(scope="module")
def run(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pipeline.classify(examples, tmp_path_factory.mktemp("run") / "out", by=BY)


@pytest.fixture(scope="module")
def described(root: Path) -> str:
    return (root / "docs" / "输出文件.md").read_text(encoding="utf-8")


def written(frame: pd.DataFrame) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([list(frame.columns), *frame.itertuples(index=False, name=None)])
    return file.getvalue()


def visible_files(out: Path) -> dict[str, bytes]:
    paths = (path for path in out.rglob("*") if path.is_file() and ".qunyan" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("name", ["units", "rejects"])
def test_what_is_read_is_as_before(run: Run, name: str, update_golden: bool) -> None:
    path = GOLDEN / f"{name}.csv"
    now = written(run.units(READ) if name == "units" else run.rejects)
    if update_golden:
        path.write_text(now, encoding="utf-8", newline="\n")
    assert now == path.read_text(encoding="utf-8"), "读取结果变了；若是有意的，请运行 make golden 并核对差异"


def test_equal_bytes_on_a_second_run_with_two_workers_elsewhere(run: Run, examples: Path, tmp_path: Path) -> None:
    code = "import sys, pipeline; pipeline.classify(sys.argv[1], sys.argv[2], by=sys.argv[3:], jobs=2)"
    elsewhere = {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-c", code, str(examples), str(tmp_path / "out"), *BY], check=True, env=os.environ | elsewhere
    )
    first, second = visible_files(run.folder), visible_files(tmp_path / "out")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_equal_bytes_from_another_place_and_the_input_untouched(run: Run, examples: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(examples, tmp_path / "另一处")
    again = pipeline.classify(copy, tmp_path / "out", by=BY)
    assert visible_files(again.folder) == visible_files(run.folder)
    assert visible_files(copy) == visible_files(examples)


def test_no_network_is_needed(examples: Path, tmp_path: Path) -> None:
    alone = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("this machine does not let a process give up its network")
    code = "import sys, pipeline; pipeline.classify(sys.argv[1], sys.argv[2])"
    subprocess.run([*alone, sys.executable, "-c", code, str(examples), str(tmp_path / "out")], check=True)
    assert verify(tmp_path / "out") == []


def test_every_record_is_accounted_for(run: Run, examples: Path) -> None:
    files = run.manifest["files"]
    assert set(files) == {path.name for path in examples.iterdir()}
    assert all(file["read"] == file["classified"] + file["rejected"] for file in files.values())
    assert len(run.rejects) == run.manifest["totals"]["rejected"] == 1
    assert verify(run.folder) == []


def test_the_frequencies_are_counts_of_the_stored_units(run: Run) -> None:
    units = run.units()
    units = units[(units["role"] == "respondent") & (units["statement"] == "problem")]
    counted = units["categories"].explode().value_counts()
    table = run.table("frequencies").set_index("category")["problem_units"]
    assert {name: counted.get(name, 0) for name in run.manifest["codebook"]["categories"]} == {
        name: table[name] for name in run.manifest["codebook"]["categories"]
    }
    assert table["(total)"] == len(units)


def test_every_file_and_column_is_described(run: Run, described: str) -> None:
    files = [name for name in run.manifest["outputs"] if "/" not in name]
    names = [*files, "manifest.json", *run.rejects.columns, *UNIT_SCHEMA.names]
    assert [name for name in names if f"`{name}`" not in described] == []


def test_every_table_and_heading_is_described(run: Run, described: str) -> None:
    sections = {part.split("`")[0]: part.split("\n#")[0] for part in described.split("\n### `")[1:]}
    for name in run.tables:
        section = sections[re.sub("^(keywords_by_|by_).*", r"\1<列名>", name)]
        sheet = pd.read_csv(run.folder / "tables" / f"{name}.csv", encoding="utf-8-sig", nrows=0)
        headings = [re.sub("^(分组)：.*|^(时间)（按.*", r"\1\2", heading) for heading in sheet.columns]
        assert [heading for heading in headings if heading not in section] == []
        assert [column for column in run.table(name).columns if f"`{column}`" not in section] == []
