"""A person's loop, whole and through the commands: classify, sample, correct in Excel, train, evaluate, classify again."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook

import pipeline
from pipeline.codebook import load
from pipeline.labels import read_labels

NAMES = {"problem": "问题", "suggestion": "建议", "praise": "肯定", "neutral": "陈述"}
TICKS = ("✓", "√ ", "✔", 1, "是", "Y", "１")
"""What clerks and their programs make of a tick."""


def qunyan(*words: object, code: int = 0, **environment: str) -> tuple[str, str]:
    """Run a command; return what it said on both channels."""
    command = [sys.executable, "-m", "pipeline.cli", "--lang", "zh", *map(str, words)]
    folder = Path(pipeline.__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=os.environ | environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    return done.stdout, done.stderr


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def people(root: Path) -> list[dict[str, str]]:
    """Sentences by another hand than the built-in sample's, each text once."""
    with (root / "data" / "test" / "unseen.csv").open(encoding="utf-8-sig", newline="") as file:
        return list({row["text"]: row for row in csv.DictReader(file)}.values())


def clerk(path: Path, fill: Any) -> int:
    """Fill a sheet in and save it as people do; return how many rows are left.

    Sorted, some rows hidden by a filter, three deleted, a column added, a remark beside a merged heading.
    """
    book = load_workbook(path)
    sheet = book["标注"]
    heads = [cell.value for cell in sheet[1]]
    rows = [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    rows.sort(key=lambda row: str(row["文本"]))
    for number, row in enumerate(rows):
        filled = row | fill(number, row["文本"])
        for column, head in enumerate(heads, 1):
            sheet.cell(number + 2, column, filled[head])
    for number in range(2, len(rows) + 2, 3):
        sheet.row_dimensions[number].hidden = True
    sheet.delete_rows(5, 3)
    sheet.insert_cols(heads.index("文本") + 2)
    sheet.cell(1, heads.index("文本") + 2, "我的备注")
    sheet.cell(2, heads.index("文本") + 2, "=1+1")
    book.save(path)
    return len(rows) - 3


@pytest.mark.slow
def test_a_round_with_labels_of_ones_own_makes_a_better_model(root: Path, tmp_path: Path) -> None:
    rows = [{"意见": row["text"], "标签": NAMES[row["statement"]]} for row in people(root)]
    truth = {row["意见"]: row["标签"] for row in rows}
    held, ours = rows[::3], [row for at, row in enumerate(rows) if at % 3]
    first = write(tmp_path / "起步.csv", ours[::10])
    test = write(tmp_path / "检验.csv", held)
    pile = write(tmp_path / "意见.csv", [{"意见": row["意见"]} for row in ours])
    own = ("--label", "标签", "--no-semantic")
    qunyan("train", first, "-o", tmp_path / "模型一", *own)
    qunyan("classify", pile, "-o", tmp_path / "结果一", "--model", tmp_path / "模型一", "--unit", "response")
    sheet = tmp_path / "待标注.xlsx"
    qunyan("sample", tmp_path / "结果一", "-n", 150, "-o", sheet, "--model", tmp_path / "模型一")
    assert not set(pd.read_excel(sheet, sheet_name="标注", engine="calamine")["文本"]) & {
        row["意见"] for row in ours[::10]
    }, "what is labelled already is not asked for again"
    left = clerk(sheet, lambda number, text: {"标签": truth[text] + ("", "　", " ")[number % 3]})
    _, said = qunyan("train", first, sheet, "-o", tmp_path / "模型二", *own)
    assert json.loads((tmp_path / "模型二" / "card.json").read_text("utf-8"))["units"] == len(ours[::10]) + left
    assert "只差空格" in said
    before, after = (
        json.loads(qunyan("evaluate", tmp_path / name, test, "--label", "标签", "--json")[0])
        for name in ("模型一", "模型二")
    )
    assert before["seen"] == after["seen"] == 0
    assert after["n"] == len(held)
    assert after["macro_f1"] > before["macro_f1"] + 0.05
    qunyan("classify", pile, "-o", tmp_path / "结果二", "--model", tmp_path / "模型二", "--unit", "response")
    coded = pipeline.Run(tmp_path / "结果二").units(["text", "categories"])
    right = [truth[text] in found for text, found in zip(coded["text"], coded["categories"], strict=True)]
    assert sum(right) / len(right) > after["accuracy"], "the clerk's own rows are among them"


def test_the_number_of_threads_and_the_hash_seed_change_nothing(root: Path, tmp_path: Path) -> None:
    rows = [{"意见": row["text"], "标签": NAMES[row["statement"]]} for row in people(root)[::4]]
    table, content = write(tmp_path / "标注.csv", rows), []
    for count in ("1", "3"):
        threads = {f"{name}_NUM_THREADS": count for name in ("OMP", "OPENBLAS", "MKL")} | {"PYTHONHASHSEED": count}
        qunyan("train", table, "-o", tmp_path / count, "--label", "标签", "--no-semantic", "--seed", 5, **threads)
        content.append({path.name: path.read_bytes() for path in (tmp_path / count).iterdir() if path.suffix != ".md"})
    assert content[0] == content[1]
    assert {"arrays.npz", "card.json", "model.json"} <= set(content[0])


def test_a_corrected_sheet_says_what_the_clerk_meant_whatever_she_ticked_with(root: Path, tmp_path: Path) -> None:
    book = load()
    truth = {row["text"]: row for row in people(root)[::8]}
    pile = write(tmp_path / "意见.csv", [{"意见": text} for text in truth])
    qunyan("classify", pile, "-o", tmp_path / "结果", "--unit", "response")
    sheet = tmp_path / "待标注.xlsx"
    qunyan("sample", tmp_path / "结果", "-n", 60, "-o", sheet)

    def gold(text: str) -> list[str]:
        return [category for category in book.ids if category in truth[text]["categories"].split(";")]

    def fill(number: int, text: str) -> dict[str, Any]:
        ticks = {book.name_of(category): TICKS[(number + at) % len(TICKS)] for at, category in enumerate(gold(text))}
        return {"表述类型": f" {NAMES[truth[text]['statement']]}　"} | (ticks or {"主类别": "无"})

    left = clerk(sheet, fill)
    again = load_workbook(sheet)
    labels = again["标注"]
    labels.merge_cells(start_row=labels.max_row + 2, end_row=labels.max_row + 2, start_column=2, end_column=5)
    labels.cell(labels.max_row, 2, "以上由王某录入")
    again.move_sheet("编码手册", -1)
    again.save(sheet)
    found = read_labels([sheet], book)
    assert len(found) == left == 57
    for text, statement, categories in zip(found.texts, found.statements, found.categories, strict=True):
        assert (statement, list(categories)) == (truth[text]["statement"], gold(text))
