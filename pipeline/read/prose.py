"""Paragraphs of a text into responses: turns of a transcript, or the paragraphs of one respondent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..normalise import normalise
from ..records import Reject, Response
from .labels import Paragraph
from .sections import section_paths
from .source import Notes
from .turns import Turn, find_turns, last_question

Join = Callable[[Turn], Iterator[tuple[str, str]]]
"""Divides a turn into (text, place) of its responses."""

RECORD = "记录"
"""The respondent of what belongs to the record itself: title, time, place, headers, notes."""

UNNAMED = "未标明"
"""The respondent of words in a transcript that stand in nobody's turn."""

_QUESTION = 200


def responses(
    file: str, paragraphs: Sequence[Paragraph], notes: Notes, join: Join | None = None, lines_apart: bool = False
) -> Iterator[Response | Reject]:
    """Turn a text into responses.

    A transcript gives one response a turn; its interviewer's last question is the `question` of the answers. What stands
    outside the turns has the interviewer's role only where it is the record's own (title, time, place, headings); all
    else is a respondent's, `file·未标明`. A text without turns is one respondent, a response a paragraph.

    Parameters
    ----------
    file : str
        The input's name.
    paragraphs : sequence of Paragraph
        The text; blank paragraphs are no records.
    notes : Notes
        Where warnings are kept.
    join : callable, optional
        Divides a turn into responses; by default one, its paragraphs joined by line ends.
    lines_apart : bool
        In a text without turns every paragraph has a respondent of its own.
    """
    filled = [paragraph for paragraph in paragraphs if normalise(paragraph.text).strip()]
    turns = find_turns(filled)
    if turns is None:
        yield from _plain(file, filled, lines_apart)
    else:
        yield from _transcript(file, turns, notes, join or _whole)


def _plain(file: str, paragraphs: Sequence[Paragraph], lines_apart: bool) -> Iterator[Response]:
    for number, (paragraph, section) in enumerate(section_paths(iter(paragraphs)), start=1):
        text, respondent = paragraph.text, f"{file}:{number}" if lines_apart else file
        yield Response(file, paragraph.location, str(number), text, normalise(text), respondent, section=section)


def _whole(turn: Turn) -> Iterator[tuple[str, str]]:
    yield "\n".join(turn.texts), turn.location


def _transcript(file: str, turns: Sequence[Turn], notes: Notes, join: Join) -> Iterator[Response | Reject]:
    names = _names(turns)
    with_notes = any(turn.speaker and turn.speaker.note for turn in turns)
    _warn(turns, notes)
    question, number = "", 0
    for turn in turns:
        role = _role(turn)
        if turn.speaker and not turn.texts:
            place = _place(turn, turn.location)
            yield Reject(file, place, "empty", f"{place}：“{turn.speaker.name}”的发言没有内容。", turn.speaker.name)
        for text, location in join(turn) if turn.texts else ():
            number += 1
            yield Response(
                file=file,
                location=_place(turn, location),
                response=str(number),
                text=text,
                normal=normalise(text),
                respondent=f"{file}·{names[id(turn)]}",
                role=role,
                question="" if role == "interviewer" else question,
                meta={"身份": turn.speaker.note if turn.speaker else ""} if with_notes else {},
            )
        if turn.speaker and role == "interviewer":
            question = last_question("\n".join(turn.texts))[-_QUESTION:]


def _role(turn: Turn) -> str:
    asks = turn.record if turn.speaker is None else turn.speaker.asks
    return "interviewer" if asks else "respondent"


def _warn(turns: Sequence[Turn], notes: Notes) -> None:
    if not any(turn.speaker and turn.speaker.asks for turn in turns):
        notes.warn("文中认出了发言人，但没有认出谁是访谈者：所有发言都按受访者分类。")
    unnamed = [turn for turn in turns if turn.speaker is None and not turn.record]
    if unnamed:
        notes.warn(
            f"有 {len(unnamed)} 段看不出是谁说的（从{unnamed[0].location}起），记在受访者“{UNNAMED}”名下："
            "如有不对，请在段首写上“姓名：”再运行。"
        )


def _place(turn: Turn, location: str) -> str:
    return f"{location} {turn.time}" if turn.time and location == turn.location else location


def _names(turns: Sequence[Turn]) -> dict[int, str]:
    """Each turn's person: by name, and by what stands in brackets where two persons share a name."""
    bracketed: dict[str, set[str]] = {}
    for turn in turns:
        if turn.speaker and turn.speaker.note:
            bracketed.setdefault(turn.speaker.name, set()).add(turn.speaker.note)
    names = {}
    for turn in turns:
        who = turn.speaker
        shared = who and who.note and len(bracketed.get(who.name, ())) > 1
        outside = RECORD if turn.record else UNNAMED
        names[id(turn)] = outside if who is None else f"{who.name}（{who.note}）" if shared else who.name
    return names
