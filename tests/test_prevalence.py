"""Corrected shares: right where raw counts are off, intervals that keep their word, and audits read from people's sheets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

import pipeline
from pipeline.errors import LabelsRefused
from pipeline.present import report
from pipeline.prevalence import corrected
from pipeline.result import verify
from pipeline.review import Draw, sample

DESIGNS = [  # people, share, likeness within people, units, sensitivity, specificity, units checked
    (400, 0.05, 0.2, 0.25, 0.7, 0.95, 200),
    (400, 0.2, 0.2, 0.25, 0.7, 0.8, 200),  # raw counts are ten points off
    (400, 0.3, 0.2, 0.25, 0.6, 0.97, 200),  # ten points off the other way
    (150, 0.1, 0.2, 0.1, 0.7, 0.95, 200),  # talkative people
    (400, 0.2, 0.2, 0.25, 0.8, 0.9, 1000),  # two thirds checked: what people differ in counts most
    (400, 0.1, 0.2, 0.25, 0.98, 0.995, 200),  # hardly any error found
    (1000, 0.05, 0.2, 0.3, 0.7, 0.95, 40),
    (1000, 0.5, 0.2, 0.3, 0.8, 0.7, 60),
]


def survey(rng: np.random.Generator, people: int, share: float, likeness: float, talk: float, right: Any) -> Any:
    """Return whose each unit is, the truth, and what a coder of that sensitivity and specificity says."""
    person = np.repeat(np.arange(people), rng.geometric(talk, people))
    strength = (1 - likeness) / likeness
    true = rng.random(len(person)) < rng.beta(share * strength, (1 - share) * strength, people)[person]
    return person, true, rng.random(len(person)) < np.where(true, right[0], 1 - right[1])


def counts(person: Any, hits: Any, people: int) -> Any:
    return np.bincount(person, hits, people).astype(np.int64)


@pytest.mark.parametrize("design", DESIGNS)
def test_an_audit_of_units_corrects_the_share_and_its_interval_keeps_its_word(design: Any) -> None:
    people, share, likeness, talk, *right, checked = design
    rng, found, raw = np.random.default_rng(11), [], []
    for _ in range(600):
        person, true, said = survey(rng, people, share, likeness, talk, right)
        rows = np.sort(rng.choice(len(person), min(checked, len(person)), replace=False))
        units = counts(person, None, people)
        found.append(corrected(units, counts(person, said, people), person[rows], said[rows], true[rows]))
        raw.append(said.mean())
    assert abs(np.mean([one.share for one in found]) - share) < 0.01
    assert 0.93 <= np.mean([one.low <= share <= one.high for one in found]) <= 0.97
    assert abs(np.mean(raw) - share - (share * (right[0] - 1) + (1 - share) * (1 - right[1]))) < 0.01, "as designed"


def test_an_audit_of_whole_respondents_corrects_shares_of_respondents_and_of_units() -> None:
    rng, people = np.random.default_rng(12), 400
    found: dict[str, list[Any]] = {"units": [], "respondents": []}
    raw, truth = [], []
    for _ in range(600):
        person, true, said = survey(rng, people, 0.1, 0.2, 0.25, (0.8, 0.95))
        drawn = np.sort(rng.choice(people, 100, replace=False))
        rows, units = np.isin(person, drawn), counts(person, None, people)
        found["units"].append(corrected(units, counts(person, said, people), person[rows], said[rows], true[rows]))
        any_said, any_true = (counts(person, hits, people) > 0 for hits in (said, true))
        ones = np.ones(people, np.int64)
        found["respondents"].append(corrected(ones, any_said.astype(np.int64), drawn, any_said[drawn], any_true[drawn]))
        raw.append(any_said.mean())
        truth.append(any_true.mean())
    assert np.mean(raw) - np.mean(truth) > 0.08, "raw counts of respondents are far off"
    for base, share in (("units", 0.1), ("respondents", np.mean(truth))):
        assert abs(np.mean([one.share for one in found[base]]) - share) < 0.01
        assert 0.93 <= np.mean([one.low <= share <= one.high for one in found[base]]) <= 0.97, base


def test_where_almost_nobody_has_the_property_the_interval_errs_on_the_wide_side() -> None:
    rng, covered = np.random.default_rng(13), []
    for _ in range(400):
        person, true, said = survey(rng, 1000, 0.01, 0.2, 0.3, (0.5, 0.999))
        rows = np.sort(rng.choice(len(person), 200, replace=False))
        one = corrected(counts(person, None, 1000), counts(person, said, 1000), person[rows], said[rows], true[rows])
        covered.append(one.low <= 0.01 <= one.high)
    assert 0.95 <= np.mean(covered) <= 0.995


def test_a_full_audit_gives_the_truth() -> None:
    person, true, said = survey(np.random.default_rng(1), 200, 0.3, 0.2, 0.3, (0.7, 0.8))
    one = corrected(counts(person, None, 200), counts(person, said, 200), person, said, true)
    assert one.share == pytest.approx(true.mean())
    assert (one.checked_coded + one.checked_other, one.right + one.missed) == (len(true), true.sum())


def test_nothing_coded_and_nothing_found_still_has_an_interval() -> None:
    ones, no = np.ones(500, np.int64), np.zeros(100, bool)
    one = corrected(ones, np.zeros(500, np.int64), np.arange(100), no, no)
    assert (one.share, one.low) == (0, pytest.approx(0))
    assert 0.02 < one.high < 0.05


# From the sheet to the report


@pytest.fixture(scope="module")
def run(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    return pipeline.classify(examples, out=tmp_path_factory.mktemp("audit") / "结果")


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, words)], capture_output=True, text=True, encoding="utf-8"
    )


Clerk = Callable[[dict[str, Any]], None]


def agrees(cells: dict[str, Any]) -> None:
    """Fill a row in as the model has it."""
    cells["表述类型"].value = cells["模型的表述"].value.split()[0]
    named = [part.split()[0] for part in cells["模型的类别"].value.split("、")]
    cells["主类别"].value = "无"
    for name in named:
        if name != "无":
            cells[name].value = "✓"


def denies(cells: dict[str, Any]) -> None:
    cells["表述类型"].value, cells["主类别"].value = "陈述", "无"


def labelled(path: Path, clerk: Clerk) -> Path:
    book = load_workbook(path)
    head, *rows = book["标注"].iter_rows()
    for row in rows:
        clerk({cell.value: own for cell, own in zip(head, row, strict=True)})
    book.save(path)
    return path


def sampled(run: pipeline.Run, path: Path, clerk: Clerk, audit: str = "") -> Path:
    return labelled(sample(run.folder, path, Draw(60, audit=audit))[0], clerk)


def test_an_audit_that_agrees_changes_nothing_but_the_interval(run: pipeline.Run, tmp_path: Path) -> None:
    frame = run.prevalence(sampled(run, tmp_path / "抽查.xlsx", agrees, "units"))
    assert frame["share"].tolist() == pytest.approx(frame["coded_share"].tolist(), abs=0.06), "all checked are right"
    seen = frame[frame["checked_coded"] > 0]
    assert seen["share"].tolist() == pytest.approx(seen["coded_share"].tolist())
    assert (frame["low"] <= frame["share"]).all()
    assert (frame["share"] <= frame["high"]).all()
    assert set(frame["base"]) == {"units"}, "units tell nothing sure about respondents"
    counts = run.table("frequencies").set_index("category")["problem_units"]
    own = frame[frame["kind"] == "problem"].set_index("category")["coded"]
    assert own.to_dict() == {category: counts[category] for category in own.index}


@pytest.mark.slow
def test_the_report_keeps_the_audit_and_shows_it(run: pipeline.Run, tmp_path: Path) -> None:
    sheet = tmp_path / "抽查.xlsx"
    assert command("sample", run.folder, "-o", sheet, "-n", 60, "--audit", "respondents").returncode == 0
    labelled(sheet, denies)
    done = command("report", run.folder, "--audit", sheet)
    assert done.returncode == 3, done.stderr
    again = report(run.folder, by=["来源"])
    frame = again.table("prevalence")
    assert set(frame["base"]) == {"respondents", "units"}
    assert (frame.loc[frame["coded"] > 0, "share"] < frame.loc[frame["coded"] > 0, "coded_share"]).all()
    counts = again.table("frequencies").set_index("category")["problem_respondents"]
    own = frame[(frame["kind"] == "problem") & (frame["base"] == "respondents")].set_index("category")["coded"]
    assert own.to_dict() == {category: counts[category] for category in own.index}
    assert again.table("prevalence", zh=True).columns[5] == "校正后占比"
    assert again.chart("prevalence") is not None
    assert again.chart("reliability") is not None
    assert verify(run.folder) == []
    assert "抽查校正后的占比" in load_workbook(run.folder / "results.xlsx").sheetnames
    assert "校正后占比" in (run.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("audit", "change", "said"),
    [
        ("", lambda cells: cells["抽样"].__setattr__("value", "没把握"), "随机抽的句子"),
        ("units", lambda cells: cells["编号"].__setattr__("value", "q000000000000000"), "不在"),
    ],
)
def test_what_is_no_random_audit_of_this_run_is_refused(
    run: pipeline.Run, tmp_path: Path, audit: str, change: Clerk, said: str
) -> None:
    def clerk(cells: dict[str, Any]) -> None:
        agrees(cells)
        change(cells)

    sheet = sampled(run, tmp_path / "抽查.xlsx", clerk, audit)
    with pytest.raises(LabelsRefused, match=said):
        run.prevalence(sheet)
    before = (run.folder / "manifest.json").read_bytes()
    with pytest.raises(LabelsRefused, match=said):
        report(run.folder, audit=[sheet])
    assert (run.folder / "manifest.json").read_bytes() == before


def test_both_ways_of_drawing_are_not_mixed(run: pipeline.Run, tmp_path: Path) -> None:
    one = sampled(run, tmp_path / "句.xlsx", agrees, "units")
    two = sampled(run, tmp_path / "人.xlsx", agrees, "respondents")
    with pytest.raises(LabelsRefused, match="不能混"):
        run.prevalence([one, two])


def test_a_unit_that_two_people_labelled_differently_counts_once_and_is_told(run: pipeline.Run, tmp_path: Path) -> None:
    from pipeline.audit import read_audit

    one = sampled(run, tmp_path / "甲.xlsx", agrees, "units")
    two = sampled(run, tmp_path / "乙.xlsx", denies, "units")
    names = run.manifest["codebook"]["categories"]
    frame, warnings = read_audit(run.folder, names, [one, two])
    assert len(frame) == 60
    assert any("标得不同" in warning for warning in warnings)
    assert run.prevalence([one, two]).equals(run.prevalence(one))


def test_respondents_of_one_unit_each_are_corrected_by_units(tmp_path: Path) -> None:
    lines = [f"第{n}个窗口办个证跑了四趟" if n % 3 else f"第{n}个窗口很好" for n in range(60)]
    source = tmp_path / "留言.csv"
    source.write_text("\n".join(["留言内容", *lines]), encoding="utf-8")
    run = pipeline.classify(source, out=tmp_path / "结果")
    frame = run.prevalence(sampled(run, tmp_path / "抽查.xlsx", agrees, "units"))
    assert set(frame["checked_coded"] + frame["checked_other"]) == {60}, "sentences that are nearly equal are drawn too"
    wide = frame.pivot(index=["category", "kind"], columns="base", values="share")
    assert wide["respondents"].tolist() == pytest.approx(wide["units"].tolist())
