"""Two waves: what grew, fell and is new, with tests that keep their word; runs that cannot be compared are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from statsmodels.stats.proportion import confint_proportions_2indep
from stored_runs import NAMES, store, unit

from pipeline.errors import InputRefused, OutputRefused
from pipeline.stats import ClusterSums, Interval, adjust, clustered, difference, wilson
from pipeline.stats import compare as compared
from pipeline.waves import compare

COUNTS = dict.fromkeys(("files", "respondents", "units", "read", "classified", "rejected"), 1)


def wave(folder: Path, people: int, hits: dict[str, int], words: str = "窗口", **manifest: Any) -> Path:
    """Store a finished run in which so many of the people report each problem."""
    units = [unit(f"人{n}", "n", "", f"{words}在这里", words=[words]) for n in range(people)]
    for category, count in hits.items():
        units += [unit(f"人{n}", "p", category, "办事难", unit=2, words=["办事", "难"]) for n in range(count)]
    store(folder, units)
    content = {
        "key": folder.name, "coder": "模型甲", "words": None, "outputs": {}, "headings": {},
        "codebook": {"fingerprint": "f", "categories": NAMES}, "options": {"unit": "sentence"},
        "files": {"访谈.docx": {"sha256": folder.name, **COUNTS, "columns": {}, "warnings": []}}, "totals": COUNTS,
        "tables": {},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(content | manifest, ensure_ascii=False), encoding="utf-8")
    return folder


def test_what_grew_fell_and_is_new(tmp_path: Path) -> None:
    then = wave(tmp_path / "去年", 100, {"formalism": 40, "resources": 20})
    now = wave(tmp_path / "今年", 120, {"formalism": 20, "resources": 26, "service_gap": 30}, words="大厅")
    waves = compare(then, now)
    frame = waves.table().set_index("category")
    assert frame["change"].to_dict() == {
        "formalism": "下降", "resources": "没有明显变化", "service_gap": "新出现", "(none)": "两期都没有", "(total)": "下降",
    }  # fmt: skip
    row = frame.loc["formalism"]
    assert (row["first_hits"], row["second_hits"]) == (40, 20)
    low, high = confint_proportions_2indep(20, 120, 40, 100, method="newcomb", compare="diff")
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
        (20 / 120 - 0.4, low, high)
    )
    assert row["p"] == pytest.approx(compared([40, 20], [100, 120]).p)
    words = waves.table("wave_words")
    assert words[words["wave"] == "second"]["word"].iloc[0] == "大厅"
    assert words[words["wave"] == "first"]["word"].iloc[0] == "窗口"
    assert (words["log_ratio"] > 0).tolist() == (words["wave"] == "second").tolist()
    assert "下降：形式主义" in repr(waves)
    assert waves.chart() is not None
    assert waves.warnings == ()
    assert list(waves.table(zh=True).columns[:2]) == ["类别", "变化"]
    with pytest.raises(KeyError, match="wave_words"):
        waves.table("frequencies")


def test_a_wave_without_problems_or_people_is_compared_too(tmp_path: Path) -> None:
    then, now = wave(tmp_path / "a", 40, {}), wave(tmp_path / "b", 0, {})
    frame = compare(then, now).table()
    assert set(frame["change"]) == {"两期都没有"}
    assert frame["p"].isna().all()
    assert compare(then, now).chart() is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coder": "模型乙"}, "模型"),
        ({"options": {"unit": "response"}}, "整条"),
        ({"files": {"x.docx": {"sha256": "a", **COUNTS, "columns": {}, "warnings": []}}}, "1 个文件两期都有"),
    ],
)
def test_what_else_may_differ_is_told(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    waves = compare(wave(tmp_path / "a", 9, {}), wave(tmp_path / "b", 9, {}, **change))
    assert len(waves.warnings) == 1
    assert said in waves.warnings[0]


def test_different_codebooks_are_refused(tmp_path: Path) -> None:
    then = wave(tmp_path / "a", 9, {})
    other = {"fingerprint": "g", "categories": {"formalism": "形式主义", "x": "别的"}}
    with pytest.raises(
        InputRefused, match=r"编码手册不同（只有.*a有：保障不足、服务缺位；只有.*b有：别的）.*--codebook"
    ):
        compare(then, wave(tmp_path / "b", 9, {}, codebook=other))
    with pytest.raises(InputRefused, match="类别相同，定义或词语不同"):
        compare(then, wave(tmp_path / "c", 9, {}, codebook={"fingerprint": "g", "categories": NAMES}))
    with pytest.raises(InputRefused, match="没有完整的运行结果"):
        compare(then, tmp_path / "d")


def test_it_is_saved_as_a_workbook_or_a_folder_and_overwrites_nothing(tmp_path: Path) -> None:
    waves = compare(wave(tmp_path / "a", 40, {"formalism": 9}), wave(tmp_path / "b", 40, {"formalism": 30}))
    book = load_workbook(waves.save(tmp_path / "比较.xlsx"))
    assert book.sheetnames == ["两期比较", "两期用词比较"]
    cells = {cell.value: cell for row in book["两期比较"].iter_rows() for cell in row}
    assert "95% Newcombe区间" in "".join(value for value in cells if isinstance(value, str))
    with pytest.raises(OutputRefused, match="--force"):
        waves.save(tmp_path / "比较.xlsx")
    folder = waves.save(tmp_path / "比较")
    assert {path.name for path in folder.rglob("*.*")} == {
        "waves.csv", "waves.parquet", "wave_words.csv", "wave_words.parquet", "两期比较.xlsx", "两期比较.png",
    }  # fmt: skip
    assert pd.read_csv(folder / "tables" / "waves.csv")["变化"][0] == "上升"
    again = compare(tmp_path / "a", tmp_path / "b").save(tmp_path / "再来")
    for path in folder.rglob("*.*"):
        assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
    with pytest.raises(OutputRefused):
        waves.save(tmp_path / "a")


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    wave(tmp_path / "去年", 40, {"formalism": 9})
    wave(tmp_path / "今年", 40, {"formalism": 30}, coder="别的")
    words = [sys.executable, "-m", "pipeline.cli", "compare", "去年", "今年", "-o", "两期.xlsx"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "形式主义：9 → 30 人，占 22.5% → 75.0%，差 +52.5（+" in done.stdout
    assert "上升" in done.stdout
    assert "模型" in done.stderr
    assert (tmp_path / "两期.xlsx").exists()
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert (again.returncode, "Traceback" in again.stderr) == (4, False)


# The numbers keep their word


def simulated(rng: np.random.Generator, share: float, people: int, surveys: int) -> tuple[Any, Any]:
    """Return hits and units of people who talk a lot or little, and alike within a person: (surveys, people)."""
    units = rng.geometric(0.25, (surveys, people))
    return rng.binomial(units, rng.beta(share * 3, (1 - share) * 3, units.shape)), units


def interval(hits: Any, units: Any) -> Interval:
    rare = np.minimum((hits > 0).sum(axis=1), (hits < units).sum(axis=1)).astype(float)
    squares = (units > 0, hits, units, hits * hits, hits * units, units * units)
    sums = ClusterSums(*(part.sum(axis=1).astype(float) for part in squares), rare)
    return Interval(hits.sum(axis=1) / units.sum(axis=1), *clustered(sums))


@pytest.mark.parametrize(("then", "now"), [(0.2, 0.2), (0.1, 0.3), (0.05, 0.1)])
def test_differences_of_respondents_and_of_nested_units_are_covered(then: float, now: float) -> None:
    rng = np.random.default_rng(21)
    waves = [simulated(rng, then, 200, 3000), simulated(rng, now, 300, 3000)]
    gap = difference(*(interval(*own) for own in waves))
    assert 0.93 <= ((gap.low <= now - then) & (now - then <= gap.high)).mean() <= 0.97
    voiced = [rng.binomial(people, share, 6000) for people, share in ((200, then), (300, now))]
    shares = [Interval(hits / n, *wilson(hits, np.full(6000, n))) for hits, n in zip(voiced, (200, 300), strict=True)]
    gap = difference(*shares)
    assert 0.93 <= ((gap.low <= now - then) & (now - then <= gap.high)).mean() <= 0.97


def test_p_values_are_uniform_where_nothing_changed_although_units_nest_in_respondents() -> None:
    rng = np.random.default_rng(22)
    hits = [(simulated(rng, 0.15, people, 3000)[0] > 0).sum(axis=1) for people in (200, 300)]
    p = np.array([compared(pair, [200, 300]).p for pair in zip(*hits, strict=True)])
    for level in (0.01, 0.05, 0.2, 0.5, 0.8):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * (level * (1 - level) / len(p)) ** 0.5 + 0.005)


def test_hardly_ever_is_a_change_told_where_there_is_none() -> None:
    rng, told = np.random.default_rng(23), 0
    for _ in range(400):
        p = [compared(rng.binomial([150, 150], share), [150, 150]).p for share in np.linspace(0.05, 0.5, 13)]
        told += (adjust(p) < 0.05).any()
    assert told / 400 <= 0.07, "the false discovery rate is at most 5 %"
