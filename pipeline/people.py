"""Names after titles and cues, and detailed addresses.

A name is a surname of `lexicons/personal.csv`, one or two more characters, and something beside it that introduces a
name. Sure cues (我叫…, 姓名：…) suffice; after hints (村民…, 我是…) the words around must fit too: the name begins and
ends where words do and does not begin with a word of jieba's dictionary (高中, 方便). 张书记, 老王, 王某某 stay: a surname
and an office point to nobody outside the place, and 某 is masked already.

An address is masked from its road, estate or village on; province, city and district stay, for the analysis.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from pipeline.identifiers import Found, sentences
from pipeline.resources import shipped
from pipeline.segment import Segmenter

__all__ = ["addresses", "is_name", "names"]

_NO_NAME = "的了是在我你您他她它们这那哪谁有没不就都也还又去来把被给让跟从到着过吗呢吧啊呀嘛某啥么什个些很太最更得哩再已会能要想说讲叫问找看做办"
_GIVEN = rf"(?:(?![{_NO_NAME}])[\u3400-\u9fff])"
_PLACES = "家氏街镇村县区市局站委所院队组校部处"
_N = r"[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁]{1,6}"
_UNIT = r"(?:号楼|号院|号|栋|幢|座|单元|门|室|层|楼|户|弄|组|队|房|#楼?)"
_REST = rf"(?:[ ,，\-]?{_N}{_UNIT}){{0,5}}(?:[ \-]?[0-9]{{1,4}}(?:-[0-9]{{1,4}}){{0,3}}(?![0-9年月日元万个户人点多%]))?(?:附[0-9]{{1,3}}号?)?(?:[东西南北中]户)?"
_HAN_ROOM = r"[一二三四五六七八九零〇]{3,4}(?![一二三四五六七八九零〇十百千万])[室号]?"
_PLACE = r"(?:(?![请到在住于从是的了这那条修去我你他每及与对把被给往沿位就都还也没不本全各该某省市区县镇乡])[\u3400-\u9fffA-Za-z])"
_NOT_THERE = r"(?![线路公文井桥坝机塘库开]|地块|上午|下午|晚上|早上|那天|当天|以前|之前|以后|之后|左右|前|后)"
_ESTATE = r"(?:小区|花园|家园|公寓|新村|社区|大厦|广场|苑|园|府|里|城|湾|庭|院|居|轩|邸|郡|峰|庄|期)"
_NAMED = rf"(?:{_PLACE}{{1,8}}(?:小区|社区|园区|新村))?{_PLACE}{{0,8}}"
_ADDRESS = re.compile(
    rf"(?P<road>{_PLACE}{{1,6}}(?:路|大街|街|大道|巷|胡同)(?:[东西南北中]?[一二三四五六七八九十]?段)?[ ]?"
    rf"{_N}(?:-[0-9]{{1,4}})?[ ]?(?:号楼|号院|号|#|(?<=[0-9])弄)(?:附{_N}号)?{_NOT_THERE}(?:(?:附近|旁)?{_NAMED}(?:{_N}期)?{_NAMED}{_N}(?:号楼|栋|幢|座|单元|室|层){_REST}|{_REST}))"
    rf"|(?P<flat>{_NAMED}[0-9A-Za-z一二三四五六七八九十]{{1,4}}(?:号楼|栋|幢|(?<=[0-9A-Za-z])座|#楼?)[ ,，\-]?"
    rf"(?:{_N}(?:单元|门)(?:{_HAN_ROOM}|{_REST})|{_N}(?:室|号房|房|号){_REST}|[0-9]{{1,2}}-[0-9]{{3,4}}|[0-9]{{3,4}}(?![0-9年月日元万千个户人多%])"
    rf"|[0-9]{{1,2}}[A-Z](?![A-Za-z0-9])))"
    rf"|(?P<short>{_PLACE}{{1,8}}{_ESTATE}(?:[东西南北中一二三四五六七八九十A-Z][区期])?(?:{_N}号院)?"
    rf"(?:[0-9]{{1,3}}-[0-9]{{1,2}}-[0-9]{{2,4}}|[0-9]{{1,2}}-[0-9]{{3,4}})(?![-0-9年月日元万个户人多%])|{_PLACE}{{1,8}}(?:院|宿舍|小区|新村){_N}排{_N}号)"
    rf"|(?P<stair>[0-9一二三四五六七八九十]{{1,2}}单元(?:[0-9]{{3,4}}(?![0-9年月日元万个户人多%])室?|{_HAN_ROOM}))"
    rf"|(?P<village>{_PLACE}{{1,6}}(?:村委会|村|屯|寨|庄|社区|湾|坪|冲)(?:{_PLACE}{{0,4}}?第?{_N}(?:村民小组|组|队|社|屯)|{_PLACE}{{1,4}}组|[东西南北中]头?)?{_N}号{_NOT_THERE}{_REST})"
    rf"|(?:地址|住址|户籍地|居住地|现住)(?:是|为)?[:][ ]?(?P<said>[\u3400-\u9fff0-9A-Za-z#\-]{{5,40}})"
)
_SIGNED = r"(?:此致)?敬礼[!！。 \n]{0,4}|(?:落款|署名)[:： ]{1,2}"
_CLOSED = (
    r"(?:此致|敬礼|重视|解决|处理|盼复|盼回复|回复|答复|反映|谢谢您?|感谢|属实|拜托|拜谢|敬上|支持|关注|为盼|为谢)[了!！。,， \n]{0,3}"
    r"(?:[!！。 \n]|-{1,2})[ \n]*"
)
_ENDED = r"(?=[ ，,。!\n]{0,3}(?:敬上|呈上|手机|电话|联系|微信|[12][09]\d\d|\d{1,2}月|[一二三四五六七八九十]{1,3}月|1[3-9]\d{9}|$))"
_BEFORE_NUMBER = r"(?=[ ]?[（(，,：: ]{1,2}(?:电话|手机|联系电话|身份证|联系方式)?[：: ]?(?:1[3-9][0-9 -]{9,12}|0[0-9]{2,3}-?[0-9]{7,8}|[1-9][0-9]{16}[0-9Xx]))"


_HAN = re.compile(r"[\u3400-\u9fff]*")


class _Cues(NamedTuple):
    sure: re.Pattern[str]
    hinted: re.Pattern[str]
    titled: re.Pattern[str]
    alone: re.Pattern[str]
    evident: re.Pattern[str]
    listed: re.Pattern[str]
    first: re.Pattern[str]
    then: re.Pattern[str]
    surnames: frozenset[str]
    plain: frozenset[str]
    doubtful: frozenset[str]
    long_surnames: frozenset[str]
    titles: frozenset[str]
    no_names: frozenset[str]


def _lists() -> dict[str, str]:
    with shipped("lexicons/personal.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["kind"]: row["words"].split("；") for row in csv.DictReader(file)}
    return {kind: "|".join(sorted(map(re.escape, words), key=lambda w: (-len(w), w))) for kind, words in rows.items()}


@cache
def _cues() -> _Cues:
    lists = _lists()
    name = rf"(?P<name>(?:{lists['surname_long']}){_GIVEN}{{1,2}}|(?:{lists['surname']}){_GIVEN}{{1,2}})"
    full = rf"(?P<name>(?:{lists['surname_long']}){_GIVEN}{{1,2}}|(?:{lists['surname']}){_GIVEN}{{2}}|(?:{lists['surname']}){_GIVEN})"
    dotted = r"(?P<dotted>[\u3400-\u9fff]{2,8}[·•][\u3400-\u9fff]{2,6})"
    who = rf"我是[^，。！？；,!?;]{{2,14}}?(?:的|{lists['before']})"
    field = rf"(?:{lists['field']})[ ]?(?:[:：][ ]?|是|为|叫|【|\[)"
    return _Cues(
        re.compile(
            rf"(?=(?:(?:{lists['introduces']})[:： ]?|{field}|{_SIGNED})(?:{dotted}|{name})"
            rf"|(?<![\u3400-\u9fff]){name.replace('name', 'sexed')}(?=[,，、 ][ ]?[男女][,，、。 ]))"
        ),
        re.compile(rf"(?=(?:{lists['before']}|(?P<hint>{lists['hints']})|{who})[ ]?(?:{dotted}|{name}))"),
        re.compile(rf"(?={full}(?:{lists['after']}))"),
        re.compile(rf"{name}|{dotted}"),
        re.compile(
            rf"(?=(?:{_CLOSED}{full}{_ENDED}|(?<![\u3400-\u9fff]){full.replace('name', 'beside')}{_BEFORE_NUMBER}))"
        ),
        re.compile(rf"(?=[、和与及跟]{full})"),
        re.compile(rf"(?={full}、(?:{lists['surname']}){_GIVEN}{{2}}(?:、|等|[两二三四五六]))"),
        re.compile(lists["then"]),
        *(
            frozenset(lists[kind].split("|"))
            for kind in ("surname", "surname_plain", "surname_doubtful", "surname_long", "after", "no_name")
        ),
    )


@cache
def _words_with_surnames() -> frozenset[str]:
    """Return the words of two characters in jieba's dictionary that begin with a surname and are no names."""
    import jieba

    surnames = _cues().surnames
    with jieba.dt.get_dict_file() as file:
        rows = (line.decode("utf-8").split() for line in file)
        return frozenset(row[0] for row in rows if _common(row[0], int(row[1]), row[-1], surnames))


