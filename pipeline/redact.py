"""De-identification (去标识化): personal data is replaced by typed placeholders, `[电话1]`.

It is not anonymisation: what somebody tells of himself can still point to him (Personal Information Protection Law
of 2021, article 73: 去标识化 needs no further information to be undone, 匿名化 cannot be undone). GB/T 37964-2019 names the
technique 抑制/假名化.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pipeline.identifiers import Found, canonical, numbers, plain
from pipeline.people import addresses, names

__all__ = ["Found", "Redactor", "find", "moved", "neutral", "stood_in"]

_PLACEHOLDER = re.compile(r"\[(?:身份证|信用代码|银行卡|邮箱|电话|座机|微信|QQ|车牌|地址|姓名)\d+\]")
_NUMBER = "13800138000"
_SHORT = 200
"""Characters of a text whose findings are remembered: questions, headings and cells that stand in row after row."""

Shift = tuple[int, int, int]
"""Where a replaced piece began and ended, and how far everything behind it has moved."""


def find(text: str, known: Iterable[str] = ()) -> list[Found]:
    """Return the personal data of a text, in order, without overlaps.

    Parameters
    ----------
    text : str
        As written; full-width characters, spaces inside numbers and Chinese digits are understood.
    known : iterable of str
        Names that stand elsewhere (a speaker's label, a column of names): found wherever they are, without a cue.

    Returns
    -------
    list of Found
        Offsets into `text`.

    Notes
    -----
    What has been found is covered and the text searched again until nothing is left: the result of redaction holds
    nothing more to redact.

    Examples
    --------
    >>> text = "我叫李小红，电话１３８ ００１３ ８０００，打12345没人接"
    >>> [(found.kind, text[found.start : found.end]) for found in find(text)]
    [('姓名', '李小红'), ('电话', '１３８ ００１３ ８０００')]
    """
    search = _remembered if len(text) <= _SHORT else _found
    return list(search(text, tuple(known)))


def _found(text: str, known: tuple[str, ...]) -> tuple[Found, ...]:
    seen = plain(text)
    kept = _named(seen, known)
    seen = _covered(seen, kept)
    while fresh := _apart((*numbers(seen), *addresses(seen), *names(seen))):
        kept += fresh
        seen = _covered(seen, fresh)
    return tuple(sorted(kept, key=lambda found: found.start))


_remembered = lru_cache(maxsize=2048)(_found)


def _named(seen: str, known: Iterable[str]) -> list[Found]:
    """Return where known names stand."""
    names = sorted({plain(name) for name in known}, key=lambda name: (-len(name), name))
    if not names:
        return []
    pattern = re.compile("|".join(map(re.escape, names)))
    return [Found("姓名", *match.span()) for match in pattern.finditer(seen)]


def _apart(candidates: Iterable[Found]) -> list[Found]:
    """Keep the first of those that overlap: the surest kinds come first."""
    kept: list[Found] = []
    taken: set[int] = set()
    for found in candidates:
        if taken.isdisjoint(range(found.start, found.end)):
            kept.append(found)
            taken.update(range(found.start, found.end))
    return kept


def _covered(seen: str, fresh: list[Found]) -> str:
    """Put brackets of equal length in place of what was found: they end words and numbers as placeholders do."""
    characters = list(seen)
    for found in fresh:
        characters[found.start : found.end] = f"[{'×' * (found.end - found.start - 2)}]"
    return "".join(characters)


class Redactor:
    """Replaces personal data; in one report a value has one placeholder, whatever its spelling.

    Examples
    --------
    >>> redact = Redactor()
    >>> redact("打13800138000或138-0013-8000，找张建国主任")
    '打[电话1]或[电话1]，找[姓名1]主任'
    >>> redact("电话13900139000")
    '电话[电话2]'
    """

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}

    def __call__(self, text: str) -> str:
        """Return `text` with placeholders."""
        return self.spans(text)[0]

    def spans(self, text: str, known: Iterable[str] = ()) -> tuple[str, list[Shift]]:
        """Return the redacted text and what was replaced.

        Parameters
        ----------
        text, known
            As for `find`.

        Returns
        -------
        str
            With placeholders.
        list of (int, int, int)
            Start and end in `text`, and how much the characters from that end on have moved; for `moved`.

        Examples
        --------
        >>> Redactor().spans("打13800138000，没人接")
        ('打[电话1]，没人接', [(1, 12, -6)])
        """
        return self.replaced(text, find(text, known))

    def replaced(self, text: str, found_data: Iterable[Found]) -> tuple[str, list[Shift]]:
        """Return the text with what was found replaced, and what `spans` returns."""
        out: list[str] = []
        shifts: list[Shift] = []
        place, shift = 0, 0
        for found in found_data:
            mark = self.placeholder(found.kind, text[found.start : found.end])
            out += [text[place : found.start], mark]
            shift += len(mark) - (found.end - found.start)
            shifts.append((found.start, found.end, shift))
            place = found.end
        return "".join(out) + text[place:], shifts

    def placeholder(self, kind: str, value: str) -> str:
        """Return what stands in place of a value."""
        known = self._numbers.setdefault(kind, {})
        return f"[{kind}{known.setdefault(canonical(kind, value), len(known) + 1)}]"


def neutral(text: str) -> str:
    """Return a redacted text as a coder is to see it: digits in place of placeholders, as long as before.

    `[电话1]` is not about telephones, as little as the number was that stood there.

    Examples
    --------
    >>> neutral("打[电话1]没人接")
    '打13800没人接'
    """
    return _PLACEHOLDER.sub(lambda match: (_NUMBER * len(match[0]))[: len(match[0])], text)


def stood_in(text: str, normal: str) -> list[tuple[int, int]]:
    """Return where placeholders stand in a text whose normal form has digits in their place.

    Examples
    --------
    >>> stood_in("打[电话1]没人接", neutral("打[电话1]没人接")), stood_in("打[电话1]", "打[电话1]")
    ([(1, 6)], [])
    """
    spans = (match.span() for match in _PLACEHOLDER.finditer(text))
    return [(start, end) for start, end in spans if normal[start : start + 1].isdigit()]


def moved(start: int, end: int, shifts: Iterable[Shift]) -> tuple[int, int]:
    """Return where a span of the original stands in the redacted text, widened to whole placeholders.

    Parameters
    ----------
    start, end : int
        Offsets into the original.
    shifts : iterable of (int, int, int)
        What `Redactor.spans` returned.

    Examples
    --------
    >>> text, shifts = Redactor().spans("打13800138000，没人接")
    >>> first, last = moved(13, 16, shifts)
    >>> text[first:last]
    '没人接'
    """
    new_start, new_end, before = start, end, 0
    for old_start, old_end, shift in shifts:
        if old_end <= start:
            new_start = start + shift
        elif old_start < start:
            new_start = old_start + before
        if old_end <= end:
            new_end = end + shift
        elif old_start < end:
            new_end = old_end + shift
        before = shift
    return new_start, new_end
