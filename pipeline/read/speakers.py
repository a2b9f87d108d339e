"""Who a label such as `受访者A：` or `张书记（村支书）00:01:23` names, and whether it names anybody at all.

The words are data (`lexicons/speakers.csv`); the rules here put them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .lexicon import any_of, word_lists

_HAN = "\u4e00-\u9fff"
_NUMBERED = r"(?:\s*(?:[A-Za-z]|\d{1,3}|[一二三四五六七八九十]{1,2}|[甲乙丙丁戊])号?)?"
_NAMED = rf"(?P<named>[{_HAN}×*]{{1,3}})"
_MASKED = re.compile(rf"[{_HAN}]{{1,4}}(?:某{{1,2}}|[×xX*]{{1,3}})[{_HAN}甲乙丙A-Z\d]?")
_HEADED = ("总", "董", "工")
"""Titles that may stand after a firm's name and a surname: `鑫源机械张总`."""

_PLACES = tuple("村镇乡县局厂厅院区市所")
"""What no name of three characters ends with."""

_TIGHT = re.compile(rf"(?<=[{_HAN}])[\s\u3000]+(?=[{_HAN}])")
_ALIAS = re.compile(r"(?:以下)?简?称[为：:]?\s*[“\"'「『]?(\w{1,4})")
_SAID = re.compile(rf"[{_HAN}A-Za-z]")
LONGEST = 14
"""Characters of a label that is taken for a speaker without being known."""

KINDS = ("asks", "asks_short", "answers", "answers_short", "letter", "person", "name", "group")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a label names."""

    name: str
    kind: str
    """One of `KINDS`; empty where it names nobody that we know. The short ones (`问`, `答`) need each other."""
    note: str = ""
    """What stood in brackets after the name: `村支书`."""

    @property
    def asks(self) -> bool:
        """Whether this is one of those who ask."""
        return self.kind in ("asks", "asks_short")

    @property
    def sure(self) -> bool:
        """Whether the label alone tells that somebody speaks."""
        return self.kind in ("asks", "answers")

    @property
    def short(self) -> bool:
        """Whether the label is only `问`, `答`, `Q`, `A` (and a number)."""
        return self.kind.endswith("_short")


def speaker(label: str, note: str = "") -> Speaker:
    """Tell who a label names.

    Parameters
    ----------
    label : str
        What stands before the colon or the time.
    note : str
        What stands in brackets after it.

    Examples
    --------
    >>> speaker("访谈者").kind, speaker("受访者A").kind, speaker("鑫源机械张总").kind, speaker("他说").kind
    ('asks', 'answers', 'person', '')
    >>> speaker("李某", "主持人").kind, speaker("Q2").name
    ('asks', 'Q')
    """
    rules = _rules()
    name = tidy(label)
    note = note.strip()
    kind = rules.kind(name)
    if kind.endswith("_short"):
        name = name.rstrip("0123456789 ").upper()
    if note and rules.asks.fullmatch(note):
        kind = "asks"
    elif note and not kind and rules.plausible(name):
        kind = "person"
    return Speaker(name, kind, "" if _ALIAS.search(note) else note)


def tidy(label: str) -> str:
    """Return a label as it is compared: no marks around it, no spaces between Chinese characters.

    Examples
    --------
    >>> tidy("** 张 三 **"), tidy("Lucy  Wang")
    ('张三', 'Lucy Wang')
    """
    return _TIGHT.sub("", " ".join(label.split()).strip("*_ "))


def alias(note: str) -> str:
    """Return the short name that a bracket gives: `以下简称“记”`.

    Examples
    --------
    >>> alias("以下简称“记”"), alias("村支书")
    ('记', '')
    """
    match = _ALIAS.search(note)
    return match[1] if match else ""


def plausible(name: str) -> bool:
    """Whether a label that we do not know could name a speaker: short, no clause, no word of a list.

    Examples
    --------
    >>> plausible("绿源环保"), plausible("他的意思"), plausible("问题"), plausible("比例为1")
    (True, False, False, False)
    """
    return _rules().plausible(name)


def is_nobody(name: str) -> bool:
    """Whether a label surely names nobody: `问题`, `地址`, `上午`, or a field of the record."""
    return name in _rules().nobody


def is_field(name: str) -> bool:
    """Whether a label is a field of the record's own head: `时间`, `地点`, `参加人员`."""
    return name in _rules().record


