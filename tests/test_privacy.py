"""Personal data and small groups in whole runs: what is written, in each of the three states."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from planted import Planter, found
from stored_runs import NAMES, store, unit

import pipeline
from pipeline.errors import InputRefused
from pipeline.masked import masked_units
from pipeline.present import report
from pipeline.report import write_reports
from pipeline.tabulate import tabulate

UNITS_OWN = ("/units/", "results.xlsx", "rejects.csv", "manifest.json")
"""The analyst's own in a run by default; the workbook's other sheets are looked at on their own."""


def sheet(path: Path, rows: list[list[str]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def transcript(path: Path, lines: list[str]) -> Path:
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    document.save(path)
    return path


def messages(plant: Planter, count: int) -> list[str]:
    """Return so many messages, each with several planted values."""
    forms = (
        lambda: f"我叫{plant.name()}，电话{plant.mobile()}，办个证跑了四趟，窗口推诿扯皮。",
        lambda: f"路灯坏了半年没人修，请联系{plant.mobile()}。此致 敬礼\n{plant.name()}",
        lambda: f"补贴一直没到，身份证{plant.id_card()}，卡号{plant.card()}。",
        lambda: f"我住{plant.address()}，楼上漏水，物业不管。座机{plant.landline()}。",
        lambda: f"公司代码{plant.code()}，执照办了三个月。加微信{plant.wechat()}。",
        lambda: f"车{plant.plate()}天天堵消防通道，QQ：{plant.qq()}，邮箱{plant.mail()}。",
    )
    return [forms[number % len(forms)]() for number in range(count)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planter]:
    """Make files of four kinds with some 2,000 planted values, in texts, cells, labels and names of files."""
    folder, plant = tmp_path_factory.mktemp("in"), Planter()
    rows = [
        [plant.name(), plant.mobile(), plant.id_card(), f"{'甲乙丙'[number % 3]}村", text]
        for number, text in enumerate(messages(plant, 200))
    ]
    blank = [[plant.name(), plant.mobile(), plant.id_card(), "甲村", mark] for mark in ("", "？？", "  ") * 4]
    heads = ["姓名", "联系电话", "身份证号", "单位", "意见"]
    sheet(folder / f"问卷_{plant.name()}.xlsx", [heads, *rows, *blank])
    pd.DataFrame([[text] for text in messages(plant, 200)], columns=["留言内容"]).to_csv(
        folder / "热线.csv", index=False
    )
    speakers = [plant.name() for _ in range(8)]
    lines = [f"{speakers[number % 8]}：{text}" for number, text in enumerate(messages(plant, 96))]
    transcript(
        folder / "座谈会.docx",
        ["访谈者：请各位谈谈。", *lines, f"访谈者：{speakers[0]}刚才说得对，{speakers[1]}再说说。"],
    )
    (folder / "留言.txt").write_text("\n\n".join(messages(plant, 200)), encoding="utf-8")
    return folder, plant


def keep_temporary(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep what is written to the system's temporary folder."""
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", lambda self: self._finalizer.detach())
    monkeypatch.setattr(tempfile.TemporaryDirectory, "__exit__", lambda self, *_: self.cleanup())


