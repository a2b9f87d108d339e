"""A disk that fails, a process that is killed, two runs at once: the old result stays, or the next run ends as it should."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import EnvironmentFault
from pipeline.folder import whole_file
from pipeline.report.workbook import write_workbook

LONG = (pytest.mark.slow, pytest.mark.long)
HERE = Path(__file__).resolve().parent
INPUTS = {
    "a.csv": "意见,单位\n办个证跑了四趟。,甲\n建议一网通办。,乙\n,乙\n",
    "b.txt": "问：办证方便吗？\n答：不方便，窗口还说材料不全。\n",
    "c.txt": "",
}


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Write a few small inputs, one of them empty."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in INPUTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def command(inputs: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "--lang", "zh", "classify", str(inputs), "-o", str(out), *options]


def state(out: Path) -> dict[str, str]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and ".qunyan" not in path.parts)
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library that makes calls fail."""
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    source = HERE / "faulty_disk.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.parametrize("share", [150, pytest.param(1, marks=LONG)])
def test_a_disk_that_fails_at_any_write_sync_or_rename(
    faulty_disk: Path, inputs: Path, tmp_path: Path, share: int
) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "faulty_disk.py"), str(faulty_disk), str(tmp_path), str(share)],
        env=os.environ | {"LD_PRELOAD": str(faulty_disk), "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["calls"] > 100
    assert told["made"] >= told["calls"] // share
    assert told["broken"] == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("kills", "seed"), [(4, 1), pytest.param(100, 2, marks=LONG)])
def test_killed_at_random_moments_it_ends_in_the_same_bytes(
    inputs: Path, tmp_path: Path, kills: int, seed: int
) -> None:
    began = time.monotonic()
    subprocess.run(command(inputs, tmp_path / "good"), check=False, capture_output=True)
    whole = time.monotonic() - began
    good, chance, out = state(tmp_path / "good"), random.Random(seed), tmp_path / "out"
    for number in range(kills):
        if number % 10 == 0:
            shutil.rmtree(out, ignore_errors=True)
        process = subprocess.Popen(command(inputs, out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 1) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (out / "manifest.json").exists() and not (out / ".qunyan" / "plan.json").exists():
            assert state(out) == good, f"kill {number}"
    assert subprocess.run(command(inputs, out), check=False, capture_output=True).returncode == 3
    assert state(out) == good


def test_of_two_runs_in_one_folder_one_works_and_the_other_says_who_holds_it(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    both = [
        subprocess.Popen(command(inputs, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = {process.pid: process.communicate()[1] for process in both}
    codes = {process.pid: process.returncode for process in both}
    assert 3 in codes.values()
    for number, code in codes.items():
        if code != 3:  # where the machine was so slow that they came one after the other, both work
            assert code == 5
            assert "正由另一个 qunyan 使用" in told[number]
            assert any(f"进程 {other}" in told[number] for other in codes)
    assert subprocess.run(command(inputs, out), check=False, capture_output=True).returncode == 3


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_is_a_sentence_and_code_5_and_the_run_goes_on_when_there_is_room(
    inputs: Path, tmp_path: Path
) -> None:
    disk, good = tmp_path / "disk", tmp_path / "good"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not permitted")
    try:
        done = subprocess.run(command(inputs, disk / "out"), capture_output=True, text=True)
        assert done.returncode == 5, done.stderr
        assert "磁盘满了" in done.stderr
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert subprocess.run(command(inputs, disk / "out"), capture_output=True).returncode == 3
        assert subprocess.run(command(inputs, good), capture_output=True).returncode == 3
        assert state(disk / "out") == state(good)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_temporary_folder_is_a_sentence(inputs: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not permitted")
    try:
        (disk / "full").write_bytes(b"x" * 4096)
        environment = os.environ | {"TMPDIR": str(disk)}
        done = subprocess.run(command(inputs, tmp_path / "out"), capture_output=True, text=True, env=environment)
        assert done.returncode in (3, 5), done.stderr
        assert "Traceback" not in done.stderr
        assert done.returncode == 3 or "磁盘满了" in done.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_an_output_folder_that_cannot_be_written(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(command(inputs, tmp_path / "file" / "out"), capture_output=True, text=True)
    assert done.returncode == 5
    assert "换一个输出文件夹" in done.stderr
    done = subprocess.run(command(inputs, tmp_path / ("长" * 200)), capture_output=True, text=True)
    assert done.returncode == 5
    assert "路径太长" in done.stderr


def test_nothing_of_a_file_that_failed_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("old")
    with pytest.raises(EnvironmentFault):
        write_workbook(tmp_path / "没有" / "更没有" / "a.xlsx", [], tmp_path, {}, {})
    with pytest.raises(KeyError), whole_file(path) as unfinished:
        unfinished.write_text({"half": "new"}["all"])
    assert path.read_text() == "old"
    assert [other.name for other in tmp_path.iterdir()] == ["a.xlsx"]
