"""The learnt coder: linear scores over words, calibrated; training; safe persistence.

Two heads share the features of `pipeline.features`: one score a category (several may hold) and one a statement type
(exactly one holds). Each is a linear support vector machine [1]_ with balanced classes; scores become probabilities by
Platt's sigmoid [2]_ a category and one temperature [3]_ for the statement, fitted on scores out of fold.

.. [1] Fan, Chang, Hsieh, Wang, Lin (2008). LIBLINEAR. JMLR 9, 1871-1874.
.. [2] Platt (1999). Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.
.. [3] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. ICML.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelRefused
from pipeline.features import Cut, Floats, Vocabulary

FORMAT = 1
COST = 0.3
"""C of the support vector machines: the best of 0.1, 0.3, 1 by cross-validation on thousands of units."""

FOLDS = 5


@dataclass(frozen=True)
class Head:
    """One output of the model: labels with their weights, and how scores become probabilities."""

    labels: tuple[str, ...]
    weights: Floats  # (features, labels)
    bias: Floats
    slope: Floats  # probability = sigmoid(slope * score + offset), or softmax(slope * score) where one label holds
    offset: Floats
    thresholds: Floats  # on the probability; not used where one label holds


@dataclass(frozen=True)
class LinearModel:
    """A vocabulary and two heads.

    `categories` may hold several labels at once, `statements` exactly one.
    """

    vocabulary: Vocabulary
    categories: Head
    statements: Head
    about: dict[str, Any]
    """What stands in the model's JSON: format, codebook fingerprint, recipe, sizes."""

    def save(self, folder: Path) -> None:
        """Write the model to a folder: `model.json`, three word lists and one `arrays.npz` without objects."""
        folder.mkdir(parents=True, exist_ok=True)
        vocabulary = self.vocabulary
        _write_lines(folder / "grams.txt", vocabulary.grams)
        _write_lines(folder / "pairs.txt", vocabulary.pairs)
        _write_lines(folder / "words.txt", vocabulary.word_idf)
        arrays = {
            "gram_idf": vocabulary.gram_idf,
            "pair_idf": vocabulary.pair_idf,
            "word_idf": np.asarray(list(vocabulary.word_idf.values()), dtype=np.float32),
        }
        for name, head in (("categories", self.categories), ("statements", self.statements)):
            arrays |= {f"{name}_{key}": getattr(head, key) for key in ("bias", "slope", "offset", "thresholds")}
            arrays[f"{name}_weights"] = head.weights.astype(np.float16)
        np.savez_compressed(folder / "arrays.npz", **{key: arrays[key] for key in sorted(arrays)})  # type: ignore[arg-type]
        about = self.about | {
            "format": FORMAT,
            "categories": self.categories.labels,
            "statements": self.statements.labels,
            "signals": list(vocabulary.signals),
            "rare_idf": vocabulary.rare,
        }
        text = json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / "model.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LinearModel:
        """Read a model folder.

        Raises
        ------
        ModelRefused
            If the folder is no model, is damaged, or has another format.
        """
        try:
            about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelRefused(
                f"{folder} 不是模型文件夹（缺少可读的 model.json）。请检查 --model 后面的路径。"
            ) from error
        if about.get("format") != FORMAT:
            raise ModelRefused(
                f"模型 {folder} 的格式是 {about.get('format')}，本软件只认格式 {FORMAT}。请用本版本重新训练（qunyan train）。"
            )
        try:
            return cls._read(folder, about)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ModelRefused(f"模型 {folder} 已损坏或不完整（{error}）。请重新训练或重新拷贝整个文件夹。") from error

    @classmethod
    def _read(cls, folder: Path, about: dict[str, Any]) -> LinearModel:
        with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
        words = _read_lines(folder / "words.txt")
        vocabulary = Vocabulary(
            _numbered(_read_lines(folder / "grams.txt")),
            arrays["gram_idf"],
            _numbered(_read_lines(folder / "pairs.txt")),
            arrays["pair_idf"],
            _numbered(about["signals"]),
            float(about["rare_idf"]),
            dict(zip(words, map(float, arrays["word_idf"]), strict=True)),
        )
        heads = [
            Head(
                tuple(about[name]),
                *(arrays[f"{name}_{key}"] for key in ("weights", "bias", "slope", "offset", "thresholds")),
            )
            for name in ("categories", "statements")
        ]
        if any(head.weights.shape != (vocabulary.size, len(head.labels)) for head in heads):
            raise ValueError("权重与词表的大小不一致")
        return cls(vocabulary, heads[0], heads[1], about)


