"""The SPSS file: what stands in it, and that nothing hostile breaks it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stored_runs import NAMES, unit

from pipeline.report.spss import CUT, MOST_TEXT, write_sav

pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")


def written(path: Path, *rows: dict[str, Any], names: dict[str, str] = NAMES) -> tuple[pd.DataFrame, Any]:
    return pyreadstat.read_sav(str(write_sav(path, pd.DataFrame(rows), names)))


def test_units_categories_and_labels(tmp_path: Path) -> None:
    own = {"单位/科室 (必填)": "一科"}
    frame, meta = written(
        tmp_path / "a.sav",
        unit("甲", "p", "resources service_gap", "人手少，跑了三趟", **own),
        unit("乙", "n", "", "001", review=True, **own),
    )
    assert frame["text"].tolist() == ["人手少，跑了三趟", "001"]
    assert frame["statement"].tolist() == [1, 4]
    assert frame[["c01_formalism", "c02_resources", "c03_service_gap", "review"]].to_numpy().tolist() == [
        [0, 1, 1, 0],
        [0, 0, 0, 1],
    ]
    labels = meta.column_names_to_labels
    assert (labels["c02_resources"], labels["v01"], labels["text"]) == ("保障不足", "单位/科室 (必填)", "原文")
    assert meta.variable_value_labels["statement"] == {1: "问题", 2: "建议", 3: "肯定", 4: "陈述"}
    assert meta.variable_value_labels["c02_resources"] == {0: "否", 1: "是"}


def test_ids_that_spss_would_refuse_or_confuse(tmp_path: Path) -> None:
    names = {"停车 难": "停车难", "a": "甲", "A": "乙", "x" * 90: "长" * 300}
    frame, _ = written(tmp_path / "a.sav", unit("甲", "p", "A", "难"), names=names)
    assert frame.loc[0, ["c01", "c02_a", "c03_A", "c04"]].tolist() == [0, 0, 1, 0]


def test_hostile_and_very_long_text(tmp_path: Path) -> None:
    frame, _ = written(tmp_path / "a.sav", unit("甲", "p", "", "=cmd()\x00"), unit("乙", "p", "", "长" * 20_000))
    assert frame["text"][0] == "=cmd()�"
    assert frame["text"][1].endswith(CUT)
    assert MOST_TEXT - 3 < len(frame["text"][1].encode()) <= MOST_TEXT


def test_equal_units_give_equal_bytes_at_any_time(tmp_path: Path) -> None:
    written(tmp_path / "a.sav", unit("甲", "p", "resources"))
    time.sleep(1.1)
    written(tmp_path / "b.sav", unit("甲", "p", "resources"))
    assert (tmp_path / "a.sav").read_bytes() == (tmp_path / "b.sav").read_bytes()
