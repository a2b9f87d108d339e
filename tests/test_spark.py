"""Coding on a Spark cluster: the same run folder, byte for byte, also where executors die."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_job import SHEET, TALK, contents
from test_run import Deadly, FakeCoder, parts

import pipeline
from pipeline import run
from pipeline.errors import EnvironmentFault, InputRefused
from pipeline.read import ReadOptions, discover

TESTS = Path(__file__).parent
BOOK = "id,name,terms\nservice,办事,跑了；办事难；材料不全\ntransport,交通,公交车；路灯\n"
WORDS = "办个证 1000 v\n"
KILL = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
import pipeline
from pipeline import run

def executors():
    lines = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout.splitlines()
    mine = [line.split()[0] for line in lines if f"-Dmark={sys.argv[3]}" in line]
    return [int(number) for number in mine]

def kill_one():
    while not list(Path(sys.argv[2], "units").glob("part-*")):
        time.sleep(0.01)
    victim = executors()[0]
    os.kill(victim, signal.SIGKILL)
    print("killed")

if sys.argv[3]:
    os.environ["SPARK_CONF_DIR"] = os.environ["SPARK_WORKER_DIR"] = sys.argv[3]
    Path(sys.argv[3], "spark-defaults.conf").write_text(f"spark.executor.extraJavaOptions -Dmark={sys.argv[3]}\\n")
    threading.Thread(target=kill_one, daemon=True).start()
run.CHUNK_RESPONSES = 5
where = {"engine": "spark", "scheduler": "local-cluster[2,1,1024]"} if sys.argv[3] else {}
pipeline.classify(sys.argv[1], sys.argv[2], **where)
"""


def code_fake(batches: Any) -> Iterator[Any]:
    """What an executor does in these tests: the coder dies of a unit with 毒."""
    from pipeline import spark

    spark._coder = cache(lambda spec: Deadly())  # type: ignore[assignment]
    yield from spark.code_sent(batches, spec=None)  # type: ignore[arg-type]


needs_spark = pytest.mark.skipif(
    not shutil.which("java")
    or subprocess.run([sys.executable, "-c", "import pyspark"], capture_output=True).returncode,
    reason="needs Java 17 and pyspark: pip install 'qunyan[spark]'",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "访谈.txt").write_text(TALK, encoding="utf-8")
    (folder / "问卷.csv").write_text(SHEET, encoding="gb18030")
    (folder / "坏.jsonl").write_text('{"text": "路灯坏了没人修", "区": "东"}\n坏\n', encoding="utf-8")
    return folder


def spark_run(script: str, *arguments: object) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@needs_spark
def test_a_cluster_writes_the_same_bytes_with_a_coder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    book, words = tmp_path / "手册.csv", tmp_path / "词.txt"
    book.write_text(BOOK, encoding="utf-8")
    words.write_text(WORDS, encoding="utf-8")
    sheet = (folder / "问卷.csv").rename(folder / "survey.csv")
    pipeline.classify([folder / "访谈.txt", sheet], tmp_path / "here", codebook=book, words=words)
    script = (
        "import sys, pipeline; pipeline.classify(sys.argv[1:3], sys.argv[3], codebook=sys.argv[4], words=sys.argv[5], "
    )
    script += "engine='spark', scheduler='local[2,4]')"
    spark_run(script, folder / "访谈.txt", f"file://{sheet}", tmp_path / "there", book, words)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.slow
@needs_spark
def test_an_executor_killed_in_the_middle_costs_nothing(folder: Path, tmp_path: Path) -> None:
    rows = [f"{n},办事难，跑了{n}趟。窗口好。" for n in range(100)]
    (folder / "长.csv").write_text("\n".join(["编号,内容", *rows]), encoding="utf-8")
    (tmp_path / "conf").mkdir()
    spark_run(KILL, folder, tmp_path / "here", "")
    assert "killed" in spark_run(KILL, folder, tmp_path / "there", tmp_path / "conf")
    assert len(list((tmp_path / "there" / "units").iterdir())) > 20
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.slow
@needs_spark
def test_a_chunk_that_kills_every_worker_is_rejected_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "鼠.csv").write_text("内容\n好\n有毒\n好\n", encoding="utf-8")
    script = """
import sys
from pathlib import Path
from test_run import FakeCoder
from test_spark import code_fake, code_folder
from pipeline.spark import cluster, spread
from functools import partial
with cluster("local[2,2]") as spark:
    code_folder(Path(sys.argv[1]), Path(sys.argv[2]), partial(spread, spark, code_fake, FakeCoder()))
"""
    spark_run(script, folder, tmp_path / "there")
    rejects = (tmp_path / "there" / "rejects.csv").read_text("utf-8-sig")
    assert [line.split(",")[:3] for line in rejects.splitlines() if "crashed" in line] == [
        ["鼠.csv", f"第{row}行", "crashed"] for row in (2, 3, 4)
    ]
    (folder / "鼠.csv").unlink()
    code_folder(folder, tmp_path / "here", run.local(FakeCoder, 1))
    here = {name: data for name, data in parts(tmp_path / "here").items() if name != "rejects.csv"}
    there = {name: data for name, data in parts(tmp_path / "there").items() if name != "rejects.csv"}
    assert here == there


def code_folder(folder: Path, out: Path, engine: run.Engine) -> None:
    sources, refused = discover([folder])
    (out / "units").mkdir(parents=True)
    task = run.Task(sources, ReadOptions(), "sentence", out, "key")
    run.code_files(task, refused, engine, lambda *_: None)


def test_records_go_to_executors_and_back_unchanged(folder: Path) -> None:
    from pipeline.read import read
    from pipeline.spark import _read, _written

    records = [record for source in discover([folder])[0] for record in read(source, ReadOptions())]
    assert len(records) == 8
    assert _read(_written(records)) == records


def test_without_pyspark_the_command_says_what_to_install(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EnvironmentFault, match=r"qunyan\[spark\]"):
        pipeline.classify(folder, tmp_path / "out", engine="spark")
    with pytest.raises(InputRefused, match="--engine spark"):
        pipeline.classify(folder, tmp_path / "out", scheduler="yarn")
    assert not (tmp_path / "out").exists()
