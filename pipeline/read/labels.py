"""Labels at the beginning of paragraphs: `张三：`, `【张三】`, `张三 00:01:23`, a name on a line of its own.

A label found here is only a candidate; `belief` weighs which of them name speakers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..normalise import normalise
from .lexicon import known_headings
from .speakers import Speaker, is_nobody, speaker, tidy

_CLOCK = r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:[.,]\d{1,3})?"
_DAY = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]*)?"
_TIME = rf"{_DAY}{_CLOCK}(?:\s*(?:-->|[-–—~～至])\s*{_CLOCK})?"
_MARKS = r"，。！？；：:,!?;、…“”\"《》<>\[\]【】()（）{}|=/\\*"
_WORDS = rf"[^\s{_MARKS}][^{_MARKS}\n\t]{{0,19}}?"
_NOTE = r"(?:\s*[（(\[]\s*(?P<note>[^（()）\[\]：:\n]{1,20})\s*[）)\]])?"
_BOLD = r"(?:\*\*|__)?"
_LEAD = rf"\s*(?:[-–—•●>#]+\s*|[*·]\s+)?(?P<bold>{_BOLD})"
_NUMBER = r"(?:(?:\d{1,3}\s*[.、．)）]|[（(]\s*\d{1,3}\s*[）)]|第?\d{1,3}\s*[.、．])\s*)?"

_STAMP_FIRST = re.compile(
    rf"{_LEAD}[\[（(]?(?P<before>{_TIME})[\]）)]?\s+[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?{_BOLD}\s*$"
)
_STAMP_LAST = re.compile(
    rf"{_LEAD}[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?{_BOLD}(?:[\s\u3000]+|\s*(?=[\[（(]))"
    rf"[\[（(]?(?P<after>{_TIME})[\]）)]?\s*(?:$|[\s\u3000]+)"
)
_COLON = re.compile(
    rf"{_LEAD}(?:[\[（(]?(?P<before>{_TIME})[\]）)]?\s*)?{_NUMBER}[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?"
    rf"(?:\s*[\[（(]?(?P<after>{_TIME})[\]）)]?)?\s*{_BOLD}\s*[：:](?!//){_BOLD}[ \t\u3000]*"
)
_BRACKET = re.compile(
    rf"{_LEAD}{_NUMBER}(?:【(?P<name>{_WORDS}){_NOTE}】|\[(?P<square>{_WORDS})\](?!\()){_BOLD}[ \t\u3000]*"
)
_TAB = re.compile(rf"\s*(?:(?P<before>{_TIME})[ \t]*\t)?{_NUMBER}(?P<name>{_WORDS}){_NOTE}(?: *\t| {{2}})[ \t]*")
_ALONE = re.compile(rf"{_LEAD}[【\[]?(?P<name>{_WORDS}){_NOTE}[】\]]?{_BOLD}\s*$")
_FORMS = (
    ("stamp", _STAMP_FIRST),
    ("stamp", _STAMP_LAST),
    ("colon", _COLON),
    ("bracket", _BRACKET),
    ("tab", _TAB),
    ("alone", _ALONE),
)
_TIME_LINE = re.compile(rf"\s*[\[（(]?(?P<time>{_TIME})[\]）)]?\s*")
_INNER = re.compile(rf"(?<=[。？！?!；;\s])(?P<name>[^\s{_MARKS}]{{1,10}})[：:](?!//)")
_GAP = re.compile(r"[ \t\u3000\xa0]*")
_SIGN = re.compile(r"[：:\t\u3000】\]]| {2}")
_NAME_LINE = 60
"""A longer line without any `_SIGN` has no label."""

_LOOKED_AT = 200
"""Characters in which a label is looked for."""


ASIDE = "栏目"
"""The flow of a table's headings and short notes beside what was said."""


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


@dataclass(frozen=True, slots=True)
class Label:
    """What may name a speaker at the beginning of a paragraph."""

    at: int
    """The paragraph's position."""
    speaker: Speaker
    form: str
    """`voice`, `stamp`, `colon`, `bracket`, `tab` or `alone`."""
    time: str = ""
    end: int = 0
    """Where it ends and what is said begins."""
    bold: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """The name that labels are compared by."""
        return self.speaker.name


def label_of(paragraph: Paragraph, at: int = 0) -> Label | None:
    """Return what may be the label of a paragraph.

    Examples
    --------
    >>> label = label_of(Paragraph("**鑫源机械张总：** 检查多。", ""))
    >>> label.name, label.form, label.bold, label.end
    ('鑫源机械张总', 'colon', True, 12)
    >>> label_of(Paragraph("14:30", "")) is None
    True
    """
    if paragraph.voice:
        named = _ALONE.fullmatch(normalise(paragraph.voice))
        who = speaker(named["name"], named["note"] or "") if named else speaker(paragraph.voice)
        return Label(at, who if who.kind else replace(who, kind="person"), "voice")
    text = normalise(paragraph.text[:_LOOKED_AT])
    if (len(text) > _NAME_LINE and not _SIGN.search(paragraph.text[:_LOOKED_AT])) or _TIME_LINE.fullmatch(text):
        return None
    wide = normalise(paragraph.text[:_LOOKED_AT].replace("\u3000", "\t"))
    for form, pattern in _FORMS:
        match = pattern.match(wide if form == "tab" else text)
        if match:
            return _label(match, form, at, paragraph.text)
    return None


