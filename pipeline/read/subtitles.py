"""Subtitles (.srt, .vtt): cues with their times; a sentence that runs over several cues is one response."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ..records import Reject, Response
from .encoding import detect, lines
from .labels import Paragraph
from .prose import responses
from .source import Notes, ReadOptions, Source
from .turns import Turn

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_BLANK = re.compile(r"\n[ \t]*\n")
_ENDS = tuple("。！？!?…；;”」")
_PUNCTUATION = re.compile("[。！？，!?,；]")
_CUE = "-->"


def read_subtitles(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read subtitles; speakers come from `<v 张三>` or from a name and colon at the beginning of a cue."""
    encoding = detect(source.path, options.encoding)
    notes.encoding = encoding.name
    if encoding.warning:
        notes.warn(encoding.warning)
    text = "".join(lines(source.path, encoding)).replace("\r\n", "\n").replace("\r", "\n")
    cues, damaged = _cues(text)
    notes.containers["字幕"] += len(cues) + len(damaged)
    yield from responses(source.name, cues, notes, _Sentences(cues).join)
    for place, words in damaged:
        message = f"{place} 之后有一条字幕的时间写法读不出：请核对这一条。"
        yield Reject(source.name, f"{place} 之后", "damaged", message, words[:40])


def _cues(text: str) -> tuple[list[Paragraph], list[tuple[str, str]]]:
    """Return the cues with something said, and the places after which one cannot be read."""
    import pysubs2

    kind = "vtt" if text.lstrip().startswith("WEBVTT") else "srt"
    # The library takes a number in the last line for that of a next cue: give it one.
    file = pysubs2.SSAFile.from_string(f"{text}\n\n0\n", format_=kind, keep_html_tags=True)
    cues: list[Paragraph] = []
    damaged = []
    taken: Counter[str] = Counter()
    for event in file:
        place = _clock(event.start)
        taken[place] += 1
        place = place if taken[place] == 1 else f"{place}（{taken[place]}）"
        said, *rest = _BLANK.split(event.text.replace("\\N", "\n"), maxsplit=1)
        if rest and _CUE in rest[0]:
            damaged.append((place, rest[0]))
        elif rest and kind == "srt":
            said = f"{said}\n{rest[0]}"
        voice = _VOICE.search(said)
        words = _TAG.sub("", said)
        if words.strip():
            cues.append(Paragraph(words, place, voice=voice[1].strip() if voice else ""))
    return cues, damaged


def _clock(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class _Sentences:
    """Joins the cues of one sentence; where cues carry no punctuation each stays by itself."""

    def __init__(self, cues: list[Paragraph]) -> None:
        marked = sum(1 for cue in cues if _PUNCTUATION.search(cue.text))
        self._punctuated = marked * 3 >= len(cues)

    def join(self, turn: Turn) -> Iterator[tuple[str, str]]:
        """Give the sentences of a turn with the time of their first cue."""
        text, first = "", ""
        for words, place in zip(turn.texts, turn.places, strict=True):
            first = first or place
            text += _gap(text, words) + words
            if not self._punctuated or words.rstrip().endswith(_ENDS):
                yield text, first
                text, first = "", ""
        if text:
            yield text, first


def _gap(before: str, after: str) -> str:
    """Return a space between two words of Latin letters, nothing between Chinese."""
    return " " if before[-1:].isascii() and before[-1:].isalnum() and after[:1].isascii() else ""
