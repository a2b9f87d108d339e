"""Units: sentences with offsets, nothing torn, nothing lost."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalise import normalise
from pipeline.split import UNIT_LIMIT, split, whole

PIECES = [*list("路灯不亮要修，。！？；…“”「」（）()1.2、一二是①：:\n\r\t \u3000ab?!;~h"), "https://a.cn/?b;c"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
LONG = st.lists(
    st.sampled_from(["长句子没有标点", "，", "“甲", "乙。”", "（", "）", " ", "。", "还有很多话要说" * 9]),
    min_size=20,
    max_size=60,
).map("".join)


def units(text: str) -> list[str]:
    return [text[start:end] for start, end, _ in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("路灯不亮。没人修！怎么办？", ["路灯不亮。", "没人修！", "怎么办？"]),
        ("还管不管？！真急人！！！", ["还管不管？！", "真急人！！！"]),
        ("他说“材料不全。明天再来。”就关了窗", ["他说“材料不全。明天再来。”", "就关了窗"]),
        ("喊着“冲啊！”的口号", ["喊着“冲啊！”的口号"]),
        ("「没人管。」大家都这么说", ["「没人管。」", "大家都这么说"]),
        ("收了1.5万，涨到2.3倍。", ["收了1.5万，涨到2.3倍。"]),
        ("我不知道……反正没人来", ["我不知道……反正没人来"]),
        ("主要问题：一是人少，二是钱少；三是事多。", ["主要问题：", "一是人少，", "二是钱少；", "三是事多。"]),
        ("统一是好事，是否要办再说", ["统一是好事，是否要办再说"]),
        ("诉求：1.修路2、装灯", ["诉求：", "1.修路2、装灯"]),
        ("诉求：1.修路，2.装灯", ["诉求：", "1.修路，", "2.装灯"]),
        ("楼板1、2、3层裂了", ["楼板1、2、3层裂了"]),
        ("要求①修路②装灯", ["要求", "①修路", "②装灯"]),
        ("(一)作风不实\n(二)办事慢", ["(一)作风不实", "(二)办事慢"]),
        ("看 https://a.cn/x?y=1;z 就知道。好", ["看 https://a.cn/x?y=1;z 就知道。", "好"]),
        ("\n\t\t 你好！ \n\n", ["你好！"]),
        ("。。。——！", []),
        ("👍👍", ["👍👍"]),
        ("", []),
    ],
)
def test_units_are_sentences(text, expected):
    assert units(normalise(text)) == expected


@given(TEXTS | st.text(max_size=80) | LONG)
def test_every_character_is_in_a_unit_or_in_a_gap_of_space_and_punctuation(source):
    text = normalise(source)
    place = 0
    for start, end, _ in split(text):
        assert place <= start < end <= len(text)
        assert_gap(text[place:start])
        place = end
    assert_gap(text[place:])


def assert_gap(gap: str) -> None:
    assert all(unicodedata.category(char)[0] in "ZPSCM" or char.isspace() for char in gap), gap


@given(TEXTS | LONG)
def test_splitting_a_unit_changes_nothing(text):
    for unit in units(text):
        assert units(unit) == [unit]


@given(LONG)
def test_no_unit_is_longer_than_the_limit(text):
    spans = split(text)
    assert all(span.end - span.start <= UNIT_LIMIT for span in spans)


def test_a_long_sentence_is_cut_behind_a_comma_and_flagged():
    text = "我要说的事情很多" * 30 + "，" + "还没说完" * 40
    first, *_, last = split(text)
    assert first.cut
    assert text[first.end - 1] == "，"
    assert not last.cut


def test_whole_response_as_one_unit():
    assert whole(" 路不好。没人修。\n") == [(1, 9, False)]
    assert whole("……") == []


def test_units_agree_with_sentences_cut_by_careful_people():
    """Real sentences: at least 97 % of those labelled by hand are units here too (where no enumerator stands inside)."""
    path = Path(__file__).parents[2] / "shared" / "data" / "message_units.jsonl"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    same = sum(units(normalise(row["text"])) == [normalise(row["text"])] for row in rows)
    assert same / len(rows) >= 0.97
