"""Training of the learnt model: linear support vector machines, recipe by cross-validation, calibration out of fold.

Each label is a linear machine with balanced classes over the features of `pipeline.features` (and, where installed, sentence
embeddings): a support vector machine [1]_, or, on small samples, its least-squares form [4]_ (regularised regression on
the targets 1 and -1, solved in the dual: better there, and all recipes share one matrix of inner products). Scores become probabilities by Platt's sigmoid [2]_ a category, or by one
temperature [3]_ where exactly one label holds, fitted on scores of units whose group the machines had not seen.

.. [1] Fan, Chang, Hsieh, Wang, Lin (2008). LIBLINEAR. JMLR 9, 1871-1874.
.. [2] Platt (1999). Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.
.. [3] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. ICML.
.. [4] Suykens, Vandewalle (1999). Least squares support vector machine classifiers. Neural Processing Letters 9, 293-300.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.calibration import adapted, calibrate, temperature
from pipeline.features import Cut, Floats, Vocabulary, word_vectors
from pipeline.model import Head, LinearModel
from pipeline.recipes import EMBEDDED, RECIPES, SEMANTIC, SMALL_RECIPES, SMALL_SEMANTIC, USUAL, Recipe
from pipeline.semantic import Semantic, centred

Bools = NDArray[np.bool_]
Ints = NDArray[np.int_]

FOLDS = 5
MANY = 3000
"""From so many units on, three folds instead of five, and recipes are compared on so many units only."""

STATEMENT_COST = 2.0
"""The statement head's C against the categories'. It is not balanced either: most of what people say are problems, and
balanced machines took one in ten of these for something else (cross-validated 0.839 to 0.841, by another hand 0.89 to
0.90)."""

TOLERANCE = 1e-2
"""Of the machines: a tenth of a point of F1 and half the time of the library's default, measured on 15,000 units."""

SMALL = 1200
"""Up to so many units the least-squares form is used; up to `MANY` where exactly one label holds (one system for all)."""

NEVER = -2.0
"""The score of a label that the machines were not shown."""


