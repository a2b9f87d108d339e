"""Terms and cues found on the raw text, whatever the segmentation; a coder made of rules alone.

One pass of an Aho-Corasick automaton for the codebook's words and one for the cues (leftmost, longest: 不方便 hides
方便), then Python over the hits only. `pipeline.scope` settles what negation and the like do to them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa
from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.codebook import Codebook, load
from pipeline.records import CODING_SCHEMA, STATEMENTS
from pipeline.resources import shipped
from pipeline.scope import CUE_FILES, FAULTS, GOODS, TERM, TOPIC, Mention, _Span, breaks, cues, resolve

__all__ = ["CueCoder", "CueFinder", "Mention", "no_content"]

HOW = {"asserted": "term"}
"""Scope to the `how` of evidence; the other scopes go by their own name."""
FIRST = 8
"""A cue that begins within so many characters opens the unit."""

_POSITIONED = (
    "request", "modality", "action", "measure", "remedy", "avoidance", "question", "rhetorical", "contrast", "deficit",
    "diagnosis", "evaluation", "improvement", "vanishing", "negator",
)  # fmt: skip
_ANYWHERE = (
    "prohibition", "double", "hypothesis", "past", "now", "comparison", "past_marker", "time", "intensifier",
    "background", "greeting", "interrogative",
)  # fmt: skip
_SCOPES = ("negated", "avoided", "hypothetical", "asked", "improved")
_ENDS = {"？": "?", "?": "?", "！": "!", "!": "!", "。": ".", "；": ";", ";": ";", "：": ":", ":": ":"}
_LEAD = re.compile(r"^(?:[\s（(]*(?:[一二三四五六七八九十]{1,3}|\d{1,2})[是、.．:：)）]+\s*|第[一二三四五六七八九十]+[，,、]|[“\"\-—·*•]+)")
_PROPOSALS = {"提议", "倡议", "可否", "能否", "能不能", "可不可以", "最好", "不妨", "何不", "不如"}
_DATE = re.compile(r"\d{1,4}[年月日号]")
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

    def mentions(self, text: str) -> list[Mention]:
        """Return all mentions of a normalised text in the order of their starts."""
        spans = self._codebook_spans(text)
        faults = [(span.start, span.end) for span in spans if span.kind == TERM]
        for index, start, end in self._cue_automaton.find_matches_as_indexes(text):
            kind = self._kinds[self._cue_list[index]]
            if kind != "guard" and not _inside(start, end, faults):
                spans.append(_Span(start, end, kind))
        spans.sort(key=_position)
        return resolve(text, spans)

    def _codebook_spans(self, text: str) -> list[_Span]:
        return [
            _Span(start, end, kind, categories)
            for index, start, end in self._word_automaton.find_matches_as_indexes(text)
            for kind, categories in self._words[self._word_list[index]]
        ]

    @property
    def signal_names(self) -> tuple[str, ...]:
        """All names that `signals` can give, in a stable order."""
        ids = self.codebook.ids
        words = [f"{kind}:{category}" for category in ids for kind in (TERM, TOPIC)]
        words += [f"{kind}:{scope}" for kind in (TERM, TOPIC, "deficit", "evaluation") for scope in _SCOPES]
        words += ["action:negated", "measure:negated", "remedy:negated", "improvement:negated"]
        cued = [*_ANYWHERE, *(name for kind in _POSITIONED for name in (kind, f"{kind}:first", f"{kind}:last"))]
        ends = [f"end:{mark}" for mark in sorted({*_ENDS.values(), "none"})]
        return (*words, *cued, *ends, *(f"rule:{statement}" for statement in STATEMENTS), "no_content", "clauses:1")

    def signals(self, mentions: Sequence[Mention], text: str) -> tuple[str, ...]:
        """Return the names of the features that a learnt model uses beside the words; each name once.

        `:first` stands for a cue that opens the unit, `:last` for one in its last clause (or behind the last contrast),
        `rule:…` for what `statement` says.
        """
        found: dict[str, None] = {}
        last = _last_part(mentions, text)
        for mention in mentions:
            found |= dict.fromkeys(_names(mention, last))
        stripped = text.rstrip()
        found[f"end:{_ENDS.get(stripped[-1:], 'none')}"] = None
        found[f"rule:{self.statement(mentions, text)[0]}"] = None
        if no_content(text):
            found["no_content"] = None
        if len(breaks(stripped)) <= 2:
            found["clauses:1"] = None
        return tuple(found)

    def statement(self, mentions: Sequence[Mention], text: str) -> tuple[str, list[Mention]]:
        """Return the statement type by rule and the mentions that decided it (none: nothing was said to decide it)."""
        if not mentions or no_content(text):
            return "neutral", []
        view = _View(mentions, text)
        for decide in _RULES:
            verdict = decide(view)
            if verdict:
                return verdict
        return "neutral", []


def _payloads(codebook: Codebook) -> dict[str, list[tuple[str, tuple[str | None, ...]]]]:
    """Return what each word of the codebook stands for; an excluded word stands for nothing and so hides its parts."""
    found: dict[str, dict[str, list[str | None]]] = {}
    for category in codebook.categories:
        found |= {word: {} for word in category.not_terms if word not in found}
        for kind, words in ((TERM, category.terms), (TOPIC, category.topics)):
            for word in words:
                found.setdefault(word, {}).setdefault(kind, []).append(category.id)
    return {word: [(kind, tuple(ids)) for kind, ids in kinds.items()] for word, kinds in found.items()}


def _automaton(words: list[str]) -> AhoCorasick:
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)


def _position(span: _Span) -> tuple[int, int]:
    return span.start, -span.end


def _inside(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(left <= start and end <= right for left, right in spans)


def _last_part(mentions: Sequence[Mention], text: str) -> int:
    """Return where the part that decides begins: behind the last contrast, else the last clause."""
    contrast = max((mention.end for mention in mentions if mention.kind == "contrast"), default=0)
    ends = breaks(text.rstrip("。！？!?；;… \n\t”\"）)"))
    return max(contrast, ends[-2] if len(ends) > 1 else 0)


def _names(mention: Mention, last: int) -> list[str]:
    names = [f"{mention.kind}:{mention.category}" if mention.category else mention.kind]
    if mention.scope != "asserted" and (
        mention.kind in (TERM, TOPIC, "deficit", "evaluation") or mention.scope == "negated"
    ):
        names.append(f"{mention.kind}:{mention.scope}")
    if mention.kind in _POSITIONED:
        names += [f"{mention.kind}:first"] * (mention.start < FIRST) + [f"{mention.kind}:last"] * (mention.start >= last)
    return names


# The statement by rule: the first rule that has something to say decides.

Verdict = tuple[str, list[Mention]]


class _View:
    """The mentions of a unit, sorted by what they can say about its statement."""

    def __init__(self, mentions: Sequence[Mention], text: str) -> None:
        self.mentions = mentions
        self.text = text
        self.lead = match.end() if (match := _LEAD.match(text)) else 0
        self.first_end = next((end for end in breaks(text) if end > self.lead + FIRST), len(text))
        self.by_kind: dict[str, list[Mention]] = {}
        for mention in mentions:
            self.by_kind.setdefault(mention.kind, []).append(mention)
        self.bad = [mention for mention in mentions if _is_bad(mention)]
        self.good = [mention for mention in mentions if _is_good(mention)]

    def of(self, *kinds: str) -> list[Mention]:
        return [mention for kind in kinds for mention in self.by_kind.get(kind, ())]

    def opening(self, mention: Mention) -> bool:
        """Tell whether a mention opens the unit: near its beginning, with no fault before it."""
        return mention.start - self.lead < FIRST and not (self.bad and self.bad[0].start < mention.start)


def _is_bad(mention: Mention) -> bool:
    if mention.kind in FAULTS:
        return mention.scope == "asserted"
    if mention.kind in GOODS:
        return mention.scope == "negated"
    return mention.kind in ("diagnosis", "rhetorical")


def _is_good(mention: Mention) -> bool:
    if mention.kind in FAULTS:
        return mention.scope == "improved"
    return mention.kind in ("evaluation", "improvement") and mention.scope == "asserted"


def _rhetorical(view: _View) -> Verdict | None:
    """A question that presupposes a wrong reports it."""
    found = view.of("rhetorical")
    return ("problem", found) if found else None


def _opening_request(view: _View) -> Verdict | None:
    """A wish that opens the unit is its main clause (建议……, 希望……), unless it only calls for help with a fault."""
    found = [mention for mention in view.of("request", "prohibition") if view.opening(mention)]
    if not found:
        return None
    later = [mention for mention in view.bad if mention.start > view.first_end]
    called = any(mention.end <= view.first_end for mention in view.of("remedy"))
    return ("problem", later) if later and called and not _specific(view, found) else ("suggestion", found[:1])


def _later_request(view: _View) -> Verdict | None:
    """A specific measure asked for is a suggestion; a general call behind a concrete fault leaves it a problem."""
    wishes = view.of("request")
    if not wishes:
        return None
    before = [mention for mention in view.bad if mention.start < wishes[-1].start]
    return ("problem", before) if before and not _specific(view, wishes) else ("suggestion", wishes)


def _specific(view: _View, wishes: list[Mention]) -> bool:
    """Tell whether what is wished for is a measure, not just that somebody should see to it."""
    return any(wish.term in _PROPOSALS or "建议" in wish.term for wish in wishes) or any(
        measure.start >= wishes[0].start for measure in view.of("measure")
    )


def _question(view: _View) -> Verdict | None:
    """A plain question is neutral, unless a wrong is reported beside it."""
    asked = view.of("question")
    if not asked or not (view.text.rstrip()[-1:] in "？?" or view.opening(asked[0]) or asked[-1].term in "吗呢"):
        return None
    bad = [mention for mention in view.bad if mention.kind != "diagnosis"]
    return ("problem", bad) if bad else ("neutral", asked)


def _contrast(view: _View) -> Verdict | None:
    """Behind a contrast the last part decides (快是快，就是……)."""
    turns = view.of("contrast")
    if not turns:
        return None
    turn = turns[-1].end
    bad, good = ([m for m in found if m.start >= turn] for found in (view.bad, view.good))
    return _weigh(bad, good)


def _weigh(bad: list[Mention], good: list[Mention]) -> Verdict | None:
    """Fault against praise: the last word counts."""
    if not bad and not good:
        return None
    if not bad or (good and good[-1].start > bad[-1].start):
        return "praise", good
    return "problem", bad


def _introduction(view: _View) -> Verdict | None:
    """A unit that ends in a colon announces what follows."""
    announced = view.text.rstrip()[-1:] in "：:" and not view.bad
    return ("neutral", []) if announced else None


def _measure(view: _View) -> Verdict | None:
    """What should be done or avoided, where neither a fault nor a success is reported beside it."""
    wished = view.of("modality", "avoidance", "prohibition")
    if not wished or view.bad or (view.good and view.of("past_marker", "now")):
        return None
    return "suggestion", wished


def _plan(view: _View) -> Verdict | None:
    """A verb-first clause without a mark of the past is a suggestion."""
    opening = [deed for deed in view.of("action", "measure") if deed.start - view.lead <= 1]
    if not opening or view.bad or view.of("past_marker", "time"):
        return None
    return "suggestion", opening


def _vanished(view: _View) -> Verdict | None:
    """What vanished was good (班车取消了) unless a fault vanished, which `good` has counted already."""
    gone = view.of("vanishing")
    if gone and view.of(TOPIC) and not view.good:
        return "problem", gone
    return None


def _evidence(view: _View) -> Verdict | None:
    return _weigh(view.bad, view.good)


def _deed(view: _View) -> Verdict | None:
    """What was done (a verb with a mark of the past) is praise, but for a bare dated fact."""
    done = view.of("past_marker", "time")
    deeds = [mention for mention in view.of("action", "measure") if mention.scope == "asserted"]
    deeds += [mention for mention in done if len(mention.term) > 2]
    if not done or not deeds or (len(deeds) == 1 and _DATE.search(view.text)):
        return None
    return "praise", [*deeds, *done]


_RULES = (
    _introduction,
    _rhetorical,
    _opening_request,
    _later_request,
    _question,
    _measure,
    _plan,
    _contrast,
    _vanished,
    _evidence,
    _deed,
)


class CueCoder:
    """Codes units by terms and cues alone (a `pipeline.records.UnitCoder`); confidences are null: rules decide.

    Examples
    --------
    >>> CueCoder(load()).code_units(["不再推诿了", "防止走过场"]).column("statement").to_pylist()
    ['praise', 'suggestion']
    """

    def __init__(self, codebook: Codebook | None = None) -> None:
        self.codebook = codebook or load()
        self.finder = CueFinder(self.codebook)

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories, in the codebook's order."""
        return self.codebook.ids

    @property
    def fingerprint(self) -> str:
        """A hash of the codebook and the cue lexicons."""
        parts = [self.codebook.fingerprint.encode()]
        parts += [shipped(f"lexicons/{name}").read_bytes() for name in (*CUE_FILES, "no_content.txt")]
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
