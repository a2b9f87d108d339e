"""Terms and cues found on the raw text, whatever the segmentation; a coder made of rules alone.

One pass of an Aho-Corasick automaton for the codebook's words and one for the cues (leftmost, longest: 不方便 hides
方便), then Python over the hits only. `pipeline.scope` settles what negation and the like do to them.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import pyarrow as pa
from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.codebook import Codebook, load
from pipeline.records import CODING_SCHEMA
from pipeline.resources import shipped
from pipeline.scope import CUE_FILES, TERM, TOPIC, Mention, Span, breaks, cues, resolve
from pipeline.segment import ContentWords, Segmenter
from pipeline.statements import FIRST, decide

__all__ = ["CueCoder", "CueFinder", "Mention", "no_content"]

HOW = {"asserted": "term"}
"""Scope to the `how` of evidence; the other scopes go by their own name."""
_POSITIONED = (
    "request", "modality", "action", "measure", "remedy", "avoidance", "question", "rhetorical", "contrast", "deficit",
    "diagnosis", "evaluation", "improvement", "vanishing", "negator",
)  # fmt: skip
_ANYWHERE = (
    "prohibition", "double", "hypothesis", "past", "now", "comparison", "past_marker", "time", "intensifier",
    "background", "greeting", "interrogative",
)  # fmt: skip
_SCOPED = (TERM, TOPIC, "deficit", "evaluation")
_SCOPES = ("negated", "avoided", "hypothetical", "asked", "improved")
_ENDS = {"？": "?", "?": "?", "！": "!", "!": "!", "。": ".", "；": ";", ";": ";", "：": ":", ":": ":"}
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


Match = tuple[int, int, int]
"""Which pattern was found, where it starts and ends."""


class CueReading(NamedTuple):
    """What the cues tell of a text: mentions, the names of the signals each of them gives, and all signals."""

    mentions: list[Mention]
    names: list[tuple[str, ...]]
    signals: tuple[str, ...]


class CueFinder:
    """Finds the codebook's words and the cues of a text, with their scope.

    Parameters
    ----------
    codebook : Codebook
        Its terms, topics and excluded words are matched beside the shipped cues.

    Examples
    --------
    >>> finder = CueFinder(load())
    >>> [(m.term, m.kind, m.scope) for m in finder.mentions("没有推诿扯皮")]
    [('没有', 'negator', 'asserted'), ('推诿扯皮', 'term', 'negated')]
    """

    def __init__(self, codebook: Codebook) -> None:
        self.codebook = codebook
        self._words = _payloads(codebook)
        self._kinds = cues()
        self._word_list, self._cue_list = sorted(self._words), sorted(self._kinds)
        self._word_automaton = _automaton(self._word_list)
        self._cue_automaton = _automaton(self._cue_list)
        self._hints = _hints(codebook.ids)
        self._hint_automaton = _automaton([hint for hint, _ in self._hints])

    def mentions(self, text: str) -> list[Mention]:
        """Return all mentions of a normalised text in the order of their starts."""
        return self.read([text])[0].mentions

    def read(self, texts: Sequence[str]) -> list[CueReading]:
        """Return the mentions of normalised texts and the signals that a learnt model uses beside the words.

        `:first` stands for a cue that opens the unit, `:last` for one in its last clause (or behind the last contrast).
        Each automaton goes over all texts before the next one does: its table stays in the processor's cache, which
        halves the time.
        """
        words, cued, hints = (
            [automaton.find_matches_as_indexes(text) for text in texts]
            for automaton in (self._word_automaton, self._cue_automaton, self._hint_automaton)
        )
        return [self._reading(*of_one) for of_one in zip(texts, words, cued, hints, strict=True)]

    def _reading(self, text: str, words: list[Match], cued: list[Match], hints: list[Match]) -> CueReading:
        mentions = resolve(text, self._spans(words, cued))
        ends = breaks(text)
        last = _last_part(mentions, ends)
        names = [_names(m.kind, m.category, m.scope, m.start < FIRST, m.start >= last) for m in mentions]
        found = dict.fromkeys([name for several in names for name in several])
        found[f"end:{_ENDS.get(text.rstrip()[-1:], 'none')}"] = None
        found |= dict.fromkeys(self._hinted(hints))
        if no_content(text):
            found["no_content"] = None
        if len(ends) == 1:
            found["clauses:1"] = None
        return CueReading(mentions, names, tuple(found))

    def _spans(self, words: list[Match], cued: list[Match]) -> list[Span]:
        """Return what was found as spans in the order of their starts; a cue inside a fault's own term is none."""
        spans = [
            Span(start, end, kind, categories)
            for index, start, end in words
            for kind, categories in self._words[self._word_list[index]]
        ]
        faults = [(span.start, span.end) for span in spans if span.kind == TERM]
        for index, start, end in cued:
            kind = self._kinds[self._cue_list[index]]
            if kind != "guard" and not (faults and _inside(start, end, faults)):
                spans.append(Span(start, end, kind))
        spans.sort(key=_position)
        return spans

    def _hinted(self, hints: list[Match]) -> list[str]:
        """Return the categories that associations point to, and those that several point to."""
        counts: dict[str, int] = {}
        for at, _, _ in hints:
            for name in self._hints[at][1]:
                counts[name] = counts.get(name, 0) + 1
        return [*counts, *[f"{name}:2" for name, count in counts.items() if count > 1]]

    @property
    def signal_names(self) -> tuple[str, ...]:
        """All names that `read` can give, in a stable order."""
        ids = self.codebook.ids
        words = [f"{kind}:{category}" for category in ids for kind in (TERM, TOPIC)]
        words += [f"hint:{category}{times}" for category in ids for times in ("", ":2")]
        words += [f"{kind}:{scope}" for kind in _SCOPED for scope in _SCOPES]
        words += ["action:negated", "measure:negated", "remedy:negated", "improvement:negated"]
        cued = [*_ANYWHERE, *(name for kind in _POSITIONED for name in (kind, f"{kind}:first", f"{kind}:last"))]
        ends = [f"end:{mark}" for mark in sorted({*_ENDS.values(), "none"})]
        return (*words, *cued, *ends, "no_content", "clauses:1")

    def statement(self, mentions: Sequence[Mention], text: str) -> tuple[str, list[Mention]]:
        """Return the statement type by rule and the mentions that decided it (none: nothing was said to decide it)."""
        if not mentions or no_content(text):
            return "neutral", []
        return decide(mentions, text)