@dataclass(frozen=True)
class Task:
    """What is to be learnt, n units.

    `own` marks the user's units: folds are made of them, and the others (the built-in sample) always train.
    """

    cuts: Sequence[Cut]
    categories: Bools  # (n, k)
    statements: Ints  # (n,), -1 where nobody labelled it
    groups: Ints  # (n,)
    labels: tuple[tuple[str, ...], tuple[str, ...]]
    exclusive: bool = False
    own: Bools | None = None
    embeddings: Floats | None = None
    prior: Head | None = None
    """The calibration of the built-in model, where its sample trains along."""
    given: Vocabulary | None = None
    """The features, where they are not simply those of the units."""
    part_of_many: bool = False
    """Whether it is a part of a large task, to be trained in the same way."""

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The features of all units."""
        return self.given or Vocabulary.of(self.cuts)

    @cached_property
    def matrix(self) -> Any:
        """The features, (n, size of the vocabulary)."""
        return self.vocabulary.matrix(self.cuts)

    @cached_property
    def rows(self) -> Ints:
        """The user's own units."""
        return np.arange(len(self.cuts)) if self.own is None else np.flatnonzero(self.own)

    def weights(self, weight: float) -> Floats | None:
        """Return a weight a unit: the user's count `weight` times."""
        return None if self.own is None else np.where(self.own, np.float32(weight), np.float32(1))

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes to try."""
        if self.own is not None:
            return (USUAL,)
        if self.embeddings is None:
            return SMALL_RECIPES if self.small else RECIPES
        return (*SMALL_SEMANTIC, *SMALL_RECIPES) if self.small else (*SEMANTIC, *RECIPES[:1])

    @property
    def may_embed(self) -> bool:
        """Whether sentence embeddings may help and take little enough time."""
        return self.small or (self.own is None and self.exclusive and len(self.cuts) <= EMBEDDED)

    @property
    def small(self) -> bool:
        """Whether the least-squares form is used."""
        few = len(self.cuts) <= (MANY if self.exclusive else SMALL)
        return few and self.own is None and not self.part_of_many

    @cached_property
    def _products(self) -> list[Floats]:
        """Inner products of all units, (n, n), a block each: n-grams, vectors, pairs, signals, embeddings."""
        edges = np.cumsum([0, *self._sizes])
        blocks = [self.matrix[:, a:b] for a, b in itertools.pairwise(edges)]
        products = [(block @ block.T).toarray() for block in blocks]
        if self.embeddings is not None:
            dense = centred(self.embeddings, self.mean)
            products.append(dense @ dense.T)
        return products

    def kernel(self, recipe: Recipe) -> NDArray[np.float64]:
        """Return the inner products of all units as a recipe weighs the blocks, the constant included."""
        factors = (1.0, recipe.vectors, recipe.pairs, 0.0 if self.exclusive else 1.0, recipe.semantic)
        kernel = np.ones((len(self.cuts), len(self.cuts)))
        for factor, product in zip(factors, self._products, strict=False):
            if factor:
                kernel += factor**2 * product
        return kernel

    @property
    def _sizes(self) -> tuple[int, int, int, int]:
        vocabulary = self.vocabulary
        return len(vocabulary.grams), word_vectors().vectors.shape[1], len(vocabulary.pairs), len(vocabulary.signals)

    def part(self, rows: Ints) -> Task:
        """Return the task of some units only."""
        chosen: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[rows]
            for name in ("categories", "statements", "groups", "own", "embeddings")
        }
        cuts = [self.cuts[i] for i in rows]
        part = replace(self, cuts=cuts, given=self.vocabulary, part_of_many=not self.small, **chosen)
        part.__dict__["matrix"] = self.matrix[rows]
        return part

    def blocks(self, recipe: Recipe) -> Any:
        """Return the feature matrix as a recipe weighs its blocks, embeddings last."""
        import scipy.sparse as sp

        matrix = self.matrix @ sp.diags(self.scales(recipe)[: self.matrix.shape[1]])
        if not recipe.semantic or self.embeddings is None:
            return matrix.tocsr()
        dense = centred(self.embeddings, self.mean) * np.float32(recipe.semantic)
        return sp.hstack([matrix, sp.csr_matrix(dense)], format="csr", dtype=np.float32)

    @cached_property
    def mean(self) -> Floats:
        """The mean embedding."""
        return np.asarray(np.asarray(self.embeddings).mean(axis=0), dtype=np.float32)

    def scales(self, recipe: Recipe) -> Floats:
        """Return a factor a feature."""
        sizes: tuple[int, ...] = self._sizes
        factors = [1.0, recipe.vectors, recipe.pairs, 0.0 if self.exclusive else 1.0]
        if recipe.semantic and self.embeddings is not None:
            sizes, factors = (*sizes, self.embeddings.shape[1]), [*factors, recipe.semantic]
        return np.repeat(np.asarray(factors, dtype=np.float32), sizes)


@dataclass(frozen=True)
class OutOfFold:
    """Scores of the user's own units from machines that saw nothing of their groups."""

    rows: Ints
    folds: Ints  # which fold each row was tested in
    categories: Floats
    statements: Floats


