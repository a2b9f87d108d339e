from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.redact import Redactor, find, moved

DATA = Path(__file__).parents[1] / "data"
PIECES = [
    "我叫", "张三", "李小红", "村民", "王建国", "书记", "姓名：", "电话", "１３８ ００１３ ８０００", "幺三八零零幺三八零零零",
    "0731-88661234", "转", "11010519491231002X", "身份证", "91350100M000100Y43", "4111 1111 1111 1111", "卡号", "湘A12345",
    "a@qq.com", "微信号", "abc_123456", "QQ", "123456", "滨江路12号", "3栋2单元501室", "柳塘村", "三组", "12号", "地址：",
    "[电话1]", "[", "]", "，", "。", " ", "\n", "-", "7", "X", "工单号", "\u200b", "元", "今年",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40)


def kinds(text: str) -> list[tuple[str, str]]:
    return [(found.kind, text[found.start : found.end]) for found in find(text)]


def labelled() -> list[tuple[str, Counter[tuple[str, str]]]]:
    with (DATA / "test" / "personal_rules.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    split = [[piece.partition("=") for piece in row["personal"].split("；") if piece] for row in rows]
    return [
        (row["text"], Counter((kind, value) for kind, _, value in pieces))
        for row, pieces in zip(rows, split, strict=True)
    ]


def test_recall_and_precision_on_the_test_set() -> None:
    wanted, hit, extra = Counter[str](), Counter[str](), Counter[str]()
    for text, want in labelled():
        got = Counter(kinds(text))
        wanted.update(kind for kind, _ in want.elements())
        hit.update(kind for kind, _ in (want & got).elements())
        extra.update(kind for kind, _ in (got - want).elements())
    assert len(wanted) == 11
    assert {kind: hit[kind] / count for kind, count in wanted.items() if hit[kind] / count < 0.95} == {}
    assert sum(extra.values()) <= 0.02 * sum(wanted.values())


def test_clean_sentences_stay() -> None:
    clean = [text for text, want in labelled() if not want]
    assert len(clean) >= 100
    assert [text for text in clean if find(text)] == []


@pytest.mark.parametrize("half", ["repair", "published"])
def test_recall_on_the_test_set_that_is_published(half: str) -> None:
    with (DATA / "test" / "personal.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["half"] == half]
    clean = [row["text"] for row in rows if not row["personal"]]
    assert len(clean) > 300
    assert sum(bool(find(text)) for text in clean) <= 0.01 * len(clean)
    planted = [(row["text"], piece.partition("=")[2]) for row in rows for piece in row["personal"].split("；") if piece]
    assert len(planted) > 250
    kept = [value for text, value in planted if value in Redactor()(text)]
    assert len(kept) <= {"repair": 0, "published": 0.06 * len(planted)}[half]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("工号8813800138000转接", "工号88[电话1]转接"),
        ("编号A11010519491231002XB", "编号A[身份证1]B"),
        ("路灯坏了。此致 王小明", "路灯坏了。此致 [姓名1]"),
        ("望领导重视！高翔", "望领导重视！[姓名1]"),
        ("落款：王小明", "落款：[姓名1]"),
        ("我是翠湖小区的张伟，楼下太吵", "我是翠湖小区的[姓名1]，楼下太吵"),
        ("申请人：袁浩然、邓小兵", "申请人：[姓名1]、[姓名2]"),
        ("常胜利（13800138000）反映", "[姓名1]（[电话1]）反映"),
        ("薇信739632573，企鹅5551234567", "薇信[微信1]，企鹅[QQ1]"),
        ("Tel:+86-21-23880356", "Tel:[座机1]"),
        ("住3单元401，银杏小区三期17-2-2304", "住[地址1]，[地址2]"),
    ],
)
def test_what_once_leaked_is_found(text: str, redacted: str) -> None:
    assert Redactor()(text) == redacted


def test_known_names_need_no_cue() -> None:
    assert Redactor().spans("王小明说得对", ["王小明"])[0] == "[姓名1]说得对"


def test_labelled_sentences_are_hardly_touched() -> None:
    path = DATA / "labelled" / "messages_a.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert sum(bool(find(text)) for text in texts) <= 0.01 * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "工单号：13800138000",
        "打12345、12315、110、114",
        "共13912345678元",
        "1991-05-20 150元",
        "110105194912310021",
        "湘APP",
    ],
)
def test_what_only_looks_like_an_identifier_stays(text: str) -> None:
    assert find(text) == []


def test_an_identifier_beside_another_is_found() -> None:
    text = "身份证11010519491231002X电话13800138000微信同号"
    assert kinds(text) == [("身份证", "11010519491231002X"), ("电话", "13800138000")]


def test_a_chinese_number_behind_does_not_hide_an_identifier() -> None:
    assert kinds("电话13800138000一个月没人接") == [("电话", "13800138000")]
    assert kinds("身份证11010519491231002X一直没办") == [("身份证", "11010519491231002X")]


def test_surname_and_office_stay_but_a_full_name_goes() -> None:
    redact = Redactor()
    assert redact("张书记、王某某、老李来过") == "张书记、王某某、老李来过"
    assert redact("张建国书记来过，张建国答应了") == "[姓名1]书记来过，[姓名1]答应了"


def test_one_value_has_one_number_in_all_its_spellings() -> None:
    redact = Redactor()
    texts = ["13800138000", "１３８ ００１３ ８０００", "幺三八零零幺三八零零零", "+86-138-0013-8000"]
    assert {redact(text) for text in texts} == {"[电话1]"}
    assert redact("13900139000") == "[电话2]"


def test_region_stays_and_the_house_goes() -> None:
    assert Redactor()("云溪市桐江区滨江路12号3栋2单元501室漏水") == "云溪市桐江区[地址1]漏水"


@given(TEXTS)
def test_offsets_fit_and_do_not_overlap(text: str) -> None:
    found = find(text)
    places = [0, *(place for one in found for place in (one.start, one.end)), len(text)]
    assert places == sorted(places)
    assert all(one.start < one.end for one in found)


@settings(max_examples=300)
@given(TEXTS)
def test_redacting_again_changes_nothing(text: str) -> None:
    once = Redactor()(text)
    assert Redactor()(once) == once


@given(st.text(alphabet="修路很慢大家意见多，。！？、的", max_size=60))
def test_text_without_digits_letters_and_cues_is_unchanged(text: str) -> None:
    assert Redactor()(text) == text


@given(TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_evidence_moves_with_the_text(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    redacted, shifts = Redactor().spans(text)
    new_start, new_end = moved(start, end, shifts)
    assert 0 <= new_start <= new_end <= len(redacted)
    if not any(old_start < end and start < old_end for old_start, old_end, _ in shifts) and start < end:
        assert redacted[new_start:new_end] == text[start:end]


@pytest.mark.parametrize(
    "part",
    [
        "1 ",
        "1",
        "a",
        "a.",
        "路",
        "1号",
        "花园",
        "村民",
        "我叫王",
        "一",
        "13800138000",
        "@a.",
        "姓名：李明",
        "地址：",
        "13800138000，",
    ],
)
def test_time_grows_with_the_length_only(part: str) -> None:
    find(part * 1000)
    short, long = (_seconds(part * (size // len(part))) for size in (10_000, 40_000))
    assert long < 10 * short + 0.2


def _seconds(text: str) -> float:
    began = time.process_time()
    find(text)
    return time.process_time() - began
