"""The coder that joins cues and learnt scores: one decision a label, with its reasons.

The signals of the cues (terms with their scope, requests, questions, evaluations) are features of the linear model beside
the words, so negation and avoidance weigh what the labelled sample taught them to weigh, and every reason has a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.batch import Batch, Ints
from pipeline.cues import CueFinder, Cues
from pipeline.features import Floats
from pipeline.model import LinearModel
from pipeline.records import CODING_SCHEMA, EVIDENCE
from pipeline.scope import SCOPES
from pipeline.segment import ContentWords, Segmenter
from pipeline.shares import Scores, Shares

REVIEW = 0.5
"""A unit with a decision held with less than this probability is flagged for a person to look at."""

REASONS = 3
"""So many learnt words, and so many cues, are kept as evidence of a decision."""

HOWS = ("term", *SCOPES[1:], "cue", "learnt")
"""How evidence came to be: a term of the codebook by its scope, a cue, a learnt word."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Units as the coder read them: words with their places, and what the cues tell."""

    word_ids: Ints
    """Rows of the table of words, all units' one behind the other."""
    starts: Ints
    """(n + 1,) where each unit's words start."""
    begins: Ints
    """Where each word begins in its unit."""
    cues: Cues


@dataclass(frozen=True, slots=True)
class Reason:
    """What one word or signal adds to the score of a label; words have offsets, signals and the bias have none."""

    label: str
    term: str
    start: int | None
    end: int | None
    weight: float


@dataclass(frozen=True, slots=True)
class Grounds:
    """Evidence for requests (a unit and a label each): a column each, in the order of the requests."""

    COLUMNS: ClassVar = ("start", "end", "how", "weight")
    request: Ints
    terms: pa.StringArray
    start: Ints
    end: Ints
    how: Ints
    """Codes of `HOWS`."""
    weight: Floats


