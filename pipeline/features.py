"""Turns words into numbers: character n-grams within words, word vectors, word pairs, and the signals of the cues.

Every feature belongs to a word, a pair of neighbouring words or a signal, so a linear model over these features is a sum
over the words of a unit: the contribution of each word to a decision is exact, and a word's share is computed once.

The n-grams are those of scikit-learn's `char_wb` analyser over the space-joined words (a unit's n-gram counts are the sum
over its words), weighted by inverse document frequency. A unit's length is the root of the sum of its words' squared
lengths, which differs from the Euclidean length only where words share n-grams, and is itself a sum over words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.resources import shipped

Floats = NDArray[np.float32]

PAIR_WEIGHT, SIGNAL_WEIGHT, VECTOR_WEIGHT = 0.5, 0.3, 0.5
"""Weights of the blocks beside the n-grams' 1; chosen by cross-validation over authors and on 500 real sentences."""

LEAST = 2
"""An n-gram or pair must stand in so many units to be a feature, where there are thousands of units."""


class Cut(NamedTuple):
    """A unit as the model sees it: its words, lower case, and the names of the cue signals that fired."""

    words: tuple[str, ...]
    signals: tuple[str, ...] = ()


def ngrams(word: str) -> list[str]:
    """Return the n-grams (1 to 3 characters) of a word between blanks, as scikit-learn's `char_wb` does.

    Examples
    --------
    >>> ngrams("窗口")
    [' ', '窗', '口', ' ', ' 窗', '窗口', '口 ', ' 窗口', '窗口 ']
    """
    padded = f" {word} "
    return [padded[i : i + n] for n in (1, 2, 3) for i in range(len(padded) - n + 1)]


def pairs(words: Sequence[str]) -> list[str]:
    """Return the pairs of neighbouring words, with the unit's edges.

    Examples
    --------
    >>> pairs(["没", "人", "管"])
    ['^ 没', '没 人', '人 管', '管 $']
    """
    return [f"{a} {b}" for a, b in zip(("^", *words), (*words, "$"), strict=True)]


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The shipped word vectors; a word that is not among them gets the mean of its characters' vectors."""

    index: dict[str, int]
    vectors: NDArray[np.int8]

    def of(self, words: Sequence[str]) -> Floats:
        """Return a row of unit length (or zero) a word, (n words, dimensions)."""
        place = self._places(words)
        rows = self.vectors[place].astype(np.float32)
        strange = np.flatnonzero(place < 0)
        spelt = [words[at] for at in strange.tolist()]
        chars = self._places("".join(spelt))
        owner = np.repeat(strange, [len(word) for word in spelt])[chars >= 0]
        rows[strange] = 0
        begins = np.flatnonzero(np.diff(owner, prepend=-1))
        if len(begins):
            rows[owner[begins]] = np.add.reduceat(self.vectors[chars[chars >= 0]], begins, axis=0, dtype=np.float32)
        lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
        return np.asarray(rows / lengths, dtype=np.float32)

    def _places(self, words: Sequence[str]) -> NDArray[np.int64]:
        return np.fromiter(map(self.index.get, words, repeat(-1)), np.int64, len(words))


@cache
def word_vectors() -> WordVectors:
    """Return the shipped vectors, `models/words/` (how they were made: `models/make_words.py`)."""
    folder = shipped("models/words")
    words = (folder / "words.txt").read_text(encoding="utf-8").splitlines()
    vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    return WordVectors({word: i for i, word in enumerate(words)}, vectors)


