"""The benchmark runs, on whatever texts there are, and measures every stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SPEED = Path(__file__).resolve().parent.parent / "benchmarks" / "speed.py"


@pytest.mark.slow
@pytest.mark.skipif(not SPEED.exists(), reason="benchmarks are not part of the wheel")
def test_the_short_form_measures_every_stage(tmp_path: Path) -> None:
    environment = os.environ | {"QUNYAN_BENCH_TEXTS": str(tmp_path / "absent"), "PYTHONPATH": str(SPEED.parent.parent)}
    command = [sys.executable, str(SPEED), "--short", "--json", "speed.json", "--picture", "growth.svg"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "speed.json").read_text("utf-8"))
    stages = {"floor: rjieba.cut", "read", "split", "cut", "tables", "workbook", "page", "Word", "classify, 1 worker"}
    assert stages <= set(figures)
    assert figures["classify, 1 worker"]["peak"] > 50
    assert figures["size"]["units"] >= figures["size"]["messages"] == 30
    assert "tables and reports, 60 messages" in figures
    assert "<svg" in (tmp_path / "growth.svg").read_text("utf-8")
    assert "× floor" in done.stdout
