"""The figures of a model's card and of `evaluate`: quality with intervals, calibration, what can be accepted unread.

Intervals are percentile bootstraps over groups (Efron & Tibshirani 1993): one respondent's units stay together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate import BINS, expected_calibration_error

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ROUNDS = 500
ACCEPT = 0.95
_LEAST_ACCEPTED = 20
_MOST_CONFUSED = 15


@dataclass(frozen=True)
class Judged:
    """What a coder said of n units, beside what people said."""

    truth: Bools  # (n, k)
    probable: NDArray[Any]  # (n, k)
    decided: Bools  # (n, k)
    groups: NDArray[np.int_]  # (n,)
    exclusive: bool
    statements: NDArray[np.int_] | None = None
    """(n,), -1 where nobody labelled them; None where the coder did not learn them."""
    statement_probable: NDArray[Any] | None = None

    def take(self, rows: NDArray[np.int_]) -> Judged:
        """Return some of the units."""
        groups = np.unique(self.groups[rows], return_inverse=True)[1]
        said = None if self.statements is None else self.statements[rows]
        certain = None if self.statement_probable is None else self.statement_probable[rows]
        return Judged(self.truth[rows], self.probable[rows], self.decided[rows], groups, self.exclusive, said, certain)

    @property
    def right(self) -> Bools:
        """Whether all categories of a unit are right, (n,)."""
        return np.asarray((self.truth == self.decided).all(axis=1))

    @property
    def confidence(self) -> Floats:
        """How sure the coder is of a unit's categories, (n,): the joint probability of its decisions."""
        if self.exclusive:
            return np.asarray(self.probable.max(axis=1), dtype=np.float64)
        return np.asarray(np.where(self.decided, self.probable, 1 - self.probable).prod(axis=1), dtype=np.float64)


def figures(judged: Judged, names: Mapping[str, str], seed: int = 0) -> dict[str, Any]:
    """Return the figures as JSON has them.

    Parameters
    ----------
    judged : Judged
        Units with truth and decisions.
    names : mapping of str to str
        Category ids, in the order of the columns, and their names.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `n`, `accuracy`, `macro_f1`, `micro_f1`, `intervals`, `per_category`, `ece`, `reliability`, `accept`, `confusion`;
        with statements `statement_accuracy` and `statement_ece`.
    """
    hits, said, true = judged.truth & judged.decided, judged.decided, judged.truth
    counts = [_by_group(part, judged.groups) for part in (hits, said, true, judged.right[:, None])]
    sizes = np.bincount(judged.groups)
    drawn = _drawn(len(sizes), seed)
    whole = np.ones((1, len(sizes)), np.float32)
    present = np.asarray(true.any(axis=0))
    found, resampled = (_measured(draw, counts, sizes, present) for draw in (whole, drawn))
    low, high = ({key: np.nanpercentile(value, q, axis=0) for key, value in resampled.items()} for q in (2.5, 97.5))
    overall = ("accuracy", "macro_f1", "micro_f1")
    out: dict[str, Any] = {"n": len(true)} | {key: _round(found[key][0]) for key in overall}
    out["intervals"] = {key: [_round(low[key]), _round(high[key])] for key in overall}
    out["per_category"] = {
        category: {
            "name": name,
            "precision": _round(hits[:, at].sum() / max(said[:, at].sum(), 1)),
            "recall": _round(hits[:, at].sum() / max(true[:, at].sum(), 1)),
            "f1": _round(found["f1"][0, at]),
            "interval": [_round(low["f1"][at]), _round(high["f1"][at])],
            "n": int(true[:, at].sum()),
        }
        for at, (category, name) in enumerate(names.items())
    }
    return (
        out
        | _calibration(judged)
        | {"accept": _acceptable(judged), "confusion": _confusion(judged, list(names.values()))}
    )


def _round(value: Any) -> float:
    return round(float(value), 4)


def _by_group(part: Bools, groups: NDArray[np.int_]) -> NDArray[np.float32]:
    out = np.zeros((int(groups.max()) + 1, part.shape[1]), np.float32)
    np.add.at(out, groups, part)
    return out


def _drawn(groups: int, seed: int) -> NDArray[np.float32]:
    """Return how often each group is drawn in each round, (rounds, groups)."""
    draw = np.random.default_rng(seed)
    return draw.multinomial(groups, np.full(groups, 1 / groups), size=ROUNDS).astype(np.float32)