def _common(word: str, freq: int, tag: str, surnames: frozenset[str]) -> bool:
    known = len(word) == 2 and word[0] in surnames and word not in _cues().long_surnames
    return known and freq >= 20 and tag[:2] != "nr"


@cache
def _segmenter() -> Segmenter:
    return Segmenter()


def names(seen: str) -> Iterator[Found]:
    """Yield the full names in a text after `pipeline.identifiers.plain`.

    Examples
    --------
    >>> text = "我叫张三，村民李秀英说张书记、王某某都来过"
    >>> [text[found.start : found.end] for found in names(text)]
    ['张三', '李秀英']
    """
    cues = _cues()
    spans = [_trimmed(seen, *match.span(match.lastgroup or "name")) for match in cues.sure.finditer(seen)]
    hinted = [(_span(seen, match), bool(match["hint"])) for match in cues.hinted.finditer(seen)]
    spans += [span for span, hint in hinted if _fits(seen, *span, strict=hint)]
    titled = [match.span("name") for pattern in (cues.titled, cues.first) for match in pattern.finditer(seen)]
    spans += [(start, end) for start, end in titled if _ends_a_word(seen, start, end, _run_before(seen, start))]
    evident = [match.span(match.lastgroup or "name") for match in cues.evident.finditer(seen)]
    spans += [(start, end) for start, end in evident if _likely(seen[start:end], strict=False)]
    spans += _listed(seen, spans)
    spans += _again(seen, {seen[start:end] for start, end in spans if end - start > 2})
    yield from (Found("姓名", start, end) for start, end in sorted(set(spans)) if end - start > 1)


