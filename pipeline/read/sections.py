"""The numbered heads of official prose (一、 （一） 1. 一是) as a path for what stands under them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .labels import Paragraph

_HAN = "一二三四五六七八九十"
_LISTED = 7
_LEVELS = (
    (1, re.compile(rf"第([{_HAN}百]+|\d+)(?:部分|章|编|篇)")),
    (2, re.compile(rf"第([{_HAN}百]+|\d+)[节条]")),
    (3, re.compile(rf"([{_HAN}]+)\s*、")),
    (4, re.compile(rf"[（(]\s*([{_HAN}]+)\s*[）)]")),
    (5, re.compile(r"(\d{1,2})\s*(?:[、．]|\.(?!\d))")),
    (6, re.compile(r"[（(]\s*(\d{1,2})\s*[）)]|([①-⑳])|(\d{1,2})[)）]")),
    (_LISTED, re.compile(rf"([{_HAN}]+)(?:是|要)")),
    (_LISTED, re.compile(r"第([一二三四五六七八九十]+)[,，、]")),
)
_OWN = -10
"""Added to the levels of the document's own headings: they stand above all numbered ones."""

_END = re.compile(r"[。！？!?；;：:\n]")
TITLE = 40
"""Characters of a head that the path keeps."""


@dataclass(frozen=True, slots=True)
class _Head:
    level: int
    number: int
    """Its Chinese number up to ten; 0 where it has another."""
    title: str


def section_paths(paragraphs: Iterator[Paragraph]) -> Iterator[tuple[Paragraph, str]]:
    """Give every paragraph the path of heads that it stands under; a head stands under itself.

    Examples
    --------
    >>> text = ["一、问题", "一是人手少。经费也紧。", "跑不过来。", "二、建议"]
    >>> [path for _, path in section_paths(Paragraph(line, "") for line in text)]
    ['一、问题', '一、问题 / 一是人手少', '一、问题 / 一是人手少', '二、建议']
    """
    heads: list[_Head] = []
    after_head = False
    for paragraph in paragraphs:
        if paragraph.flow:
            yield paragraph, ""
            continue
        head = _head(paragraph)
        if head:
            _enter(heads, head, after_head)
        after_head = head is not None
        yield paragraph, " / ".join(head.title for head in heads)


def head_level(paragraph: Paragraph) -> int:
    """Return the level of a head; 0 for what is none.

    Examples
    --------
    >>> head_level(Paragraph("（一）人手", "")), head_level(Paragraph("1.5万元", ""))
    (4, 0)
    """
    head = _head(paragraph)
    return head.level if head else 0


def _head(paragraph: Paragraph) -> _Head | None:
    if paragraph.level:
        return _Head(_OWN + paragraph.level, 0, title(paragraph.text))
    text = paragraph.text.lstrip()
    for level, pattern in _LEVELS:
        match = pattern.match(text)
        if match:
            number = next(group for group in match.groups() if group)
            return _Head(level, _HAN.find(number) + 1 if len(number) == 1 else 0, title(text))
    return None


def _enter(heads: list[_Head], head: _Head, after_head: bool) -> None:
    """Leave the heads that this one ends, and enter it.

    A new `一是` right under another head of its kind begins a list inside it; `三是` goes on with the list of `二是`.
    """
    inside = head.level == _LISTED and head.number == 1 and after_head
    before = [at for at, other in enumerate(heads) if other.level == _LISTED == head.level and head.number > 1]
    goes_on = [at for at in before if heads[at].number == head.number - 1]
    if goes_on:
        del heads[goes_on[-1] :]
    elif not inside:
        while heads and heads[-1].level >= head.level:
            heads.pop()
    heads.append(head)


def title(text: str) -> str:
    """Return a head's own words: up to the first sentence end, at most `TITLE` characters.

    Examples
    --------
    >>> title("1.选好载体。将中心工作的热点作为载体。")
    '1.选好载体'
    """
    line = text.strip().lstrip("#").strip()
    head = _END.split(line, maxsplit=1)[0].strip()
    return head if len(head) <= TITLE else head[:TITLE] + "…"
