"""Terms and cues found on the raw text, whatever the segmentation; a coder made of rules alone.

One pass of an Aho-Corasick automaton for the codebook's words and one for the cues (leftmost, longest: 不方便 hides
方便), then Python over the hits only. `pipeline.scope` settles what negation and the like do to them.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import pyarrow as pa
from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.codebook import Codebook, load
from pipeline.records import CODING_SCHEMA, STATEMENTS
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


class CueReading(NamedTuple):
    """What the cues tell of a text: mentions, the signals for the learnt model, the statement by rule and its cues."""

    mentions: list[Mention]
    signals: tuple[str, ...]
    statement: str
    deciding: list[Mention]


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
        spans = self._codebook_spans(text)
        faults = [(span.start, span.end) for span in spans if span.kind == TERM]
        for index, start, end in self._cue_automaton.find_matches_as_indexes(text):
            kind = self._kinds[self._cue_list[index]]
            if kind != "guard" and not _inside(start, end, faults):
                spans.append(Span(start, end, kind))
        spans.sort(key=_position)
        return resolve(text, spans)

    def _codebook_spans(self, text: str) -> list[Span]:
        return [
            Span(start, end, kind, categories)
            for index, start, end in self._word_automaton.find_matches_as_indexes(text)
            for kind, categories in self._words[self._word_list[index]]
        ]

    @property
    def signal_names(self) -> tuple[str, ...]:
        """All names that `signals` can give, in a stable order."""
        ids = self.codebook.ids
        words = [f"{kind}:{category}" for category in ids for kind in (TERM, TOPIC)]
        words += [f"hint:{category}{times}" for category in ids for times in ("", ":2")]
        words += [f"{kind}:{scope}" for kind in _SCOPED for scope in _SCOPES]
        words += ["action:negated", "measure:negated", "remedy:negated", "improvement:negated"]
        cued = [*_ANYWHERE, *(name for kind in _POSITIONED for name in (kind, f"{kind}:first", f"{kind}:last"))]
        ends = [f"end:{mark}" for mark in sorted({*_ENDS.values(), "none"})]
        return (*words, *cued, *ends, *(f"rule:{statement}" for statement in STATEMENTS), "no_content", "clauses:1")

    def signals(self, mentions: Sequence[Mention], text: str) -> tuple[str, ...]:
        """Return the names of the features that a learnt model uses beside the words; each name once.

        `:first` stands for a cue that opens the unit, `:last` for one in its last clause (or behind the last contrast),
        `rule:…` for what `statement` says.
        """
        return self._named(mentions, text, self.statement(mentions, text)[0])

    def read(self, text: str) -> CueReading:
        """Return all that the cues tell of a normalised text."""
        mentions = self.mentions(text)
        statement, deciding = self.statement(mentions, text)
        return CueReading(mentions, self._named(mentions, text, statement), statement, deciding)

    def _named(self, mentions: Sequence[Mention], text: str, statement: str) -> tuple[str, ...]:
        last = _last_part(mentions, text)
        hinted = Counter(
            name for at, _, _ in self._hint_automaton.find_matches_as_indexes(text) for name in self._hints[at][1]
        )
        found = dict.fromkeys(
            name for m in mentions for name in _names(m.kind, m.category, m.scope, m.start < FIRST, m.start >= last)
        )
        found |= {
            name if n == 1 else f"{name}:2": None for name, count in hinted.items() for n in range(1, min(count, 2) + 1)
        }
        found[f"end:{_ENDS.get(text.rstrip()[-1:], 'none')}"] = None
        found[f"rule:{statement}"] = None
        if no_content(text):
            found["no_content"] = None
        if len(breaks(text)) == 1:
            found["clauses:1"] = None
        return tuple(found)

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


def _last_part(mentions: Sequence[Mention], text: str) -> int:
    """Return where the part that decides begins: behind the last contrast, else the last clause."""
    contrast = max((mention.end for mention in mentions if mention.kind == "contrast"), default=0)
    ends = breaks(text.rstrip('。！？!?；;… \n\t”"）)'))
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
