"""Looking into a run: every place is found, groups and duplicates come out the same, nothing in the files is live."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from stored_runs import store, unit

from pipeline.errors import InputRefused
from pipeline.explore import concordance, duplicates, new_words, remainder_groups, write_csv

ROAD, BUS = ["道路", "坑洼", "路灯"], ["公交", "班次", "等车"]


def test_a_concordance_finds_every_place(tmp_path: Path) -> None:
    store(
        tmp_path,
        [
            unit("甲", "p", "", "ＡＰＰ打卡，app打卡"),
            unit("乙", "p", "", "不用打卡"),
            unit("访", "n", "", "打卡吗", role="interviewer"),
        ],
    )
    found = concordance(tmp_path, "app打卡").frame
    assert found[["left", "term", "right"]].to_numpy().tolist() == [
        ["", "ＡＰＰ打卡", "，app打卡"],
        ["ＡＰＰ打卡，", "app打卡", ""],
    ]
    assert len(concordance(tmp_path, "打卡").frame) == 3
    assert concordance(tmp_path, "").frame.empty
    assert concordance(tmp_path, ".*").frame.empty
    with pytest.raises(InputRefused):
        concordance(tmp_path / "nothing", "打卡")


def test_new_words_are_those_that_no_dictionary_has(tmp_path: Path) -> None:
    words = ["办事", "网格员", "不方便", "码上办", "不码上办", "A3", "独一份儿的"]
    units = [unit(f"{n}", "p", "", words=words if n else words[:6]) for n in range(2)]
    store(tmp_path, units)
    assert list(new_words(tmp_path).frame["word"]) == ["不码上办", "码上办"]


def test_the_remainder_falls_into_groups(tmp_path: Path) -> None:
    units = [
        unit(
            f"{n}",
            "p",
            "",
            f"第{n}句{'路' if n % 2 else '车'}",
            location=f"第{n}行",
            words=[(ROAD if n % 2 else BUS)[k] for k in (n % 3, (n + 1) % 3)],
        )
        for n in range(12)
    ]
    store(tmp_path, [*units, unit("甲", "p", "formalism", "填表", words=ROAD), unit("乙", "n", "", "嗯", words=[])])
    frame = remainder_groups(tmp_path).frame
    assert frame.groupby("group")["units"].first().tolist() == [6, 6]
    assert frame["group"].value_counts().tolist() == [2, 2]
    for row in frame.to_dict("records"):
        own = ROAD if "路" in row["example"] else BUS
        assert set(row["words"].split("、")) == set(own)
    pd.testing.assert_frame_equal(frame, remainder_groups(store(tmp_path / "again", units, parts=3)).frame)


def test_too_little_to_group_gives_an_empty_table(tmp_path: Path) -> None:
    assert remainder_groups(store(tmp_path / "one", [unit("甲", "p", "formalism")])).frame.empty
    same = [unit(f"{n}", "p", "", words=["道路"]) for n in range(30)]
    frame = remainder_groups(store(tmp_path / "same", same)).frame
    assert frame[["group", "units", "words"]].to_numpy().tolist() == [[1, 30, "道路"]]


def test_duplicates_are_of_different_respondents(tmp_path: Path) -> None:
    text = "希望加强监督，ＡＢ一查到底"
    units = [
        unit("甲", "s", "", text), unit("乙", "s", "", "希望加强监督 ab一查到底！"), unit("丙", "s", "", text),
        unit("丁", "s", "", "一个人说了两遍的一句话"), unit("丁", "s", "", "一个人说了两遍的一句话"),
        unit("甲", "p", "", "没有人管"), unit("乙", "p", "", "没有人管"),
    ]  # fmt: skip
    frame = duplicates(store(tmp_path, units)).frame
    assert frame[["respondents", "units"]].to_numpy().tolist() == [[3, 3]]


def test_what_people_wrote_is_not_live_in_the_file(tmp_path: Path) -> None:
    store(tmp_path, [unit("甲", "p", "", "=cmd|窗口")])
    path = write_csv(concordance(tmp_path, "窗口"), tmp_path)
    assert path == tmp_path / "explore" / "kwic.csv"
    assert pd.read_csv(path, encoding="utf-8-sig").loc[0, "上文"] == "'=cmd|"
