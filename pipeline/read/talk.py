"""Tables in documents that hold a talk: a column of speakers, and beside it what they said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .lexicon import known_headings, word_lists
from .speakers import is_nobody, speaker

_SPEAKS = ("asks", "asks_short", "answers", "answers_short", "person", "name")
_SURE = ("asks", "answers", "person")
_NUMBER = re.compile(r"[\d\s.:：,，/年月日-]*")
_SENTENCE = re.compile(r"[。！？!?；;，,]")
_NOTE = 20
_TAIL = re.compile(r"[（(].*[）)]$")


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a table names who speaks; positions are from 0."""

    speakers: int = -1
    said: int = -1
    """The column of what was said; those after it belong to it."""
    rows: tuple[str, ...] = ()
    """The speaker of each row; empty for a heading. No rows at all: the table holds no talk."""

    def voice(self, row: int) -> str:
        """Return who speaks in a row; empty where nobody is named."""
        return self.rows[row] if row < len(self.rows) else ""

    def is_beside(self, row: int, column: int, words: str) -> bool:
        """Whether a cell is a heading, a number or a short note beside what was said, and nobody's words."""
        apart = column < self.said if self.voice(row) else True
        return bool(self.rows) and apart and len(words) <= _NOTE and not _SENTENCE.search(words)


def talk_of(rows: Sequence[Sequence[str]]) -> Talk:
    """Find the column of speakers of a table and what they said.

    A usual heading (`受访者`, `发言人`) above a column tells, or most of a column's cells that name speakers; a name is
    not repeated where a speaker goes on.

    Parameters
    ----------
    rows : sequence of sequence of str
        The words of the cells.

    Examples
    --------
    >>> talk = talk_of([["受访者", "补充"], ["受访者B", "卫生室常年锁着门。"], ["绿源环保", "欠款四年了。"]])
    >>> talk.speakers, talk.said, talk.rows
    (0, 1, ('', '受访者B', '绿源环保'))
    >>> talk_of([["姓名", "张三"], ["年龄", "56"]])
    Talk(speakers=-1, said=-1, rows=())
    """
    if len(rows) < 2:
        return Talk()
    head = _is_head(rows[0])
    named = _named_column(rows[0]) if head else -1
    body = rows[1:] if head else rows
    at = named if named >= 0 else _column_of_voices(body)
    said = _column_of_words(body, at) if at >= 0 else -1
    if said < 0:
        return Talk()
    voices = _carried(body, at)
    return Talk(at, said, ("", *voices) if head else tuple(voices))


def _is_head(row: Sequence[str]) -> bool:
    """Whether the cells of a row are headings."""
    plain = ["".join(_TAIL.sub("", cell).lower().split()) for cell in row]
    hits = [cell in known_headings() or is_nobody(cell) for cell in plain]
    return len(row) > 1 and hits.count(True) * 2 >= len(row) and all(len(cell) <= 20 for cell in row)


def _named_column(row: Sequence[str]) -> int:
    headings = word_lists("headings")["respondent"]
    return next((at for at, cell in enumerate(row) if "".join(cell.lower().split()) in headings), -1)


def _column_of_voices(rows: Sequence[Sequence[str]]) -> int:
    """Return the column in which at least two cells, and most, name speakers and some surely do; -1 if there is none."""
    for at in range(max(map(len, rows))):
        kinds = [speaker(row[at]).kind for row in rows if at < len(row) and row[at]]
        voices = [kind for kind in kinds if kind in _SPEAKS]
        if len(voices) >= 2 and len(voices) * 2 >= len(rows) and any(kind in _SURE for kind in voices):
            return at
    return -1


def _column_of_words(rows: Sequence[Sequence[str]], speakers: int) -> int:
    """Return the column with most words beside that of the speakers, if these are more than numbers and short notes."""
    columns = [at for at in range(max(map(len, rows))) if at != speakers]
    size = {at: sum(len(row[at]) for row in rows if at < len(row) and not _NUMBER.fullmatch(row[at])) for at in columns}
    best = max(columns, key=lambda at: size[at], default=-1)
    return best if best >= 0 and size[best] >= 4 * len(rows) else -1


def _carried(rows: Sequence[Sequence[str]], at: int) -> Iterator[str]:
    """Give the speaker of each row; one of a merged cell speaks in the rows it covers, nobody in a row of one cell."""
    last = ""
    for row in rows:
        if len(row) > 1:
            last = row[at] if at < len(row) and row[at] else last
        yield last if len(row) > 1 else ""
