"""Speaker turns in a text: who says what, from labels with a colon or lines with a time.

A colon in an ordinary sentence must not make a speaker, so labels are judged together: role words, times, labels that
come again or take turns are evidence; a label alone is none.
r
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .speakers import NOBODY, Speaker, is_short, speaker, unnumbered

_CLOCK = r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:[.,]\d{1,3})?"
_DAY = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]*)?"
_TIME = rf"{_DAY}{_CLOCK}(?:\s*(?:-->|[-–—~～至])\s*{_CLOCK})?"
_MARKS = r"，。！？；：:,!?;、…“”\"《》<>\[\]【】()（）{}|=/\\"
_WORDS = rf"[^\s{_MARKS}][^{_MARKS}\n]{{0,19}}?"
_NOTE = r"(?:\s*[（(\[]\s*(?P<note>[^（()）\[\]：:\n]{1,20})\s*[）)\]])?"
_LEAD = r"\s*(?:[-•*>#]+\s+)?(?:\*\*|__)?"
_NUMBER = r"(?:\d{1,3}\s*[.、．]\s*)?"

_COLON = re.compile(
    rf"{_LEAD}(?:[\[（(]?(?P<before>{_TIME})[\]）)]?\s*)?{_NUMBER}[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?"
    rf"(?:\s*[\[（(]?(?P<after>{_TIME})[\]）)]?)?\s*(?:\*\*|__)?\s*[：:](?!//)(?:\*\*|__)?[ \t\u3000]*"
)
_STAMP_LAST = re.compile(
    rf"{_LEAD}[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?(?:[\s\u3000]+|\s*(?=[\[（(]))[\[（(]?(?P<after>{_TIME})[\]）)]?\s*(?:$|[\s\u3000]+)"
)
_STAMP_FIRST = re.compile(rf"{_LEAD}[\[（(]?(?P<before>{_TIME})[\]）)]?\s+[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?\s*$")
_SURE = ("asks", "answers")
_BRACKETS = re.compile(r"[（(\[].*?[）)\]]")
_NAMES = re.compile(r"[、，,；;\s\u3000]+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of a text in its order."""

    text: str
    location: str
    flow: str = ""
    """What it belongs to; empty for the body: turns do not go on from one flow to another."""
    level: int = 0
    """Its level as a heading of the document's own, from 1; 0 for none."""
    voice: str = ""
    """The speaker, where the format itself says so."""


@dataclass(slots=True)
class Turn:
    """What one person says at a stretch; `speaker` is None for what stands outside all turns."""

    speaker: Speaker | None
    time: str
    location: str
    flow: str
    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    level: int = 0


@dataclass(frozen=True, slots=True)
class _Label:
    at: int
    speaker: Speaker
    time: str
    end: int
    stamp_line: bool


def find_turns(paragraphs: Sequence[Paragraph]) -> list[Turn] | None:
    """Divide a text into turns.

    Parameters
    ----------
    paragraphs : sequence of Paragraph
        The whole text; evidence is weighed over all of it.

    Returns
    -------
    list of Turn or None
        None if it is no transcript. What stands outside turns has no speaker, a paragraph each.

    Examples
    --------
    >>> text = ["问：办证方便吗？", "答：跑了四趟。", "窗口还说：材料不全。"]
    >>> [(t.speaker.name, t.texts) for t in find_turns([Paragraph(line, "") for line in text])]
    [('问', ['办证方便吗？']), ('答', ['跑了四趟。', '窗口还说：材料不全。'])]
    >>> find_turns([Paragraph("群众反映：办证难。", ""), Paragraph("建议：简化。", "")]) is None
    True
    """
    head = _head_matter(paragraphs)
    askers = _askers(paragraphs[:head])
    found = (_label(at, paragraph) for at, paragraph in enumerate(paragraphs) if at >= head)
    labels = [_asking(label, askers) for label in found if label]
    chosen = _stamped(labels, len(paragraphs)) or _believed(labels, paragraphs, head)
    return list(_divide(paragraphs, {label.at: label for label in chosen})) if chosen else None


