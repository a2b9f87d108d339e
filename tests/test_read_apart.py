"""Parsers that hang, crash or eat memory cost one file: reading goes on in a process that can be killed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import InputRefused
from pipeline.read import ReadOptions, Source, read, readers

ROOT = Path(__file__).resolve().parent.parent
ORDERS = """
# Python loads this at its start: a text that begins with an order makes its parser obey.
import ctypes, os, sys, time
import pipeline.read.apart as apart, pipeline.read.child as child, pipeline.read.text as text
apart.SECONDS, child._RECORDS, child.MEMORY = 8.0, 1, 2 << 30
honest = text.read_text

def spin():
    while True:
        pass

def eat():
    eaten = []
    while True:
        eaten.append(bytes(1 << 28))  # never touched: it is the bound that stops it, at once

DONE = {
    "hang": lambda: time.sleep(10_000),
    "spin": spin,
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(0),
    "leave": lambda: sys.exit(0),
    "eat": eat,
    "print": lambda: print('{"records": [], "end": true}' * 1000, flush=True),
    "bug": lambda: list(text.responses("a.txt", None, None)),
}

def obedient(source, options, notes):
    yield from honest(source, options, notes)
    order = source.path.read_text(encoding="utf-8").split()[0]
    if order in DONE:
        DONE[order]()

text.read_text = obedient
"""
REASONS = {
    "hang": "timeout",
    "spin": "timeout",
    "abort": "crashed",
    "segfault": "crashed",
    "exit": "crashed",
    "leave": "crashed",
    "eat": "too_large",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give the environment in which texts can order their parser about."""
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(ORDERS, encoding="utf-8")
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "PYTHONUTF8": "1"}


def classify(inputs: Path, out: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", "--lang", "zh", "classify", str(inputs), "-o", str(out)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def rejects(out: Path) -> dict[str, dict[str, str]]:
    with (out / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_a_parser_that_hangs_crashes_or_eats_memory_costs_one_file(tmp_path: Path, environment: dict[str, str]) -> None:
    inputs, out = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    for order in (*REASONS, "print", "nothing"):
        (inputs / f"{order}.txt").write_text(f"{order} 办事难。\n窗口态度差。\n", encoding="utf-8")
    done = classify(inputs, out, environment)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    found = rejects(out)
    assert {name.removesuffix(".txt"): row["reason"] for name, row in found.items()} == REASONS
    for name, row in found.items():
        assert name in row["message"]
        assert row["message"].endswith("。")
        assert "第2条之后" in row["message"] or row["reason"] == "too_large"
        assert row["location"] == "第2条之后"
    files = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == len(REASONS) + 2
    for name, file in files.items():
        assert (file["classified"], file["rejected"]) == (2, int(name.removesuffix(".txt") in REASONS))
        assert file["read"] == file["classified"] + file["rejected"]


def test_a_bug_of_ours_is_told_by_the_exit_code_and_the_other_files_go_on(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    inputs, out = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    (inputs / "a.txt").write_text("bug 办事难。", encoding="utf-8")
    (inputs / "b.txt").write_text("窗口态度差。", encoding="utf-8")
    for _ in range(2):  # the second time nothing is done again, and the truth is told again
        done = classify(inputs, out, environment)
        assert done.returncode == 1, done.stderr
        assert "软件的缺陷" in done.stderr
        assert "TypeError" in done.stderr
        assert "Traceback" not in done.stderr
        assert {name: row["reason"] for name, row in rejects(out).items()} == {"a.txt": "bug"}


def test_a_reading_process_is_used_for_all_files_and_ends_with_them(tmp_path: Path) -> None:
    from pipeline.read import apart

    for name in ("a.txt", "b.csv", "c.jsonl"):
        (tmp_path / name).write_text("", encoding="utf-8")
    with readers():
        process = apart._idle[-1]
        for path in sorted(tmp_path.iterdir()):
            list(read(Source(path, path.name), apart=True))
        assert apart._idle[-1] is process
        assert process.lives
    assert not process.lives


def test_reading_apart_gives_what_reading_here_gives(root: Path) -> None:
    for path in sorted((root / "data" / "examples").iterdir()):
        here, apart = (read(Source(path, path.name), apart=apart) for apart in (False, True))
        assert list(here) == list(apart)
        for noted in ("encoding", "containers", "columns", "warnings"):
            assert getattr(here, noted) == getattr(apart, noted)


def test_a_reading_left_early_does_not_disturb_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("意见\n" + "".join(f"办事难{number}\n" for number in range(5000)), encoding="utf-8")
    for _ in range(3):
        first = next(iter(read(Source(path, "a.csv"), apart=True)))
        assert getattr(first, "text", "") == "办事难0"
    assert len(list(read(Source(path, "a.csv"), apart=True))) == 5000


def test_a_refusal_comes_across(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("甲,乙\n1,2\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="没有“意见”这一列"):
        list(read(Source(path, "a.csv"), ReadOptions(text=("意见",)), apart=True))


def test_an_odd_name_and_another_folder_to_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with readers():
        name = os.fsdecode(b"\xb7\xc3\xcc\xb8\n\xff.txt")
        (tmp_path / name).write_text("办事难", encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        assert [getattr(record, "text", "") for record in read(Source(Path(name), "a"), apart=True)] == ["办事难"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_no_reading_process_outlives_a_killed_command(tmp_path: Path, environment: dict[str, str]) -> None:
    inputs = tmp_path / "hang.txt"
    inputs.write_text("hang 办事难。", encoding="utf-8")
    command = [sys.executable, "-m", "pipeline.cli", "classify", str(inputs), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.parent.exists():
        process.kill()
        pytest.skip("needs /proc to see the children")
    until = time.monotonic() + 60
    while not (begun := children.read_text().split()) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait()
    until = time.monotonic() + 30
    while any(_runs(number) for number in begun) and time.monotonic() < until:
        time.sleep(0.2)
    assert begun
    assert not any(_runs(number) for number in begun)


def _runs(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
