"""Transcripts in the layouts people use: everybody's words stay their own, and no answer goes to those who ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_read import collect, docx, p
from hypothesis import given, settings
from hypothesis import strategies as st
from transcripts_read import Transcript, measure, told, transcripts

from pipeline.read.lexicon import word_lists
from pipeline.read.speakers import speaker

ALL = transcripts()


@pytest.mark.parametrize("transcript", ALL, ids=lambda transcript: transcript.name)
def test_everybodys_words_stay_their_own(tmp_path: Path, transcript: Transcript) -> None:
    assert told(transcript.write(tmp_path)) == transcript.told


def test_the_measure_sees_words_given_to_another(tmp_path: Path) -> None:
    wrong = Transcript("a.txt")
    for line in ("?|主持人：¦谈谈。", "?|张三：¦路灯坏了。", "李四|张三：¦水管也坏了。"):
        wrong.add(line)
    counts = measure(tmp_path, [wrong])
    assert (counts["all"], counts["speaker"], counts["role"], counts["lost"]) == (14, 3, 9, 0)


def table(*rows: tuple[str, ...]) -> str:
    return (
        "<w:tbl>"
        + "".join(f"<w:tr>{''.join(f'<w:tc>{p(cell)}</w:tc>' for cell in row)}</w:tr>" for row in rows)
        + "</w:tbl>"
    )


TALK = p("访谈记录") + p("访谈者：办证方便吗？") + p("受访者A：跑了三趟。") + p("窗口说：缺照片。")


def test_a_table_of_voices_silences_no_paragraph(tmp_path: Path) -> None:
    rows = table(("受访者", "补充（会后电话）"), ("受访者B", "卫生室锁着门。"))
    path = docx(tmp_path / "a.docx", TALK + rows + p("（访谈结束）") + p("后来又去了一次，还是没办成，白跑一趟。"))
    assert told(path) == [
        ("-", "访谈记录"),
        ("?", "办证方便吗？"),
        ("受访者A", "跑了三趟。"),
        ("受访者A", "窗口说：缺照片。"),
        ("-", "受访者"),
        ("-", "补充（会后电话）"),
        ("受访者B", "卫生室锁着门。"),
        ("-", "（访谈结束）"),
        ("+", "后来又去了一次，还是没办成，白跑一趟。"),
    ]


def test_tables_with_numbers_places_and_merged_speakers(tmp_path: Path) -> None:
    rows = table(
        ("序号", "发言人", "单位", "发言内容", "备注"),
        ("1", "张建国（组长）", "三组", "路修了两年还没修到门口。", "插话"),
        ("2", "", "三组", "下雨天孩子上学一脚泥。", ""),
        ("3", "绿源环保", "园区", "检查一个月来三回。", ""),
    )
    assert [words for words in told(docx(tmp_path / "a.docx", rows)) if words[0] != "-"] == [
        ("张建国", "路修了两年还没修到门口。"),
        ("张建国", "插话"),
        ("张建国", "下雨天孩子上学一脚泥。"),
        ("绿源环保", "检查一个月来三回。"),
    ]


def test_a_table_of_facts_is_no_talk(tmp_path: Path) -> None:
    facts = table(("姓名", "张三", "性别", "男"), ("职业", "农民", "年龄", "56"))
    path = docx(tmp_path / "a.docx", facts + TALK)
    assert next(words for words in told(path) if words[0] != "-") == ("?", "办证方便吗？")
    alone = docx(tmp_path / "b.docx", facts)
    assert {owner for owner, _ in told(alone)} == {"="}


def test_times_colons_and_voices_stand_in_one_text(tmp_path: Path) -> None:
    body = p("主持人 00:00:05") + p("谁先谈？") + p("周某 00:00:21") + p("工作群太多。") + p("主持人：还有呢？")
    path = docx(
        tmp_path / "a.docx",
        body + p("周某：报表也多。") + table(("周某", "补充：台账六盒。"), ("赵某", "考核不合理。")),
    )
    assert told(path) == [
        ("?", "谁先谈？"),
        ("周某", "工作群太多。"),
        ("?", "还有呢？"),
        ("周某", "报表也多。"),
        ("周某", "补充：台账六盒。"),
        ("赵某", "考核不合理。"),
    ]


def test_words_of_nobody_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("她说村里的井水早就不能喝了，一家人挑水吃。\n访谈员：多久了？\n老人：三年。\n", encoding="utf-8")
    responses, _, reading = collect(path)
    assert next((r.respondent, r.role) for r in responses) == ("a.txt·未标明", "respondent")
    assert "有 1 段看不出是谁说的（从第1行起）" in reading.warnings[0]


ASKERS = ("访谈者", "主持人", "记者", "调研组", "问", "Q")
PEOPLE = (
    "受访者A",
    "鑫源机械张总",
    "绿源环保",
    "三叔公",
    "李家阿婆",
    "张书记（村支书）",
    "市住建局",
    "John Smith",
    "甲",
    "网名小草",
    "王 芳",
)
LAYOUTS = (
    "{}：{}",
    "{}: {}",
    "**{}：** {}",
    "【{}】{}",
    "{} 00:12:03\n{}",
    "[00:12:03] {}：{}",
    "3. {}：{}",
    "{}：\n{}",
)
ANSWERS = (
    "跑了四趟都没有办成。",
    "他就说：不行。",
    "上午9:30去的，排到下午14:00。",
    "比例是1:3，网址是 https://a.cn/b 。",
    "一是人手少；二是经费紧。",
)


@settings(max_examples=150, deadline=None)
@given(
    asker=st.sampled_from(ASKERS),
    layouts=st.lists(st.sampled_from(LAYOUTS), min_size=1, max_size=2),
    turns=st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(ANSWERS)), min_size=2, max_size=7),
)
def test_no_answer_is_lost_to_those_who_ask(
    tmp_path_factory: pytest.TempPathFactory, asker: str, layouts: list[str], turns: list[tuple[str, str]]
) -> None:
    lines = []
    for at, (who, answer) in enumerate(turns):
        layout = layouts[at % len(layouts)]
        lines += [layout.format(asker, f"第{at}个问题，您怎么看？"), layout.format(who, f"第{at}条，{answer}")]
    path = tmp_path_factory.mktemp("property") / "a.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    owners = {words: owner for owner, words in told(path)}
    for at, (_, answer) in enumerate(turns):
        assert owners.get(f"第{at}条，{answer}", "label kept") not in ("?", "-", "label kept")
        assert owners[f"第{at}个问题，您怎么看？"] in ("?", "问") or asker == "Q"


LINES = (
    "访谈者：好吗？",
    "受访者A：还行。",
    "座谈会记录",
    "时间：2024年3月5日",
    "时间：都花在填表上了，哪有空下去。",
    "张三",
    "一、关于收入",
    "会议指出，要抓紧。",
    "李四 00:01",
    "（笑）",
    "我家水管坏了没人修",
    "问题：人手少，一个人管五千户，顾不过来。",
    "鑫源机械：贷款难，抵押物不够，银行叫我们再等。",
    "说起用水她连连摇头，井水早就不能喝了，只好去三里外挑。",
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=14))
def test_the_record_holds_only_head_matter(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("record") / "a.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    record = {words for owner, words in told(path) if owner == "-"}
    assert not record & {lines for lines in LINES if len(lines) > 16 and not lines.startswith("时间")}


def test_the_lists_are_consistent() -> None:
    lists = word_lists("speakers")
    assert all(len(set(words)) == len(words) for words in lists.values())
    assert set(lists["sign"]) <= set(lists["record"])
    assert not set(lists["nobody"]) & set(lists["record"])
    assert {speaker(word).kind for word in (*lists["nobody"], *lists["record"])} == {""}
    for kind in ("asks", "asks_short", "answers", "answers_short"):
        assert {speaker(word).kind for word in lists[kind]} == {kind}, kind
    assert {speaker(f"东头{word}").kind for word in lists["person"]} == {"person"}
    assert set(word_lists("headings")) == {"text", "text_less", "id", "respondent", "date"}
