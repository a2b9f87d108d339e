"""Cuts a response into units: one sentence each, with offsets into the response.

A unit ends at 。！？； (with the marks and closing quotes that follow), at a line end, and before an enumerator (一是, (一),
1., ①) that stands behind punctuation. Quotations and brackets up to `PAIR_LIMIT` characters are not torn; web addresses,
decimals and ellipses end nothing. A sentence longer than `UNIT_LIMIT` characters is cut behind its last comma before the
limit, and flagged. Cutting a unit again changes nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

UNIT_LIMIT = 300
"""Characters; the longest of 1,000 real sentences has 192, so what is longer has no punctuation."""

PAIR_LIMIT = 80
"""Characters; a longer quotation is a speech of several sentences, which are units of their own."""

_CLOSERS = '”’」』）)】》〉"'
_PAIRS = "|".join(
    f"{opener}[^{opener}{closer}\\n\\r]{{0,{PAIR_LIMIT}}}{closer}"
    for opener, closer in ("“”", "‘’", "「」", "『』", "（）", "()", "【】", "《》")
    for opener, closer in [(re.escape(opener), re.escape(closer))]
)
_TOKEN = re.compile(
    rf"""
    (?=[\r\n一二三四五六七八九十\d①-⑳hw（(“‘「『【《。！？；!?;])  # what any of them begins with: five times as fast
    (?:
    (?P<line>[\r\n]+)
  | (?P<enumerator>
        (?<=[，,：:、\s]) [一二三四五六七八九十]是 (?![否因])
      | (?<=[，,：:、\s]) [（(] [一二三四五六七八九十\d]{{1,2}} [)）]
      | (?<=[，,：:\s]) \d{{1,2}} [.、] (?![\d.、])
      | (?<![、和及第见图与]) [①-⑳]
    )
  | (?P<address>(?:https?://|www\.)[\w./?&=%#~:+;!-]+)
  | (?P<pair>{_PAIRS})
  | (?P<end>[。！？；!?;]+ [。！？；!?;…~.]* [{re.escape(_CLOSERS)}]*)
    )
    """,
    re.VERBOSE,
)
_QUOTED_END = re.compile(rf"[。！？；!?;…][{re.escape(_CLOSERS)}]$")
_GOES_ON = re.compile(r"[，,、：:的地得和与等]")
_CONTENT = re.compile(r"[\w\u2190-\u2bff\U0001f000-\U0001faff]")
_COMMA = re.compile(r"[，,、：: \t]")


class Span(NamedTuple):
    """A unit's place in its response: `response[start:end]`; `cut` tells that the length limit ended it."""

    start: int
    end: int
    cut: bool = False


def split(text: str) -> list[Span]:
    """Cut normalised text into units.

    Parameters
    ----------
    text : str
        A response, normalised.

    Returns
    -------
    list of Span
        In order, not overlapping; what lies between them is white space and punctuation.

    Examples
    --------
    >>> text = "快是快，就是要跑1.5公里。“没人管！”怎么办？！一、路灯不亮……"
    >>> [text[start:end] for start, end, _ in split(text)]
    ['快是快，就是要跑1.5公里。', '“没人管！”', '怎么办？！', '一、路灯不亮……']
    """
    spans: list[Span] = []
    start = 0
    safe: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "address" or (kind == "pair" and not _ends_quoted(text, token)):
            safe.append(token.span())
            continue
        end = token.start() if kind == "enumerator" else token.end()
        if kind == "pair":
            safe.append(token.span())
        _add(spans, text, start, end, safe)
        start, safe = end, []
    _add(spans, text, start, len(text), safe)
    return spans


def whole(text: str) -> list[Span]:
    """Return the response as one unit (`--unit response`), without the white space around it.

    Examples
    --------
    >>> whole("  路不好走。没人修。 ")
    [Span(start=2, end=11, cut=False)]
    """
    if not _CONTENT.search(text):
        return []
    return [Span(len(text) - len(text.lstrip()), len(text.rstrip()))]


def _ends_quoted(text: str, token: re.Match[str]) -> bool:
    return bool(_QUOTED_END.search(token[0])) and not _GOES_ON.match(text, token.end())


def _add(spans: list[Span], text: str, start: int, end: int, safe: list[tuple[int, int]]) -> None:
    """Append `text[start:end]` without its outer white space, cut where it is over-long."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > UNIT_LIMIT:
        place = _cut_place(text, start, safe)
        _append(spans, text, start, place, cut=True)
        start = place
        while text[start].isspace():
            start += 1
    _append(spans, text, start, end)


def _append(spans: list[Span], text: str, start: int, end: int, *, cut: bool = False) -> None:
    while end > start and text[end - 1].isspace():
        end -= 1
    if _CONTENT.search(text, start, end):
        spans.append(Span(start, end, cut))


def _cut_place(text: str, start: int, safe: list[tuple[int, int]]) -> int:
    """Return the place behind the last comma before the limit, never inside a quotation or an address."""
    limit = start + UNIT_LIMIT
    for first, last in safe:
        if start < first < limit < last:
            limit = first
    commas = [m.end() for m in _COMMA.finditer(text, start + UNIT_LIMIT // 2, limit)]
    commas = [place for place in commas if not any(first < place < last for first, last in safe)]
    return commas[-1] if commas else limit
