"""Trains a coder on people's labels: recipe and weights chosen by cross-validation, with the figures for its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline import semantic
from pipeline.batch import Batch
from pipeline.calibration import cross_calibrated
from pipeline.codebook import Codebook
from pipeline.cues import CueFinder
from pipeline.errors import LabelsRefused
from pipeline.features import LEAST, Cut, Vocabulary
from pipeline.fitting import MANY, OutOfFold, Task, fit, out_of_fold
from pipeline.labels import Labels, book_of, deduplicated, joined_groups, normalised
from pipeline.model import Head, LinearModel
from pipeline.recipes import USUAL, Recipe
from pipeline.records import STATEMENTS
from pipeline.resources import shipped
from pipeline.segment import Segmenter

Bools = NDArray[np.bool_]

SAMPLE = "models/builtin/sample.parquet"
CUE_BIAS = "cue_bias"
"""Where the built-in model keeps what its words add to the statement types on average, for heads of cues alone."""

FEW = 8
"""A category with fewer labelled units is named in the warnings."""

LEAST_UNITS = 10
WEIGHTS = (3.0, 10.0)
"""So many times the user's units may count against one of the built-in sample."""

BETTER = 0.1
"""Another recipe is taken only if it is better by so much over the root of the number of units."""


@dataclass(frozen=True)
class Trained:
    """A trained model with what is known about it."""

    model: LinearModel
    codebook: Codebook
    labels: Labels
    """What it was trained on, each text once."""
    task: Task
    found: OutOfFold
    recipe: Recipe
    weight: float
    tried: dict[str, float] = field(default_factory=dict)
    """Recipes and what they reached in cross-validation."""
    warnings: tuple[str, ...] = ()


def train(labels: Labels, codebook: Codebook) -> LinearModel:
    """Train a model for a codebook's categories and the statement types, with the usual recipe.

    Parameters
    ----------
    labels : Labels
        At least a few hundred units.
    codebook : Codebook
        Its categories are the labels; its terms and topics are features.
    """
    task = task_of(labels, codebook)
    model = fit(task, {"codebook": codebook.fingerprint, "units": len(labels)})
    return replace(model, about=model.about | {CUE_BIAS: _typical(model, task)})


def _typical(model: LinearModel, task: Task) -> list[float]:
    """Return what everything but the cues adds to the score of each statement type, on average."""
    mean = np.asarray(task.matrix.mean(axis=0)).ravel()
    _, rows = _cue_rows(model)
    mean[rows] = 0
    return [round(float(score), 6) for score in mean @ model.statements.weights + model.statements.bias]


def learn(
    labels: Labels,
    codebook: Codebook | None = None,
    *,
    base: Labels | None = None,
    words: Segmenter | None = None,
    use_semantic: bool | None = None,
    seed: int = 0,
) -> Trained:
    """Train on people's labels.

    Parameters
    ----------
    labels : Labels
        The user's units.
    codebook : Codebook, optional
        Its categories are the labels, several a unit; without one each unit has exactly one label.
    base : Labels, optional
        The built-in sample, which the user's units join with a weight chosen by cross-validation.
    words : Segmenter, optional
        With the user's words.
    use_semantic : bool, optional
        Whether recipes with sentence embeddings are tried; by default where they are installed and may help.
    seed : int
        Of the folds.

    Raises
    ------
    LabelsRefused
        If there is nothing to tell apart: too few units, one class only.
    """
    labels = deduplicated(labels)
    book, exclusive = book_of(labels, codebook), codebook is None
    warnings = [*labels.warnings, *check(labels, book, exclusive=exclusive)]
    everything = labels if base is None else joined(labels, base)
    task = task_of(everything, book, exclusive=exclusive, own=len(labels) if base else None, segmenter=words)
    if base:
        task = replace(task, prior=_builtin().categories)
    wanted = semantic.available() if use_semantic is None else use_semantic
    if wanted and task.may_embed:
        task = replace(task, embeddings=semantic.embed_many(normalised(everything)))
    with threadpool_limits(1):  # sums in one order: equal results whatever the number of threads
        return _learnt(task, labels, book, seed, warnings)


