"""The coder that joins cues and learnt scores: one decision a label, with its reasons.

The signals of the cues (terms with their scope, requests, questions, evaluations) are features of the linear model beside
the words, so negation and avoidance weigh what the labelled sample taught them to weigh, and every reason has a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.cues import CueFinder, Mention
from pipeline.features import Cut, Floats
from pipeline.model import LinearModel, sigmoid, softmax
from pipeline.records import CODING_SCHEMA, EVIDENCE
from pipeline.segment import ContentWords, Segmenter
from pipeline.shares import Scores, Shares

REVIEW = 0.5
"""A unit with a decision held with less than this probability is flagged for a person to look at."""

REASONS = 3
"""So many learnt words, and so many cues, are kept as evidence of a decision."""

_HOW = {"asserted": "term"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit as the coder read it: words with their places, mentions, and the cut that is scored."""

    tokens: tuple[str, ...]
    starts: tuple[int, ...]
    mentions: Sequence[Mention]
    deciding: Sequence[Mention]
    cut: Cut


@dataclass(frozen=True, slots=True)
class Reason:
    """What one word or signal adds to the score of a label; words have offsets, signals and the bias have none."""

    label: str
    term: str
    start: int | None
    end: int | None
    weight: float


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
        self._content = ContentWords.shipped()
        heads = (model.categories, model.statements)
        self._shares = Shares(
            model.vocabulary, np.hstack([h.weights for h in heads]), np.concatenate([h.bias for h in heads])
        )
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

    def see(self, unit: str) -> Seen:
        """Read a normalised unit: words, mentions, signals."""
        return see(unit, self._segmenter, self._finder)

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
        if not units:
            return CODING_SCHEMA.empty_table()
        seen = [self.see(unit) for unit in units]
        scores = self._shares.score([one.cut for one in seen])
        probable, certain = self.probabilities(scores.values)
        coded = probable >= self.model.categories.thresholds
        kind = certain.argmax(axis=1)
        sure = certain[np.arange(len(units)), kind]
        least = np.where(coded, probable, 1.0).min(axis=1, initial=1.0)
        names = pa.array(self._labels)
        owner, category = np.nonzero(coded)
        offsets = pa.array(np.searchsorted(owner, np.arange(len(units) + 1)), pa.int32())
        words = [self._content.of(one.tokens) for one in seen]
        columns = [
            names.take(pa.array(kind + len(self.categories))),
            pa.array(sure, pa.float32()),
            pa.ListArray.from_arrays(offsets, names.take(pa.array(category))),
            pa.ListArray.from_arrays(offsets, pa.array(probable[coded], pa.float32())),
            self._evidence(seen, scores, owner, category, kind),
            pa.array((sure < REVIEW) | (least < REVIEW)),
            pa.array(words, pa.list_(pa.string())),
        ]
        return pa.Table.from_arrays(columns, schema=CODING_SCHEMA)

    def probabilities(self, scores: Floats) -> tuple[Any, Any]:
        """Return calibrated probabilities of the categories, (n, k), and of the statement types, (n, 4)."""
        k = len(self.categories)
        first, second = self.model.categories, self.model.statements
        return sigmoid(first.slope * scores[:, :k] + first.offset), softmax(second.slope * scores[:, k:])

    def _evidence(
        self, seen: Sequence[Seen], scores: Scores, owner: NDArray[Any], category: NDArray[Any], kind: NDArray[Any]
    ) -> pa.ListArray:
        """Return the evidence of each unit: mentions of the decided labels, then the words that weigh most."""
        k = len(self.categories)
        units = np.concatenate([owner, np.arange(len(seen))])
        labels = np.concatenate([category, kind + k])
        order = np.lexsort((labels, units))
        units, labels = units[order], labels[order]
        values, starts = self._shares.contributions(scores, units, labels)
        request, place = _heaviest(values, starts)
        edges = np.searchsorted(request, np.arange(len(units) + 1))
        within = (place - starts[request]).tolist()
        weights = values[place].tolist()
        rows: list[tuple[str, str, int, int, str, float | None]] = []
        ends = np.zeros(len(seen) + 1, dtype=np.int32)
        for number, (unit, label) in enumerate(zip(units.tolist(), labels.tolist(), strict=True)):
            one, name = seen[unit], self._labels[label]
            rows += _mentioned(one, name, statement=label >= k)
            for at in range(edges[number], edges[number + 1]):
                word, start = one.tokens[within[at]], one.starts[within[at]]
                if word[0].isalnum():
                    rows.append((name, word, start, start + len(word), "learnt", weights[at]))
            ends[unit + 1] = len(rows)
        fields = list(zip(*rows, strict=True)) if rows else [()] * EVIDENCE.num_fields
        struct = pa.StructArray.from_arrays(
            [pa.array(field, EVIDENCE.field(i).type) for i, field in enumerate(fields)], fields=list(EVIDENCE)
        )
        return pa.ListArray.from_arrays(pa.array(ends), struct)

    def reasons(self, unit: str, label: str) -> list[Reason]:
        """Return everything that makes the score of a label: words, signals, bias; the weights add up to the score.

        Parameters
        ----------
        unit : str
            A normalised unit.
        label : str
            A category's id or a statement type.
        """
        one = self.see(unit)
        scores = self._shares.score([one.cut])
        column = self._labels.index(label)
        values, _ = self._shares.contributions(scores, np.zeros(1, np.int64), np.asarray([column]))
        reasons = [
            Reason(label, word, start, start + len(word), float(value))
            for word, start, value in zip(one.tokens, one.starts, values, strict=True)
        ]
        names = list(self.model.vocabulary.signals)
        signals = [(names[i], float(self._shares.signals[i, column])) for i in scores.signal_ids[0]]
        loose = [*signals, ("bias", float(self._shares.bias[column]))]
        return reasons + [Reason(label, name, None, None, weight) for name, weight in loose]

    def score(self, unit: str, label: str) -> float:
        """Return the score of a label for a normalised unit, before calibration."""
        return float(self._shares.score([self.see(unit).cut]).values[0, self._labels.index(label)])


def see(unit: str, segmenter: Segmenter, finder: CueFinder) -> Seen:
    """Read a normalised unit: words with their places, mentions, and what the model scores."""
    tokens: list[str] = []
    starts: list[int] = []
    place = 0
    for word in segmenter.cut(unit):
        if not word.isspace():
            tokens.append(word)
            starts.append(place)
        place += len(word)
    reading = finder.read(unit)
    cut = Cut(tuple(map(str.lower, tokens)), reading.signals)
    return Seen(tuple(tokens), tuple(starts), reading.mentions, reading.deciding, cut)


def _mentioned(one: Seen, label: str, *, statement: bool) -> list[tuple[str, str, int, int, str, float | None]]:
    """Return the mentions that speak for a label: its terms with their scope, or the cues that decided by rule."""
    if not statement:
        found = [mention for mention in one.mentions if mention.category == label]
        return [(label, m.term, m.start, m.end, _HOW.get(m.scope, m.scope), None) for m in found[:REASONS]]
    if f"rule:{label}" not in one.cut.signals:
        return []
    return [(label, m.term, m.start, m.end, "cue", None) for m in one.deciding[:REASONS] if not m.category]


def _heaviest(values: Floats, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, request by request, the places of the `REASONS` largest positive values, largest first."""
    request = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((np.arange(len(values)), -values, request))
    rank = np.arange(len(values)) - starts[request]
    keep = order[(rank < REASONS) & (values[order] > 0)]
    return request[keep], keep