def _span(seen: str, match: re.Match[str]) -> tuple[int, int]:
    return match.span("dotted") if match["dotted"] else _trimmed(seen, *match.span("name"))


def _fits(seen: str, start: int, end: int, *, strict: bool) -> bool:
    """Tell whether a name behind a title or hint fits in its sentence."""
    if "·" in seen[start:end] or "•" in seen[start:end]:
        return True
    followed = end - start > 2 or _then(seen, end)
    return followed and _ends_a_word(seen, start, end, start, strict=strict or end - start > 2)


def _listed(seen: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the names that follow others in a list: 张三、李四、王五."""
    ends, found = {end for _, end in spans}, []
    for match in _cues().listed.finditer(seen):
        start, end = match.span("name")
        if match.start() in ends and _likely(seen[start:end], strict=False):
            found.append((start, end))
            ends.add(end)
    return found


def _trimmed(seen: str, start: int, end: int) -> tuple[int, int]:
    """Cut the last character off where it begins the next word: 张三今(年)."""
    tail = end - 1
    if end - start == 3 and "·" not in seen[start:end] and _cues().then.match(seen, tail, end + 2):
        following = _cues().then.match(seen, tail, end + 2)
        if following and (following.end() > end or seen[tail] in "是的在有我和跟与及等也就又还都"):
            return start, tail
    return start, end


def _then(seen: str, end: int) -> bool:
    return not re.match(r"[\u3400-\u9fffA-Za-z0-9]", seen[end : end + 1]) or bool(_cues().then.match(seen, end))


def _likely(name: str, *, strict: bool = True) -> bool:
    """Tell whether a name is no surname with a title (王大夫), no place and no common word.

    With two characters (高翔) it must have a surname that is no other word, unless `strict` is False.
    """
    cues = _cues()
    if name[1:] in cues.titles or name[-1] in _PLACES or name[:2] in cues.no_names:
        return False
    if name[:2] in _words_with_surnames() or (name[0] in cues.doubtful and (strict or len(name) == 2)):
        return False
    return len(name) > 2 or not strict or name[0] in cues.plain


def is_name(text: str) -> bool:
    """Tell whether a text that stands alone (a label, a cell) is a full name and nothing else.

    Examples
    --------
    >>> [is_name(text) for text in ("张伟", "欧阳慧", "古丽娜尔·吐尔逊", "王主任", "高中", "柳塘村")]
    [True, True, True, False, False, False]
    """
    match = _cues().alone.fullmatch(text)
    return bool(match and (match["dotted"] or _likely(text)))


def _ends_a_word(seen: str, start: int, end: int, first: int, *, strict: bool = True) -> bool:
    """Tell whether a likely name begins and ends where words do, in the run of Han characters from `first` on."""
    if not _likely(seen[start:end], strict=strict) or seen[max(0, start - 1) : start + 1] == "师傅":
        return False
    after = _HAN.match(seen, end, end + 6)
    ends, place = {first}, first
    for word in _segmenter().cut(seen[first : after.end() if after else end]):
        place += len(word)
        ends.add(place)
    return start in ends and end in ends


def _run_before(seen: str, start: int) -> int:
    """Return where the run of Han characters before `start` begins, eight characters back at most."""
    first = start
    while first > max(0, start - 8) and _HAN.fullmatch(seen, first - 1, start):
        first -= 1
    return first


def _again(seen: str, known: set[str]) -> list[tuple[int, int]]:
    """Return where names of three and more characters stand again, without any cue."""
    if not known:
        return []
    pattern = re.compile("|".join(sorted(map(re.escape, known), key=lambda name: (-len(name), name))))
    return [match.span() for match in pattern.finditer(seen)]


_DETAIL = re.compile(
    r"[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁][ ]?(?:号|栋|幢|座|单元|门|室|层|楼|户|弄|组|队|房|社|#|-[0-9]|期)|住址|地址|住在|家住"
)
"""What every detailed address holds."""


def addresses(seen: str) -> Iterator[Found]:
    """Yield the detailed addresses in a text after `pipeline.identifiers.plain`: down to a house or a flat.

    Examples
    --------
    >>> text = "我住岳麓区滨江路12号3栋2单元501室，楼下是5号线，柳塘村三组12号没水"
    >>> [text[found.start : found.end] for found in addresses(text)]
    ['滨江路12号3栋2单元501室', '柳塘村三组12号']
    """
    for first, last in sentences(seen, _DETAIL):
        for match in _ADDRESS.finditer(seen, first, last):
            start, end = match.span(match.lastgroup or 0)
            if match.lastgroup != "said" or re.search(r"[0-9一二三四五六七八九十]", match["said"]):
                yield Found("地址", start, end)
