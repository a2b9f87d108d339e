"""The coder that joins cues and learnt scores: one decision a label, with its reasons.

The signals of the cues (terms with their scope, requests, questions, evaluations) are features of the linear model beside
the words, so negation and avoidance weigh what the labelled sample taught them to weigh, and every reason has a number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.cues import CueFinder, CueReading
from pipeline.features import Cut, Floats
from pipeline.model import LinearModel
from pipeline.records import CODING_SCHEMA, EVIDENCE
from pipeline.segment import ContentWords, Segmenter
from pipeline.shares import Scores, Shares

REVIEW = 0.5
"""A unit with a decision held with less than this probability is flagged for a person to look at."""

REASONS = 3
"""So many learnt words, and so many cues, are kept as evidence of a decision."""

_SPACE, _CAPITAL = re.compile(r"\s"), re.compile(r"[A-ZÀ-ÞΑ-Ω]")
_HOW = {"asserted": "term"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit as the coder read it: words with their places, what the cues tell, and the cut that is scored."""

    tokens: list[str]
    starts: list[int]
    """Where each token begins; what stands behind the last token's start is not used."""
    cues: CueReading
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
        self._mention_weights: dict[tuple[str, ...], list[float]] = {}
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

    def see(self, units: Sequence[str]) -> list[Seen]:
        """Read normalised units: words, mentions, signals."""
        return see(units, self._segmenter, self._finder)

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
        if not units:
            return CODING_SCHEMA.empty_table()
        seen = self.see(units)
        scores = self._scored([one.cut for one in seen], units)
        probable, certain = self.probabilities(scores.values)
        coded = self.model.categories.decided(probable)
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
        return self.model.categories.probabilities(scores[:, :k]), self.model.statements.probabilities(scores[:, k:])

    def _scored(self, cuts: Sequence[Cut], units: Sequence[str]) -> Scores:
        scores = self._shares.score(cuts)
        if self.model.semantic:
            scores.values[:] += self.model.semantic.scores(units)
        return scores

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
        token = scores.starts[units[request]] + place - starts[request]
        tokens = pa.array([word for one in seen for word in one.tokens], pa.string())
        spoken = pc.match_substring_regex(tokens.take(pa.array(token)), r"^[\pL\pN]").to_numpy(zero_copy_only=False)
        request, place, token = request[spoken], place[spoken], token[spoken]
        begins = np.fromiter((at for one in seen for at in one.starts[: len(one.tokens)]), dtype=np.int32)
        terms = tokens.take(pa.array(token))
        lengths = pc.utf8_length(terms).to_numpy()
        cued = [self._mentioned(seen[u], label) for u, label in zip(units.tolist(), labels.tolist(), strict=True)]
        rows = [row for found in cued for row in found]
        asked = np.repeat(np.arange(len(units)), [len(found) for found in cued])
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        owners = np.concatenate([asked, request])
        order = np.argsort(owners, kind="stable")
        both = [
            pa.concat_arrays([pa.array(columns[0], pa.string()), terms]),
            np.concatenate([np.asarray(columns[1], np.int32), begins[token]]),
            np.concatenate([np.asarray(columns[2], np.int32), begins[token] + lengths.astype(np.int32)]),
            pa.concat_arrays([pa.array(columns[3], pa.string()), pa.array(["learnt"]).take(pa.array(request * 0))]),
            np.concatenate([np.asarray(columns[4], np.float32), values[place]]),
        ]
        names = pa.array(self._labels).take(pa.array(labels[owners[order]]))
        struct = pa.StructArray.from_arrays(
            [names, *(pa.array(column).take(pa.array(order)) for column in both)], fields=list(EVIDENCE)
        )
        ends = np.searchsorted(units[owners[order]], np.arange(len(seen) + 1))
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), struct)

    def _mentioned(self, one: Seen, label: int) -> list[tuple[str, int, int, str, float]]:
        """Return the mentions that speak for a label: terms of its category, or cues of its statement type."""
        if label < len(self.categories):
            name = self._labels[label]
            return [
                (m.term, m.start, m.end, _HOW.get(m.scope, m.scope), self._weight(signals)[label])
                for m, signals in zip(one.cues.mentions, one.cues.names, strict=True)
                if m.category == name
            ][:REASONS]
        weighed = [(self._weight(signals)[label], at) for at, signals in enumerate(one.cues.names)]
        best = sorted((-weight, at) for weight, at in weighed if weight > 0)[:REASONS]
        mentions = [(one.cues.mentions[at], -weight) for weight, at in best]
        return [(m.term, m.start, m.end, "cue", weight) for m, weight in mentions]

    def _weight(self, signals: tuple[str, ...]) -> list[float]:
        """Return what the signals of one mention add to each label's score."""
        found = self._mention_weights.get(signals)
        if found is None:
            index = self.model.vocabulary.signals
            rows = self._shares.signals[[index[signal] for signal in signals if signal in index]]
            found = self._mention_weights[signals] = rows.sum(axis=0).tolist()
        return found

    def reasons(self, unit: str, label: str) -> list[Reason]:
        """Return everything that makes the score of a label: words, signals, bias; the weights add up to the score.

        Parameters
        ----------
        unit : str
            A normalised unit.
        label : str
            A category's id or a statement type.
        """
        one = self.see([unit])[0]
        scores = self._scored([one.cut], [unit])
        column = self._labels.index(label)
        values, _ = self._shares.contributions(scores, np.zeros(1, np.int64), np.asarray([column]))
        reasons = [
            Reason(label, word, start, start + len(word), float(value))
            for word, start, value in zip(one.tokens, one.starts, values, strict=False)
        ]
        names = list(self.model.vocabulary.signals)
        signals = [(names[i], float(self._shares.signals[i, column])) for i in scores.signal_ids[0]]
        loose = [*signals, ("bias", float(self._shares.bias[column]))]
        if self.model.semantic:
            loose.append(("semantic", float(self.model.semantic.scores([unit])[0, column])))
        return reasons + [Reason(label, name, None, None, weight) for name, weight in loose]

    def score(self, unit: str, label: str) -> float:
        """Return the score of a label for a normalised unit, before calibration."""
        return float(self._scored([self.see([unit])[0].cut], [unit]).values[0, self._labels.index(label)])


def see(units: Sequence[str], segmenter: Segmenter, finder: CueFinder) -> list[Seen]:
    """Read normalised units: words with their places, what the cues tell, and what the model scores."""
    words = [segmenter.cut(unit) for unit in units]
    return [_seen(*of_one) for of_one in zip(units, words, finder.read(units), strict=True)]


def _seen(unit: str, tokens: list[str], reading: CueReading) -> Seen:
    starts = list(accumulate(map(len, tokens), initial=0))
    if _SPACE.search(unit):
        kept = [(word, start) for word, start in zip(tokens, starts, strict=False) if not word.isspace()]
        tokens, starts = [word for word, _ in kept], [start for _, start in kept]
    words = tuple(map(str.lower, tokens)) if _CAPITAL.search(unit) else tuple(tokens)
    return Seen(tokens, starts, reading, Cut(words, reading.signals))


def _heaviest(values: Floats, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, request by request, the places of the `REASONS` largest positive values, largest first."""
    request = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((np.arange(len(values)), -values, request))
    rank = np.arange(len(values)) - starts[request]
    keep = order[(rank < REASONS) & (values[order] > 0)]
    return request[keep], keep
