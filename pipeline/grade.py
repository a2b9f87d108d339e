"""Quality of a model on held-out labels, and of two models on the same labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.codebook import Codebook, load
from pipeline.errors import LabelsRefused, ModelRefused
from pipeline.figures import Judged, difference, figures, verdict
from pipeline.labels import LabelOptions, Labels, joined_groups, normalised, read_labels
from pipeline.model import LinearModel
from pipeline.modelfolder import read
from pipeline.records import STATEMENTS
from pipeline.resources import shipped
from pipeline.train import builtin_sample, cuts_of

SEEN = "seen"
"""Where a model's JSON says which texts it was trained on (short hashes)."""

BUILTIN = "with_builtin"
"""Where it says whether the built-in sample was among them."""

_LEAST = 30


def open_model(folder: Path | None) -> tuple[LinearModel, Codebook]:
    """Return a model and its codebook; the built-in one when no folder is given."""
    model, book = read(folder or shipped("models/builtin"))
    book = book or load()
    if book.ids != model.categories.labels:
        raise ModelRefused(f"模型 {folder} 的类别与自带的编码手册不同，而且没有附上自己的手册。请重新训练。")
    return model, book


def evaluate(
    model: LinearModel, book: Codebook, paths: Sequence[Path], options: LabelOptions, seed: int = 0
) -> dict[str, Any]:
    """Return the figures of a model on labelled files, as `pipeline.figures.figures` has them.

    Where the model was trained on some of the texts, `seen` says how many, and `unseen` has the figures of the others.

    Parameters
    ----------
    model, book : LinearModel, Codebook
        From `open_model`.
    paths : sequence of Path
        Labelled files that the model was not trained on.
    options : LabelOptions
        Columns; `label` where the model gives one label.

    Raises
    ------
    LabelsRefused
        If the labels are none of the model's, or it needs `--label`.
    """
    if model.categories.exclusive != bool(options.label):
        cure = "请用 --label 列名 指明标签列" if model.categories.exclusive else "请去掉 --label"
        raise LabelsRefused(
            f"这个模型{'每条只给一个标签' if model.categories.exclusive else '按编码手册给类别'}：{cure}。"
        )
    labels = read_labels(paths, book, options)
    warnings = list(labels.warnings)
    known = set(book.ids)
    unknown = sorted({c for row in labels.categories for c in row} - known)
    if unknown:
        count = sum(not known.issuperset(row) for row in labels.categories)
        shown = "、".join(unknown[:10]) + ("……" if len(unknown) > 10 else "")
        warnings.append(f"{count} 行的标签（{shown}）是模型没学过的，都算答错。")
    if not any(known & set(row) for row in labels.categories):
        raise LabelsRefused(f"标注里没有一个标签是模型学过的（{'、'.join(book.ids[:10])}）：请确认给对了模型和标签列。")
    names = book.names | {label: label for label in unknown}
    judged, old = judge(model, book, labels, unknown), seen_rows(model, labels)
    found = figures(judged, names, seed) | {"seen": int(old.sum()), "warnings": warnings}
    if not old.any():
        return found
    cure = "下面另有没见过的行的成绩，以它为准" if not old.all() else "请换没用来训练的标注"
    warnings.append(f"{len(labels)} 行里有 {int(old.sum())} 行是训练时见过的文字，这些行上的成绩偏高：{cure}。")
    return found if old.all() else found | {"unseen": figures(judged.take(np.flatnonzero(~old)), names, seed)}


def judge(model: LinearModel, book: Codebook, labels: Labels, unknown: Sequence[str] = ()) -> Judged:
    """Return what a model says of labelled units; labels that it does not know are columns of their own, never said."""
    texts = normalised(labels)
    scores, kinds = model.scores(cuts_of(texts, book), texts)
    probable = model.categories.probabilities(scores)
    decided = model.categories.decided(probable)
    columns = (*book.ids, *unknown)
    truth = np.asarray([[c in row for c in columns] for row in labels.categories], dtype=bool)
    none = np.zeros((len(labels), len(unknown)))
    probable, decided = np.hstack([probable, none]), np.hstack([decided, none.astype(bool)])
    judged = Judged(
        truth.reshape(len(labels), -1), probable, decided, joined_groups(labels), model.categories.exclusive
    )
    if model.categories.exclusive:
        return judged
    codes = np.asarray([STATEMENTS.index(name) if name else -1 for name in labels.statements])
    return replace(judged, statements=codes, statement_probable=model.statements.probabilities(kinds))


def against(judged: Judged, labels: Labels, book: Codebook, baseline: Path, seed: int = 0) -> dict[str, Any]:
    """Return how far cross-validated decisions are better than those of another model on the same units.

    Units that the other model was trained on are left out.

    Raises
    ------
    ModelRefused
        If the other model has other categories.
    LabelsRefused
        If it has seen nearly all units.
    """
    model, other = open_model(baseline)
    if other.ids != book.ids:
        raise ModelRefused(
            f"基准模型 {baseline} 的类别与这份标注的类别不同，没法比较：请换一个模型，或去掉 --baseline。"
        )
    fresh = np.flatnonzero(~seen_rows(model, labels))
    if len(fresh) < _LEAST:
        raise LabelsRefused(
            f"基准模型 {baseline} 训练时已见过几乎全部标注（只剩 {len(fresh)} 条没见过），没法公平比较。"
        )
    ours, theirs = judged.take(fresh), judge(model, other, labels.take(fresh))
    gap = difference(ours, replace(theirs, groups=ours.groups), seed)
    return gap | {"verdict": verdict(gap), "left_out": len(labels) - len(fresh)}


def short_hashes(labels: Labels) -> list[str]:
    """Return a short hash a text, sorted: to know later what a model has seen, not what was said."""
    return sorted({_short(text) for text in normalised(labels)})


def seen_rows(model: LinearModel, labels: Labels) -> Any:
    """Return which units a model was trained on, (n,)."""
    return seen_texts(model, normalised(labels))


def seen_texts(model: LinearModel, texts: Sequence[str]) -> Any:
    """Return which normalised texts a model was trained on, (n,)."""
    seen = set(model.about.get(SEEN, ()))
    if SEEN not in model.about or model.about.get(BUILTIN):  # the built-in model itself, or one made with its sample
        seen.update(_builtin_hashes())
    return np.asarray([_short(text) in seen for text in texts], dtype=bool)


@cache
def _builtin_hashes() -> frozenset[str]:
    return frozenset(short_hashes(builtin_sample()))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
