"""Terms and cues found on the raw text, whatever the segmentation.

One pass of an Aho-Corasick automaton over many units for the codebook's words, one for the cues, one for associations
(leftmost, longest: 不方便 hides 方便); what was found is kept in columns. `pipeline.scope` settles what negation and the
like do to it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind
from numpy.typing import NDArray

from pipeline.batch import Batch, Ints
from pipeline.codebook import Codebook
from pipeline.resources import shipped
from pipeline.scope import (
    ANYWHERE,
    KIND,
    KINDS,
    POSITIONED,
    SCOPES,
    TERM,
    TOPIC,
    Mention,
    Spans,
    cues,
    resolve,
)
from pipeline.statements import FIRST, decide

__all__ = ["CueFinder", "Cues", "Mention", "no_content"]

_SCOPED = (TERM, TOPIC, "deficit", "evaluation")
_ENDS = {"？": "?", "?": "?", "！": "!", "!": "!", "。": ".", "；": ";", ";": ";", "：": ":", ":": ":"}
_GUARD = -1
"""The code of words that only look like a cue and so hide its parts."""
_EDGES = re.compile(r"^[\s\W_]+|[\s\W_]+$")


@cache
def _no_content() -> frozenset[str]:
    lines = shipped("lexicons/no_content.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


def no_content(text: str) -> bool:
    """Tell whether an answer says nothing: 无, 没有意见, 不清楚, a dash.

    Examples
    --------
    >>> no_content("无。"), no_content("没有 "), no_content("没有路灯")
    (True, True, False)
    """
    if len(text) > 24:
        return False
    bare = _EDGES.sub("", text).lower()
    return not bare or bare in _no_content()


@dataclass(frozen=True)
class Cues:
    """What the cues tell of n units: m mentions in order, a column each, and the signals that a learnt model uses."""

    finder: CueFinder
    starts: Ints
    """(n + 1,) where each unit's mentions start."""
    start: Ints
    """Offset into the unit."""
    end: Ints
    kind: NDArray[np.int8]
    scope: NDArray[np.int8]
    pattern: Ints
    """Which of the finder's patterns it is."""
    category: NDArray[np.int8]
    """Number of the category; -1 for cues."""
    names: NDArray[np.int16]
    """(m, 4) which of the finder's `signal_names` a mention gives; -1 for none."""
    signal_starts: Ints
    """(n + 1,) where each unit's signals start."""
    signals: Ints
    """Numbers of the finder's `signal_names`, each once a unit."""

    def mentions(self, unit: int) -> list[Mention]:
        """Return the mentions of a unit in the order of their starts."""
        ids, rows = (*self.finder.codebook.ids, None), slice(self.starts[unit], self.starts[unit + 1])
        columns = (self.kind, self.category, self.pattern, self.start, self.end, self.scope)
        return [
            Mention(KINDS[kind], ids[category], self.finder.terms[pattern], start, end, SCOPES[scope])
            for kind, category, pattern, start, end, scope in zip(*(c[rows].tolist() for c in columns), strict=True)
        ]

    def signals_of(self, unit: int) -> tuple[str, ...]:
        """Return the names of a unit's signals."""
        found = self.signals[self.signal_starts[unit] : self.signal_starts[unit + 1]]
        return tuple(self.finder.signal_names[signal] for signal in found.tolist())


