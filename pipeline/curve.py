"""The learning curve, which says whether more labels would help, and how many."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.calibration import calibrate
from pipeline.fitting import MANY, Learner, OutOfFold, Task
from pipeline.recipes import Recipe

PARTS = (0.25, 0.5, 0.75)
GAIN = 0.01
"""A gain of macro F1 worth labelling for."""


def learning_curve(
    task: Task, recipe: Recipe, weight: float, found: OutOfFold, seed: int = 0
) -> list[dict[str, float]]:
    """Return macro F1 by the number of the user's units that were trained on.

    Parts of the training side of each fold (of one fold only on samples that take long), tested on its other side.
    """
    from sklearn.metrics import f1_score

    learner = Learner(task, recipe, weight)
    head = calibrate(
        task.labels[0], found.categories, task.categories[found.rows], exclusive=task.exclusive, prior=task.prior
    )
    quick = len(task.cuts) > MANY
    rows, own = task.rows, np.zeros(len(task.cuts), dtype=bool)
    own[rows] = True
    order = np.random.default_rng(seed).permutation(len(task.cuts))
    out = []
    for part in PARTS if not quick else PARTS[:2]:
        scores: list[Any] = []
        truth: list[Any] = []
        used = 0.0
        for fold in range(1 if quick else int(found.folds.max()) + 1):
            test = rows[found.folds == fold]
            train = rows[found.folds != fold]
            train = train[np.argsort(order[train])][: max(int(part * len(train)), 2)]
            weights, bias = learner.heads(np.sort(np.r_[train, np.flatnonzero(~own)]))[0]
            scores.append(learner.matrix[test] @ weights + bias)
            truth.append(task.categories[test])
            used = max(used, float(len(train)))
        out.append(_point(used, head, np.vstack(scores), np.vstack(truth), f1_score))
    tested = found.folds == 0 if quick else np.ones(len(rows), dtype=bool)
    full = int((found.folds != 0).sum())
    return [*out, _point(full, head, found.categories[tested], task.categories[rows[tested]], f1_score)]


def _point(units: float, head: Any, scores: Any, truth: Any, f1_score: Any) -> dict[str, float]:
    decided = head.decided(head.probabilities(scores))
    present = truth.any(axis=0)
    reached = f1_score(truth[:, present], decided[:, present], average="macro", zero_division=0)
    return {"units": int(units), "macro_f1": round(float(reached), 4)}


def outlook(curve: list[dict[str, float]], labelled: int) -> dict[str, Any]:
    """Return whether more labels would help: the error falls as a power of the number of labels (fitted, log-log).

    Returns
    -------
    dict
        `helps`, `gain` (macro F1 expected from twice the labels), `units` (so many more labels for one such gain).

    Examples
    --------
    >>> found = outlook([{"units": 100, "macro_f1": 0.6}, {"units": 200, "macro_f1": 0.7}, {"units": 400, "macro_f1": 0.77}], 500)
    >>> found["helps"], found["gain"] > 0.04
    (True, True)
    """
    units = np.log([max(point["units"], 1) for point in curve])
    errors = np.log([max(1 - point["macro_f1"], 1e-3) for point in curve])
    slope = float(np.polyfit(units, errors, 1)[0]) if len(set(units.tolist())) > 1 else 0.0
    error = 1 - curve[-1]["macro_f1"]
    gain = error * (1 - 2.0 ** min(slope, 0.0))
    return {"helps": gain >= GAIN, "gain": round(float(gain), 4), "units": labelled}