def _learnt(task: Task, labels: Labels, book: Codebook, seed: int, warnings: Sequence[str]) -> Trained:
    recipe, weight, tried, found = _chosen(task, seed)
    about = {"codebook": book.fingerprint, "units": len(labels), "recipe": recipe.name, "seed": seed}
    model = fit(task, about, recipe, weight, found)
    if task.exclusive:
        model = replace(model, statements=_by_cues(model))
    return Trained(model, book, labels, task, found, recipe, weight, tried, tuple(warnings))


def check(labels: Labels, codebook: Codebook, *, exclusive: bool) -> list[str]:
    """Refuse labels that teach nothing, and return what has to be said about the others."""
    counts = Counter(category for row in labels.categories for category in row)
    if len(labels) < LEAST_UNITS:
        raise LabelsRefused(
            f"只有 {len(labels)} 行不同的标注，至少要 {LEAST_UNITS} 行（每类最好 {FEW} 行以上）才能训练。"
        )
    if exclusive and len(counts) < 2:
        raise LabelsRefused(f"所有 {len(labels)} 行的标签都是“{next(iter(counts))}”：至少要有两种标签才能训练。")
    if not exclusive and not counts:
        raise LabelsRefused("没有一行标注了类别（全是“无”）：至少要有一个类别才能训练。")
    if len(set(joined_groups(labels).tolist())) < 2:
        raise LabelsRefused("所有标注都来自同一位受访者：至少要两位受访者的话，才能检验模型对别人是否管用。")
    rare = [f"{codebook.name_of(c)}（{counts[c]}）" for c in codebook.ids if counts[c] < FEW]
    shown = "、".join(rare[:20]) + (f" 等 {len(rare)} 类" if len(rare) > 20 else "")
    return [f"这些类别的标注不到 {FEW} 行，结果不可靠，请再标一些：{shown}。"] if rare else []


def joined(own: Labels, base: Labels) -> Labels:
    """Return the user's units followed by the built-in sample's, without the texts that the user labelled too."""
    seen = set(normalised(own))
    rows = [row for row, text in enumerate(normalised(base)) if text not in seen]
    rest = base.take(rows)
    columns = ("texts", "statements", "categories")
    both = {name: getattr(own, name) + getattr(rest, name) for name in columns}
    return Labels(**both, groups=own.groups + tuple(f"builtin/{group}" for group in rest.groups))


def task_of(
    labels: Labels,
    codebook: Codebook,
    *,
    exclusive: bool = False,
    own: int | None = None,
    segmenter: Segmenter | None = None,
) -> Task:
    """Return what is to be learnt; the first `own` units are the user's (all, if not given)."""
    truth = np.asarray([[category in row for category in codebook.ids] for row in labels.categories], dtype=bool)
    codes = [STATEMENTS.index(name) if name else -1 for name in labels.statements]
    mine = None if own is None else np.arange(len(labels)) < own
    cuts = cuts_of(normalised(labels), codebook, segmenter)
    shape = (len(labels), len(codebook.ids))
    names = (tuple(codebook.ids), STATEMENTS)
    task = Task(cuts, truth.reshape(shape), np.asarray(codes), joined_groups(labels), names, exclusive, mine)
    return replace(task, given=_vocabulary(task))


def cuts_of(texts: Sequence[str], codebook: Codebook, segmenter: Segmenter | None = None) -> list[Cut]:
    """Return normalised texts as the model sees them."""
    segmenter, cues = segmenter or Segmenter(), CueFinder(codebook).read(Batch(texts))
    words = (tuple(word.lower() for word in segmenter.cut(text) if not word.isspace()) for text in texts)
    return [Cut(of_one, cues.signals_of(at)) for at, of_one in enumerate(words)]


def _vocabulary(task: Task) -> Vocabulary:
    """Return the features: for labels of any kind, words, and as signals the cues that tell the statement type.

    A small sample tells little of how rare a word is: the built-in sample does (cross-validated, half a point of F1 with 20
    labels a class), and every n-gram counts (one point).
    """
    cuts = [Cut(cut.words) for cut in task.cuts] if task.exclusive else task.cuts
    vocabulary = Vocabulary.of(cuts, 1 if task.small else LEAST)
    if task.exclusive:
        vocabulary = replace(vocabulary, signals={name: i for i, name in enumerate(_cue_weights()[0])})
    if task.small:
        known = _builtin().vocabulary
        vocabulary = replace(vocabulary, word_idf=known.word_idf, rare=known.rare)
    return vocabulary


