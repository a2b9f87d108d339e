"""Terms, cues and their scope, shown on sentences written for each construction."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch import Batch
from pipeline.codebook import Category, Codebook, load
from pipeline.cuecoder import CueCoder
from pipeline.cues import CueFinder, no_content
from pipeline.normalise import normalise
from pipeline.records import CODING_SCHEMA, STATEMENTS
from pipeline.scope import cues

FINDER = CueFinder(load())


def said(text: str) -> str:
    return FINDER.statement(FINDER.mentions(text), text)[0]


def scopes(text: str) -> dict[str, str]:
    return {mention.term: mention.scope for mention in FINDER.mentions(text) if mention.category}


CONSTRUCTIONS = {
    "negation is no problem": (
        {"neutral", "praise"},
        [
            "没有推诿扯皮",
            "我们这里没有形式主义的问题。",
            "没有发现吃拿卡要的情况",
            "办事时没碰到踢皮球",
            "从没听说过优亲厚友",
            "窗口并未推诿",
            "没有推诿、扯皮和刁难",
            "无推诿扯皮现象",
            "推诿扯皮的情况没有",
            "街道没有哪个部门跟我踢皮球",
        ],
    ),
    "denied good is a problem": (
        {"problem"},
        [
            "窗口没有及时处理",
            "反映半年也没有解决",
            "大家对这个结果不满意",
            "小区没有停车位",
            "村里没有路灯",
            "这办法不管用",
            "账目从不公开",
            "新系统不方便",
            "说好的补贴没有兑现",
            "问题迟迟未整改",
        ],
    ),
    "double negation asserts": (
        {"problem"},
        [
            "不是没有推诿",
            "也不是没有走过场的时候",
            "并非没有扯皮",
            "不能说没有形式主义",
            "推诿现象在所难免，谁都见过",
            "没有哪个不扯皮",
        ],
    ),
    "words with a negative that deny nothing": (
        {"problem"},
        [
            "不仅推诿还骂人",
            "不但扯皮，还乱收费",
            "不得不一趟趟跑，天天排长队",
            "层层加码不断",
            "不少干部走过场",
            "没想到还是踢皮球",
            "无论找谁都推诿",
            "不管去哪个窗口都踢皮球",
            "不料又被推诿",
            "非常形式主义",
            "莫名其妙就被踢皮球",
        ],
    ),
    "improvement": (
        {"praise"},
        [
            "不再推诿了",
            "推诿扯皮的现象没有了",
            "踢皮球的少了",
            "走过场的检查明显减少",
            "吃拿卡要基本没有了",
            "停车难解决了",
            "扰民问题得到解决",
            "已经没有人推诿了",
            "烂尾楼的问题已经解决",
            "现在不存在推诿扯皮",
            "防止了走过场",
            "村里已杜绝大操大办",
        ],
    ),
    "improvement denied": (
        {"problem"},
        ["停车难一直没有解决", "噪音扰民没有改善", "积水问题至今未得到解决", "情况没有好转"],
    ),
    "avoidance": (
        {"suggestion"},
        [
            "防止走过场",
            "防止搞形式主义、走过场",
            "避免层层加码",
            "坚决杜绝吃拿卡要",
            "力戒形式主义",
            "严禁优亲厚友",
            "切忌一刀切",
            "不要再推诿了",
            "别光念稿子",
            "干部不能走过场",
            "反对铺张浪费",
            "不搞一刀切",
        ],
    ),
    "hypothesis": (
        {"neutral", "suggestion"},
        ["如果出现推诿扯皮", "要是遇到吃拿卡要的话", "一旦发现形式主义", "假如有人走过场"],
    ),
    "rhetorical question": (
        {"problem"},
        [
            "难道群众就该跑断腿？",
            "凭什么我家没有低保？",
            "这样的路怎么能走？",
            "三年了还没人管吗？",
            "出了事谁来管？",
            "为什么还没有人来修？",
            "到底谁管这条路？",
            "装个牌子有什么用？",
            "何时才是个头？",
        ],
    ),
    "plain question": (
        {"neutral"},
        [
            "请问何时办理居住证？",
            "请问低保申请需要什么材料？",
            "我这种情况是否可以享受医保报销？",
            "公积金如何提取？",
            "想咨询一下学区怎么划分",
            "地铁什么时候开通？",
            "您觉得窗口服务怎么样？",
        ],
    ),
    "request as main clause": (
        {"suggestion"},
        [
            "建议取消两边停车",
            "希望多开两个窗口",
            "请求环保局检查此厂",
            "恳请领导关注",
            "望尽快落实",
            "呼吁减少填表",
            "请相关部门核查处理。",
            "期待早日通车",
            "应当建立回访制度",
            "要多下来听听老百姓的话",
            "干部要多听意见",
            "必须严查吃拿卡要",
        ],
    ),
    "general call behind a concrete fault": (
        {"problem"},
        [
            "自来水不干净，请政府解决",
            "楼下烧烤摊天天扰民，望重视",
            "工资拖欠半年，请严查",
            "夜里施工吵得睡不着，恳请有关部门处理",
        ],
    ),
    "measure behind a fault": (
        {"suggestion"},
        [
            "路口太堵，建议增设红绿灯",
            "上班挤不上车，希望增加班次",
            "人手不够，建议增加编制",
            "排队太久，能否多开一个窗口",
        ],
    ),
    "verb first": (
        {"suggestion"},
        ["建立健全考核机制。", "加强业务培训。", "一是完善信访接待制度。", "(二)畅通反映渠道。", "简化办事流程"],
    ),
    "verb with a mark of the past": (
        {"praise"},
        ["建立了民情台账。", "完善了考核制度，成效明显。", "近年来，深入开展入户走访，群众满意。", "已形成长效机制。"],
    ),
    "diagnosis": (
        {"problem"},
        ["业务水平有待提高。", "考核机制亟需完善。", "办事流程需要改进。", "监督机制还不完善。", "执法力度不够。"],
    ),
    "contrast": (
        {"problem"},
        ["态度很好，就是办得慢", "快是快，就是材料要得太多", "流程简化了，但还是要跑三趟", "服务不错，只是窗口太少"],
    ),
    "contrast to the good": (
        {"praise"},
        ["以前排长队，但现在很方便", "开头有点乱，不过后来很满意"],
    ),
    "past and now": (
        {"praise"},
        ["以前要跑三趟，现在一次办好", "过去推诿扯皮，如今马上就办", "从前排长队，现在方便多了"],
    ),
    "better and worse": ({"problem"}, ["服务越来越差", "现在路越来越堵", "不如以前方便，太麻烦"]),
    "better": ({"praise"}, ["服务越来越好", "比以前方便多了", "路修好了，大家都满意"]),
    "praise": (
        {"praise"},
        ["窗口态度好，办得快多了", "深受群众欢迎，得到一致好评", "干部很热心", "不用跑腿，手机上就能办，真方便"],
    ),
    "neutral": (
        {"neutral"},
        [
            "尊敬的领导：您好！",
            "我是一名退休工人",
            "此致敬礼！",
            "调研组发放问卷500份。",
            "我家四口人，住在镇上",
            "存在的主要问题",
            "无",
            "没有意见",
            "不清楚。",
        ],
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(text, right, id=f"{name}: {text}")
        for name, (right, texts) in CONSTRUCTIONS.items()
        for text in texts
    ],
)
def test_statement_of_constructions(text: str, expected: set[str]) -> None:
    assert said(text) in expected


@pytest.mark.parametrize(
    ("text", "term", "scope"),
    [
        ("没有推诿扯皮", "推诿扯皮", "negated"),
        ("没有推诿、刁难和吃拿卡要", "吃拿卡要", "negated"),
        ("不推诿不扯皮", "扯皮", "negated"),
        ("没有解决停车难", "停车难", "asserted"),
        ("没有推诿，但是走过场", "走过场", "asserted"),
        ("没有人管，噪音扰民严重", "噪音扰民", "asserted"),
        ("防止走过场", "走过场", "avoided"),
        ("不要再推诿了", "推诿", "avoided"),
        ("着力解决停车难", "停车难", "avoided"),
        ("不再推诿了", "推诿", "improved"),
        ("走过场的少了", "走过场", "improved"),
        ("以前推诿扯皮，现在马上就办，很满意", "推诿扯皮", "improved"),
        ("如果推诿扯皮", "推诿扯皮", "hypothetical"),
        ("有没有吃拿卡要？", "吃拿卡要", "asked"),
        ("不仅推诿还骂人", "推诿", "asserted"),
        ("不是没有推诿", "推诿", "asserted"),
    ],
)
def test_scope_of_terms(text: str, term: str, scope: str) -> None:
    assert scopes(text)[term] == scope


def test_longest_word_wins() -> None:
    found = [(mention.term, mention.kind) for mention in FINDER.mentions("办事很不方便")]
    assert not any(term == "方便" for term, _ in found)
    assert sum("不方便" in term for term, _ in found) == 1


def test_excluded_words_hide_their_parts() -> None:
    assert scopes("活动形式多样") == {}
    assert "官网" not in scopes("请上官网查")


def test_a_slogan_of_four_winds_names_four_categories() -> None:
    found = {mention.category for mention in FINDER.mentions("四风问题突出")}
    assert {"formalism", "bureaucratism", "hedonism", "extravagance"} <= found


def test_each_cue_has_one_kind_and_matches_normalised_text() -> None:
    assert all(cue == normalise(cue).strip() for cue in cues())
    assert not set(cues().values()) - set(FINDER.signal_names) - {"guard"}


@pytest.mark.parametrize("text", ["无", "没有。", " 暂无 ", "——", "N/A", "不清楚！", ""])
def test_answers_without_content(text: str) -> None:
    assert no_content(text)
    assert said(text) == "neutral"


@pytest.mark.parametrize("text", ["没有路灯", "无人管", "没有意见箱", "不清楚找谁办"])
def test_short_answers_with_content(text: str) -> None:
    assert not no_content(text)


def test_signals_are_named_and_see_position() -> None:
    text = "建议取消两边停车，路太窄了？"
    signals = FINDER.read(Batch([text])).signals_of(0)
    assert set(signals) <= set(FINDER.signal_names)
    assert {"request:first", "end:?"} <= set(signals)
    assert len(FINDER.signal_names) < 150


def test_coder_gives_evidence_with_offsets() -> None:
    units = ["没有推诿扯皮", "人手不够，经费紧张，请领导重视", "今天下雨"]
    table = CueCoder().code_units(units)
    assert table.schema == CODING_SCHEMA
    rows = table.to_pylist()
    assert [row["categories"] for row in rows] == [["bureaucratism"], ["resources"], []]
    assert rows[0]["evidence"][0]["how"] == "negated"
    for unit, row in zip(units, rows, strict=True):
        assert all(unit[item["start"] : item["end"]] == item["term"] for item in row["evidence"])


def test_own_codebook_is_used() -> None:
    book = Codebook((Category("bike", "单车", terms=("乱停单车",), topics=("单车",), not_terms=("单车道",)),))
    finder = CueFinder(book)
    found = [(m.term, m.kind, m.category) for m in finder.mentions("单车道上乱停单车，单车多") if m.category]
    assert found == [("乱停单车", "term", "bike"), ("单车", "topic", "bike")]
    assert CueCoder(book).fingerprint != CueCoder().fingerprint


def test_codebook_without_words_is_used() -> None:
    assert CueCoder(Codebook((Category("a", "甲"),))).code_units(["推诿扯皮"]).num_rows == 1


PIECES = st.sampled_from(
    [*list(cues())[::7], *load().categories[0].terms[:40], "，", "。", "、", "了", "我", " ", "\n"]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_is_coded_and_offsets_fit(text: str) -> None:
    mentions = FINDER.mentions(text)
    assert all(text[m.start : m.end] == m.term and m.term for m in mentions)
    assert [m.start for m in mentions] == sorted(m.start for m in mentions)
    statement, deciding = FINDER.statement(mentions, text)
    assert statement in STATEMENTS
    assert set(deciding) <= set(mentions)
    assert set(FINDER.read(Batch([text])).signals_of(0)) <= set(FINDER.signal_names)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_mentions_of_a_group_do_not_overlap(text: str) -> None:
    mentions = FINDER.mentions(text)
    for group in (True, False):
        spans = sorted({(m.start, m.end) for m in mentions if (m.category is None) == group})
        assert all(left[1] <= right[0] for left, right in pairwise(spans))