def _payloads(codebook: Codebook) -> dict[str, list[tuple[str, tuple[str | None, ...]]]]:
    """Return what each word of the codebook stands for; an excluded word stands for nothing and so hides its parts."""
    found: dict[str, dict[str, list[str | None]]] = {}
    for category in codebook.categories:
        found |= {word: {} for word in category.not_terms if word not in found}
        for kind, words in ((TERM, category.terms), (TOPIC, category.topics)):
            for word in words:
                found.setdefault(word, {}).setdefault(kind, []).append(category.id)
    return {word: [(kind, tuple(ids)) for kind, ids in kinds.items()] for word, kinds in found.items()}


def _hints(ids: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the shipped associations of the codebook's categories: a word and the signals it gives."""
    found: dict[str, list[str]] = {}
    with shipped("lexicons/associations.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["category"] in ids:
                for word in row["words"].split("；"):
                    found.setdefault(word, []).append(f"hint:{row['category']}")
    return sorted((word, tuple(names)) for word, names in found.items())


def _automaton(words: list[str]) -> AhoCorasick:
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)


def _position(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def _inside(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(left <= start and end <= right for left, right in spans)


def _last_part(mentions: Sequence[Mention], ends: Sequence[int]) -> int:
    """Return where the part that decides begins: behind the last contrast, else the last clause."""
    contrast = max((mention.end for mention in mentions if mention.kind == "contrast"), default=0)
    return max(contrast, ends[-2] if len(ends) > 1 else 0)


@lru_cache(maxsize=4096)
def _names(kind: str, category: str | None, scope: str, first: bool, last: bool) -> tuple[str, ...]:
    names = [f"{kind}:{category}" if category else kind]
    if scope != "asserted" and (kind in _SCOPED or scope == "negated"):
        names.append(f"{kind}:{scope}")
    if kind in _POSITIONED:
        names += [f"{kind}:first"] * first + [f"{kind}:last"] * last
    return tuple(names)


class CueCoder:
    """Codes units by terms and cues alone (a `pipeline.records.UnitCoder`); confidences are null: rules decide.

    Examples
    --------
    >>> CueCoder(load()).code_units(["不再推诿了", "防止走过场"]).column("statement").to_pylist()
    ['praise', 'suggestion']
    """

    def __init__(self, codebook: Codebook | None = None, segmenter: Segmenter | None = None) -> None:
        self.codebook = codebook or load()
        self.finder = CueFinder(self.codebook)
        self._segmenter = segmenter or Segmenter()
        self._content = ContentWords.shipped()

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories, in the codebook's order."""
        return self.codebook.ids

    @property
    def fingerprint(self) -> str:
        """A hash of the codebook and the cue lexicons."""
        parts = [self.codebook.fingerprint.encode()]
        parts += [
            shipped(f"lexicons/{name}").read_bytes() for name in (*CUE_FILES, "associations.csv", "no_content.txt")
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
        return pa.Table.from_pylist([self._code(unit) for unit in units], schema=CODING_SCHEMA)

    def _code(self, unit: str) -> dict[str, object]:
        mentions = self.finder.mentions(unit)
        statement, deciding = self.finder.statement(mentions, unit)
        named = {mention.category for mention in mentions if mention.category}
        evidence = [_evidence_row(m, m.category, HOW.get(m.scope, m.scope)) for m in mentions if m.category]
        evidence += [_evidence_row(m, statement, "cue") for m in deciding if not m.category]
        found = [category for category in self.categories if category in named]
        return {
            "statement": statement,
            "statement_confidence": None,
            "categories": found,
            "confidences": [None] * len(found),
            "evidence": evidence,
            "review": False,
            "words": self._content.of(self._segmenter.cut(unit)),
        }


def _evidence_row(mention: Mention, category: str | None, how: str) -> dict[str, object]:
    return {
        "category": category,
        "term": mention.term,
        "start": mention.start,
        "end": mention.end,
        "how": how,
        "weight": None,
    }
