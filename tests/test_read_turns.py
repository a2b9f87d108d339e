"""Transcripts and prose: who speaks, what was asked, numbered heads, subtitles."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from helpers_read import collect, texts
from hypothesis import given
from hypothesis import strategies as st

from pipeline.read import discover, read
from pipeline.records import Response


def told(tmp_path: Path, text: str, name: str = "a.txt") -> list[tuple[str, str]]:
    """Read a text: who says what; those who ask are marked by `?`."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [(speaker(record), record.text) for record in collect(path)[0]]


def speaker(record: Response) -> str:
    who = record.respondent.partition("·")[2]
    return f"?{who}" if record.role == "interviewer" else who


@pytest.mark.parametrize(
    ("asks", "answers"),
    [
        ("访谈者：", "受访者A："),
        ("访谈员:", "受访者A:"),
        ("主持人：", "居民代表王某："),
        ("记者：", "张书记："),
        ("采访者:", "李大爷:"),
        ("调查员：", "村民1："),
        ("调研组：", "王某某："),
        ("问：", "答："),
        ("Q: ", "A: "),
        ("Q1：", "A1："),
        ("**访谈者：**", "**受访者甲：**"),
        ("[00:00:01] 访谈者：", "[00:00:05] 受访者："),
        ("主持人 00:01:02 ", "王芳 00:01:09 "),
        ("1. 访谈者：", "2. 受访者："),
    ],
)
def test_labels_of_those_who_ask_and_answer(tmp_path: Path, asks: str, answers: str) -> None:
    turns = told(tmp_path, f"{asks}办证方便吗？\n{answers}不方便。\n{asks}为什么？\n{answers}材料多。\n")
    assert [text for _, text in turns] == ["办证方便吗？", "不方便。", "为什么？", "材料多。"]
    assert [who.startswith("?") for who, _ in turns] == [True, False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "说话人1 00:00\n开始吧。\n\n说话人2 00:05\n不方便，上午9:30去的，\n排到下午。\n",
        "张三 00:03\n开始吧。\n\n李四 00:08\n不方便，上午9:30去的，\n排到下午。\n",
        "张三(00:01:23):\n开始吧。\n李四(00:01:30):\n不方便，上午9:30去的，\n排到下午。\n",
        "张三（00:01:23）： 开始吧。\n李四（00:01:30）：不方便，上午9:30去的，\n排到下午。\n",
        "张三 2024-03-05 10:01:23\n开始吧。\n李四 2024-03-05 10:02:23\n不方便，上午9:30去的，\n排到下午。\n",
    ],
)
def test_layouts_of_transcription_services(tmp_path: Path, text: str) -> None:
    turns = told(tmp_path, text)
    assert [words for _, words in turns] == ["开始吧。", "不方便，上午9:30去的，\n排到下午。"]
    assert len({who for who, _ in turns}) == 2


def test_turns_go_on_and_the_question_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "访谈者：您好。办证方便吗？慢慢说。\n\n受访者A：窗口说：材料不全。\n\n我的意见是：少跑。\n访谈者：好。\n"
    )
    responses, _, _ = collect(path)
    assert responses[1].text == "窗口说：材料不全。\n我的意见是：少跑。"
    assert responses[1].question == "办证方便吗？"
    assert responses[1].respondent == "a.txt·受访者A"
    assert responses[1].location == "第3行"


def test_a_meeting_where_everybody_speaks_once(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "座谈会记录\n时间：2024年3月5日\n主持人：李主任\n参加人员：张三、王五\n"
        "主持人：大家谈谈。\n张书记（村支书）：缺人手。\n张三：同意。\n王五（商户）：检查太多。\n张书记：补充一点。\n"
    )
    responses, _, _ = collect(path)
    spoken = [(r.respondent, r.text, r.meta["身份"]) for r in responses if r.role == "respondent"]
    assert spoken == [
        ("a.txt·张书记", "缺人手。", "村支书"),
        ("a.txt·张三", "同意。", ""),
        ("a.txt·王五", "检查太多。", "商户"),
        ("a.txt·张书记", "补充一点。", ""),
    ]
    assert len(responses) == 9


def test_the_head_tells_who_asks(tmp_path: Path) -> None:
    turns = told(
        tmp_path,
        "时间：3月5日\n访谈者：李某\n受访者：张某\n李某：办证方便吗？\n张某：不方便。\n李某：哦。\n张某：对。\n",
    )
    assert [who for who, _ in turns[3:]] == ["?李某", "张某", "?李某", "张某"]


