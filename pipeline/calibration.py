"""From scores to probabilities and thresholds, on scores out of fold; cautious where there are few units.

References
----------
Platt (1999). Probabilistic outputs for support vector machines. Guo et al. (2017). On calibration of modern neural networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.features import Floats
from pipeline.model import Head, sigmoid, softmax

Bools = NDArray[np.bool_]

ENOUGH = 50
"""A category with so many units has its own sigmoid and threshold; those with fewer share one."""

PULL = 3.0
"""How strongly `adapted` is drawn to no change, in units: the best of 1, 3, 10 on real messages, by a small margin."""

COMMON = 0.3
"""Share of units from which on a category is common."""

TIE = 0.01
"""Thresholds whose F1 differs by less are equally good."""

_GRID = np.arange(0.10, 0.71, 0.02)


def calibrate(
    labels: tuple[str, ...], scores: Floats, truth: Bools, *, exclusive: bool, prior: Head | None = None
) -> Head:
    """Return a head without weights: how scores become probabilities, and thresholds.

    Parameters
    ----------
    labels : tuple of str, length k
        The names.
    scores : (n, k) array
        Out of fold.
    truth : (n, k) array of bool
        Which labels hold.
    exclusive : bool
        Whether exactly one holds.
    prior : Head, optional
        Of the model that is built upon: rare categories keep its sigmoids and thresholds.
    """
    k = len(labels)
    none = np.zeros((0, k), np.float32)
    if exclusive:
        slope = np.full(k, 1 / temperature(scores, truth.argmax(axis=1)), np.float32)
        return Head(labels, none, none.sum(axis=0), slope, np.zeros(k, np.float32), np.zeros(k, np.float32), True)
    slope, offset = _sigmoids(scores, truth)
    thresholds = _thresholds(sigmoid(slope * scores + offset), truth)
    if prior:
        rare = truth.sum(axis=0) < ENOUGH
        slope, offset = np.where(rare, prior.slope, slope), np.where(rare, prior.offset, offset)
        thresholds = np.where(rare, prior.thresholds, thresholds)
    return Head(labels, none, none.sum(axis=0), slope, offset, thresholds)


def cross_calibrated(
    scores: Floats, truth: Bools, folds: NDArray[Any], *, exclusive: bool, prior: Head | None = None
) -> tuple[Floats, Bools]:
    """Return probabilities and decisions of units, each calibrated on the other folds: nothing judges itself.

    Parameters
    ----------
    scores, truth : (n, k) arrays
        Out of fold, and what holds.
    folds : (n,) array of int
        The fold of each unit.
    exclusive : bool
        Whether exactly one holds.
    prior : Head, optional
        See `calibrate`.
    """
    probable, decided = np.zeros(scores.shape, np.float32), np.zeros(scores.shape, dtype=bool)
    labels = tuple(map(str, range(scores.shape[1])))
    for fold in np.unique(folds):
        test = folds == fold
        head = calibrate(labels, scores[~test], truth[~test], exclusive=exclusive, prior=prior)
        probable[test] = head.probabilities(scores[test])
        decided[test] = head.decided(probable[test])
    return probable, decided


def temperature(scores: Floats, truth: NDArray[np.int_]) -> float:
    """Return the temperature with the least log loss over the units whose truth is known (not negative)."""
    from scipy.optimize import minimize_scalar

    known = truth >= 0
    scores, truth = scores[known], truth[known]
    rows = np.arange(len(truth))
    if not len(rows):
        return 1.0

    def loss(log_temperature: float) -> float:
        log_loss = -np.log(softmax(scores / np.exp(log_temperature))[rows, truth] + 1e-12).mean()
        return float(log_loss + log_temperature**2 / max(len(rows), 1))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def adapted(scores: Floats, truth: NDArray[np.int_]) -> tuple[float, Floats]:
    """Return a slope and an offset a label with the least log loss, drawn to 1 and 0.

    For units of another kind than most of those trained on: how common the labels are among them is learnt here.

    Parameters
    ----------
    scores : (n, k) array
        Out of fold.
    truth : (n,) array of int
        The label of each unit; negative where nobody labelled it.
    """
    from scipy.optimize import minimize

    known = truth >= 0
    scores, truth = scores[known].astype(np.float64), truth[known]
    rows = np.arange(len(truth))

    def loss(values: Any) -> float:
        probable = softmax(scores * np.exp(values[0]) + values[1:])
        return float(-np.log(probable[rows, truth] + 1e-12).sum() + PULL * (values**2).sum() / 2)

    found = minimize(loss, np.zeros(scores.shape[1] + 1)).x
    return float(np.exp(found[0])), found[1:].astype(np.float32)


def _sigmoids(scores: Floats, truth: Bools) -> tuple[Floats, Floats]:
    """Return slope and offset a category; rare categories share one slope and have an offset drawn to the common one."""
    from sklearn.linear_model import LogisticRegression

    n, k = scores.shape
    slope, offset = np.ones(k, np.float32), np.zeros(k, np.float32)
    counts = truth.sum(axis=0)
    rare = np.flatnonzero((counts < ENOUGH) & (counts > 0))
    flat = truth[:, rare].T.ravel()
    if flat.any() and not flat.all():
        common = LogisticRegression(C=10.0).fit(scores[:, rare].T.reshape(-1, 1), flat)
        slope[:], offset[:] = max(float(common.coef_[0, 0]), 0.1), float(common.intercept_[0])
    for column in np.flatnonzero((counts >= ENOUGH) & (counts < n)):
        own = LogisticRegression(C=1e3).fit(scores[:, [column]], truth[:, column])
        slope[column], offset[column] = own.coef_[0, 0], own.intercept_[0]
    return slope, offset


def _thresholds(probable: Floats, truth: Bools) -> Floats:
    counts = truth.sum(axis=0)
    rare = np.flatnonzero((counts < ENOUGH) & (counts > 0))
    common = _best_threshold(probable[:, rare].ravel(), truth[:, rare].ravel()) if len(rare) else 0.5
    out = np.full(truth.shape[1], common, np.float32)
    for column in np.flatnonzero(counts >= ENOUGH):
        out[column] = _best_threshold(probable[:, column], truth[:, column])
    return out


def _best_threshold(probability: Floats, truth: Bools) -> float:
    """Return a good threshold, on a grid coarse enough not to follow single units.

    Good is F1, or kappa where the category is common, because F1 then rewards giving it to everything. Of the thresholds
    within `TIE` of the best, the one that gives the category most nearly as often as people do: the tables count.
    """
    said = probability[:, None] >= _GRID[None, :]
    right, given, true = (said & truth[:, None]).mean(axis=0), said.mean(axis=0), truth.mean()
    if true <= COMMON:
        merit = 2 * right / np.maximum(given + true, 1e-9)
    else:
        agree = 1 - given - true + 2 * right
        chance = given * true + (1 - given) * (1 - true)
        merit = (agree - chance) / np.maximum(1 - chance, 1e-9)
    off = np.where(merit >= merit.max() - TIE, np.abs(given - true), np.inf)
    return float(_GRID[int(np.argmin(off))])
