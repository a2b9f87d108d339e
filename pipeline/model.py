"""The learnt model: linear scores over words, calibrated; safe persistence. It is trained in `pipeline.fitting`.

Two heads share the features of `pipeline.features`: one score a category (several may hold, or, where the user's labels are
one a row, exactly one) and one a statement type (exactly one holds).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelRefused
from pipeline.features import Cut, Floats, Vocabulary
from pipeline.semantic import Semantic

_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a model raises that is cut off, changed, or made to deceive."""

FORMAT = 1


@dataclass(frozen=True)
class Head:
    """One output of the model: labels with their weights, and how scores become probabilities."""

    labels: tuple[str, ...]
    weights: Floats  # (features, labels)
    bias: Floats
    slope: Floats  # probability = sigmoid(slope * score + offset), or softmax(slope * score) where one label holds
    offset: Floats
    thresholds: Floats  # on the probability; not used where one label holds
    exclusive: bool = False
    """Whether exactly one label holds."""

    def probabilities(self, scores: Any) -> Any:
        """Return calibrated probabilities of scores, (n, labels)."""
        scaled = self.slope * scores + self.offset
        return softmax(scaled) if self.exclusive else sigmoid(scaled)

    def decided(self, probable: Any) -> NDArray[np.bool_]:
        """Return which labels hold by their probabilities, (n, labels)."""
        if self.exclusive:
            return np.asarray(probable.argmax(axis=1)[:, None] == np.arange(len(self.labels))[None, :])
        return np.asarray(probable >= self.thresholds)


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
    semantic: Semantic | None = None
    """Weights over sentence embeddings, where the model was trained with them."""

    def scores(self, cuts: Sequence[Cut], texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return the scores of units, (n, categories) and (n, statement types)."""
        matrix, k = self.vocabulary.matrix(cuts), len(self.categories.labels)
        heads = (self.categories, self.statements)
        both = np.hstack([matrix @ head.weights + head.bias for head in heads])
        if self.semantic:
            both += self.semantic.scores(texts)
        return both[:, :k], both[:, k:]

    def save(self, folder: Path) -> None:
        """Write the model to a folder: `model.json`, three word lists and one `arrays.npz` without objects."""
        folder.mkdir(parents=True, exist_ok=True)
        vocabulary = self.vocabulary
        _write_lines(folder / "grams.txt", vocabulary.grams)
        _write_lines(folder / "pairs.txt", vocabulary.pairs)
        words = sorted(vocabulary.word_idf)
        _write_lines(folder / "words.txt", words)
        arrays = {
            "gram_idf": vocabulary.gram_idf,
            "pair_idf": vocabulary.pair_idf,
            "word_idf": np.asarray([vocabulary.word_idf[word] for word in words], dtype=np.float32),
        }
        for name, head in (("categories", self.categories), ("statements", self.statements)):
            arrays |= {f"{name}_{key}": getattr(head, key) for key in ("bias", "slope", "offset", "thresholds")}
            arrays[f"{name}_weights"] = head.weights.astype(np.float16)
        if self.semantic:
            arrays |= {"semantic_mean": self.semantic.mean, "semantic_weights": self.semantic.weights}
        np.savez_compressed(folder / "arrays.npz", **{key: arrays[key] for key in sorted(arrays)})  # type: ignore[arg-type]
        about = {key: value for key, value in self.about.items() if key != "sha256"} | {
            "format": FORMAT,
            "categories": self.categories.labels,
            "statements": self.statements.labels,
            "exclusive": self.categories.exclusive,
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
        except (OSError, ValueError, RecursionError) as error:
            raise ModelRefused(
                f"{folder} 不是模型文件夹（缺少可读的 model.json）。请检查 --model 后面的路径。"
            ) from error
        kind = about.get("format") if isinstance(about, dict) else None
        if kind != FORMAT:
            raise ModelRefused(
                f"模型 {folder} 的格式是 {kind}，本软件只认格式 {FORMAT}。请用本版本重新训练（qunyan train）。"
            )
        try:
            return cls._read(folder, about)
        except _DAMAGE as error:
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
        kinds = {"categories": bool(about.get("exclusive")), "statements": True}
        heads = [_head(tuple(about[name]), name, arrays, exclusive) for name, exclusive in kinds.items()]
        if any(head.weights.shape != (vocabulary.size, len(head.labels)) for head in heads):
            raise ValueError("权重与词表的大小不一致")
        semantic = Semantic(arrays["semantic_mean"], arrays["semantic_weights"]) if "semantic_mean" in arrays else None
        about["sha256"] = hashlib.sha256((folder / "arrays.npz").read_bytes()).hexdigest()
        return cls(vocabulary, heads[0], heads[1], about, semantic)


def _head(labels: tuple[str, ...], name: str, arrays: dict[str, Floats], exclusive: bool) -> Head:
    weights, bias, slope, offset, thresholds = (
        arrays[f"{name}_{key}"] for key in ("weights", "bias", "slope", "offset", "thresholds")
    )
    return Head(labels, weights, bias, slope, offset, thresholds, exclusive)


def sigmoid(x: Any) -> Any:
    """Return the logistic function of `x`."""
    from scipy.special import expit

    return expit(x)


def softmax(x: Any) -> Any:
    """Return rows of `x` as probabilities."""
    from scipy.special import softmax as scipy_softmax

    return scipy_softmax(x, axis=1)


def _write_lines(path: Path, lines: Any) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _numbered(lines: Sequence[str]) -> dict[str, int]:
    return {line: i for i, line in enumerate(lines)}