def fit(
    task: Task,
    about: dict[str, Any],
    recipe: Recipe = USUAL,
    weight: float = 1.0,
    found: OutOfFold | None = None,
) -> LinearModel:
    """Train both heads; thresholds and calibration come from scores out of fold.

    Parameters
    ----------
    task : Task
        Units with their labels.
    about : dict
        Kept in the model's JSON.
    recipe : Recipe
        Costs and weights of blocks.
    weight : float
        So many times a unit of the user's own counts against one of the built-in sample.
    found : OutOfFold, optional
        Scores of a cross-validation with the same recipe, where there was one.
    """
    found = found or out_of_fold(task, recipe, weight)
    first, second = Learner(task, recipe, weight).heads(np.arange(len(task.cuts)))
    size = task.vocabulary.size
    scales = task.scales(recipe)[:, None]
    (weights, bias), (weights2, bias2) = ((w * scales, b) for w, b in (first, second))
    head = calibrate(
        task.labels[0], found.categories, task.categories[found.rows], exclusive=task.exclusive, prior=task.prior
    )
    slope, offset = _statement_scale(task, found)
    ones = np.ones(len(task.labels[1]), np.float32)
    statements = Head(task.labels[1], _short(weights2[:size]), bias2, ones * slope, ones * offset, ones * 0, True)
    semantic = Semantic(task.mean, np.hstack([weights[size:], weights2[size:]])) if len(weights) > size else None
    categories = replace(head, weights=_short(weights[:size]), bias=bias)
    return LinearModel(task.vocabulary, categories, statements, about, semantic)


def _statement_scale(task: Task, found: OutOfFold) -> tuple[np.float32, Floats]:
    """Return how scores of statement types become probabilities: one temperature, and offsets beside another sample."""
    truth = task.statements[found.rows]
    if task.prior and (truth >= 0).any():
        slope, offset = adapted(found.statements, truth)
        return np.float32(slope), offset
    return np.float32(1 / temperature(found.statements, truth)), np.zeros(len(task.labels[1]), np.float32)


def _short(weights: Floats) -> Floats:
    """Round to what is stored, so that a model decides the same before and after it is saved."""
    return weights.astype(np.float16).astype(np.float32)


def out_of_fold(task: Task, recipe: Recipe, weight: float = 1.0, seed: int = 0) -> OutOfFold:
    """Cross-validate over the user's own units."""
    learner = Learner(task, recipe, weight)
    first = np.full((len(task.rows), len(task.labels[0])), NEVER, np.float32)
    second = np.zeros((len(task.rows), len(task.labels[1])), np.float32)
    number = np.zeros(len(task.rows), np.int64)
    for fold, test in enumerate(folds(task, seed)):
        known = np.ones(len(task.cuts), dtype=bool)
        known[task.rows[test]] = False
        heads = learner.heads(np.flatnonzero(known))
        first[test], second[test] = (learner.matrix[task.rows[test]] @ weights + bias for weights, bias in heads)
        number[test] = fold
    return OutOfFold(task.rows, number, first, second)


def folds(task: Task, seed: int = 0) -> Iterator[Ints]:
    """Return the places among `task.rows` that each fold tests; groups stay whole, labels are spread evenly."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

    groups = task.groups[task.rows]
    count = min(FOLDS if len(task.cuts) < MANY else 3, len(np.unique(groups)))
    single = task.categories[task.rows].argmax(axis=1)
    places = np.zeros(len(task.rows))
    if not task.exclusive or np.bincount(single).max() < count:
        splitter: Any = GroupKFold(count, shuffle=True, random_state=seed)
    elif len(np.unique(groups)) < len(groups):
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    else:
        splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of labels with fewer units than folds: `train` names them itself
        split = list(splitter.split(places, single, None if isinstance(splitter, StratifiedKFold) else groups))
    return iter([test for _, test in split])


class Learner:
    """Trains both heads on some of a task's units.

    Parameters
    ----------
    task : Task
        The units.
    recipe : Recipe
        How.
    weight : float
        Of the user's units against those of the built-in sample.
    """

    def __init__(self, task: Task, recipe: Recipe, weight: float = 1.0) -> None:
        self.matrix = task.blocks(recipe)
        self._task, self._recipe = task, recipe
        self._weights = task.weights(weight)
        self._kernel = task.kernel(recipe) if task.small else None

    def heads(self, rows: Ints) -> list[tuple[Floats, Floats]]:
        """Return weights, (features, labels), and biases, of categories and of statement types."""
        task = self._task
        truth = task.categories[rows]
        said = rows[task.statements[rows] >= 0]
        statements = task.statements[said][:, None] == np.arange(len(task.labels[1]))[None, :]
        if task.exclusive and self._kernel is None:
            first = _one_of(self.matrix[rows], truth.argmax(axis=1), truth.shape[1], self._recipe.cost)
        else:
            first = self._head(rows, truth, together=task.exclusive)
        return [first, self._head(said, statements, as_found=True)]

    def _head(
        self, rows: Ints, truth: Bools, *, together: bool = False, as_found: bool = False
    ) -> tuple[Floats, Floats]:
        """Train one head; `as_found` keeps the labels' own frequencies, which balancing would even out."""
        if self._kernel is None:
            weights = None if self._weights is None else self._weights[rows]
            cost = self._recipe.cost * (STATEMENT_COST if as_found else 1)
            return _several(self.matrix[rows], truth, weights, cost, None if as_found else "balanced")
        if not len(rows):
            return np.zeros((self.matrix.shape[1], truth.shape[1]), np.float32), np.zeros(truth.shape[1], np.float32)
        duals = _least_squares(self._kernel[np.ix_(rows, rows)], truth, self._recipe.cost, together=together)
        return (self.matrix[rows].T @ duals).astype(np.float32), duals.sum(axis=0).astype(np.float32)


