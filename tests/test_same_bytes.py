"""The same input gives the same bytes in every format, whatever the clock, zone, locale, hash seed, workers and order."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static const long years = 10L * 365 * 86400;
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = ((int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime"))(clock, now);
    if (!failed && clock == CLOCK_REALTIME)
        now->tv_sec += years;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec, now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    return now ? (*now = precise.tv_sec) : precise.tv_sec;
}
"""
ELSEWHERE = {
    "LC_ALL": "C",
    "TZ": "America/St_Johns",
    "PYTHONHASHSEED": "7",
    "COLUMNS": "40",
    "HOME": "/nonexistent",
    "NO_COLOR": "1",
}


def written(out: Path) -> dict[str, str]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and ".qunyan" not in path.parts)
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def classify(files: list[Path], out: Path, jobs: int, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "classify", *map(str, files), "-o", str(out), "--jobs", str(jobs)]
    done = subprocess.run([*command, "--by", "单位"], env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr


@pytest.fixture(scope="module")
def another_clock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build a clock that is ten years ahead; where that cannot be done the other differences are tested alone."""
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        return {}
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c", "-ldl"], check=True)
    clock = {"LD_PRELOAD": str(folder / "clock.so")}
    now = [sys.executable, "-c", "import datetime, time; print(datetime.date.today().year, time.gmtime().tm_year)"]
    years = [
        subprocess.run(now, env=os.environ | more, capture_output=True, check=True).stdout.split()
        for more in ({}, clock)
    ]
    assert [int(year) + 10 for year in years[0]] == [int(year) for year in years[1]]
    return clock


@pytest.mark.slow
def test_nothing_but_input_and_options_decides_the_bytes(
    examples: Path, tmp_path: Path, another_clock: dict[str, str]
) -> None:
    files = sorted(examples.iterdir())
    classify(files, tmp_path / "one", 1, {})
    classify(files[::-1], tmp_path / "二", 3, ELSEWHERE | another_clock)
    one, two = written(tmp_path / "one"), written(tmp_path / "二")
    assert {Path(name).suffix for name in one} >= {".csv", ".parquet", ".xlsx", ".html", ".docx", ".json"}
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
