"""Scores of many units at once, as sums over words; each word's share in each score is computed once.

For a unit with words w the score of a label is

    sum(gram_share[w]) / gram_length + sum(vector_share[w]) / vector_length + sum(pair_share) / pair_length + signals + bias

which equals the product of the unit's features with the label's weights (a test holds it), so the words' contributions in
`Scores.contributions` add up to the score.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from pipeline.batch import Ints
from pipeline.features import PAIR_WEIGHT, SIGNAL_WEIGHT, VECTOR_WEIGHT, Floats, Vocabulary
from pipeline.segment import ContentWords

CACHE = 100_000
"""Distinct words whose shares are kept; beyond that the table starts anew (rare words of a very long run)."""

_SPOKEN = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a batch, (n units, labels), with what is needed to say which words made them."""

    values: Floats
    word_ids: Ints  # all units' words, one behind the other
    starts: Ints  # (n + 1,) where each unit's words start in `word_ids`
    pair_ids: Ints  # the pair in front of each word and the one behind the last; -1 where it is no feature
    scales: Floats  # (n, 3): one over the gram, vector and pair length, weights of the blocks included


class Shares:
    """A table of words: a row each with its shares in the scores of all labels of both heads, and what else it is.

    Parameters
    ----------
    vocabulary : Vocabulary
        The features.
    weights : (features, labels) array
        Of all labels, blocks in the vocabulary's order.
    bias : (labels,) array
    content : ContentWords
        Which words the keyword tables count.

    Attributes
    ----------
    words : list of str
        The words met so far; the other columns have a row for each of them.
    terms : pyarrow.StringArray
        The same.
    lengths : array of int
        Characters.
    blank, spoken, negates, counts : array of bool
        White space; begins with a letter or digit; denies the next word; stands in keyword tables.
    """

    def __init__(self, vocabulary: Vocabulary, weights: Floats, bias: Floats, content: ContentWords) -> None:
        grams, pairs, signals = len(vocabulary.grams), len(vocabulary.pairs), len(vocabulary.signals)
        edge = weights.shape[0] - pairs - signals
        self.vocabulary = vocabulary
        self.bias = bias
        self._content = content
        self._grams, self._vectors = weights[:grams], weights[grams:edge]
        self.pairs = np.vstack([weights[edge : edge + pairs] * vocabulary.pair_idf[:, None], 0 * bias])
        self.signals = np.vstack([weights[edge + pairs :] * np.float32(SIGNAL_WEIGHT), 0 * bias])
        """A row a signal, and one of zeros."""
        self._pair_square = np.append(vocabulary.pair_idf**2, np.float32(0))
        self._pair_words, self._pair_keys, self._pair_order = _numbered_pairs(vocabulary.pairs)
        self._empty(CACHE)

    def _empty(self, rows: int) -> None:
        """Start the table anew; memory is taken as rows are filled."""
        labels, dimensions = len(self.bias), self._vectors.shape[0]
        self._index: dict[str, int] = {}
        self.words: list[str] = []
        self.terms = pa.array(self.words, pa.string())
        self._rows = np.zeros((rows, 2 * labels + 1 + dimensions), np.float32)
        """The shares by n-grams, those by the vector, the squared length, the vector: what a product sums at once."""
        self._in_pairs = np.zeros(rows, np.int64)  # a word's number among the words of pairs; 0 where it is in none
        self.lengths = np.zeros(rows, np.int32)
        self.blank, self.spoken, self.negates, self.counts = np.zeros((4, rows), dtype=bool)

    def ids(self, words: list[str]) -> Ints:
        """Return the row of each word, with rows for the words that were not met before; valid until the next call."""
        found = np.fromiter(map(self._index.get, words, repeat(-1)), np.int64, len(words))
        fresh = list(dict.fromkeys(words[at] for at in np.flatnonzero(found < 0).tolist()))
        if len(self.words) + len(fresh) > len(self._rows):
            fresh = list(dict.fromkeys(words))
            self._empty(max(CACHE, len(fresh)))
            found[:] = -1
        if fresh:
            self._learn(fresh)
            missing = np.flatnonzero(found < 0)
            found[missing] = [self._index[words[at]] for at in missing.tolist()]
        return found

    def _learn(self, fresh: list[str]) -> None:
        """Fill the rows of words that were not met before."""
        rows = slice(len(self.words), len(self.words) + len(fresh))
        self.words += fresh
        self._index.update(zip(fresh, range(rows.start, rows.stop), strict=True))
        lower = [word.lower() for word in fresh]
        grams, vectors = self.vocabulary.words(lower)
        squares = np.asarray(grams.multiply(grams).sum(axis=1))
        by_vector = sp.csr_matrix(vectors) @ self._vectors  # row by row: a dense product rounds by its companions
        self._rows[rows] = np.hstack([grams @ self._grams, by_vector, squares, vectors])
        self._in_pairs[rows] = [self._pair_words.get(word, 0) for word in lower]
        self.terms = pa.array(self.words, pa.string())
        self.lengths[rows] = [len(word) for word in fresh]
        self.blank[rows] = [word.isspace() for word in fresh]
        self.spoken[rows] = [bool(_SPOKEN.match(word)) for word in fresh]
        self.negates[rows], self.counts[rows] = zip(*map(self._content.role, fresh), strict=True)

    def score(self, word_ids: Ints, starts: Ints, signals: sp.csr_matrix) -> Scores:
        """Return the scores of units.

        Parameters
        ----------
        word_ids : array of int
            All units' words, one behind the other.
        starts : (n + 1,) array of int
            Where each unit's words start.
        signals : (n, signals + 1) matrix
            The signals that fired; the last column is for those that the model does not know.
        """
        units, labels = len(starts) - 1, len(self.bias)
        counts = sp.csr_matrix((np.ones(len(word_ids), np.float32), word_ids, starts), (units, len(self.words)))
        sums = counts @ self._rows[: len(self.words)]
        squares, vectors = sums[:, 2 * labels], sums[:, 2 * labels + 1 :]
        pair_ids, pair_values, pair_squares = self._paired(word_ids, starts)
        scales = np.column_stack(
            [
                1 / np.sqrt(np.maximum(squares, 1e-9)),
                VECTOR_WEIGHT / np.maximum(np.linalg.norm(vectors, axis=1), 1e-9),
                PAIR_WEIGHT / np.sqrt(np.maximum(pair_squares, 1.0)),
            ]
        ).astype(np.float32)
        values = (
            sums[:, :labels] * scales[:, [0]]
            + sums[:, labels : 2 * labels] * scales[:, [1]]
            + pair_values * scales[:, [2]]
            + signals @ self.signals
            + self.bias
        )
        return Scores(values, word_ids, starts, pair_ids, scales)

    def _paired(self, word_ids: Ints, starts: Ints) -> tuple[Ints, Any, Any]:
        """Return the ids of all pairs, one more a unit than it has words, their summed shares and squared lengths."""
        units, none = len(starts) - 1, len(self.vocabulary.pairs)
        indptr = starts + np.arange(units + 1)
        front = np.insert(self._in_pairs[word_ids], starts[:-1], self._pair_words["^"])
        behind = np.insert(self._in_pairs[word_ids], starts[1:], self._pair_words["$"])
        keys = front * len(self._pair_words) + behind
        place = np.minimum(np.searchsorted(self._pair_keys, keys), len(self._pair_keys) - 1)
        found = np.where(self._pair_keys[place] == keys, self._pair_order[place], none)
        counts = sp.csr_matrix((np.ones(len(found), np.float32), found, indptr), shape=(units, none + 1))
        counts.sum_duplicates()
        squares = counts.multiply(counts) @ self._pair_square
        return found, counts @ self.pairs, squares

    def contributions(self, scores: Scores, units: Ints, labels: Ints) -> tuple[Floats, Ints]:
        """Return what each word of some units adds to the score of one label each.

        Parameters
        ----------
        scores : Scores
            Of the batch.
        units, labels : (m,) arrays of int
            The unit and the label of each request.

        Returns
        -------
        values : array of float
            The contributions of the words of the first request, then of the second, …; a pair's share belongs by half
            to each of its words (to the one word at an edge).
        starts : (m + 1,) array of int
            Where each request's contributions start in `values`.
        """
        lengths = (scores.starts[1:] - scores.starts[:-1])[units]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        owner = np.repeat(np.arange(len(units)), lengths)
        within = np.arange(starts[-1]) - starts[owner]
        place = scores.starts[units][owner] + within
        words, label, scale = scores.word_ids[place], labels[owner], scores.scales[units][owner]
        before = scores.pair_ids[place + units[owner]]
        behind = scores.pair_ids[place + units[owner] + 1]
        last = within == lengths[owner] - 1
        paired = self.pairs[before, label] * np.where(within == 0, 1, 0.5)
        paired += self.pairs[behind, label] * np.where(last, 1, 0.5)
        values = self._rows[words, label] * scale[:, 0] + self._rows[words, label + len(self.bias)] * scale[:, 1]
        return (values + paired * scale[:, 2]).astype(np.float32), starts


def _numbered_pairs(pairs: dict[str, int]) -> tuple[dict[str, int], Ints, Ints]:
    """Return a number from 1 for each word of the pairs, the pairs' sorted keys (two numbers in one), and their ids."""
    split = [pair.split(" ") for pair in pairs]
    words = sorted({word for both in split for word in both} | {"^", "$"})
    numbers = {word: number for number, word in enumerate(words, start=1)} | {"": 0}
    keys = np.asarray([numbers[a] * len(numbers) + numbers[b] for a, b in split] or [-1], dtype=np.int64)
    order = np.argsort(keys)
    return numbers, keys[order], order
