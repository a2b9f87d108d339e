"""Numbers that point to one person or firm, found by their form and proved by their check digits.

Sources: GB 11643-1999 (公民身份号码; check character after ISO 7064 MOD 11-2), GB 32100-2015 (统一社会信用代码),
ISO/IEC 7812-1 (bank cards, Luhn), GA 36-2018 (车牌), 《电信网编号计划》 2017 (mobile segments, area codes).
All patterns are linear: every repetition is bounded or its parts exclude each other.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipeline.normalise import normalise

__all__ = ["Found", "bank_card", "canonical", "digits_of", "id_card", "numbers", "plain", "social_code"]


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data.

    Attributes
    ----------
    kind : str
        身份证, 信用代码, 银行卡, 邮箱, 电话, 座机, 微信, QQ, 车牌, 地址 or 姓名.
    start, end : int
        Offsets into the text that was searched.
    """

    kind: str
    start: int
    end: int


_MARKS = str.maketrans("＠＿－—–−‐‑‒―（）：　", "@_--------(): ")
_HAN_DIGITS = str.maketrans("零〇○一幺壹二贰三叁四肆五伍六陆七柒八捌九玖", "0001112233445566778899")
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ISSUERS = re.compile(r"62|4|5[1-5]|2[2-7]|35|3[47]|60|6[589]|9[5-9]")


@cache
def _other_digits() -> dict[int, str]:
    """Return the decimal digits of all scripts and the circled ones, as ASCII."""
    codes = (code for code in range(0xB2, min(sys.maxunicode, 0x1FBFA)) if chr(code).isdigit())
    return {code: str(unicodedata.digit(chr(code))) for code in codes}


def plain(text: str) -> str:
    """Return `text` with equal marks and digits made equal, as long as before; Chinese digits stay.

    Examples
    --------
    >>> plain("１３８（①）：ａ＠ｂ")
    '138(1):a@b'
    """
    seen = normalise(text).translate(_MARKS)
    return seen if seen.isascii() else seen.translate(_other_digits())


def id_card(number: str) -> bool:
    """Tell whether a number is an ID-card number: 18 characters after GB 11643, or the 15 digits of before 1999.

    Examples
    --------
    >>> id_card("11010519491231002X"), id_card("110105194912310021"), id_card("110105491231002")
    (True, False, True)
    """
    if int(number[:2]) not in _PROVINCES:
        return False
    born = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        day = date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return False
    return 1870 <= day.year <= 2099 and (len(number) == 15 or _checked(number))


