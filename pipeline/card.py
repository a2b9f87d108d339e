"""A model's folder: the model, its codebook, the figures for machines (`card.json`) and for people (`card.md`)."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.calibration import cross_calibrated
from pipeline.curve import learning_curve, outlook
from pipeline.errors import OutputRefused
from pipeline.figures import Judged, figures
from pipeline.folder import writing
from pipeline.modelfolder import write, write_json
from pipeline.train import Trained

_SHOWN = 20
_ODD = 0.1
_SURE = 0.7


def judged(trained: Trained) -> Judged:
    """Return what cross-validation says: each unit judged by machines, and calibrated by units, that had not seen it."""
    task, found = trained.task, trained.found
    truth = task.categories[found.rows]
    probable, decided = cross_calibrated(
        found.categories, truth, found.folds, exclusive=task.exclusive, prior=task.prior
    )
    groups = np.unique(task.groups[found.rows], return_inverse=True)[1]
    if task.exclusive:
        return Judged(truth, probable, decided, groups, True)
    certain = trained.model.statements.probabilities(found.statements)
    return Judged(truth, probable, decided, groups, False, task.statements[found.rows], certain)


def card_of(trained: Trained, seed: int = 0) -> dict[str, Any]:
    """Return everything the card says, as JSON has it."""
    said = judged(trained)
    with threadpool_limits(1):  # sums in one order, as in training
        curve = learning_curve(trained.task, trained.recipe, trained.weight, trained.found, seed)
    facts = {
        "recipe": trained.recipe.name,
        "weight": trained.weight,
        "tried": trained.tried,
        "units": len(trained.labels),
        "exclusive": trained.task.exclusive,
        "warnings": list(trained.warnings),
    }
    rows = {"hardest": hardest(trained, said), "suspicious": suspicious(trained, said)}
    return (
        facts
        | figures(said, trained.codebook.names, seed)
        | {"curve": curve, "outlook": outlook(curve, len(trained.labels))}
        | rows
    )


def hardest(trained: Trained, said: Judged) -> list[dict[str, Any]]:
    """Return the units that the model was least sure of."""
    order = np.argsort(said.confidence, kind="stable")[:_SHOWN]
    return [_row(trained, said, int(row)) for row in order]


def suspicious(trained: Trained, said: Judged, most: int = _SHOWN) -> list[dict[str, Any]]:
    """Return units whose label the model, not having seen it, finds most unlikely: label errors are among them."""
    odds = np.where(said.truth, said.probable, 1 - said.probable).min(axis=1)
    rows = [int(row) for row in np.argsort(odds, kind="stable") if odds[row] < _ODD]
    if said.exclusive:
        rows = [row for row in rows if said.probable[row].max() > _SURE]
    return [_row(trained, said, row) for row in rows[:most]]


def _row(trained: Trained, said: Judged, row: int) -> dict[str, Any]:
    labels, names = trained.labels, list(trained.codebook.names.values())
    return {
        "place": labels.places[row] if labels.places else str(row + 1),
        "text": labels.texts[row],
        "label": [names[k] for k in np.flatnonzero(said.truth[row])],
        "model": [names[k] for k in np.flatnonzero(said.decided[row])],
        "confidence": round(float(said.confidence[row]), 3),
    }


# The folder


def save(trained: Trained, card: Mapping[str, Any], folder: Path, *, force: bool = False) -> None:
    """Write a model's folder, whole or not at all; an older model gives way only to `force`.

    Raises
    ------
    OutputRefused
        If the folder exists (with `force`: if it is no model).
    EnvironmentFault
        If it cannot be written.
    """
    may_write(folder, force=force)
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        with writing(folder):
            unfinished.mkdir(mode=0o700, parents=True)
            write(trained.model, trained.codebook, unfinished)
            write_json(unfinished / "card.json", dict(card))
            (unfinished / "card.md").write_text(markdown(card, folder.name), encoding="utf-8", newline="\n")
            _exchange(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def may_write(folder: Path, *, force: bool = False) -> None:
    """Refuse a folder that holds another model, or something else; to be asked before long work."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "model.json").is_file():
        raise OutputRefused(f"{folder} 已存在，而且不是模型文件夹，没有动它：请换一个名字（-o）。")
    if not force:
        raise OutputRefused(f"{folder} 里已有一个模型，没有覆盖：请换一个名字（-o），或加 --force 替换它。")


def _exchange(new: Path, folder: Path) -> None:
    """Put the new folder in the old one's place, which goes only when the new one stands."""
    old = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old")
    if folder.exists():
        folder.rename(old)
    try:
        os.rename(new, folder)  # noqa: PTH104 -- Path.rename says the same
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


# For people


def markdown(card: Mapping[str, Any], name: str) -> str:
    """Return the card for people."""
    return "\n".join([*_head(card, name), *_categories(card), *_trust(card), *_curve(card), *_rows(card)]) + "\n"