def fit(
    cuts: Sequence[Cut],
    categories: NDArray[np.bool_],
    statements: NDArray[np.int_],
    labels: tuple[tuple[str, ...], tuple[str, ...]],
    groups: Sequence[str],
    about: dict[str, Any],
) -> LinearModel:
    """Train both heads; thresholds and calibration come from scores out of fold.

    Parameters
    ----------
    cuts : sequence of Cut, length n
        The units.
    categories : (n, k) array of bool
        Which categories each unit has.
    statements : (n,) array of int
        Index of each unit's statement type.
    labels : pair of tuples of str
        The names of the categories and of the statement types.
    groups : sequence of str, length n
        Units of one group (respondent, setting) never stand on both sides of a fold.
    about : dict
        Kept in the model's JSON.
    """
    vocabulary = Vocabulary.of(cuts)
    matrix = vocabulary.matrix(cuts)
    out_categories, out_statements = out_of_fold(matrix, categories, statements, groups, len(labels[1]))
    weights, bias = _machines(matrix, categories)
    slope, offset, thresholds = _calibrated(out_categories, categories)
    category_head = Head(labels[0], weights, bias, slope, offset, thresholds)
    weights, bias = _machines(matrix, _one_hot(statements, len(labels[1])))
    temperature = _temperature(out_statements, statements)
    ones = np.ones(len(labels[1]), np.float32)
    statement_head = Head(labels[1], weights, bias, ones / np.float32(temperature), ones * 0, ones * 0)
    return LinearModel(vocabulary, category_head, statement_head, about)


def out_of_fold(
    matrix: Any, categories: NDArray[np.bool_], statements: NDArray[np.int_], groups: Sequence[str], kinds: int
) -> tuple[Floats, Floats]:
    """Return scores of each unit from machines that saw nothing of its group: (n, k) and (n, kinds)."""
    from sklearn.model_selection import GroupKFold

    first = np.zeros(categories.shape, np.float32)
    second = np.zeros((len(statements), kinds), np.float32)
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=0).split(matrix, groups=list(groups)):
        for target, truth in ((first, categories), (second, _one_hot(statements, kinds))):
            weights, bias = _machines(matrix[train], truth[train])
            target[test] = matrix[test] @ weights + bias
    return first, second


def _machines(matrix: Any, truth: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the weights, (features, labels), and biases of one support vector machine a label."""
    from sklearn.svm import LinearSVC

    weights = np.zeros((matrix.shape[1], truth.shape[1]), np.float32)
    bias = np.full(truth.shape[1], -1.0, np.float32)
    for column in range(truth.shape[1]):
        if truth[:, column].any() and not truth[:, column].all():
            machine = LinearSVC(C=COST, class_weight="balanced", random_state=0).fit(matrix, truth[:, column])
            weights[:, column], bias[column] = machine.coef_[0], machine.intercept_[0]
    return weights.astype(np.float16).astype(np.float32), bias


def _calibrated(scores: Floats, truth: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return slope, offset and threshold a category, from scores out of fold."""
    from sklearn.linear_model import LogisticRegression

    k = truth.shape[1]
    slope, offset, thresholds = np.ones(k, np.float32), np.zeros(k, np.float32), np.full(k, 0.5, np.float32)
    for column in range(k):
        if truth[:, column].any() and not truth[:, column].all():
            fitted = LogisticRegression(C=1e3).fit(scores[:, [column]], truth[:, column])
            slope[column], offset[column] = fitted.coef_[0, 0], fitted.intercept_[0]
            probability = sigmoid(slope[column] * scores[:, column] + offset[column])
            thresholds[column] = _best_threshold(probability, truth[:, column])
    return slope, offset, thresholds


def _best_threshold(probability: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the threshold with the best F1, on a grid coarse enough not to follow single units."""
    from sklearn.metrics import f1_score

    grid = np.arange(0.10, 0.71, 0.02)
    return float(grid[int(np.argmax([f1_score(truth, probability >= cut) for cut in grid]))])


def _temperature(scores: Floats, truth: NDArray[np.int_]) -> float:
    """Return the temperature with the least log loss."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        return float(-np.log(softmax(scores / np.exp(log_temperature))[rows, truth] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def sigmoid(x: Any) -> Any:
    """Return the logistic function of `x`."""
    from scipy.special import expit

    return expit(x)


def softmax(x: Any) -> Any:
    """Return rows of `x` as probabilities."""
    from scipy.special import softmax as scipy_softmax

    return scipy_softmax(x, axis=1)


def _one_hot(codes: NDArray[np.int_], kinds: int) -> NDArray[np.bool_]:
    return np.asarray(codes[:, None] == np.arange(kinds)[None, :])


def _write_lines(path: Path, lines: Any) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _numbered(lines: Sequence[str]) -> dict[str, int]:
    return {line: i for i, line in enumerate(lines)}
