"""The statement type by rule: the first rule that has something to say decides.

The rules follow the codebook: a rhetorical question reports a wrong, a wish that opens the unit is a suggestion, behind
a contrast the last part decides, the verb of a deed with a mark of the past is praise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.batch import breaks
from pipeline.scope import FAULTS, GOODS, TOPIC, Mention

FIRST = 8
"""A cue that begins within so many characters opens the unit."""

_LEAD = re.compile(
    r"^(?:[\s（(]*(?:[一二三四五六七八九十]{1,3}|\d{1,2})[是、.．:：)）]+\s*|第[一二三四五六七八九十]+[，,、]|[“\"\-—·*•]+)"
)
_PROPOSALS = {"提议", "倡议", "可否", "能否", "能不能", "可不可以", "最好", "不妨", "何不", "不如"}
_DATE = re.compile(r"\d{1,4}[年月日号]")

_BAD = (
    {(kind, "asserted") for kind in FAULTS}
    | {(kind, "negated") for kind in GOODS}
    | {("diagnosis", "asserted"), ("rhetorical", "asserted")}
)
"""Kind and scope of what reports a wrong."""
_GOOD = {(kind, "improved") for kind in FAULTS} | {("evaluation", "asserted"), ("improvement", "asserted")}
"""Kind and scope of what reports a success."""

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
        self.bad = [mention for mention in mentions if (mention.kind, mention.scope) in _BAD]
        self.good = [mention for mention in mentions if (mention.kind, mention.scope) in _GOOD]

    def of(self, *kinds: str) -> list[Mention]:
        return [mention for kind in kinds for mention in self.by_kind.get(kind, ())]

    def opening(self, mention: Mention) -> bool:
        """Tell whether a mention opens the unit: near its beginning, with no fault before it."""
        return mention.start - self.lead < FIRST and not (self.bad and self.bad[0].start < mention.start)


def _rhetorical(view: _View) -> Verdict | None:
    """Take a question that presupposes a wrong for a report of it."""
    found = view.of("rhetorical")
    return ("problem", found) if found else None


def _opening_request(view: _View) -> Verdict | None:
    """Take a wish that opens the unit for its main clause, unless it only calls for help with a fault named behind."""
    found = [mention for mention in view.of("request", "prohibition") if view.opening(mention)]
    if not found:
        return None
    later = [mention for mention in view.bad if mention.start > view.first_end]
    called = any(mention.end <= view.first_end for mention in view.of("remedy"))
    return ("problem", later) if later and called and not _specific(view, found) else ("suggestion", found[:1])


def _later_request(view: _View) -> Verdict | None:
    """Tell a specific measure asked for (suggestion) from a general call behind a concrete fault (problem)."""
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
    """Take a plain question for neutral, unless a wrong is reported beside it."""
    asked = view.of("question")
    if not asked or not (view.text.rstrip()[-1:] in "？?" or view.opening(asked[0]) or asked[-1].term in "吗呢"):
        return None
    bad = [mention for mention in view.bad if mention.kind != "diagnosis"]
    return ("problem", bad) if bad else ("neutral", asked)


def _contrast(view: _View) -> Verdict | None:
    """Let the part behind the last contrast decide (快是快，就是……)."""
    turns = view.of("contrast")
    if not turns:
        return None
    turn = turns[-1].end
    bad, good = ([m for m in found if m.start >= turn] for found in (view.bad, view.good))
    return _weigh(bad, good)


def _weigh(bad: list[Mention], good: list[Mention]) -> Verdict | None:
    """Weigh faults against praise: the last word counts."""
    if not bad and not good:
        return None
    if not bad or (good and good[-1].start > bad[-1].start):
        return "praise", good
    return "problem", bad


def _introduction(view: _View) -> Verdict | None:
    """Take a unit that ends in a colon for the announcement of what follows."""
    announced = view.text.rstrip()[-1:] in "：:" and not view.bad
    return ("neutral", []) if announced else None


def _measure(view: _View) -> Verdict | None:
    """See what should be done or avoided, where neither a fault nor a success is reported beside it."""
    wished = view.of("modality", "avoidance", "prohibition")
    if not wished or view.bad or (view.good and view.of("past_marker", "now")):
        return None
    return "suggestion", wished


def _plan(view: _View) -> Verdict | None:
    """Take a verb-first clause without a mark of the past for a suggestion."""
    opening = [deed for deed in view.of("action", "measure") if deed.start - view.lead <= 1]
    if not opening or view.bad or view.of("past_marker", "time"):
        return None
    return "suggestion", opening


def _vanished(view: _View) -> Verdict | None:
    """Take what vanished for a loss (班车取消了), unless a fault vanished, which counts as good already."""
    gone = view.of("vanishing")
    if gone and view.of(TOPIC) and not view.good:
        return "problem", gone
    return None


def _evidence(view: _View) -> Verdict | None:
    return _weigh(view.bad, view.good)


def _deed(view: _View) -> Verdict | None:
    """Take what was done (a verb with a mark of the past) for praise, but for a bare dated fact."""
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


def decide(mentions: Sequence[Mention], text: str) -> Verdict:
    """Return the statement type of a unit and the mentions that decided it.

    Parameters
    ----------
    mentions : sequence of Mention
        All mentions of `text` in the order of their starts, as `pipeline.cues.CueFinder.mentions` gives them.
    text : str
        The unit.

    Returns
    -------
    statement : str
        `problem`, `suggestion`, `praise` or `neutral`.
    deciding : list of Mention
        Empty where nothing decided: such a unit is neutral.

    Examples
    --------
    >>> decide([], "我家住在镇上。")
    ('neutral', [])
    """
    view = _View(mentions, text)
    return next((verdict for rule in _RULES if (verdict := rule(view))), ("neutral", []))
