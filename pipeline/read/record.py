"""What in a transcript belongs to the record itself: title, time, place, who takes part, headings, closing notes.

Everything else outside the turns is somebody's words, even where nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from .labels import ASIDE, Label, Paragraph, field_name
from .lexicon import any_of, word_lists
from .speakers import is_field, speaker

HEAD_WITHIN = 30
"""Among so many first paragraphs the head of the record is looked for."""

FIELD, TITLE, PREFACE, NOTE = 200, 30, 160, 60
"""Characters: of a field with what stands in it, of a title, of a preface, of a heading or a note in brackets."""

_BRACKETS = re.compile(r"[（(\[].*?[）)\]]")
_NAMES = re.compile(r"[、，,；;\s\u3000]+")
_ABOUT = re.compile(
    r"男性?|女性?|[约近]?\d{1,3}(?:岁|后|年生)|\d{4}年.*|.*(?:族|党员|团员|群众|文化|文盲|学历|初中|高中|小学|中专|大专|本科|硕士|退休|在职"
    r"|[省市县区乡镇村组]|社区|街道|公司|企业|合作社|[局厅委办部院校厂]|人)"
)
_DATE = re.compile(r"\d{4}\s*[年./-]\s*\d{1,2}|\d{1,2}月\d{1,2}日")
_WHEN = re.compile(r"[\d\s年月日时分点上下中午晚周星期一二三四五六日./:：~～至到—–-]+")
_SENTENCE = re.compile(r"[。！？!?；;]")
_HEADING = re.compile(
    r"\s*(?:第[一二三四五六七八九十]+[部章节]分?|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[）)])[^。！？!?；]{1,30}$"
)
_IN_BRACKETS = re.compile(r"\s*[（(【\[][^（）()【】]*[）)】\]]\s*")
_LETTER = re.compile(r"[^\W\d_]")
_MARGINS = ("页眉", "页脚", "脚注", "尾注", "批注", ASIDE)
"""Flows that nobody speaks in."""


def head_length(paragraphs: Sequence[Paragraph]) -> int:
    """Return how many paragraphs at the top are the record's own head: title, time, place, who takes part."""
    head = 0
    for at, paragraph in enumerate(paragraphs[:HEAD_WITHIN]):
        name = field_name(paragraph.text)
        if not name or paragraph.voice:
            continue
        beside = 0 < head == at or _before_field(paragraphs, at)
        if is_field(name) or (beside and only_names(_after_colon(paragraph.text))):
            head = at + 1
        elif speaker(name).kind:
            break
    return head


def _before_field(paragraphs: Sequence[Paragraph], at: int) -> bool:
    return at + 1 < len(paragraphs) and is_field(field_name(paragraphs[at + 1].text))


def _after_colon(text: str) -> str:
    return re.split("[：:]", text, maxsplit=1)[-1]


def only_names(text: str) -> bool:
    """Whether a text is a person's name or several, with what is said of them, and nothing else.

    Examples
    --------
    >>> only_names("张某，女，56岁，村妇联主任"), only_names("李主任，您好。")
    (True, False)
    """
    words = [_BRACKETS.sub("", word) for word in _NAMES.split(text.strip()[:FIELD]) if word]
    first = bool(words) and speaker(words[0]).kind in ("person", "name", "answers", "letter", "group")
    return first and all(_ABOUT.fullmatch(word) or speaker(word).kind for word in words[1:] if word)


def names_in(head: Sequence[Paragraph]) -> set[str]:
    """Return the words of the head, among them the names of those who take part."""
    return {word for paragraph in head for word in re.split(r"[、，,；;：:（(）)\s\u3000]+", paragraph.text) if word}


def askers(head: Sequence[Paragraph]) -> set[str]:
    """Return the names that the head gives for those who ask: `访谈者：李某`."""
    asks = [_after_colon(line.text) for line in head if speaker(field_name(line.text)).kind == "asks"]
    return {_BRACKETS.sub("", word) for text in asks for word in _NAMES.split(text.strip()) if word}


def is_heading(text: str) -> bool:
    """Whether a paragraph is a numbered heading of the record."""
    return bool(_HEADING.match(text))


def is_narration(text: str) -> bool:
    """Whether a paragraph tells of the meeting and so goes not on with a turn: `会议指出，……`."""
    return bool(_patterns()["narration"].match(text))


def is_closing(paragraph: Paragraph) -> bool:
    """Whether a paragraph closes the record: `（访谈结束）`, `记录人：赵某`."""
    text = paragraph.text.strip()
    if len(text) <= NOTE and _patterns()["ending"].fullmatch(text.strip("（()）【】[]。.— -")):
        return True
    name, rest = field_name(text), _after_colon(text)
    if len(text) > FIELD or not is_field(name):
        return False
    return name in word_lists("speakers")["sign"] or bool(_WHEN.fullmatch(rest)) or only_names(rest)


def is_record(paragraph: Paragraph, *, before: bool) -> bool:
    """Whether a paragraph outside the turns is the record's own.

    Parameters
    ----------
    paragraph : Paragraph
        It stands in no turn.
    before : bool
        Whether it is one of the first, before all turns: there titles and prefaces stand too.
    """
    text = paragraph.text.strip().lstrip("#>* ").rstrip("* ")
    if paragraph.flow in _MARGINS or not _LETTER.search(text):
        return True
    if is_closing(paragraph) or (len(text) <= NOTE and _is_note(paragraph, text)):
        return True
    return before and (_is_head(text) or (len(text) <= FIELD and is_field(field_name(text))))


def _is_note(paragraph: Paragraph, text: str) -> bool:
    return bool(paragraph.level) or is_heading(text) or bool(_IN_BRACKETS.fullmatch(text))


def _is_head(text: str) -> bool:
    """Whether a paragraph before all turns is a title, a date, a list of names, or tells how the record was made."""
    if len(text) <= FIELD and only_names(_after_colon(text)):
        return True
    if len(text) <= PREFACE and _patterns()["preface"].search(text):
        return True
    name = field_name(text)
    short = len(text) <= (FIELD if _DATE.search(text) else TITLE) and not _SENTENCE.search(text)
    return short and (bool(_DATE.search(text)) or not (name or "，" in text or "," in text))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    lists = word_lists("speakers")
    return {
        "narration": re.compile(rf"\s*(?:{any_of(lists['narration'])})\s*[，,：:]?"),
        "ending": re.compile(rf"(?:本次|此次|今天的?|全部)?(?:{any_of(lists['ending'])})(?:结束|完毕|了|为止)?"),
        "preface": re.compile(any_of(lists["preface"])),
    }


def closing(paragraphs: Sequence[Paragraph], labels: dict[int, Label]) -> int:
    """Return where the closing notes of a text begin: after the last turn's words."""
    end = len(paragraphs)
    while end and end - 1 not in labels and not paragraphs[end - 1].flow and is_closing(paragraphs[end - 1]):
        end -= 1
    return end