class CueFinder:
    """Finds the codebook's words and the cues of many texts at once, with their scope.

    Parameters
    ----------
    codebook : Codebook
        Its terms, topics and excluded words are matched beside the shipped cues.

    Attributes
    ----------
    terms : list of str
        The text of each pattern: what a codebook's word stands for in one kind, then the cues.

    Examples
    --------
    >>> from pipeline.codebook import load
    >>> finder = CueFinder(load())
    >>> [(m.term, m.kind, m.scope) for m in finder.mentions("没有推诿扯皮")]
    [('没有', 'negator', 'asserted'), ('推诿扯皮', 'term', 'negated')]
    """

    def __init__(self, codebook: Codebook) -> None:
        self.codebook = codebook
        words, kinds = _payloads(codebook), cues()
        word_list, cue_list = sorted(words), sorted(kinds)
        entries = [(word, kind, categories) for word in word_list for kind, categories in words[word]]
        self.terms = [*(word for word, _, _ in entries), *cue_list]
        self._words = _Rows([len(words[word]) for word in word_list], range(len(entries)))
        self._cues_from = len(entries)
        kind_of = [*(kind for _, kind, _ in entries), *(kinds[cue] for cue in cue_list)]
        self._kinds = np.asarray([KIND.get(kind, _GUARD) for kind in kind_of], np.int8)
        number = {category: at for at, category in enumerate(codebook.ids)}
        named = [[number[category] for category in categories] for _, _, categories in entries]
        named += [[-1]] * len(cue_list)
        self._categories = _Rows([len(row) for row in named], chain.from_iterable(named))
        self._word_automaton, self._cue_automaton = _automaton(word_list), _automaton(cue_list)
        hints = _hints(codebook.ids)
        self._hints = _Rows([len(row) for _, row in hints], chain.from_iterable(row for _, row in hints))
        self._hint_automaton = _automaton([hint for hint, _ in hints])

    def mentions(self, text: str) -> list[Mention]:
        """Return all mentions of a normalised text in the order of their starts."""
        return self.read(Batch([text])).mentions(0)

    def read(self, batch: Batch) -> Cues:
        """Return the mentions of normalised texts, and the signals that a learnt model uses beside the words.

        `:first` stands for a cue that opens the unit, `:last` for one in its last clause (or behind the last contrast).
        """
        spans = resolve(batch, self._spans(batch))
        rows, category = self._categories.of(spans.pattern)
        spans = spans.rows(rows)
        unit = batch.owner(spans.start)
        start = spans.start - batch.starts[unit]
        last, single = _last_part(spans, unit, batch)
        names = self._names(spans, category, start < FIRST, spans.start >= last[unit])
        given = names >= 0
        codes = [np.repeat(unit, given.sum(axis=1)) * self._width + names[given]]
        codes += [self._hinted(batch), self._of_units(batch.texts, single)]
        signals = np.unique(np.concatenate(codes))
        edges = np.arange(len(batch.texts) + 1)
        return Cues(
            self,
            np.searchsorted(unit, edges),
            start,
            spans.end - batch.starts[unit],
            spans.kind,
            spans.scope,
            spans.pattern,
            category.astype(np.int8),
            names,
            np.searchsorted(signals, edges * self._width),
            signals % self._width,
        )

    def _spans(self, batch: Batch) -> Spans:
        """Return what was found in the order of the starts; a cue inside a fault's own term is none."""
        found, cued = _found(self._word_automaton, batch), _found(self._cue_automaton, batch)
        rows, pattern = self._words.of(found[:, 0])
        words = found[rows]
        faults = words[self._kinds[pattern] == KIND[TERM]]
        kept = self._kinds[cued[:, 0] + self._cues_from] != _GUARD
        cued = cued[kept & ~_inside(cued, faults)]
        start, end = (np.concatenate([words[:, at], cued[:, at]]) for at in (1, 2))
        pattern = np.concatenate([pattern, cued[:, 0] + self._cues_from])
        order = np.lexsort((-end, start))
        pattern = pattern[order]
        return Spans(start[order], end[order], self._kinds[pattern], pattern, np.zeros(len(order), np.int8))

    def _names(
        self, spans: Spans, category: Ints, first: NDArray[np.bool_], last: NDArray[np.bool_]
    ) -> NDArray[np.int16]:
        base, scoped, opening, closing = self._signal_tables
        kind = spans.kind
        columns = [base[kind, category], scoped[kind, spans.scope]]
        columns += [np.where(first, opening[kind], -1), np.where(last, closing[kind], -1)]
        return np.column_stack(columns).astype(np.int16)

    def _hinted(self, batch: Batch) -> Ints:
        """Return the signals of the categories that associations point to, and of those that several point to."""
        found = _found(self._hint_automaton, batch)
        rows, category = self._hints.of(found[:, 0])
        k = len(self.codebook.ids)
        codes, counts = np.unique(batch.owner(found[rows, 1]) * k + category, return_counts=True)
        unit, category = np.divmod(codes, k) if k else (codes, codes)
        once, twice = self._hint_numbers
        several = counts > 1
        return np.concatenate(
            [unit * self._width + once[category], unit[several] * self._width + twice[category[several]]]
        )

    def _of_units(self, texts: Sequence[str], single: NDArray[np.bool_]) -> Ints:
        """Return the signals of whole units: the mark at the end, an answer without content, a single clause."""
        number = self._numbers
        ends = {mark: number[f"end:{name}"] for mark, name in _ENDS.items()}
        closing = [ends.get(text.rstrip()[-1:], number["end:none"]) for text in texts]
        empty = np.flatnonzero(np.fromiter(map(no_content, texts), dtype=bool, count=len(texts)))
        width = self._width
        return np.concatenate(
            [
                np.arange(len(texts)) * width + np.asarray(closing, np.int64),
                empty * width + number["no_content"],
                np.flatnonzero(single) * width + number["clauses:1"],
            ]
        )

    @cached_property
    def signal_names(self) -> tuple[str, ...]:
        """All names of signals, in a stable order."""
        ids = self.codebook.ids
        words = [f"{kind}:{category}" for category in ids for kind in (TERM, TOPIC)]
        words += [f"hint:{category}{times}" for category in ids for times in ("", ":2")]
        words += [f"{kind}:{scope}" for kind in _SCOPED for scope in SCOPES[1:]]
        words += ["action:negated", "measure:negated", "remedy:negated", "improvement:negated"]
        cued = [*ANYWHERE, *(name for kind in POSITIONED for name in (kind, f"{kind}:first", f"{kind}:last"))]
        ends = [f"end:{mark}" for mark in sorted({*_ENDS.values(), "none"})]
        return (*words, *cued, *ends, "no_content", "clauses:1")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.signal_names)}

    @property
    def _width(self) -> int:
        return len(self.signal_names)

    @cached_property
    def _hint_numbers(self) -> tuple[Ints, Ints]:
        once, twice = (
            [self._numbers[f"hint:{category}{times}"] for category in self.codebook.ids] for times in ("", ":2")
        )
        return np.asarray(once, np.int64), np.asarray(twice, np.int64)

    @cached_property
    def _signal_tables(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Return which signal a kind gives with its category (last column: none), its scope, and at a unit's edges."""
        number, ids = self._numbers, self.codebook.ids
        base = [[number.get(name, -1) for name in (*(f"{k}:{category}" for category in ids), k)] for k in KINDS]
        scoped = [[number.get(f"{kind}:{scope}", -1) for scope in SCOPES] for kind in KINDS]
        opening, closing = ([number.get(f"{kind}:{place}", -1) for kind in KINDS] for place in ("first", "last"))
        return np.asarray(base), np.asarray(scoped), np.asarray(opening), np.asarray(closing)

    def statement(self, mentions: Sequence[Mention], text: str) -> tuple[str, list[Mention]]:
        """Return the statement type by rule and the mentions that decided it (none: nothing was said to decide it)."""
        if not mentions or no_content(text):
            return "neutral", []
        return decide(mentions, text)


class _Rows:
    """Lists of numbers, one a row, behind one another."""

    def __init__(self, lengths: Sequence[int], values: Iterable[int]) -> None:
        self._starts = np.cumsum([0, *lengths])
        self._values = np.fromiter(values, np.int64)

    def of(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the values of some rows behind one another, and before them the place in `rows` that each is of."""
        lengths = self._starts[rows + 1] - self._starts[rows]
        place = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(place)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return place, self._values[self._starts[rows][place] + within]


def _payloads(codebook: Codebook) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return what each word of the codebook stands for; an excluded word stands for nothing and so hides its parts."""
    found: dict[str, dict[str, list[str]]] = {}
    for category in codebook.categories:
        found |= {word: {} for word in category.not_terms if word not in found}
        for kind, words in ((TERM, category.terms), (TOPIC, category.topics)):
            for word in words:
                found.setdefault(word, {}).setdefault(kind, []).append(category.id)
    return {word: [(kind, tuple(ids)) for kind, ids in kinds.items()] for word, kinds in found.items()}


def _hints(ids: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return the shipped associations of the codebook's categories: a word and the numbers of its categories."""
    found: dict[str, list[int]] = {}
    with shipped("lexicons/associations.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["category"] in ids:
                for word in row["words"].split("；"):
                    found.setdefault(word, []).append(ids.index(row["category"]))
    return sorted(found.items())


def _automaton(words: list[str]) -> AhoCorasick:
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)


def _found(automaton: AhoCorasick, batch: Batch) -> Ints:
    """Return what an automaton finds, (matches, 3): the pattern, where it starts and ends."""
    matches = automaton.find_matches_as_indexes(batch.text)
    return np.fromiter(chain.from_iterable(matches), np.int64, 3 * len(matches)).reshape(-1, 3)


def _inside(found: Ints, within: Ints) -> NDArray[np.bool_]:
    """Tell which matches lie inside others; those do not overlap one another."""
    if not len(within):
        return np.zeros(len(found), dtype=bool)
    nearest = np.searchsorted(within[:, 1], found[:, 1], side="right") - 1
    return np.asarray((nearest >= 0) & (found[:, 2] <= within[nearest, 2]))


def _last_part(spans: Spans, unit: Ints, batch: Batch) -> tuple[Ints, NDArray[np.bool_]]:
    """Return where the part of each unit that decides begins, and which units are a single clause.

    It begins behind the last contrast, else with the last clause.
    """
    breaks = np.append(batch.breaks, -1)
    before = breaks[np.searchsorted(batch.breaks, batch.ends, side="right") - 2]
    first = batch.starts[:-1]
    begins = np.maximum(before, first)
    single = (before < first) & ~batch.broken(first, np.minimum(first + 1, batch.ends))
    turns = spans.of({"contrast"})
    np.maximum.at(begins, unit[turns], spans.end[turns])
    return begins, single