class LearntCoder:
    """Codes units with a linear model over words and cue signals (a `pipeline.records.UnitCoder`).

    Parameters
    ----------
    model : LinearModel
        The learnt weights.
    finder : CueFinder
        Over the codebook that the model was trained with.
    segmenter : Segmenter
        Cuts the words.
    """

    def __init__(self, model: LinearModel, finder: CueFinder, segmenter: Segmenter) -> None:
        self.model = model
        self._finder = finder
        self._segmenter = segmenter
        heads = (model.categories, model.statements)
        weights, bias = np.hstack([head.weights for head in heads]), np.concatenate([head.bias for head in heads])
        self._shares = Shares(model.vocabulary, weights, bias, ContentWords.shipped())
        known = model.vocabulary.signals
        self._signals = np.asarray([known.get(name, len(known)) for name in finder.signal_names] + [len(known)])
        """The model's number of each of the finder's signals; the last one, and what it does not know, is nothing."""
        self._terms = pa.array(finder.terms, pa.string())
        self._labels = (*model.categories.labels, *model.statements.labels)

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories, in the codebook's order."""
        return self.model.categories.labels

    @property
    def fingerprint(self) -> str:
        """A hash of the model and the codebook."""
        parts = [str(self.model.about.get("sha256", "")), self._finder.codebook.fingerprint]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
        if not units:
            return CODING_SCHEMA.empty_table()
        seen = self._see(units)
        scores = self._scored(seen, units)
        probable, certain = self.probabilities(scores.values)
        coded = self.model.categories.decided(probable)
        kind = certain.argmax(axis=1)
        sure = certain[np.arange(len(units)), kind]
        least = np.where(coded, probable, 1.0).min(axis=1, initial=1.0)
        names = pa.array(self._labels)
        owner, category = np.nonzero(coded)
        offsets = _array(np.searchsorted(owner, np.arange(len(units) + 1)), np.int32)
        columns = [
            names.take(_array(kind + len(self.categories))),
            _array(sure, np.float32),
            pa.ListArray.from_arrays(offsets, names.take(_array(category))),
            pa.ListArray.from_arrays(offsets, _array(probable[coded], np.float32)),
            self._evidence(seen, scores, owner, category, kind),
            pa.array(((sure < REVIEW) | (least < REVIEW)).tolist()),
            self._content_words(seen),
        ]
        return pa.Table.from_arrays(columns, schema=CODING_SCHEMA)

    def probabilities(self, scores: Floats) -> tuple[Any, Any]:
        """Return calibrated probabilities of the categories, (n, k), and of the statement types, (n, 4)."""
        k = len(self.categories)
        return self.model.categories.probabilities(scores[:, :k]), self.model.statements.probabilities(scores[:, k:])

    def _see(self, units: Sequence[str]) -> Seen:
        """Read normalised units; white space is no word."""
        batch = Batch(units)
        ids = self._shares.ids(self._segmenter.cut_all(units))
        lengths = self._shares.lengths[ids]
        begins, kept = np.cumsum(lengths) - lengths, ~self._shares.blank[ids]
        ids, begins = ids[kept], begins[kept]
        starts = np.searchsorted(begins, batch.starts)
        return Seen(ids, starts, begins - np.repeat(batch.starts[:-1], np.diff(starts)), self._finder.read(batch))

    def _scored(self, seen: Seen, units: Sequence[str]) -> Scores:
        fired = self._signals[seen.cues.signals]
        shape = (len(units), len(self._shares.signals))
        signals = sp.csr_matrix((np.ones(len(fired), np.float32), fired, seen.cues.signal_starts), shape)
        scores = self._shares.score(seen.word_ids, seen.starts, signals)
        if self.model.semantic:
            scores.values[:] += self.model.semantic.scores(units)
        return scores

    def _content_words(self, seen: Seen) -> pa.ListArray:
        """Return the words that keyword tables count, a negated one with its negator."""
        table, ids = self._shares, seen.word_ids
        places = np.flatnonzero(table.counts[ids])
        first = np.zeros(len(ids) + 1, dtype=bool)
        first[seen.starts] = True
        denied = np.flatnonzero(table.negates[ids[places - 1]] & ~first[places])
        both = zip(ids[places[denied] - 1].tolist(), ids[places[denied]].tolist(), strict=True)
        whole = pa.array([table.words[negator] + table.words[word] for negator, word in both], pa.string())
        chosen = ids[places]
        chosen[denied] = len(table.words) + np.arange(len(denied))
        found = pa.concat_arrays([table.terms, whole]).take(_array(chosen))
        return pa.ListArray.from_arrays(_array(np.searchsorted(places, seen.starts), np.int32), found)

    def _evidence(self, seen: Seen, scores: Scores, owner: Ints, category: Ints, kind: Ints) -> pa.ListArray:
        """Return the evidence of each unit: mentions of the decided labels, then the words that weigh most."""
        units = np.concatenate([owner, np.arange(len(kind))])
        labels = np.concatenate([category, kind + len(self.categories)])
        order = np.lexsort((labels, units))
        units, labels = units[order], labels[order]
        cued, learnt = self._mentioned(seen.cues, units, labels), self._weighing(seen, scores, units, labels)
        request = np.concatenate([cued.request, learnt.request])
        order = np.argsort(request, kind="stable")
        start, end, how, weight = (
            np.concatenate([getattr(cued, name), getattr(learnt, name)])[order] for name in Grounds.COLUMNS
        )
        terms = pa.concat_arrays([cued.terms, learnt.terms])
        columns = [
            pa.array(self._labels).take(_array(labels[request[order]])),
            terms.take(_array(order)),
            _array(start, np.int32),
            _array(end, np.int32),
            pa.array(HOWS).take(_array(how)),
            _array(weight, np.float32),
        ]
        offsets = np.searchsorted(units[request[order]], np.arange(len(kind) + 1))
        rows = pa.StructArray.from_arrays(columns, fields=list(EVIDENCE))
        return pa.ListArray.from_arrays(_array(offsets, np.int32), rows)

    def _mentioned(self, cues: Cues, units: Ints, labels: Ints) -> Grounds:
        """Return the mentions that speak for a label: terms of its category, or cues of its statement type."""
        counts = np.diff(cues.starts)[units]
        request = np.repeat(np.arange(len(units)), counts)
        place = np.arange(len(request)) + np.repeat(cues.starts[units] - np.cumsum(counts) + counts, counts)
        label = labels[request]
        of_category = label < len(self.categories)
        weight = self._shares.signals[self._signals[cues.names[place]], label[:, None]].sum(axis=1)
        kept = np.flatnonzero(np.where(of_category, cues.category[place] == label, weight > 0))
        request, place, weight, of_category = request[kept], place[kept], weight[kept], of_category[kept]
        best = _largest(np.where(of_category, 0, weight), request)
        request, place, weight, of_category = request[best], place[best], weight[best], of_category[best]
        terms = self._terms.take(_array(cues.pattern[place]))
        how = np.where(of_category, cues.scope[place], HOWS.index("cue"))
        return Grounds(request, terms, cues.start[place], cues.end[place], how, weight)

    def _weighing(self, seen: Seen, scores: Scores, units: Ints, labels: Ints) -> Grounds:
        """Return the words that weigh most for a label; marks are none."""
        weights, starts = self._shares.contributions(scores, units, labels)
        request = np.repeat(np.arange(len(units)), np.diff(starts))
        kept = np.flatnonzero(weights > 0)
        best = kept[_largest(weights[kept], request[kept])]
        request, weight = request[best], weights[best]
        place = seen.starts[units[request]] + best - starts[request]
        spoken = self._shares.spoken[seen.word_ids[place]]
        request, weight, place = request[spoken], weight[spoken], place[spoken]
        terms = self._shares.terms.take(_array(seen.word_ids[place]))
        begins = seen.begins[place]
        how = np.full(len(place), HOWS.index("learnt"))
        return Grounds(request, terms, begins, begins + self._shares.lengths[seen.word_ids[place]], how, weight)

    def reasons(self, unit: str, label: str) -> list[Reason]:
        """Return everything that makes the score of a label: words, signals, bias; the weights add up to the score.

        Parameters
        ----------
        unit : str
            A normalised unit.
        label : str
            A category's id or a statement type.
        """
        seen = self._see([unit])
        scores = self._scored(seen, [unit])
        column = self._labels.index(label)
        values, _ = self._shares.contributions(scores, np.zeros(1, np.int64), np.asarray([column]))
        terms = [self._shares.words[word] for word in seen.word_ids.tolist()]
        reasons = [
            Reason(label, word, start, start + len(word), weight)
            for word, start, weight in zip(terms, seen.begins.tolist(), values.tolist(), strict=True)
        ]
        fired = self._shares.signals[self._signals[seen.cues.signals], column].tolist()
        loose = [*zip(seen.cues.signals_of(0), fired, strict=True), ("bias", float(self._shares.bias[column]))]
        if self.model.semantic:
            loose.append(("semantic", float(self.model.semantic.scores([unit])[0, column])))
        return reasons + [Reason(label, name, None, None, weight) for name, weight in loose]

    def score(self, unit: str, label: str) -> float:
        """Return the score of a label for a normalised unit, before calibration."""
        return float(self._scored(self._see([unit]), [unit]).values[0, self._labels.index(label)])


def _largest(values: Floats, request: Ints) -> Ints:
    """Return the places of the `REASONS` largest values of each request, largest first; of equals, the first.

    Values of one request stand behind one another.
    """
    left, places = values.copy(), []
    begins = np.flatnonzero(np.diff(request, prepend=-1))
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(values))))
    for _ in range(REASONS if len(values) else 0):
        best = np.maximum.reduceat(left, begins)
        hits = np.flatnonzero((left == best[group]) & (left > -np.inf))
        hits = hits[np.diff(group[hits], prepend=-1) != 0]
        left[hits] = -np.inf
        places.append(hits)
    found = np.concatenate([np.zeros(0, np.int64), *places])
    return found[np.argsort(request[found], kind="stable")]


def _array(values: NDArray[Any], dtype: type[np.generic] = np.int64) -> pa.Array:
    """Return a column without a copy and without pandas, which `pyarrow.array` would load."""
    values = np.ascontiguousarray(values, dtype)
    return pa.Array.from_buffers(pa.from_numpy_dtype(dtype), len(values), [None, pa.py_buffer(values)])