@dataclass(frozen=True)
class Vocabulary:
    """The features of a trained model: n-grams with their idf, word pairs with theirs, signals."""

    grams: dict[str, int]
    gram_idf: Floats
    pairs: dict[str, int]
    pair_idf: Floats
    signals: dict[str, int]
    rare: float
    """Inverse document frequency of a word that training never saw; words' own are in `word_idf`."""
    word_idf: dict[str, float]

    @property
    def size(self) -> int:
        """The number of features."""
        dimensions = int(word_vectors().vectors.shape[1])
        return len(self.grams) + dimensions + len(self.pairs) + len(self.signals)

    @classmethod
    def of(cls, cuts: Sequence[Cut], least: int = LEAST) -> Vocabulary:
        """Collect the features of a training sample, those that stand in so many units at least."""
        n = len(cuts)
        words = Counter(word for cut in cuts for word in set(cut.words))
        by_word = {word: ngrams(word) for word in words}
        grams = Counter(gram for cut in cuts for gram in {g for word in set(cut.words) for g in by_word[word]})
        neighbours = Counter(pair for cut in cuts for pair in set(pairs(cut.words)))
        signals = Counter(signal for cut in cuts for signal in set(cut.signals))
        gram_index, pair_index, signal_index = (_index(c, least) for c in (grams, neighbours, signals))
        return cls(
            gram_index,
            _idf(grams, gram_index, n),
            pair_index,
            _idf(neighbours, pair_index, n),
            signal_index,
            float(np.log(1 + n) + 1),
            {word: float(np.log((1 + n) / (1 + count)) + 1) for word, count in words.items() if count >= least},
        )

    def words(self, words: Sequence[str]) -> tuple[sp.csr_matrix, Floats]:
        """Return the words' weighted n-grams, (n words, n grams), and idf-weighted vectors, (n words, dimensions)."""
        found = [ngrams(word) for word in words]
        columns = np.fromiter(map(self.grams.get, chain.from_iterable(found), repeat(-1)), np.int64)
        rows = np.repeat(np.arange(len(words)), [len(grams) for grams in found])[columns >= 0]
        columns = columns[columns >= 0]
        shape = (len(words), len(self.grams))
        matrix = sp.csr_matrix((self.gram_idf[columns], (rows, columns)), shape=shape, dtype=np.float32)
        idf = np.asarray([self.word_idf.get(word, self.rare) for word in words], dtype=np.float32)
        return matrix, word_vectors().of(words) * idf[:, None]

    def matrix(self, cuts: Sequence[Cut]) -> sp.csr_matrix:
        """Return the feature matrix that a linear model is trained on, (n units, n features), blocks side by side."""
        distinct = sorted({word for cut in cuts for word in cut.words})
        counts = _counts(({word: i for i, word in enumerate(distinct)}, [cut.words for cut in cuts]))
        grams, vectors = self.words(distinct)
        lengths = counts @ np.asarray(grams.multiply(grams).sum(axis=1)).ravel()
        blocks = [
            _scaled(counts @ grams, 1 / np.sqrt(np.maximum(lengths, 1e-9))),
            sp.csr_matrix(_unit_length(counts @ vectors) * VECTOR_WEIGHT),
            self._pair_block(cuts),
            _counts((self.signals, [sorted(set(cut.signals)) for cut in cuts])) * SIGNAL_WEIGHT,
        ]
        return sp.hstack(blocks, format="csr", dtype=np.float32)

    def _pair_block(self, cuts: Sequence[Cut]) -> Any:
        counts = _counts((self.pairs, [pairs(cut.words) for cut in cuts])) @ sp.diags(self.pair_idf)
        lengths = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
        return _scaled(counts, PAIR_WEIGHT / np.sqrt(np.maximum(lengths, 1.0)))


def _index(counts: Counter[str], least: int) -> dict[str, int]:
    return {key: i for i, key in enumerate(sorted(key for key, count in counts.items() if count >= least))}


def _idf(counts: Counter[str], index: dict[str, int], n: int) -> Floats:
    found = np.asarray([counts[key] for key in index], dtype=np.float64)
    return np.asarray(np.log((1 + n) / (1 + found)) + 1, dtype=np.float32)


def _counts(indexed: tuple[dict[str, int], Sequence[Sequence[str]]]) -> Any:
    index, rows = indexed
    found = [[index[key] for key in row if key in index] for row in rows]
    indptr = np.cumsum([0, *(len(row) for row in found)])
    indices = np.fromiter((i for row in found for i in row), dtype=np.int64, count=int(indptr[-1]))
    matrix = sp.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(rows), len(index)))
    matrix.sum_duplicates()
    return matrix


def _scaled(matrix: Any, factors: Any) -> Any:
    return sp.diags(np.asarray(factors, dtype=np.float32)) @ matrix


def _unit_length(rows: Any) -> Any:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