def _checked(number: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def social_code(code: str) -> bool:
    """Tell whether 18 characters are a 统一社会信用代码: alphabet and check character of GB 32100.

    Examples
    --------
    >>> social_code("91350100M000100Y43"), social_code("91350100M000100Y44")
    (True, False)
    """
    values = [_CODE_ALPHABET.find(character) for character in code.upper()]
    total = sum(value * pow(3, place, 31) for place, value in enumerate(values[:17]))
    return min(values) >= 0 and values[17] == -total % 31


def bank_card(number: str) -> bool:
    """Tell whether 15 to 19 digits are a bank card: an issuer's prefix and the Luhn digit.

    Examples
    --------
    >>> bank_card("6222020000000000006"), bank_card("4111111111111111"), bank_card("6222020000000000007")
    (False, True, False)
    """
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return bool(_ISSUERS.match(number)) and (sum(doubled) + sum(map(int, number[::-2]))) % 10 == 0


def _area(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return not re.match(r"0(?:10|2)", digits) or len(digits) >= 11


def _plate(plate: str) -> bool:
    return sum(character.isdigit() for character in plate) >= 2


def _always(_: str) -> bool:
    return True


_S = r"[ \t\-\ufe0f\u20e3]{0,3}"
_IS = r"(?:号码|号|码|是|为|[:= ]){0,4}"
_MOBILE = rf"1{_S}(?:3{_S}\d|4{_S}[014-9]|5{_S}[0-35-9]|6{_S}[24-7]|7{_S}[0-8]|8{_S}\d|9{_S}[0-35-9])"
_MOBILE_TIGHT = r"1(?:3\d|4[014-9]|5[0-35-9]|6[24-7]|7[0-8]|8\d|9[0-35-9])\d{8}"
_GAP = r"[ \-.·,，、]{1,2}"
_NO_UNIT = r"(?!\d|\.\d|{s}[万亿元吨])".format(s="[ ]?")
_WECHAT = r"(?:[微薇威徽v][ ]?[信❤]|wei信|weixin|wechat|vx|wx)"
_QQ = r"(?:q[ ]?q|扣扣|抠抠|球球|秋秋|企鹅)"
_QQ_NUMBER = rf"[1-9](?:{_S}\d){{4,10}}(?!\d)(?![ ]?[年月日元人])"
_LETTER = r"[A-HJ-NP-Z]"
_MAILERS = r"(?:qq|163|126|sina|gmail|outlook|foxmail|hotmail|139|189|yeah)"
_ORDER = re.compile(
    r"(?:(?:工单|订单|运单|快递|流水|受理|凭证|发票|票据|户|合同|案|文|批|序列|条形?|登记|单|编|工程|项目|学|考|准考证|报名|档案|表|证书"
    r"|设备|产权|回执|取件|物流|资产)(?:编号|号码|号|码)"
    r"|订单|工单|流水)(?:是|为|[:# ]){0,3}\d{0,4}$"
)


_ANYTHING = re.compile(rf"\d(?:{_S}\d){{3}}|[a-z0-9_-]{{5}}|@|\(at|\[at|[#*]| at |艾特", re.IGNORECASE)
"""Without any of these a text holds no identifier."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a kind is written, what proves it, whether it is searched with Chinese digits read as digits."""

    kind: str
    pattern: re.Pattern[str]
    proof: Callable[[str], bool] = _always
    chinese: bool = True
    doubtful: bool = False
    """Whether an order number may look the same."""


def _form(kind: str, pattern: str, proof: Callable[[str], bool] = _always, **options: bool) -> _Form:
    """Compile a form; the group `v` is what is found, tried at every place (a lookahead)."""
    return _Form(kind, re.compile(rf"(?={pattern})", re.IGNORECASE), proof, **options)


_FORMS = (
    _form("邮箱", r"(?<![a-z0-9._%+-])(?P<v>[a-z0-9._%+-]{1,64}[ ]?(?:@|\(at\)|\[at\]|艾特|(?<= )at(?= ))[ ]?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4})", chinese=False),
    _form("邮箱", rf"(?<![a-z0-9._%+-])(?P<v>[a-z0-9._%+-]{{1,64}}[ ]?[#*][ ]?{_MAILERS}\.(?:com|cn|net))", chinese=False),
    _form("身份证", rf"(?P<v>[1-9](?:{_S}\d){{16}}{_S}[\dx])", id_card),
    _form("身份证", rf"(?<!\d)(?P<v>[1-9](?:{_S}\d){{14}})(?!\d)", id_card, doubtful=True),
    _form("身份证", rf"身份(?:证件?|号){_IS}(?P<v>\d(?:{_S}[\d*]){{13,16}}{_S}[\dx*])(?!\d)"),
    _form("信用代码", r"(?<![0-9a-z])(?P<v>[1-9any][0-9a-z][ ]?\d{6}[ ]?[0-9a-z]{8}[ ]?[0-9a-z][ ]?[0-9a-z])(?![0-9a-z])", social_code, chinese=False),
    _form("信用代码", rf"信用代码{_IS}(?P<v>[0-9a-z]{{18}})(?![0-9a-z])", chinese=False),
    _form("银行卡", rf"(?<!\d)(?P<v>[2-9](?:{_S}\d){{14,18}})(?!\d)", bank_card, doubtful=True),
    _form("银行卡", rf"(?:银行卡|卡号|存折|银行[账帐][号户]|[账帐][号户]){_IS}(?P<v>\d(?:{_S}\d){{11,22}})(?!\d)"),
    _form("电话", rf"(?<!\d)(?P<v>(?:\(?(?:\+|00)86\)?{_S}|86{_S}|0)?{_MOBILE}(?:{_S}\d){{8}}){_NO_UNIT}", doubtful=True),
    _form("电话", rf"(?<!\d)(?P<v>{_MOBILE}{_GAP}\d{{4}}{_GAP}\d{{4}})(?!\d)", doubtful=True),
    _form("电话", rf"(?<![0-9a-z])\d{{1,4}}(?P<v>{_MOBILE_TIGHT})(?!\d|\.\d)", doubtful=True, chinese=False),
    _form("电话", rf"(?<![0-9a-z.])(?P<v>{_MOBILE_TIGHT})\d{{1,4}}(?!\d|\.\d)", doubtful=True, chinese=False),
    _form(
        "座机",
        r"(?<![\d.])(?P<v>(?:\+?86[ \-]?\(?0?|\(?0)(?:10|2[0-57-9]|[3-9]\d{2})\)?[ \-]{0,3}[2-8]\d{2,3}[ \-]?\d{4}"
        r"(?:(?:-|转|转分机)\d{1,6})?)(?!\d)",
        _area,
        doubtful=True,
    ),
    _form(
        "座机", rf"(?:电话|座机|致电|拨打|联系方式|固话|tel){_IS}(?P<v>[2-8]\d{{2,3}}[ \-]?\d{{4}}(?:(?:-|转)\d{{1,6}})?)(?![\d-])"
    ),
    _form("微信", rf"(?:{_WECHAT}(?:号|id)?|加我?[微薇威v])(?:号码|号|id|我|是|为|[:( ]){{0,4}}(?P<v>[a-z][a-z0-9_-]{{5,19}})(?![a-z0-9_-])", chinese=False),
    _form("微信", rf"(?:{_WECHAT}|卫星|加[v微薇威])[:号]?(?P<v>(?=[a-z_-]{{1,15}}[0-9])[a-z][a-z0-9_-]{{5,19}})(?![a-z0-9_-])", chinese=False),
    _form("微信", r"微信(?:号|我|是|为|[:( ]){1,4}(?P<v>[a-z][a-z0-9_-]{5,19})(?![a-z0-9_-])", chinese=False),
    _form("微信", rf"{_WECHAT}(?:号码|号|id|是|为|[:( ]){{0,4}}(?P<v>\d{{6,12}})(?!\d)(?![ ]?[步元年月人条个次])"),
    _form("QQ", rf"{_QQ}群?{_IS}(?P<v>{_QQ_NUMBER})"),
    _form("QQ", rf"{_QQ}[^0-9a-z，。；！？,;!?]{{0,8}}(?:叫|号|是|名|为|加)[:= ]?(?P<v>{_QQ_NUMBER})"),
    _form("QQ", rf"(?:(?<![a-z0-9])q|(?<![\u3400-\u9fff])扣)(?:号码?[:= ]{{0,2}}|[:=][ ]?)(?P<v>{_QQ_NUMBER})"),
    _form("QQ", rf"加我?q{_IS}(?P<v>{_QQ_NUMBER})"),
    _form("QQ", rf"(?<!\d)(?P<v>[1-9]\d{{4,10}})(?!\d)(?=(?:这个|是我的?|就是我?的?|的)?{_QQ})"),
    _form(
        "车牌",
        rf"(?P<v>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]{_LETTER}[·•.\- ]?"
        rf"(?:[A-HJ-NP-Z0-9]{{5,6}}|[A-HJ-NP-Z0-9]{{4}}[挂学警港澳领]))(?![A-Z0-9])",
        _plate,
        chinese=False,
    ),
)  # fmt: skip


def canonical(kind: str, value: str) -> str:
    """Return what all spellings of a value share: a telephone number's digits, a name without spaces.

    Examples
    --------
    >>> canonical("电话", "+86 １３８-0013-8000") == canonical("电话", "幺三八零零幺三八零零零")
    True
    """
    seen = plain(value).casefold()
    if kind in ("电话", "座机", "身份证", "银行卡", "QQ"):
        digits = re.sub(r"[^0-9x*]", "", seen.translate(_HAN_DIGITS))
        return digits[-11:] if kind == "电话" else digits
    return re.sub(r"[^\w@.]", "", seen)


def digits_of(seen: str) -> str:
    """Return a text after `plain` with Chinese digits as digits, as long as before.

    Examples
    --------
    >>> digits_of("幺三八零零")
    '13800'
    """
    return seen.translate(_HAN_DIGITS)


_STOPS = "。！？；!?;"
_STOP = re.compile(f"[{_STOPS}]")


def numbers(seen: str) -> Iterator[Found]:
    """Yield what looks and proves like an identifier, the surest kinds first; overlaps are the caller's.

    Parameters
    ----------
    seen : str
        A text after `plain`.

    Examples
    --------
    >>> {found.kind for found in numbers("电话0731-88661234，工单号13800138000，打12345")}
    {'座机'}
    """
    digits = digits_of(seen)
    for first, last in sentences(digits, _ANYTHING):
        for form in _FORMS:
            for text in (seen, digits) if form.chinese else (seen,):  # 13800138000一个月: 一 is not its twelfth digit
                for match in form.pattern.finditer(text, first, last):
                    start, end = match.span("v")
                    if _proved(form, text, start, end):
                        yield Found(form.kind, start, end)


def sentences(seen: str, sign: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where sentences begin and end in which a sign stands: the costly patterns look there only.

    Examples
    --------
    >>> list(sentences("路不平。打12345！没人接", re.compile("[0-9]")))
    [(4, 11)]
    """
    end = 0
    for match in sign.finditer(seen):
        if match.end() > end:
            start = max(seen.rfind(mark, 0, match.start()) for mark in _STOPS) + 1
            stop = _STOP.search(seen, match.end())
            end = stop.end() if stop else len(seen)
            yield start, end


def _proved(form: _Form, text: str, start: int, end: int) -> bool:
    value = text[start:end]
    if form.doubtful and _ORDER.search(text, max(0, start - 12), start):
        return False
    if form.kind in ("身份证", "银行卡", "信用代码") and form.proof is not _always:
        value = re.sub(r"[^0-9A-Za-z]", "", value)
    return not _dated(value) and form.proof(value)


def _dated(value: str) -> bool:
    """Tell whether digits in groups begin with a date: 1991-05-20 150."""
    return bool(re.match(r"19\d\d[-.]\d{1,2}[-.]\d{1,2}[ \-.]", value))
