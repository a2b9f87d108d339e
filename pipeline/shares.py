"""Scores of many units at once, as sums over words; each word's share in each score is computed once.

For a unit with words w the score of a label is

    sum(gram_share[w]) / gram_length + sum(vector_share[w]) / vector_length + sum(pair_share) / pair_length + signals + bias

which equals the product of the unit's features with the label's weights (a test holds it), so the words' contributions in
`Scores.contributions` add up to the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.features import PAIR_WEIGHT, SIGNAL_WEIGHT, VECTOR_WEIGHT, Cut, Floats, Vocabulary

Ints = NDArray[np.int64]

CACHE = 300_000
"""Distinct words whose shares are kept; beyond that the cache starts anew (rare words of a very long run)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a batch, (n units, labels), with what is needed to say which words made them."""

    values: Floats
    word_ids: Ints  # all units' words, one behind the other
    starts: Ints  # (n + 1,) where each unit's words start in `word_ids`
    pair_ids: Ints  # the pair in front of each word and the one behind the last; -1 where it is no feature
    scales: Floats  # (n, 3): one over the gram, vector and pair length, weights of the blocks included
    signal_ids: tuple[tuple[int, ...], ...]


class Shares:
    """The weights of a linear model folded into a row a word, for all labels of both heads.

    Parameters
    ----------
    vocabulary : Vocabulary
        The features.
    weights : (features, labels) array
        Of all labels, blocks in the vocabulary's order.
    bias : (labels,) array
    """

    def __init__(self, vocabulary: Vocabulary, weights: Floats, bias: Floats) -> None:
        grams, pairs, signals = len(vocabulary.grams), len(vocabulary.pairs), len(vocabulary.signals)
        edge = weights.shape[0] - pairs - signals
        self.vocabulary = vocabulary
        self.bias = bias
        self._grams, self._vectors = weights[:grams], weights[grams:edge]
        self.pairs = np.vstack([weights[edge : edge + pairs] * vocabulary.pair_idf[:, None], 0 * bias])
        self.signals = weights[edge + pairs :] * np.float32(SIGNAL_WEIGHT)
        self._pair_square = np.append(vocabulary.pair_idf**2, np.float32(0))
        self._pair_words, self._pair_keys, self._pair_order = _numbered_pairs(vocabulary.pairs)
        self._empty()

    def _empty(self) -> None:
        labels, dimensions = len(self.bias), self._vectors.shape[0]
        self._index: dict[str, int] = {}
        self._rows = np.zeros((0, labels + 1 + dimensions), np.float32)  # gram share, squared length, vector
        self.gram_shares = self._rows[:, :labels]
        self.vector_shares = np.zeros((0, labels), np.float32)
        self._in_pairs = np.zeros(0, np.int64)  # a word's number among the words of pairs; 0 where it is in none

    def score(self, cuts: Sequence[Cut]) -> Scores:
        """Return the scores of units."""
        starts = np.cumsum([0, *(len(cut.words) for cut in cuts)])
        word_ids = self._ids([word for cut in cuts for word in cut.words])
        counts = sp.csr_matrix(
            (np.ones(len(word_ids), np.float32), word_ids, starts), shape=(len(cuts), len(self._rows))
        )
        sums = counts @ self._rows
        labels = len(self.bias)
        vectors = sums[:, labels + 1 :]
        pair_ids, pair_values, pair_squares = self._paired(word_ids, starts)
        scales = np.column_stack(
            [
                1 / np.sqrt(np.maximum(sums[:, labels], 1e-9)),
                VECTOR_WEIGHT / np.maximum(np.linalg.norm(vectors, axis=1), 1e-9),
                PAIR_WEIGHT / np.sqrt(np.maximum(pair_squares, 1.0)),
            ]
        ).astype(np.float32)
        signal_ids = tuple(
            tuple(i for i in map(self.vocabulary.signals.get, sorted(set(cut.signals))) if i is not None)
            for cut in cuts
        )
        values = (
            sums[:, :labels] * scales[:, [0]]
            + (vectors @ self._vectors) * scales[:, [1]]
            + pair_values * scales[:, [2]]
            + self._signalled(signal_ids)
            + self.bias
        )
        return Scores(values, word_ids, starts, pair_ids, scales, signal_ids)

    def _ids(self, words: list[str]) -> Ints:
        """Return the row of each word, with rows for the words that were not met before."""
        if len(self._index) > CACHE:
            self._empty()
        found = np.fromiter((self._index.get(word, -1) for word in words), dtype=np.int64, count=len(words))
        missing = np.flatnonzero(found < 0)
        if len(missing):
            self._learn(list(dict.fromkeys(words[at] for at in missing)))
            found[missing] = [self._index[words[at]] for at in missing]
        return found

    def _learn(self, fresh: list[str]) -> None:
        """Compute the shares of words that were not met before."""
        self._index.update(zip(fresh, range(len(self._index), len(self._index) + len(fresh)), strict=True))
        grams, vectors = self.vocabulary.words(fresh)
        squares = np.asarray(grams.multiply(grams).sum(axis=1))
        self._rows = np.vstack([self._rows, np.hstack([grams @ self._grams, squares, vectors])])
        self.gram_shares = self._rows[:, : len(self.bias)]
        self.vector_shares = np.vstack([self.vector_shares, vectors @ self._vectors])
        numbers = np.fromiter((self._pair_words.get(word, 0) for word in fresh), dtype=np.int64, count=len(fresh))
        self._in_pairs = np.concatenate([self._in_pairs, numbers])

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

    def _signalled(self, signal_ids: Sequence[Sequence[int]]) -> Any:
        indptr = np.cumsum([0, *map(len, signal_ids)])
        flat = np.fromiter((i for row in signal_ids for i in row), dtype=np.int64, count=int(indptr[-1]))
        matrix = sp.csr_matrix(
            (np.ones(len(flat), np.float32), flat, indptr), shape=(len(signal_ids), len(self.signals))
        )
        return matrix @ self.signals

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
        values = self.gram_shares[words, label] * scale[:, 0] + self.vector_shares[words, label] * scale[:, 1]
        return (values + paired * scale[:, 2]).astype(np.float32), starts


def _numbered_pairs(pairs: dict[str, int]) -> tuple[dict[str, int], Ints, Ints]:
    """Return a number from 1 for each word of the pairs, the pairs' sorted keys (two numbers in one), and their ids."""
    words = sorted({word for pair in pairs for word in pair.split(" ")} | {"^", "$"})
    numbers = {word: number for number, word in enumerate(words, start=1)} | {"": 0}
    split = [pair.split(" ") for pair in pairs]
    keys = np.asarray([numbers[a] * len(numbers) + numbers[b] for a, b in split] or [-1], dtype=np.int64)
    order = np.argsort(keys)
    return numbers, keys[order], order