def _label(at: int, paragraph: Paragraph) -> _Label | None:
    if paragraph.voice:
        return _Label(at, _sure(speaker(paragraph.voice)), "", 0, stamp_line=True)
    text = paragraph.text
    for pattern in (_STAMP_FIRST, _STAMP_LAST, _COLON):
        match = pattern.match(text)
        if match:
            parts = match.groupdict()
            time = parts.get("before") or parts.get("after") or ""
            who = speaker(unnumbered(parts["name"].strip()), parts["note"] or "")
            return _Label(at, who, time, match.end(), pattern is not _COLON)
    return None


def _sure(who: Speaker) -> Speaker:
    return who if who.kind else Speaker(who.name, "person", who.note)


def _stamped(labels: list[_Label], paragraphs: int) -> list[_Label]:
    """Labels with a time, where these carry the text: known names, or names that come again."""
    stamped = [label for label in labels if (label.time or label.stamp_line) and label.speaker.name not in NOBODY]
    counts = Counter(label.speaker.name for label in stamped)
    good = [label for label in stamped if label.speaker.kind or counts[label.speaker.name] > 1]
    sure = sum(1 for label in good if label.speaker.kind in (*_SURE, "person"))
    named = all(label.speaker.kind for label in good) and len(good) * 4 >= paragraphs
    return good if (len(good) >= 2 and (sure or named or len(counts) < len(stamped))) or (sure and named) else []


def _believed(labels: list[_Label], paragraphs: Sequence[Paragraph], head: int) -> list[_Label]:
    """Labels with a colon that the whole text bears out."""
    labels = [label for label in labels if label.speaker.kind and not label.stamp_line]
    counts = Counter(label.speaker.name for label in labels)
    kinds = {label.speaker.name: label.speaker.kind for label in labels}
    sure = {name for name, kind in kinds.items() if kind in _SURE and (not is_short(name) or _answered(name, kinds))}
    if sure:
        listed = _listed(paragraphs[:head])
        keep = {name for name in counts if name in sure or _welcome(name, kinds[name], counts[name], listed)}
        return [label for label in labels if label.speaker.name in keep]
    return labels if _takes_turns(labels, counts, kinds, paragraphs) else []


def _answered(name: str, kinds: dict[str, str]) -> bool:
    """Whether `问` has its `答` (or another speaker), so that `A：` is no item of a list."""
    others = {other: kind for other, kind in kinds.items() if other != name}
    return any(kind != kinds[name] and kind in (*_SURE, "person", "name") for kind in others.values())


def _welcome(name: str, kind: str, count: int, listed: set[str]) -> bool:
    """Whether a label is taken for a speaker in a text that surely has some."""
    return kind == "person" or name in listed or (kind in ("name", "letter", *_SURE) and (count > 1 or kind == "name"))


def _takes_turns(
    labels: list[_Label], counts: Counter[str], kinds: dict[str, str], paragraphs: Sequence[Paragraph]
) -> bool:
    """Whether names alone make a transcript: several, coming again or heading much of the text, with something said."""
    if len(counts) < 2 or len(labels) < 3:
        return False
    said = [len(paragraphs[label.at].text) - label.end for label in labels]
    if set(kinds.values()) <= {"letter", *_SURE} and sum(said) < 8 * len(said):
        return False
    again = sum(1 for count in counts.values() if count > 1)
    share = len(labels) / len(paragraphs)
    persons = sum(1 for name in counts if kinds[name] == "person")
    return again >= 2 or (again and share >= 0.3) or share >= 0.5 or (persons >= 2 and share >= 0.25)


