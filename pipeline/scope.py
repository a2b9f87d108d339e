"""What a word's surroundings do to it: denied, to be avoided, only supposed, asked about, overcome.

The cues are data (`lexicons/negators.csv`, `scope_cues.csv`, `statement_cues.csv`); the few rules here work on clauses,
which end at ，：； and the like but not at 、 (「没有推诿、扯皮」 denies both).
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from pipeline.resources import shipped

CUE_FILES = ("negators.csv", "scope_cues.csv", "statement_cues.csv")

TERM, TOPIC = "term", "topic"
FAULTS = frozenset({TERM, "deficit"})
"""Kinds that say that something is wrong: to deny them is no complaint."""
GOODS = frozenset({TOPIC, "evaluation", "improvement", "remedy", "action", "measure"})
"""Kinds that name something wanted: to deny them is a complaint."""
WISHES = frozenset({"request", "modality", "avoidance"})

REACH = {"negator": 8, "prohibition": 12}
"""How many characters behind a cue its object may begin (没有哪个部门跟我推诿)."""
SHORT_REACH = 2
"""The same for a negator of one character (不太推诿)."""

_BREAK = re.compile(r"[，,；;：:。！？!?…\n\t ]+")
_LIST = re.compile(r"[、和与及或跟以至等也]{0,2}$")
_AFTER_WISH = frozenset({"action", "measure", "remedy", "avoidance", "evaluation", "request"})
_NEAR = 4
"""A weak wish (要, 应, 需要) counts only at a clause's beginning or so near before what is to be done."""
_DONE_BEFORE = ("已", "已经", "都已")


class Mention(NamedTuple):
    """A term or cue found in a text.

    `kind` is `term` (the fault itself), `topic` (its subject only) or a kind of cue; `category` is None for cues;
    `scope` is one of `asserted`, `negated`, `avoided`, `hypothetical`, `asked`, `improved`.
    """

    kind: str
    category: str | None
    term: str
    start: int
    end: int
    scope: str = "asserted"


@dataclass(slots=True)
class Span:
    """A mention whose scope is still open."""

    start: int
    end: int
    kind: str
    categories: tuple[str | None, ...] = (None,)
    scope: str = "asserted"


@cache
def cues() -> dict[str, str]:
    """Return the shipped cues with their kinds, `guard` among them: words that only look like a cue."""
    found: dict[str, str] = {}
    for name in CUE_FILES:
        with shipped(f"lexicons/{name}").open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                found |= dict.fromkeys(row["cues"].split("；"), row["kind"])
    found.pop("", None)
    return found


@lru_cache(maxsize=16)
def breaks(text: str) -> tuple[int, ...]:
    """Return where the clauses of a text end, in order, final marks left out.

    Examples
    --------
    >>> breaks("没有推诿、扯皮，很好。")
    (7, 10)
    """
    ends = tuple(match.start() for match in _BREAK.finditer(text))
    return ends if ends and _BREAK.fullmatch(text, ends[-1]) else (*ends, len(text))


def resolve(text: str, spans: list[Span]) -> list[Mention]:
    """Settle the scope of every span; `spans` stand in the order of their starts."""
    ends = breaks(text)
    clauses = [strong for clause in _clauses(spans, ends) if (strong := _strong(clause, text))]
    for clause in clauses:
        _settle(clause, text, ends)
    _overcome_past(clauses)
    return [
        Mention(span.kind, category, text[span.start : span.end], span.start, span.end, span.scope)
        for clause in clauses
        for span in clause
        for category in span.categories
    ]


def _clauses(spans: list[Span], ends: tuple[int, ...]) -> Iterator[list[Span]]:
    clause: list[Span] = []
    limit = -1
    for span in spans:
        if span.start >= limit:
            if clause:
                yield clause
            clause, limit = [], ends[min(bisect_right(ends, span.start), len(ends) - 1)]
        clause.append(span)
    if clause:
        yield clause


def _strong(clause: list[Span], text: str) -> list[Span]:
    """Leave out the wishes that are none: 要, 应, 望 and the like inside a clause, with nothing to do behind them."""
    if not any(span.kind in WISHES for span in clause):
        return clause
    return [
        span
        for span, behind in zip(clause, [*clause[1:], None], strict=True)
        if not _is_weak(span) or _leads(span, text) or (behind and _calls_for(span, behind))
    ]


def _is_weak(span: Span) -> bool:
    length = span.end - span.start
    return span.kind in WISHES and (length == 1 or (length == 2 and span.kind == "modality"))


def _leads(span: Span, text: str) -> bool:
    """Tell whether a span begins its clause, but for a subject of two characters."""
    return bool(_BREAK.search(text, max(0, span.start - 3), span.start)) or span.start <= 2


def _calls_for(span: Span, behind: Span) -> bool:
    return behind.kind in _AFTER_WISH and behind.start - span.end <= _NEAR


def _settle(clause: list[Span], text: str, ends: tuple[int, ...]) -> None:
    """Give every span of a clause its scope."""
    _complete(clause, text)
    _ask(clause, text, ends)
    kinds = {span.kind for span in clause}
    if not kinds & FAULTS and not kinds & GOODS:
        return
    if "negator" in kinds or "prohibition" in kinds:
        _negate(clause, text)
        _negate_behind(clause, ends)
    if kinds & WISHES:
        _wish(clause)
    if "hypothesis" in kinds:
        _follow(clause, "hypothesis", "hypothetical")
    if "improvement" in kinds or "vanishing" in kinds:
        _improve(clause)
    if "question" in kinds and "rhetorical" not in kinds:
        _mark(clause, "asked")