def summary(card: Mapping[str, Any]) -> list[str]:
    """Return the lines that the command prints."""
    low, high = card["intervals"]["macro_f1"]
    lines = [
        f"交叉检验（{card['n']} 条）：宏平均 F1 {card['macro_f1']:.3f}（95% 区间 {low:.3f}–{high:.3f}），"
        f"微平均 F1 {card['micro_f1']:.3f}，全对 {card['accuracy']:.1%}，校准误差 {card['ece']:.3f}"
    ]
    if "statement_accuracy" in card:
        lines.append(f"表述类型正确率 {card['statement_accuracy']:.1%}")
    if "accept" in card:
        lines.append(accept_sentence(card))
    if "outlook" in card:
        lines.append(outlook_sentence(card["outlook"]))
    return lines


def accept_sentence(card: Mapping[str, Any]) -> str:
    """Return what can be accepted without reading."""
    accept = card["accept"]
    if not accept["share"]:
        return "没有一批结果能保证 95% 正确：每条都需要人看。"
    return f"把握 ≥ {accept['confidence']:.2f} 的 {accept['share']:.0%} 可以不看就接受（其中 95% 正确）。"


def outlook_sentence(outlook_: Mapping[str, Any]) -> str:
    """Return the answer to `would more labels help`."""
    if not outlook_["helps"]:
        return f"再标的帮助不大：标注翻一倍，宏平均 F1 预计只升 {outlook_['gain']:.3f}。"
    return f"再标会有帮助：再标约 {outlook_['units']} 条（翻一倍），宏平均 F1 预计升 {outlook_['gain']:.3f}。"


def _cell(text: str, most: int = 60) -> str:
    """Return text that means nothing to Markdown or HTML."""
    short = " ".join(text.split())
    short = short[:most] + "…" if len(short) > most else short
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;"), ("[", "&#91;")):
        short = short.replace(char, entity)
    return short


def _head(card: Mapping[str, Any], name: str) -> list[str]:
    lines = [f"# 模型卡：{_cell(name)}", "", *[f"- {line}" for line in summary(card)]]
    lines += [f"- 配方：{card['recipe']}；由交叉检验在 {len(card['tried'])} 种里选出", f"- 标注：{card['units']} 条"]
    return lines + [f"- 注意：{_cell(warning, 300)}" for warning in card["warnings"]]


def _categories(card: Mapping[str, Any]) -> list[str]:
    lines = ["", "## 各类别", "", "| 类别 | 条数 | 精确率 | 召回率 | F1 | 95% 区间 |", "|---|---|---|---|---|---|"]
    for row in card["per_category"].values():
        low, high = row["interval"]
        figures_ = f"{row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {low:.2f}–{high:.2f}"
        lines.append(f"| {_cell(row['name'])} | {row['n']} | {figures_} |")
    if card["confusion"]:
        lines += ["", "## 最常混淆", "", "| 应是 | 说成 | 次数 |", "|---|---|---|"]
        lines += [f"| {_cell(row['truth'])} | {_cell(row['said'])} | {row['n']} |" for row in card["confusion"]]
    return lines


def _trust(card: Mapping[str, Any]) -> list[str]:
    lines = ["", "## 把握与正确率", "", "| 模型的把握 | 实际正确 | 条数 | |", "|---|---|---|---|"]
    for row in card["reliability"]:
        bar = "█" * round(row["accuracy"] * 20)
        lines.append(f"| {row['confidence']:.2f} | {row['accuracy']:.2f} | {row['n']} | {bar} |")
    return lines


def _curve(card: Mapping[str, Any]) -> list[str]:
    lines = ["", "## 学习曲线", "", "| 标注条数 | 宏平均 F1 |", "|---|---|"]
    lines += [f"| {row['units']} | {row['macro_f1']:.3f} |" for row in card["curve"]]
    if "baseline" in card:
        gap = card["baseline"]
        words = {"better": "更好", "worse": "更差", "no difference": "没有差别"}[gap["verdict"]]
        lines += ["", "## 与基准模型相比", ""]
        lines.append(
            f"{words}：宏平均 F1 差 {gap['difference']:+.3f}（95% 区间 {gap['low']:+.3f}～{gap['high']:+.3f}，{gap['n']} 条）"
        )
    return lines


def _rows(card: Mapping[str, Any]) -> list[str]:
    lines = []
    for title, key in (("可疑的标注（请核对）", "suspicious"), ("最难的条目", "hardest")):
        lines += ["", f"## {title}", "", "| 位置 | 文字 | 标注 | 模型 | 把握 |", "|---|---|---|---|---|"]
        for row in card[key]:
            said = [_cell("、".join(row[side]) or "无") for side in ("label", "model")]
            lines.append(
                f"| {_cell(row['place'])} | {_cell(row['text'])} | {' | '.join(said)} | {row['confidence']:.2f} |"
            )
    return lines