@pytest.mark.slow
def test_nothing_planted_is_in_any_file_of_a_redacted_run(
    inputs: tuple[Path, Planter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plant = inputs
    assert len(plant.values) >= 2000
    keep_temporary(monkeypatch, tmp_path / "tmp")
    run = pipeline.classify(folder, out=tmp_path / "out", by=["单位", "姓名"], redact=True, jobs=1)
    assert run.manifest["totals"]["rejected"] >= 8
    assert found(tmp_path, plant.values) == []
    units = run.units(["text", "respondent", "姓名", "单位"])
    assert units["text"].str.contains(r"\[电话\d+\]").sum() > 100
    assert set(units["单位"].dropna()) == {"甲村", "乙村", "丙村"}


@pytest.mark.slow
def test_by_default_nothing_planted_is_in_reports_quotes_and_tables(
    inputs: tuple[Path, Planter], tmp_path: Path
) -> None:
    folder, plant = inputs
    run = pipeline.classify(folder, out=tmp_path / "out", by=["单位", "姓名"])
    assert found(tmp_path, plant.values, but=UNITS_OWN) == []
    assert len(found(run.folder / "units", plant.values)) > 1500, "the analyst's own units are as they were said"
    book = openpyxl.load_workbook(run.folder / "results.xlsx", read_only=True)
    cells = "\n".join(
        str(cell)
        for name in book.sheetnames
        if not name.startswith("语句")
        for row in book[name].iter_rows(values_only=True)
        for cell in row
    )
    assert [value for value in plant.values if value in cells] == []


def some(tmp_path: Path) -> Path:
    path = tmp_path / "问卷.csv"
    path.write_text(
        "姓名,电话,意见,单位\n"
        "王小明,13812345678,我是王小明，办个证跑了四趟，请打13812345678。,甲\n"
        "李秀英,13900001111,窗口推诿扯皮。此致 敬礼。李秀英,乙\n",
        encoding="utf-8",
    )
    return path


def test_three_states(tmp_path: Path) -> None:
    path, personal = some(tmp_path), {"王小明", "李秀英", "13812345678", "13900001111"}
    runs = {state: pipeline.classify(path, out=tmp_path / str(state), redact=state) for state in (None, True, False)}
    assert found(runs[True].folder, personal) == []
    assert found(runs[None].folder, personal, but=UNITS_OWN) == []
    assert "王小明" in "".join(runs[None].units(["text"])["text"])
    assert {value for _, value in found(runs[False].folder / "tables", personal)} >= {"王小明"}
    told = {state: (run.folder / "report.html").read_text(encoding="utf-8") for state, run in runs.items()}
    assert "语句、表格和报告里" in told[True]
    assert "语句（units/ 和 results.xlsx 的语句表）是原文" in told[None]
    assert "没有去标识化" in told[False]
    assert all("已匿名" not in text for text in told.values())


def test_report_changes_between_the_states_that_the_units_allow(tmp_path: Path) -> None:
    path = some(tmp_path)
    run = pipeline.classify(path, out=tmp_path / "out")
    assert "李秀英" in "".join(report(run.folder, redact=False).table("quotes")["respondent"])
    assert "李秀英" in "".join(report(run.folder).table("quotes")["respondent"]), "as in the run when not given"
    with pytest.raises(InputRefused, match="--redact 和 --force"):
        report(run.folder, redact=True)
    hidden = pipeline.classify(path, out=tmp_path / "hidden", redact=True)
    with pytest.raises(InputRefused, match="没有存下原文"):
        report(hidden.folder, redact=False)
    assert report(hidden.folder, by=["单位"], redact=True).table("by_单位") is not None


def test_offsets_and_evidence_fit_the_redacted_text(tmp_path: Path) -> None:
    path = tmp_path / "留言.txt"
    path.write_text("我叫王小明，电话13812345678，办个证跑了四趟，窗口推诿扯皮。\n", encoding="utf-8")
    default = pipeline.classify(path, out=tmp_path / "a")
    with masked_units(default.folder) as told:
        masked = pq.read_table(told / "units").to_pylist()
    stored = pipeline.classify(path, out=tmp_path / "b", redact=True).units().to_dict("records")
    for row in (*masked, *stored):
        assert "[电话1]" in row["text"]
        assert all(
            row["text"][item["start"] : item["end"]] == item["term"]
            for item in row["evidence"]
            if item["how"] == "term"
        )
    assert not any("138" in item["term"] for row in (*masked, *stored) for item in row["evidence"])
    assert [row["end"] - row["start"] for row in stored] == [len(row["text"]) for row in stored]
    assert not {"王", "小明", "王小明"} & {word for row in masked for word in row["words"]}


def test_numbers_do_not_depend_on_workers(tmp_path: Path) -> None:
    plant = Planter(1)
    path = tmp_path / "留言.csv"
    pd.DataFrame({"意见": messages(plant, 60) * 40}).to_csv(path, index=False)
    runs = [pipeline.classify(path, out=tmp_path / f"{jobs}", redact=True, jobs=jobs) for jobs in (1, 2)]
    outputs = [json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["outputs"] for run in runs]
    assert outputs[0] == outputs[1]


def test_a_name_is_found_before_its_bearer_speaks_and_labels_become_numbers(tmp_path: Path) -> None:
    path = transcript(
        tmp_path / "座谈会.docx",
        ["主持人：李建国先说，张卫东后说。", "李建国：办个证跑了四趟。", "张卫东：李建国说得对。", "村民A：没有意见。"],
    )
    units = pipeline.classify(path, out=tmp_path / "out", redact=True).units(["respondent", "text"])
    assert units["text"].tolist() == ["[姓名1]先说，[姓名2]后说。", "办个证跑了四趟。", "[姓名1]说得对。", "没有意见。"]
    labels = [label.partition("·")[2] for label in units["respondent"]]
    assert labels == ["主持人", "[受访者1]", "[受访者2]", "村民A"]


def test_files_with_names_in_their_names_stay_apart(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("访谈_王小明.txt", "访谈_李秀英.txt", "访谈_说明.bin"):
        (folder / name).write_text("办个证跑了四趟。", encoding="utf-8")
    run = pipeline.classify(folder, out=tmp_path / "out", redact=True)
    assert sorted(run.manifest["files"]) == ["访谈_[姓名1].txt", "访谈_[姓名2].txt", "访谈_说明.bin"]
    assert run.manifest["totals"]["respondents"] == 2


def grouped(tmp_path: Path, sizes: dict[str, int], **options: Any) -> pd.DataFrame:
    units = [unit(f"{place}{i}", "p", "resources", 村=place) for place, n in sizes.items() for i in range(n)]
    return next(
        table for table in tabulate(store(tmp_path, units), NAMES, by=["村"], **options) if table.name == "by_村"
    )


def test_the_least_group_is_as_asked(tmp_path: Path) -> None:
    sizes = {"大": 20, "中": 8, "小": 3}
    shown = {least: grouped(tmp_path, sizes, min_group=least) for least in (1, 5, 10, 12)}
    groups = {least: list(dict.fromkeys(table.frame["group"])) for least, table in shown.items()}
    assert groups == {
        1: ["中", "大", "小"],
        5: ["中", "大", "其他（不足5人）"],
        10: ["大", "其他（不足10人）"],
        12: ["大", "其他（不足12人）"],
    }
    counts = shown[5].frame.drop_duplicates("group").set_index("group")["problem_respondents"]
    assert counts["其他（不足5人）"] is pd.NA
    assert any("仍可能推算" in note for note in shown[5].notes), "what is withheld can be worked out, and that is said"
    assert not any("仍可能推算" in note for note in shown[10].notes)


def test_the_page_offers_no_small_group(tmp_path: Path) -> None:
    import re
    import zlib
    from base64 import b64decode

    units = [
        unit(f"{place}{i}", "p", "resources", 村=place)
        for place, n in (("大", 9), ("小", 3), ("", 2))
        for i in range(n)
    ]
    tables = tabulate(store(tmp_path, units), NAMES, by=["村"])
    write_reports(tmp_path, tmp_path, tables, NAMES, {"文件": 1}, by=["村"])
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    packed = re.search('<script id="codes"[^>]*>([^<]*)<', html)
    assert packed
    group = json.loads(zlib.decompress(b64decode(packed[1]), -15))["groups"][0]
    assert group["values"] == ["大"]
    assert sorted(group["of"]) == [-1] * 5 + [0] * 9