@cache
def _builtin() -> LinearModel:
    return LinearModel.load(shipped("models/builtin"))


@cache
def _cue_weights() -> tuple[tuple[str, ...], Head]:
    """Return what the built-in model learnt about cues, whatever the topic: their names, and weights of the statements."""
    builtin = _builtin()
    names, rows = _cue_rows(builtin)
    bias = np.asarray(builtin.about[CUE_BIAS], dtype=np.float32)
    return names, replace(builtin.statements, weights=builtin.statements.weights[rows], bias=bias)


def _cue_rows(model: LinearModel) -> tuple[tuple[str, ...], list[int]]:
    """Return the cues that say nothing of a category, and their features' numbers."""
    signals, labels = model.vocabulary.signals, model.categories.labels
    names = tuple(name for name in signals if not any(part in labels for part in name.split(":")))
    first = model.vocabulary.size - len(signals)
    return names, [first + signals[name] for name in names]


def _by_cues(model: LinearModel) -> Head:
    """Return a statement head for labels of any kind: nobody labelled statements, so the cues alone decide."""
    names, head = _cue_weights()
    weights = np.zeros((model.vocabulary.size, len(head.labels)), np.float32)
    weights[len(weights) - len(names) :] = head.weights
    return replace(head, weights=weights)


def _chosen(task: Task, seed: int) -> tuple[Recipe, float, dict[str, float], OutOfFold]:
    """Choose recipe and weight by what they reach out of fold; return the winner's scores too."""
    sample = task if len(task.rows) <= MANY else task.part(_some_groups(task, seed))
    tried: dict[str, float] = {}
    best: tuple[Recipe, float, float] = (USUAL, 1.0, -1.0)
    better = BETTER / np.sqrt(len(sample.rows))
    kept: OutOfFold | None = None
    for recipe, weight in _candidates(task):
        found = out_of_fold(sample, recipe, weight, seed)
        reached = quality(sample, found)
        tried[recipe.name + (f" 权重 {weight:g}" if task.own is not None else "")] = round(reached, 4)
        if reached > best[2] + better:
            best, kept = (recipe, weight, reached), found
    recipe, weight, _ = best
    if kept is None or sample is not task:
        kept = out_of_fold(task, recipe, weight, seed)
    return recipe, weight, tried, kept


def _candidates(task: Task) -> list[tuple[Recipe, float]]:
    """Return what to try; where the built-in sample trains along, only the weight is chosen."""
    weights = (1.0,) if task.own is None else WEIGHTS
    return [(recipe, weight) for recipe in task.recipes for weight in weights]


def _some_groups(task: Task, seed: int) -> NDArray[np.int_]:
    """Return about `MANY` units, whole groups."""
    order = np.random.default_rng(seed).permutation(int(task.groups.max()) + 1)
    return np.flatnonzero(order[task.groups] < len(order) * MANY / len(task.cuts))


def quality(task: Task, found: OutOfFold) -> float:
    """Return what a recipe is chosen by: macro F1 (and statement accuracy, where statements are labelled)."""
    from sklearn.metrics import f1_score

    truth = task.categories[found.rows]
    _, decided = cross_calibrated(found.categories, truth, found.folds, exclusive=task.exclusive, prior=task.prior)
    present = truth.any(axis=0)
    scores = [float(f1_score(truth[:, present], decided[:, present], average="macro", zero_division=0))]
    said = task.statements[found.rows]
    if (said >= 0).any() and not task.exclusive:
        scores.append(float((found.statements.argmax(axis=1) == said)[said >= 0].mean()))
    return float(np.mean(scores))


# The sample that the built-in model was trained on


def builtin_sample() -> Labels:
    """Return the synthetic labelled sample that the built-in model was trained on."""
    import pyarrow.parquet as pq

    rows = pq.read_table(shipped(SAMPLE)).to_pydict()
    categories = tuple(tuple(row) for row in rows["categories"])
    return Labels(tuple(rows["text"]), tuple(rows["statement"]), categories, tuple(rows["group"]))


def store_sample(labels: Labels, path: Path) -> None:
    """Write a sample that later trainings can join."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"text": labels.texts, "statement": labels.statements, "group": labels.groups}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    table = table.append_column("categories", pa.array(list(map(list, labels.categories)), pa.list_(pa.string())))
    pq.write_table(table, path, compression="zstd", write_statistics=False)