def _head_matter(paragraphs: Sequence[Paragraph]) -> int:
    """Return how many paragraphs at the top are the record's own head: title, time, place, who takes part."""
    head = 0
    for at, paragraph in enumerate(paragraphs[:30]):
        match = _COLON.match(paragraph.text)
        if not match:
            continue
        beside = 0 < head == at or _followed(paragraphs, at)
        if _name(match) in NOBODY or (beside and _only_names(paragraph.text[match.end() :])):
            head = at + 1
        elif speaker(_name(match)).kind:
            break
    return head


def _name(match: re.Match[str]) -> str:
    return "".join(match["name"].split())


def _followed(paragraphs: Sequence[Paragraph], at: int) -> bool:
    match = _COLON.match(paragraphs[at + 1].text) if at + 1 < len(paragraphs) else None
    return match is not None and _name(match) in NOBODY


def _only_names(text: str) -> bool:
    """Whether a text is a person's name or several, and nothing said."""
    words = [re.sub(_BRACKETS, "", word) for word in _NAMES.split(text.strip()) if word]
    return bool(words) and all(speaker(word).kind in ("person", "name", "answers") for word in words)


def _askers(head: Sequence[Paragraph]) -> set[str]:
    """Return the names that the head of the record gives for those who ask: `访谈者：李某`."""
    matches = [(paragraph.text, _COLON.match(paragraph.text)) for paragraph in head]
    asks = [text[match.end() :] for text, match in matches if match and speaker(_name(match)).kind == "asks"]
    return {re.sub(_BRACKETS, "", word) for text in asks for word in _NAMES.split(text.strip()) if word}


def _asking(label: _Label, askers: set[str]) -> _Label:
    who = label.speaker
    return replace(label, speaker=replace(who, kind="asks")) if who.name in askers else label


def _listed(head: Sequence[Paragraph]) -> set[str]:
    return {word for paragraph in head for word in re.split(r"[、，,；;：:（(）)\s\u3000]+", paragraph.text) if word}


def _divide(paragraphs: Sequence[Paragraph], labels: dict[int, _Label]) -> Iterator[Turn]:
    turn: Turn | None = None
    for at, paragraph in enumerate(paragraphs):
        label = labels.get(at)
        outside = turn is None or turn.speaker is None or turn.flow != paragraph.flow
        if label:
            if turn:
                yield turn
            turn = Turn(label.speaker, label.time, paragraph.location, paragraph.flow)
            rest = paragraph.text[label.end :]
            if rest.strip():
                _add(turn, rest, paragraph.location)
        elif outside or paragraph.level or (at + 1 in labels and _between(paragraph.text)):
            if turn:
                yield turn
            turn = Turn(None, "", paragraph.location, paragraph.flow, level=paragraph.level)
            _add(turn, paragraph.text, paragraph.location)
        elif turn:
            _add(turn, paragraph.text, paragraph.location)
    if turn:
        yield turn


def _add(turn: Turn, text: str, place: str) -> None:
    turn.texts.append(text)
    turn.places.append(place)


_HEADING = re.compile(
    r"\s*(?:第[一二三四五六七八九十]+[部章节]分?|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[）)])[^。！？!?；]{1,30}$"
)


def _between(text: str) -> bool:
    """Whether a paragraph is a numbered heading of the record, between two turns."""
    return bool(_HEADING.match(text))


def last_question(text: str) -> str:
    """Return the last question in what an interviewer says, or all of it if there is none.

    Examples
    --------
    >>> last_question("好的。那办证方便吗？您慢慢说。")
    '那办证方便吗？'
    """
    end = max(text.rfind("？"), text.rfind("?"))
    begin = max(text.rfind(mark, 0, max(end, 0)) for mark in "。！？!?；\n")
    return text[begin + 1 : end + 1].strip() if end >= 0 else text.strip()


def labelled(text: str) -> bool:
    """Whether a line begins with the label of a known speaker.

    Examples
    --------
    >>> labelled("受访者A：还行。"), labelled("他说：还行。")
    (True, False)
    """
    label = _label(0, Paragraph(text, ""))
    return bool(label and label.speaker.kind)
