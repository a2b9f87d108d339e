"""What a word's surroundings do to it: denied, to be avoided, only supposed, asked about, overcome.

The cues are data (`lexicons/negators.csv`, `scope_cues.csv`, `statement_cues.csv`); the few rules here work on clauses,
which end at ，：； and the like but not at 、 (「没有推诿、扯皮」 denies both). They work on the columns of all spans of many
units at once: a rule that looks at one span and its clause is a line over arrays, which is ten times as fast as a loop.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Batch, Bools, Ints
from pipeline.resources import shipped

CUE_FILES = ("negators.csv", "scope_cues.csv", "statement_cues.csv")

TERM, TOPIC = "term", "topic"
POSITIONED = (
    "request", "modality", "action", "measure", "remedy", "avoidance", "question", "rhetorical", "contrast", "deficit",
    "diagnosis", "evaluation", "improvement", "vanishing", "negator",
)  # fmt: skip
"""Kinds of cues whose place in the unit matters."""
ANYWHERE = (
    "prohibition", "double", "hypothesis", "past", "now", "comparison", "past_marker", "time", "intensifier",
    "background", "greeting", "interrogative",
)  # fmt: skip
KINDS = (TERM, TOPIC, *POSITIONED, *ANYWHERE)
SCOPES = ("asserted", "negated", "avoided", "hypothetical", "asked", "improved")
KIND = {kind: code for code, kind in enumerate(KINDS)}
SCOPE = {scope: code for code, scope in enumerate(SCOPES)}

FAULTS = frozenset({TERM, "deficit"})
"""Kinds that say that something is wrong: to deny them is no complaint."""
GOODS = frozenset({TOPIC, "evaluation", "improvement", "remedy", "action", "measure"})
"""Kinds that name something wanted: to deny them is a complaint."""
WISHES = frozenset({"request", "modality", "avoidance"})

REACH = {"negator": 8, "prohibition": 12}
"""How many characters behind a cue its object may begin (没有哪个部门跟我推诿)."""
SHORT_REACH = 2
"""The same for a negator of one character (不太推诿)."""

_LISTING = frozenset("、和与及或跟以至等也")
_AFTER_WISH = frozenset({"action", "measure", "remedy", "avoidance", "evaluation", "request"})
_NEAR = 4
"""A weak wish (要, 应, 需要) counts only at a clause's beginning or so near before what is to be done."""
_LEAD = 2
"""A cue begins its clause also behind a subject of so many characters."""
_STOPS = frozenset({"contrast", "double", "hypothesis", "request"})
"""Kinds behind which a negator denies nothing any more."""


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
class Spans:
    """What was found in a batch, in the order of the starts: a column each, m rows."""

    start: Ints
    end: Ints
    kind: NDArray[np.int8]
    """Codes of `KIND`."""
    pattern: Ints
    """Which word or cue was found."""
    scope: NDArray[np.int8]
    """Codes of `SCOPE`."""

    def rows(self, chosen: Any) -> Spans:
        """Return some rows."""
        return Spans(*(column[chosen] for column in (self.start, self.end, self.kind, self.pattern, self.scope)))

    def of(self, kinds: Collection[str]) -> Bools:
        """Tell which spans are of these kinds."""
        table = np.zeros(len(KINDS), dtype=bool)
        table[[KIND[kind] for kind in kinds]] = True
        return np.asarray(table[self.kind])

    def asserted(self, kinds: Collection[str]) -> Bools:
        """Tell which spans of these kinds nothing has been done to yet."""
        return np.asarray(self.of(kinds) & (self.scope == SCOPE["asserted"]))

    def mark(self, chosen: Bools, scope: str) -> None:
        """Give spans a scope."""
        self.scope[chosen] = SCOPE[scope]


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