def _least_squares(kernel: Any, truth: Bools, cost: float, *, together: bool) -> NDArray[np.float64]:
    """Return the dual weights, (n, labels), of balanced least squares on 1 and -1.

    `together`: every unit has one label and counts by how rare that is; else each label weighs its own two sides.
    """
    from scipy.linalg import solve

    targets, n = np.where(truth, 1.0, -1.0), len(truth)
    share = np.maximum(truth.sum(axis=0), 1) / n
    out = np.zeros(targets.shape)
    columns = [slice(None)] if together else [slice(k, k + 1) for k in range(truth.shape[1])]
    for column in columns:
        if together:
            balance = share[truth.argmax(axis=1)] * (share > 1 / n / 2).sum()
        else:
            balance = 2 * np.where(truth[:, column.start], share[column], np.maximum(1 - share[column], 1 / n))
        system = kernel.copy()
        system[np.diag_indices(n)] += balance / cost
        out[:, column] = solve(system, targets[:, column], assume_a="pos", overwrite_a=True)
    return out


def _several(
    matrix: Any, truth: Bools, weights: Floats | None, cost: float, balance: str | None = "balanced"
) -> tuple[Floats, Floats]:
    """Return weights, (features, labels), and biases of one machine a label; several labels may hold."""
    from sklearn.svm import LinearSVC

    out, bias = np.zeros((matrix.shape[1], truth.shape[1]), np.float32), np.full(truth.shape[1], NEVER, np.float32)
    for column in range(truth.shape[1]):
        if truth[:, column].any() and not truth[:, column].all():
            machine = LinearSVC(C=cost, class_weight=balance, random_state=0, tol=TOLERANCE)
            machine.fit(matrix, truth[:, column], sample_weight=weights)
            out[:, column], bias[column] = machine.coef_[0], machine.intercept_[0]
        elif len(truth) and truth[:, column].all():
            bias[column] = -NEVER
    return out, bias


def _one_of(matrix: Any, truth: Ints, count: int, cost: float) -> tuple[Floats, Floats]:
    """Return weights and biases of one machine a label against the rest; exactly one label holds."""
    from sklearn.svm import LinearSVC

    out, bias = np.zeros((matrix.shape[1], count), np.float32), np.full(count, NEVER, np.float32)
    present = np.unique(truth)
    if len(present) < 2:
        bias[present] = -NEVER
        return out, bias
    machine = LinearSVC(C=cost, class_weight="balanced", random_state=0, tol=TOLERANCE).fit(matrix, truth)
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(present) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.r_[-intercepts, intercepts]
    out[:, present], bias[present] = coefficients.T, intercepts
    return out, bias