class _Rules:
    """The lists as patterns.

    Parameters
    ----------
    lists : mapping of str to tuple of str
        `lexicons/speakers.csv`.
    """

    def __init__(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        surname = f"[{''.join(lists['surname'])}]"
        headed = rf"[{_HAN}A-Za-z]{{2,10}}{surname}(?:{any_of(_HEADED)})"
        nouns, titles = any_of(lists["person"]), any_of(lists["title"])
        named = rf"[{_HAN}×*]{{1,4}}"
        self.record = frozenset(lists["record"])
        self.nobody = self.record | frozenset(lists["nobody"])
        self.asks = re.compile(rf"(?:{any_of(lists['asks'])})(?:{_NUMBERED}|{named})", re.IGNORECASE)
        self._asks_short = re.compile(rf"(?:{any_of(lists['asks_short'])})\s*\d{{0,3}}|问题\s*\d{{1,3}}", re.IGNORECASE)
        self._answers = re.compile(rf"(?:{any_of(lists['answers'])})(?:{_NUMBERED}|{named})", re.IGNORECASE)
        self._answers_short = re.compile(rf"(?:{any_of(lists['answers_short'])})\s*\d{{0,3}}", re.IGNORECASE)
        self._person = re.compile(rf"[{_HAN}A-Za-z·\d]{{0,12}}(?:{nouns})(?:{_NUMBERED}|{_NAMED})|{headed}")
        self._name = re.compile(
            rf"{surname}[{_HAN}]{{1,2}}|(?:{any_of(lists['surname_long'])})[{_HAN}]{{1,2}}|{surname}(?:{titles})"
            rf"|[老小阿][{_HAN}]|[{_HAN}]{{2,6}}·[{_HAN}]{{2,6}}|\d{{1,3}}号|匿名\s*\d*"
            r"|(?:(?:Dr|Mr|Ms|Mrs|Prof)\.? ?)?[A-Z][a-z]+(?: [A-Z][a-z]*\.?){0,2}"
        )
        self._letter = re.compile(rf"[A-Za-z]\d{{0,3}}|[甲乙丙丁戊己庚辛]|{surname}")
        self._group = re.compile(rf"[{_HAN}A-Za-z]{{1,12}}(?:{any_of(lists['group'])})")
        self._before = re.compile(
            rf"[{_HAN}]{{1,10}}(?:的|{any_of(lists['group'])})|[\dA-Za-z]+(?:号楼|[栋幢楼室床班座区组队号])?[-—_ ]*\d*[-—_ ]*"
        )
        self._crowd = re.compile(any_of(lists["crowd"]))
        self._reported = re.compile(rf"(?:{any_of(lists['reported'])})$")
        self._clause = re.compile(rf"(?:{any_of(lists['clause'])}|\d)$")

    def kind(self, name: str) -> str:
        if not name or name.isdigit() or name in self.nobody or self._reported.search(name):
            return ""
        for kind, pattern in (
            ("asks", self.asks),
            ("asks_short", self._asks_short),
            ("answers", self._answers),
            ("answers_short", self._answers_short),
            ("letter", self._letter),
        ):
            if pattern.fullmatch(name):
                return kind
        if self._is_person(name) or _MASKED.fullmatch(name) or self._described(name):
            return "person"
        group = bool(self._group.fullmatch(name)) and not self._crowd.match(name)
        if self._name.fullmatch(name) and not (group and len(name) > 2 and name.endswith(_PLACES)):
            return "name"
        return "group" if group else ""

    def _is_person(self, name: str) -> bool:
        match = self._person.fullmatch(name)
        if not match or self._crowd.match(name):
            return False
        return not (match["named"] and self._clause.search(name))

    def _described(self, name: str) -> bool:
        """Whether a name has a description before it: `卖鱼的老周`, `3栋李姐`, `市场监管局王丽`."""
        match = self._before.match(name)
        who = name[match.end() :] if match else ""
        known = who and who not in self.nobody and (self._name.fullmatch(who) or self._is_person(who))
        return bool(known and not self._crowd.match(name))

    def plausible(self, name: str) -> bool:
        if name in self.nobody or not 1 < len(name) <= LONGEST or not _SAID.match(name):
            return False
        return not (self._crowd.match(name) or self._reported.search(name) or self._clause.search(name))


@cache
def _rules() -> _Rules:
    return _Rules(word_lists("speakers"))