class _Clauses:
    """Which clause each span stands in, and what else stands there."""

    def __init__(self, spans: Spans, batch: Batch) -> None:
        number = np.searchsorted(batch.breaks, spans.start, side="right")
        places = np.arange(len(number))
        begins = np.diff(number + batch.owner(spans.start), prepend=-1) != 0
        self.number = np.cumsum(begins)
        self.first = np.maximum.accumulate(np.where(begins, places, 0))
        """The place of the first span of each span's clause."""
        self.closes = np.append(begins[1:], True)[: len(places)]
        """Whether a span is the last one of its clause."""
        self.last = places[self.closes][self.number - 1]
        self.end = batch.breaks[np.minimum(number, len(batch.breaks) - 1)]
        """Where each span's clause ends."""

    def hold(self, mask: Bools) -> Bools:
        """Tell, span by span, whether its clause holds one of those in `mask`."""
        sums = np.concatenate([[0], np.cumsum(mask)])
        return np.asarray(sums[self.last + 1] > sums[self.first])

    def since(self, mask: Bools) -> Ints:
        """Return, span by span, the place of the last one of `mask` at or before it in its clause; -1 if none."""
        last = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
        return np.where(last >= self.first, last, -1)


def resolve(batch: Batch, spans: Spans) -> Spans:
    """Settle the scope of every span, and leave out the wishes that are none.

    Parameters
    ----------
    batch : Batch
        The units.
    spans : Spans
        What was found, in the order of the starts.

    Returns
    -------
    Spans
        Those that count, with their scope; kinds that their surroundings change (防止了 is an improvement) are changed.
    """
    if not len(spans.start):
        return spans
    spans = spans.rows(_strong(spans, _Clauses(spans, batch), batch))
    clauses = _Clauses(spans, batch)
    _complete(spans, batch)
    _ask(spans, clauses, batch)
    _negate(spans, clauses, batch)
    _negate_behind(spans, clauses)
    _wish(spans, clauses)
    _mark(spans, clauses.since(spans.of({"hypothesis"})) >= 0, "hypothetical")
    _improve(spans, clauses)
    asked = clauses.hold(spans.of({"question"})) & ~clauses.hold(spans.of({"rhetorical"}))
    _mark(spans, asked, "asked")
    _overcome_past(spans, clauses, batch)
    return spans


def _strong(spans: Spans, clauses: _Clauses, batch: Batch) -> Bools:
    """Tell all spans from the wishes that are none: 要, 应, 望 and the like with nothing to do behind them.

    A weak wish counts where it leads its clause (but for a subject of two characters) or calls for what follows.
    """
    length = spans.end - spans.start
    weak = spans.of(WISHES) & ((length == 1) | ((length == 2) & spans.of({"modality"})))
    leads = batch.broken(spans.start - _LEAD - 1, spans.start) | (spans.start <= _LEAD)
    near = np.append(spans.start[1:], 0) - spans.end <= _NEAR
    calls = ~clauses.closes & np.append(spans.of(_AFTER_WISH)[1:], False) & near
    return np.asarray(~weak | leads | calls)


def _complete(spans: Spans, batch: Batch) -> None:
    """Turn what was avoided or remedied with success (防止了, 已解决, 已经解决) into an improvement."""
    behind = batch.stands("了", spans.end) & ~batch.stands("解", spans.end + 1)
    already = batch.stands("已", spans.start - 1)
    already |= batch.stands("经", spans.start - 1) & batch.stands("已", spans.start - 2)
    spans.kind[spans.of({"avoidance", "remedy"}) & (behind | already)] = KIND["improvement"]


def _ask(spans: Spans, clauses: _Clauses, batch: Batch) -> None:
    """Take 哪个, 多少, 怎么 for a question where the clause ends as one (不管去哪个窗口 asks nothing)."""
    asking = batch.stands("？?", clauses.end) | clauses.hold(clauses.closes & spans.of({"question"}))
    spans.kind[spans.of({"interrogative"}) & asking] = KIND["question"]


