"""Speaker turns in a text: who says what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .belief import believed
from .labels import Label, Paragraph, is_time, labels_of, opened, stop
from .record import HEAD_WITHIN, askers, closing, head_length, is_heading, is_narration, is_record
from .speakers import Speaker


@dataclass(slots=True)
class Turn:
    """What one person says at a stretch; `speaker` is None for what stands outside all turns."""

    speaker: Speaker | None
    time: str
    location: str
    flow: str
    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    record: bool = False
    """Whether it is the record's own: a title, a heading, a closing note."""


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
    paragraphs = opened(paragraphs)
    head = head_length(paragraphs)
    ask = askers(paragraphs[:head])
    found = {at: _asking(label, ask) for at, label in labels_of(paragraphs).items()}
    labels = believed(found, paragraphs, head)
    return list(_Division(paragraphs, labels).turns()) if labels else None


def _asking(label: Label, names: set[str]) -> Label:
    who = label.speaker
    return replace(label, speaker=replace(who, kind="asks")) if who.name in names else label


class _Division:
    """Divides a text at its labels.

    Parameters
    ----------
    paragraphs : sequence of Paragraph
        The whole text.
    labels : dict of int to Label
        The labels believed, by their paragraph's position.
    """

    def __init__(self, paragraphs: Sequence[Paragraph], labels: dict[int, Label]) -> None:
        self._paragraphs = paragraphs
        self._labels = labels
        self._first = min(labels)
        self._closing = closing(paragraphs, labels)
        self._only_asked = all(label.speaker.asks for label in labels.values())

    def turns(self) -> Iterator[Turn]:
        """Give the turns in the order of the text, and what stands outside them a paragraph each."""
        turn: Turn | None = None
        for at, paragraph in enumerate(self._paragraphs):
            if self._is_time_of_label(at):
                continue
            if at not in self._labels and turn and self._goes_on(turn, at):
                _add(turn, paragraph.text, paragraph.location)
                continue
            if turn:
                yield turn
            turn = self._begin(at)
        if turn:
            yield turn

    def _is_time_of_label(self, at: int) -> bool:
        beside = (self._labels.get(at - 1), self._labels.get(at + 1))
        return is_time(self._paragraphs[at]) and any(label and label.time for label in beside)

    def _goes_on(self, turn: Turn, at: int) -> bool:
        """Whether a paragraph without a label belongs to the turn before it."""
        paragraph = self._paragraphs[at]
        if turn.speaker is None or turn.flow != paragraph.flow or paragraph.level or at >= self._closing:
            return False
        if turn.speaker.asks and turn.texts and (self._only_asked or self._answers(turn, paragraph.text)):
            return False
        return not (is_narration(paragraph.text) or (at + 1 in self._labels and is_heading(paragraph.text)))

    @staticmethod
    def _answers(turn: Turn, text: str) -> bool:
        """Whether a paragraph without a label follows a question and asks nothing: its label may have been forgotten.

        A service that writes times labels every turn; there those who ask may go on.
        """
        return not turn.time and _asks(turn.texts[-1].rstrip()[-1:]) and not _asks(text)

    def _begin(self, at: int) -> Turn:
        paragraph, label = self._paragraphs[at], self._labels.get(at)
        if label:
            turn = Turn(label.speaker, label.time, paragraph.location, paragraph.flow)
            words = paragraph.text[label.end : stop(paragraph, label)]
            if words.strip():
                _add(turn, words, paragraph.location)
            return turn
        turn = Turn(None, "", paragraph.location, paragraph.flow)
        turn.record = is_record(paragraph, before=at < min(self._first, HEAD_WITHIN))
        _add(turn, paragraph.text, paragraph.location)
        return turn


def _asks(text: str) -> bool:
    return "？" in text or "?" in text


def _add(turn: Turn, text: str, place: str) -> None:
    turn.texts.append(text)
    turn.places.append(place)


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
