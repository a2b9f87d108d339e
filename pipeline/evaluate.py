"""Quality of codings against labels: agreement a category, statement types, calibration, with intervals.

F1 and kappa are scikit-learn's; intervals are percentile bootstraps over groups (Efron & Tibshirani 1993), so units of one
respondent or author stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

LEAST = 8
"""Categories with fewer units are left out of the mean kappa."""

ROUNDS = 500
BINS = 10


@dataclass(frozen=True)
class Codes:
    """What a person or a coder said of n units: categories, (n, k) bool, and statement types, (n,) int."""

    categories: Bools
    statements: NDArray[np.int_]

    def __getitem__(self, rows: Any) -> Codes:
        return Codes(self.categories[rows], self.statements[rows])


Measure = Callable[[Codes, Codes], float]


def macro_f1(gold: Codes, coded: Codes) -> float:
    """Return the mean F1 of the categories that occur in `gold`."""
    from sklearn.metrics import f1_score

    present = gold.categories.any(axis=0)
    if not present.any():
        return float("nan")
    scores = f1_score(gold.categories[:, present], coded.categories[:, present], average=None, zero_division=0)
    return float(np.mean(scores))


def micro_f1(gold: Codes, coded: Codes) -> float:
    """Return the F1 over all decisions on categories."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold.categories, coded.categories, average="micro", zero_division=0))


def kappas(gold: Codes, coded: Codes) -> NDArray[np.float64]:
    """Return Cohen's kappa (1960) a category, (k,); nan where fewer than `LEAST` units have it."""
    truth, said = gold.categories, coded.categories
    agree = (truth == said).mean(axis=0)
    chance = truth.mean(axis=0) * said.mean(axis=0) + (~truth).mean(axis=0) * (~said).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(chance < 1, (agree - chance) / (1 - chance), 0.0)
    return np.where(truth.sum(axis=0) >= LEAST, kappa, np.nan)


def mean_kappa(gold: Codes, coded: Codes) -> float:
    """Return the mean of `kappas`: a constant guess gets 0."""
    found = kappas(gold, coded)
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def statement_accuracy(gold: Codes, coded: Codes) -> float:
    """Return the share of units whose statement type is right."""
    return float((gold.statements == coded.statements).mean())


def problem_table_error(gold: Codes, coded: Codes) -> float:
    """Return how far the counts of problem units a category are off, in sum, as a share of all that are there."""
    true = gold.categories[gold.statements == 0].sum(axis=0)
    said = coded.categories[coded.statements == 0].sum(axis=0)
    return float(np.abs(true - said).sum() / max(int(true.sum()), 1))


MEASURES: dict[str, Measure] = {
    "macro_f1": macro_f1,
    "micro_f1": micro_f1,
    "mean_kappa": mean_kappa,
    "statement_accuracy": statement_accuracy,
    "problem_table_error": problem_table_error,
}


def interval(
    measure: Measure, gold: Codes, coded: Codes, groups: Sequence[str], *, rounds: int = ROUNDS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a measure, resampling whole groups."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    draw = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        rows = np.concatenate([members[i] for i in draw.integers(0, len(members), len(members))])
        values.append(measure(gold[rows], coded[rows]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def per_category(gold: Codes, coded: Codes, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return precision, recall, F1, kappa and the number of units a category."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        gold.categories, coded.categories, average=None, zero_division=0
    )
    columns = zip(names, precision, recall, f1, kappas(gold, coded), support, strict=True)
    keys = ("category", "precision", "recall", "f1", "kappa", "units")
    return [dict(zip(keys, (name, *map(float, row[:-1]), int(row[-1])), strict=True)) for name, *row in columns]


def expected_calibration_error(probability: NDArray[Any], right: Bools) -> float:
    """Return the ECE: the mean gap between confidence and accuracy over `BINS` equal-width bins.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015). Obtaining well calibrated probabilities using Bayesian binning. AAAI.

    Examples
    --------
    >>> round(expected_calibration_error(np.array([0.9, 0.9, 0.1]), np.array([True, True, False])), 3)
    0.1
    """
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(probability[place == b].mean()) - float(right[place == b].mean())) * float((place == b).mean())
        for b in range(BINS)
        if (place == b).any()
    ]
    return float(sum(gaps))