def _negate(spans: Spans, clauses: _Clauses, batch: Batch) -> None:
    """Let each negator deny the next thing within its reach, and what is listed with it; two in a row assert."""
    told = spans.of(FAULTS | GOODS)
    chosen = clauses.hold(spans.of(REACH)) & clauses.hold(told) & (told | spans.of(REACH) | spans.of(_STOPS))
    places = np.flatnonzero(chosen)
    columns = (clauses.number, spans.start, spans.end, spans.kind)
    end = limit = within = -1
    kind, fresh = "", False
    for at, clause, start, stop, code in zip(places.tolist(), *(c[places].tolist() for c in columns), strict=True):
        name = KINDS[code]
        if clause != within:
            within, kind, fresh = clause, "", False
        if name in REACH:
            twice = fresh and kind == "negator" and start - end <= 1
            kind, fresh = ("", False) if twice else (name, True)
            end, limit = stop, stop + (SHORT_REACH if stop - start == 1 else REACH[name])
        elif name in _STOPS or start > limit:
            kind = ""
        elif kind and start >= end:
            spans.scope[at] = SCOPE["avoided" if kind == "prohibition" and name in FAULTS else "negated"]
            kind, end, limit = _listed(name, stop, kind, batch.text)
            fresh = False


def _listed(name: str, end: int, kind: str, text: str) -> tuple[str, int, int]:
    """Let the denial of a fault go on over a list (推诿、扯皮和刁难); anything else uses it up."""
    if name not in FAULTS:
        return "", -1, -1
    limit = end
    while text[limit] in _LISTING:
        limit += 1
    return kind, end, limit


def _negate_behind(spans: Spans, clauses: _Clauses) -> None:
    """Let 没有 at the end of a clause deny the fault before it (推诿的情况没有)."""
    final = clauses.closes & spans.of({"negator"}) & (spans.end == clauses.end)
    near = spans.start[1:] - spans.end[:-1] <= REACH["negator"]
    before = final[1:] & ~clauses.closes[:-1] & near
    spans.mark(np.append(before, False) & spans.asserted(FAULTS), "negated")


def _wish(spans: Spans, clauses: _Clauses) -> None:
    """Faults behind a wish are to be avoided; the good behind it is not there yet. A contrast ends the wish."""
    wished = clauses.since(spans.of(WISHES)) > clauses.since(spans.of({"contrast"}))
    spans.mark(wished & spans.asserted(FAULTS), "avoided")
    spans.mark(wished & spans.asserted({"evaluation", "improvement"}), "hypothetical")


def _improve(spans: Spans, clauses: _Clauses) -> None:
    """Faults are overcome in the clause of an improvement, or of a vanishing (推诿的少了)."""
    better = clauses.hold(spans.asserted({"improvement", "vanishing"}))
    spans.mark(better & spans.asserted(FAULTS), "improved")


def _mark(spans: Spans, chosen: Bools, scope: str) -> None:
    spans.mark(chosen & spans.asserted(FAULTS | GOODS), scope)


def _overcome_past(spans: Spans, clauses: _Clauses, batch: Batch) -> None:
    """Faults of an earlier time are overcome where a later clause says that now is good (以前要跑三趟，现在一趟)."""
    turns, faults = spans.of({"now", "contrast"}), spans.asserted(FAULTS)
    good = (spans.of(FAULTS) & np.isin(spans.scope, [SCOPE["negated"], SCOPE["improved"]])) | spans.asserted(
        {"evaluation", "improvement", "vanishing", "past_marker"}
    )
    bad = faults | (spans.of(GOODS) & (spans.scope == SCOPE["negated"])) | spans.of({"rhetorical"})
    pasts = np.flatnonzero(spans.of({"past"}))
    units, at = np.unique(batch.owner(spans.start[pasts]), return_index=True)
    ends = np.searchsorted(spans.start, batch.starts[units + 1])
    for past, end in zip(pasts[at].tolist(), ends.tolist(), strict=True):
        first = int(clauses.first[past])
        later = int(np.searchsorted(clauses.number, clauses.number[past], side="right"))
        now = later + int(turns[later:end].argmax()) if turns[later:end].any() else end
        if good[now:end].any() and not bad[now:end].any():
            spans.scope[first:now][faults[first:now]] = SCOPE["improved"]