def _label(match: re.Match[str], form: str, at: int, text: str) -> Label | None:
    parts = match.groupdict()
    time = parts.get("before") or parts.get("after") or ""
    note = parts.get("note") or ""
    who = speaker(parts.get("name") or parts.get("square") or "", note)
    if form == "tab" and _row_of_headings(text):
        return None
    gap = _GAP.match(text, match.end())
    end = gap.end() if gap else match.end()
    return Label(at, who, form, time, end, bool(parts.get("bold")), note)


def _row_of_headings(text: str) -> bool:
    cells = [cell.strip().lower() for cell in re.split(r"[\t\u3000]+", text.strip())]
    return all(cell in known_headings() or is_nobody(cell) for cell in cells)


def labels_of(paragraphs: Sequence[Paragraph]) -> dict[int, Label]:
    """Return the candidates of a text by their paragraph's position.

    A time on a line of its own, next to a label, belongs to it.
    """
    found = {at: label for at, paragraph in enumerate(paragraphs) if (label := label_of(paragraph, at))}
    for at, paragraph in enumerate(paragraphs):
        match = _TIME_LINE.fullmatch(paragraph.text) if len(paragraph.text) < _LOOKED_AT else None
        beside = (found.get(at - 1), found.get(at + 1)) if match else ()
        label = next((label for label in beside if label and not label.time), None)
        if match and label:
            found[label.at] = replace(label, time=match["time"])
    return found


def is_time(paragraph: Paragraph) -> bool:
    """Whether a paragraph is a time and nothing else."""
    return len(paragraph.text) < _LOOKED_AT and bool(_TIME_LINE.fullmatch(paragraph.text))


def stop(paragraph: Paragraph, label: Label) -> int:
    """Return where the words of a labelled paragraph end: before bold marks that the label's opened."""
    text = paragraph.text
    opened = label.bold and not re.search(r"(?:\*\*|__)[^*_]+(?:\*\*|__)", text[: label.end])
    bare = text.rstrip()
    return len(bare) - 2 if opened and bare.endswith(("**", "__")) and len(bare) - 2 >= label.end else len(text)


def opened(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Divide paragraphs in which several speak: `问：办了吗？ 答：没有。`.

    A label inside a paragraph counts after a sentence's end or a space, where it answers (or asks) in its turn, or
    begins other paragraphs too.

    Examples
    --------
    >>> [p.text for p in opened([Paragraph("问：办了吗？ 答：他说：等。", "第1行")])]
    ['问：办了吗？ ', '答：他说：等。']
    """
    names = Counter(label.name for label in map(label_of, paragraphs) if label and label.form == "colon")
    return [piece for paragraph in paragraphs for piece in _pieces(paragraph, names)]


def _pieces(paragraph: Paragraph, names: Counter[str]) -> Iterator[Paragraph]:
    first = label_of(paragraph)
    if not first or first.form != "colon" or not first.speaker.kind:
        yield paragraph
        return
    begins, last = [0], first.speaker
    for match in _INNER.finditer(normalise(paragraph.text), first.end):
        who = speaker(match["name"])
        if _changes(last, who, names):
            begins.append(match.start())
            last = who
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], len(paragraph.text)], strict=True), start=1):
        place = paragraph.location if number == 1 else f"{paragraph.location}（{number}）"
        yield replace(paragraph, text=paragraph.text[begin:end], location=place)


def _changes(last: Speaker, who: Speaker, names: Counter[str]) -> bool:
    """Whether a label inside a paragraph ends what the last speaker says."""
    if who.asks and not last.asks:
        return names[who.name] > 0
    if last.asks and who.kind in ("answers", "answers_short"):
        return last.short == who.short or names[who.name] > 0
    return who.name != last.name and names[who.name] > 1 and who.kind in ("answers", "person", "name")


def spoken(paragraph: Paragraph, label: Label) -> str:
    """Return what is said in a labelled paragraph."""
    return paragraph.text[label.end : stop(paragraph, label)]


def labelled(text: str) -> bool:
    """Whether a line begins with the label of a known speaker.

    Examples
    --------
    >>> labelled("受访者A：还行。"), labelled("他说：还行。"), labelled("李主任")
    (True, False, False)
    """
    label = label_of(Paragraph(text, ""))
    return bool(label and label.speaker.kind and label.form in ("stamp", "colon", "bracket"))


def field_name(text: str) -> str:
    """Return what stands before the first colon of a line as a label is compared; empty if there is none."""
    match = _COLON.match(normalise(text[:_LOOKED_AT]))
    return tidy(match["name"]) if match else ""