def _complete(clause: list[Span], text: str) -> None:
    """Turn what was avoided or remedied with success (防止了, 已解决) into an improvement."""
    for span in clause:
        if span.kind in ("avoidance", "remedy") and (
            (text.startswith("了", span.end) and not text.startswith("了解", span.end))
            or text.endswith(_DONE_BEFORE, 0, span.start)
        ):
            span.kind = "improvement"


def _ask(clause: list[Span], text: str, ends: tuple[int, ...]) -> None:
    """Take 哪个, 多少, 怎么 for a question where the clause ends as one (不管去哪个窗口 asks nothing)."""
    end = ends[min(bisect_right(ends, clause[0].start), len(ends) - 1)]
    if text[end : end + 1] in ("？", "?") or clause[-1].kind == "question":
        for span in clause:
            if span.kind == "interrogative":
                span.kind = "question"


def _negate(clause: list[Span], text: str) -> None:
    """Let each negator deny the next thing within its reach, and what is listed with it; two in a row assert."""
    end = limit = -1
    kind = ""
    fresh = False
    for span in clause:
        if span.kind in REACH:
            twice = fresh and kind == "negator" and span.start - end <= 1
            kind, fresh = ("", False) if twice else (span.kind, True)
            end, limit = span.end, span.end + (SHORT_REACH if span.end - span.start == 1 else REACH[span.kind])
        elif span.kind in ("contrast", "double", "hypothesis", "request"):
            kind = ""
        elif kind and (span.kind in FAULTS or span.kind in GOODS) and span.start >= end:
            if span.start > limit:
                kind = ""
                continue
            span.scope = "avoided" if kind == "prohibition" and span.kind in FAULTS else "negated"
            kind, end, limit = _listed(span, kind, text)
            fresh = False


def _listed(span: Span, kind: str, text: str) -> tuple[str, int, int]:
    """Let the denial of a fault go on over a list (推诿、扯皮和刁难); anything else uses it up."""
    if span.kind not in FAULTS:
        return "", -1, -1
    end = span.end
    while end < len(text) and _LIST.match(text[end]):
        end += 1
    return kind, span.end, end


def _negate_behind(clause: list[Span], ends: tuple[int, ...]) -> None:
    """Let 没有 at the end of a clause deny the fault before it (推诿的情况没有)."""
    last = clause[-1]
    if last.kind == "negator" and last.end in ends and len(clause) > 1:
        before = clause[-2]
        if before.kind in FAULTS and before.scope == "asserted" and last.start - before.end <= REACH["negator"]:
            before.scope = "negated"


def _follow(clause: list[Span], cue: str, scope: str) -> None:
    """Give what stands behind a cue of this kind the scope."""
    first = next(index for index, span in enumerate(clause) if span.kind == cue)
    _mark(clause[first:], scope)


def _wish(clause: list[Span]) -> None:
    """Faults behind a wish are to be avoided; the good behind it is not there yet. A contrast ends the wish."""
    wished = False
    for span in clause:
        if span.kind in WISHES:
            wished = True
        elif span.kind == "contrast":
            wished = False
        elif wished and span.scope == "asserted":
            if span.kind in FAULTS:
                span.scope = "avoided"
            elif span.kind in ("evaluation", "improvement"):
                span.scope = "hypothetical"


def _improve(clause: list[Span]) -> None:
    """Faults are overcome in the clause of an improvement, or of a vanishing (推诿的少了)."""
    if any(span.kind in ("improvement", "vanishing") and span.scope == "asserted" for span in clause):
        for span in clause:
            if span.kind in FAULTS and span.scope == "asserted":
                span.scope = "improved"


def _mark(spans: Iterable[Span], scope: str) -> None:
    for span in spans:
        if span.scope == "asserted" and (span.kind in FAULTS or span.kind in GOODS):
            span.scope = scope


def _overcome_past(clauses: list[list[Span]]) -> None:
    """Faults of an earlier time are overcome where a later clause says that now is good (以前要跑三趟，现在一趟)."""
    if len(clauses) < 2:
        return
    past = next((index for index, clause in enumerate(clauses) if any(span.kind == "past" for span in clause)), None)
    if past is None:
        return
    later = [span for clause in clauses[past + 1 :] for span in clause]
    now = next((index for index, span in enumerate(later) if span.kind in ("now", "contrast")), None)
    if now is None or not any(_good(span) for span in later[now:]) or any(_bad(span) for span in later[now:]):
        return
    for span in (span for clause in clauses[past:] for span in clause if span not in later[now:]):
        if span.kind in FAULTS and span.scope == "asserted":
            span.scope = "improved"


def _good(span: Span) -> bool:
    if span.kind in FAULTS:
        return span.scope in ("negated", "improved")
    return span.kind in ("evaluation", "improvement", "vanishing", "past_marker") and span.scope == "asserted"


def _bad(span: Span) -> bool:
    if span.kind in FAULTS:
        return span.scope == "asserted"
    return (span.kind in GOODS and span.scope == "negated") or span.kind == "rhetorical"