def _measured(draw: Any, counts: Sequence[Any], sizes: Any, present: Bools) -> dict[str, Floats]:
    hits, said, true, right = (np.asarray(draw @ part, dtype=np.float64) for part in counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(said + true > 0, 2 * hits / (said + true), np.nan)
    micro = 2 * hits.sum(axis=1) / np.maximum((said + true).sum(axis=1), 1)
    means = np.nan_to_num(f1[:, present]).sum(axis=1) / np.maximum((~np.isnan(f1[:, present])).sum(axis=1), 1)
    return {"f1": np.nan_to_num(f1), "macro_f1": means, "micro_f1": micro, "accuracy": right[:, 0] / (draw @ sizes)}


def _calibration(judged: Judged) -> dict[str, Any]:
    """Return ECE and the reliability picture: of the one label, or of all decisions on categories."""
    if judged.exclusive:
        confidence, right = judged.confidence, judged.right
    else:
        confidence, right = judged.probable.ravel(), judged.truth.ravel()
    out: dict[str, Any] = {"ece": _round(expected_calibration_error(confidence, right))}
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    out["reliability"] = [
        {
            "confidence": _round(confidence[place == b].mean()),
            "accuracy": _round(right[place == b].mean()),
            "n": int((place == b).sum()),
        }
        for b in range(BINS)
        if (place == b).any()
    ]
    if judged.statements is not None and judged.statement_probable is not None and (judged.statements >= 0).any():
        known = judged.statements >= 0
        probable, said = judged.statement_probable[known], judged.statement_probable[known].argmax(axis=1)
        right = said == judged.statements[known]
        out["statement_accuracy"] = _round(right.mean())
        out["statement_ece"] = _round(expected_calibration_error(probable.max(axis=1), right))
    return out


def _acceptable(judged: Judged) -> dict[str, float]:
    """Return the share of units that can be accepted unread at 95 % accuracy, and the confidence from which on."""
    order = np.argsort(-judged.confidence, kind="stable")
    running = np.cumsum(judged.right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero((running >= ACCEPT) & (np.arange(1, len(order) + 1) >= min(_LEAST_ACCEPTED, len(order))))
    last = int(good[-1]) if len(good) else -1
    threshold = float(judged.confidence[order[last]]) if last >= 0 else 1.0
    return {"accuracy": ACCEPT, "share": _round((last + 1) / len(order)), "confidence": _round(threshold)}


def _confusion(judged: Judged, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the commonest confusions: a category missed, and what was said instead."""
    missed, extra = judged.truth & ~judged.decided, judged.decided & ~judged.truth
    table = missed.astype(np.float32).T @ extra.astype(np.float32)
    order = np.argsort(-table, axis=None, kind="stable")[:_MOST_CONFUSED]
    pairs = [np.unravel_index(place, table.shape) for place in order]
    return [{"truth": names[a], "said": names[b], "n": round(float(table[a, b]))} for a, b in pairs if table[a, b]]


def difference(first: Judged, second: Judged, seed: int = 0) -> dict[str, float]:
    """Return by how much the first coder's macro F1 is above the second's on the same units, with a paired interval."""
    sizes = np.bincount(first.groups)
    drawn = np.vstack([np.ones((1, len(sizes)), np.float32), _drawn(len(sizes), seed)])
    present = np.asarray(first.truth.any(axis=0))
    both = []
    for judged in (first, second):
        parts = (judged.truth & judged.decided, judged.decided, judged.truth, judged.right[:, None])
        both.append(_measured(drawn, [_by_group(part, judged.groups) for part in parts], sizes, present)["macro_f1"])
    gaps = both[0] - both[1]
    low, high = np.nanpercentile(gaps[1:], [2.5, 97.5])
    return {"difference": _round(gaps[0]), "low": _round(low), "high": _round(high), "n": len(first.truth)}


def verdict(gap: Mapping[str, float]) -> str:
    """Return a comparison in a word: better, worse or no difference.

    Examples
    --------
    >>> verdict({"low": -0.01, "high": 0.02})
    'no difference'
    """
    return "better" if gap["low"] > 0 else "worse" if gap["high"] < 0 else "no difference"