@pytest.mark.parametrize(
    "text",
    [
        "群众反映：办证难。\n建议：简化手续。\n问题：人手少。\n建议：加人。\n有的村民说：路太烂。",
        "一是宗旨意识不强：有的干部不愿下去。\n二是能力不足：不会做工作。\n张三：模范党员。",
        "1. 您满意吗？\nA：很满意\nB：满意\n2. 方便吗？\nA：好\nB：不好",
        "会议定于上午9:30开始。\n比例为3:1。\n网址是http://a.cn/b",
    ],
)
def test_a_colon_in_prose_makes_no_speaker(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == [("", line) for line in text.split("\n")]


def test_two_files_have_two_respondents(tmp_path: Path) -> None:
    names = set()
    for name in ("a.txt", "b.txt"):
        path = tmp_path / name
        path.write_text("问：好吗？\n受访者A：还行。\n")
        names |= {r.respondent for r in collect(path)[0] if r.role == "respondent"}
    assert len(names) == 2


def test_a_label_without_words_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("问：好吗？\n答：\n问：说说？\n答：行。\n")
    responses, rejects, _ = collect(path)
    assert len(responses) == 3
    assert [(r.location, r.reason) for r in rejects] == [("第2行", "empty")]


def test_a_text_without_turns_is_one_respondent(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# 调研\n\n人手少。\n\n　　经费紧。\n")
    responses, _, _ = collect(path)
    assert [(r.location, r.text, r.respondent, r.section) for r in responses] == [
        ("第1行", "# 调研", "a.md", "调研"),
        ("第3行", "人手少。", "a.md", "调研"),
        ("第5行", "　　经费紧。", "a.md", "调研"),
    ]


def test_numbered_heads_make_the_section(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    lines = {
        "报告": "",
        "一、问题": "一、问题",
        "（一）人手": "一、问题 / （一）人手",
        "1.5万元不够。": "一、问题 / （一）人手",
        "1.编制少。要加人。": "一、问题 / （一）人手 / 1.编制少",
        "一是村里少。": "一、问题 / （一）人手 / 1.编制少 / 一是村里少",
        "三是镇里少。": "一、问题 / （一）人手 / 1.编制少 / 三是镇里少",
        "一是财政所。": "一、问题 / （一）人手 / 1.编制少 / 三是镇里少 / 一是财政所",
        "二是派出所。": "一、问题 / （一）人手 / 1.编制少 / 三是镇里少 / 二是派出所",
        "四是县里少。": "一、问题 / （一）人手 / 1.编制少 / 四是县里少",
        "二、建议": "二、建议",
    }
    path.write_text("\n".join(lines))
    assert {r.text: r.section for r in collect(path)[0]} == lines


@given(
    st.lists(
        st.sampled_from(["问：好吗？", "答：行。", "受访者A：", "建议：改。", "一、头", "正文。", "  ", "张三 00:01"]),
        max_size=12,
    )
)
def test_every_word_is_kept(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("turns") / "a.txt"
    path.write_text("\n".join(lines))
    responses, _, _ = collect(path)
    kept = "".join(r.text for r in responses)
    for word in ("好吗？", "行。", "改。", "一、头", "正文。"):
        assert kept.count(word) == sum(line.count(word) for line in lines)


def test_a_very_long_paragraph_is_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("问：" + "啊" * 1_000_000 + "\n答：" + " " * 100_000 + "行" * 1_000_000)
    assert [len(text) for text in texts(path)] == [1_000_000, 1_000_000]


SRT = """1
00:00:01,000 --> 00:00:02,000
访谈者：办证<i>方便</i>吗？

2
00:00:03,000 --> 00:00:04,000
受访者：不方便，

3
00:00:05,000 --> 00:00:06,000
跑了四趟。

4
00:00:07,000 --> 00:00:08,000
还要等
3
"""


def test_subtitles_join_the_cues_of_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(SRT)
    responses, rejects, _ = collect(path)
    assert not rejects
    assert [(r.location, r.respondent, r.role, r.text) for r in responses] == [
        ("00:00:01", "a.srt·访谈者", "interviewer", "办证方便吗？"),
        ("00:00:03", "a.srt·受访者", "respondent", "不方便，跑了四趟。"),
        ("00:00:07", "a.srt·受访者", "respondent", "还要等\n3"),
    ]
    assert responses[1].question == "办证方便吗？"


def test_a_damaged_cue_is_rejected_and_the_rest_read(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(SRT.replace("00:00:04,000", "x"))
    responses, rejects, reading = collect(path)
    assert [r.reason for r in rejects] == ["damaged"]
    assert "跑了四趟。" in responses[-2].text
    assert reading.containers == {"字幕": 4}


def test_voices_of_vtt(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(
        "WEBVTT\n\nNOTE 说明\n\n00:01.000 --> 00:02.000\n<v 张三>好吗？</v>\n\nintro\n"
        "00:03.000 --> 00:04.000 align:left\n"
        "<v.loud 李四>不好，\n远。</v>\n"
    )
    assert [(r.respondent, r.text) for r in collect(path)[0]] == [
        ("a.vtt·张三", "好吗？"),
        ("a.vtt·李四", "不好，\n远。"),
    ]


def test_cues_without_punctuation_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\n办证难\n\n2\n00:00:03,000 --> 00:00:04,000\n路太远\n")
    assert texts(path) == ["办证难", "路太远"]


def test_standard_input_is_an_answer_a_line_or_a_transcript(monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(text: str) -> list[tuple[str, str]]:
        stdin = io.TextIOWrapper(io.BytesIO(text.encode("gbk")))
        monkeypatch.setattr("sys.stdin", stdin)
        sources, _ = discover(["-"])
        return [(r.respondent, r.text) for r in read(sources[0]) if isinstance(r, Response)]

    assert piped("办事难\n路太远\n") == [("标准输入:1", "办事难"), ("标准输入:2", "路太远")]
    assert piped("问：好吗？\n答：不好。\n") == [("标准输入·问", "好吗？"), ("标准输入·答", "不好。")]
