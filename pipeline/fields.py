"""What a place tells of a value: a cell under its heading, a speaker's label, the name of a sheet or file.

`pipeline.redact.find` needs a cue beside a name; here the place is the cue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pipeline.identifiers import Found, digits_of, plain
from pipeline.people import is_name
from pipeline.read.lexicon import any_of, word_lists
from pipeline.redact import find

__all__ = ["answer", "cell", "is_generic", "names_in", "personal_columns", "place"]

_DIGITS = 7
"""Digits that a telephone number has at least."""

_NAMES = re.compile(r"姓\s*名|名\s*字|称呼|联系人|\bname\b", re.IGNORECASE)
_HEADINGS = (
    ("身份证", re.compile(r"身份证|证件号|身份号"), re.compile(r"(?:[^0-9]*[0-9]){8}")),
    ("电话", re.compile(r"电话|手机|联系方式|tel|phone|mobile", re.IGNORECASE), re.compile(rf"(?:[^0-9]*[0-9]){{{_DIGITS}}}")),
    ("银行卡", re.compile(r"银行卡|卡号|[账帐][号户]"), re.compile(r"(?:[^0-9]*[0-9]){10}")),
    ("微信", re.compile(r"微信|wechat", re.IGNORECASE), re.compile(r"[^\u3400-\u9fff]{5}")),
    ("QQ", re.compile(r"qq", re.IGNORECASE), re.compile(r"[^0-9]*[0-9]{5}")),
    ("邮箱", re.compile(r"邮箱|邮件|e-?mail", re.IGNORECASE), re.compile(r"[^\u3400-\u9fff]{5}")),
    ("车牌", re.compile(r"车牌"), re.compile(r".{6}")),
    ("姓名", _NAMES, re.compile(r"\S")),
    ("地址", re.compile(r"地址|住址|门牌|户籍"), re.compile(r".*[0-9一二三四五六七八九十]")),
)  # fmt: skip
"""For each kind, what its headings hold, and what a value must look like: `电话回访满意吗` has no numbers."""

_PERSON = re.compile(
    r"(?:[人员者]|户主|业主|患者|家长|学生|老师|职工|村民|居民|负责人)(?:[（(].*)?$|署名|签名|签字|落款|填报|受访|被访|访谈"
)
"""Headings of columns in which a person may be named."""

_NUMBERED = r"(?:[\s-]*(?:[A-Za-z]|\d{1,4}|[一二三四五六七八九十]{1,2}|[甲乙丙丁戊])号?)?"
_PLAIN = re.compile(r"(?:[A-Za-z]+\d{0,3}!)?[A-Za-z]{0,3}-?\d{1,6}|(?:第\d{1,7}[行段条页列])+", re.ASCII)
"""Numbers and places that hold nobody's data: most of them."""

_WORD = re.compile(r"[\u3400-\u9fff·]+")


def cell(heading: str, value: str, known: Iterable[str] = ()) -> list[Found]:
    """Return the personal data of a cell, with its heading as cue.

    Parameters
    ----------
    heading : str
        The column's.
    value : str
        What stands in the cell.
    known : iterable of str
        Names that stand elsewhere in the row.

    Examples
    --------
    >>> cell("您的姓名", "小芳"), cell("联系电话", "8866 1234"), cell("电话回访", "满意")
    ([Found(kind='姓名', start=0, end=2)], [Found(kind='电话', start=0, end=9)], [])
    """
    if not value or _PLAIN.fullmatch(value):
        return []
    seen = plain(value)
    for kind, headings, form in _HEADINGS:
        if headings.search(heading) and form.match(digits_of(seen)):
            return [Found(kind, 0, len(value))]
    if _PERSON.search(heading) and is_name(seen.strip()):
        return [Found("姓名", 0, len(value))]
    front = f"{heading}："
    return [
        Found(found.kind, found.start - len(front), found.end - len(front))
        for found in find(front + value, known)
        if found.start >= len(front)
    ]


def answer(text: str) -> list[str]:
    """Return the name that an answer consists of: one that was asked for, or the line under `此致 敬礼`.

    Examples
    --------
    >>> answer("张伟。"), answer("方便。"), answer("我是张伟")
    (['张伟'], [], [])
    """
    return names_in([text.strip(" 。，,.！!：:-—\n\u3000")])


def personal_columns(headings: Iterable[str]) -> list[str]:
    """Return the headings under which names stand.

    Examples
    --------
    >>> personal_columns(["单位", "姓名", "填报人"])
    ['姓名', '填报人']
    """
    return [heading for heading in headings if _NAMES.search(heading) or _PERSON.search(heading)]


def names_in(values: Iterable[str]) -> list[str]:
    """Return those values that are a person's name: known by them, it is found in what is said.

    Examples
    --------
    >>> names_in(["张伟", "受访者A", "柳塘村", "买买提·艾力"])
    ['张伟', '买买提·艾力']
    """
    return [value.strip() for value in values if value and is_name(plain(value).strip())]


def is_generic(label: str) -> bool:
    """Tell whether a speaker's label names nobody: `受访者A`, `问`, `村民3`, `未标明`, a short code.

    Examples
    --------
    >>> is_generic("受访者A"), is_generic("R017"), is_generic("张伟"), is_generic("访谈者李某")
    (True, True, False, False)
    """
    return bool(_generic().fullmatch(label.strip()))


@cache
def _generic() -> re.Pattern[str]:
    lists = word_lists("speakers")
    words = any_of(
        [word for kind in ("asks", "asks_short", "answers", "answers_short", "person") for word in lists[kind]]
    )
    return re.compile(
        rf"(?:{words}|未标明){_NUMBERED}|[A-Za-z]{{0,4}}[-_]?\d{{1,4}}|[A-Za-z甲乙丙丁戊己庚辛]", re.IGNORECASE
    )


def place(location: str) -> list[Found]:
    """Return the names in a place or a file's name: a sheet named after somebody, `访谈_张伟.docx`.

    Examples
    --------
    >>> place("张伟!C5"), place("访谈_张伟.docx"), place("Sheet1!C5")
    ([Found(kind='姓名', start=0, end=2)], [Found(kind='姓名', start=3, end=5)], [])
    """
    if _PLAIN.fullmatch(location):
        return []
    found = find(location)
    taken = {at for one in found for at in range(one.start, one.end)}
    names = [match.span() for match in _WORD.finditer(plain(location)) if is_name(match[0])]
    found += [Found("姓名", start, end) for start, end in names if taken.isdisjoint(range(start, end))]
    return sorted(found, key=lambda one: one.start)
