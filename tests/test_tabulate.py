import re

import numpy as np
import pandas as pd
import pytest
from stored_runs import NAMES, store, unit

from pipeline.errors import InputRefused
from pipeline.stats import ClusterSums, clustered
from pipeline.tables import write_tables
from pipeline.tabulate import tabulate

GOLDEN = [
    unit(
        "甲", "p", "formalism", "表格重复填报没完没了", words=["表格", "重复", "填报"], 单位="一村", 日期="2024-01-05"
    ),
    unit(
        "甲",
        "p",
        "formalism resources",
        "填表太多人手不够用",
        unit=2,
        words=["填报", "人手"],
        单位="一村",
        日期="2024-01-05",
    ),
    unit("乙", "s", "formalism", "建议少填一些重复的表格", words=["表格"], 单位="一村", 日期="2024-02-11"),
    unit("丙", "p", "resources", "村里就两个人什么都得干", words=["人手", "两个"], 单位="二村", 日期="2024-02-20"),
    unit(
        "丙",
        "g",
        "service_gap",
        "现在办证比过去快多了呢",
        unit=2,
        words=["办证"],
        review=True,
        单位="二村",
        日期="2024-02-20",
    ),
    unit("丁", "p", "", "就是觉得哪里不太对劲啊", words=["不对劲"], cut=True, 单位="", 日期="二月"),
    unit("戊", "n", "", "没有。", words=[], 单位="二村", 日期="2024/3/1"),
    unit("访", "n", "formalism", "形式主义多不多？", role="interviewer", words=["多不多"]),
]


@pytest.fixture
def golden(tmp_path):
    return store(tmp_path / "结果[1]", GOLDEN, parts=3)


def tables(folder, **options):
    return {table.name: table for table in tabulate(folder, NAMES, **options)}


def rows(table, *columns, key="category"):
    return {row[0]: row[1:] for row in table.frame[[key, *columns]].itertuples(index=False, name=None)}


def test_frequencies_of_a_small_run(golden):
    table = tables(golden)["frequencies"]
    assert list(table.frame["name"]) == ["形式主义", "保障不足", "服务缺位", "无类别", "合计"]
    statements = ("problem", "suggestion", "praise", "neutral")
    assert rows(table, *(f"{name}_respondents" for name in statements), "respondents") == {
        "formalism": (1, 1, 0, 0, 2), "resources": (2, 0, 0, 0, 2), "service_gap": (0, 0, 1, 0, 1),
        "(none)": (1, 0, 0, 1, 2), "(total)": (3, 1, 1, 1, 5),
    }  # fmt: skip
    assert rows(table, *(f"{name}_units" for name in statements), "units") == {
        "formalism": (2, 1, 0, 0, 3), "resources": (2, 0, 0, 0, 2), "service_gap": (0, 0, 1, 0, 1),
        "(none)": (1, 0, 0, 1, 2), "(total)": (4, 1, 1, 1, 7),
    }  # fmt: skip
    shares = table.frame.set_index("category")
    assert shares.loc["resources", "respondent_share"] == pytest.approx(0.4)
    assert shares.loc["resources", ["respondent_low", "respondent_high"]].tolist() == pytest.approx(
        [0.1176, 0.7693], abs=1e-4
    )
    assert shares.loc["formalism", "unit_share"] == pytest.approx(0.5)
    # 甲 says two of the four problems, both formalism; 丙 and 丁 one each, neither
    low, high = clustered(ClusterSums(*(np.array([float(value)]) for value in (3, 2, 4, 4, 4, 6, 1))))
    assert shares.loc["formalism", ["unit_low", "unit_high"]].tolist() == pytest.approx([low[0], high[0]])
    low, high = clustered(ClusterSums(*(np.array([float(value)]) for value in (3, 2, 4, 2, 3, 6, 2))))
    assert shares.loc["resources", ["unit_low", "unit_high"]].tolist() == pytest.approx([low[0], high[0]])
    assert set(table.frame["caution"]) == {"基数不足30人"}


def test_the_interviewer_counts_only_when_asked_for(golden):
    with_interviewer = tables(golden, interviewer=True)
    assert rows(with_interviewer["frequencies"], "units", "respondents")["(total)"] == (8, 6)
    assert rows(with_interviewer["frequencies"], "neutral_units")["formalism"] == (1,)
    assert "多不多" in set(with_interviewer["words"].frame["word"])
    assert "多不多" not in set(tables(golden)["words"].frame["word"])


def test_words_and_keywords(golden):
    made = tables(golden)
    assert rows(made["words"], "frequency", "responses", "files", key="word")["填报"] == (2, 1, 1)
    assert rows(made["words"], "frequency", "responses", "files", key="word")["表格"] == (2, 2, 1)
    frame = made["keywords"].frame
    formalism = frame[frame["category"] == "formalism"]
    assert list(formalism["word"]) == ["填报", "表格", "重复"]
    assert list(formalism["rank"]) == [1, 2, 3]
    assert list(formalism["rest_frequency"]) == [0, 0, 0]
    # 2 of 6 words inside, 0 of 4 outside
    assert formalism["g2"].iloc[0] == pytest.approx(2 * 2 * np.log(10 / 6))
    assert "人手" not in set(formalism["word"])


def says(who, words, text=None, **other):
    return unit(who, "p", "formalism", text or "".join(words.split()), words=words.split(), **other)


def test_phrases_stand_in_the_text_as_they_are_and_negation_stays_whole(tmp_path):
    units = [says(f"甲{n}", "窗口 没有推诿", "窗口没有推诿") for n in range(3)]
    units += [says(f"乙{n}", "材料 不全", "材料总是不全") for n in range(3)]
    units += [unit(f"丙{n}", "g", "resources", "路修好了", words=["路", "修好"]) for n in range(9)]
    frame = tables(store(tmp_path, units))["keywords"].frame
    kinds = frame[frame["category"] == "formalism"].set_index("word")["kind_name"].to_dict()
    assert kinds == {"窗口": "词", "没有推诿": "词", "材料": "词", "不全": "词", "窗口没有推诿": "短语"}
    # 3 of 3 phrases inside, none of the 9 pairs outside (路修好) is it
    row = frame[frame["word"] == "窗口没有推诿"].iloc[0]
    assert row["g2"] == pytest.approx(2 * 3 * np.log(12 / 3))


def test_groups_are_compared_by_their_words(tmp_path):
    units = [says(f"东{n}", "路灯 不亮", 村="东") for n in range(8)] + [
        says(f"西{n}", "公交 太少", 村="西") for n in range(8)
    ]
    units += [says(f"北{n}", "井盖 松动", 村="北") for n in range(2)] + [says("无", "路灯 不亮", 村="")]
    table = tables(store(tmp_path, units), by=["村"])["keywords_by_村"]
    frame = table.frame
    assert {group: set(own["word"]) for group, own in frame.groupby("group")} == {
        "东": {"路灯", "不亮", "路灯不亮"}, "西": {"公交", "太少", "公交太少"},
    }  # fmt: skip
    row = frame[frame["word"] == "路灯"].iloc[0]
    # 8 of 16 words in 东, 0 of 20 in the other groups; who left the column empty counts nowhere
    assert (row["frequency"], row["rest_frequency"]) == (8, 0)
    assert row["g2"] == pytest.approx(2 * 8 * np.log(36 / 16))
    assert table.headings["group"] == "分组：村"


def test_cooccurrence(golden):
    (pair,) = tables(golden)["cooccurrence"].frame.to_dict("records")
    assert (pair["category_a"], pair["category_b"], pair["units"], pair["respondents"]) == (
        "formalism",
        "resources",
        1,
        1,
    )
    assert (pair["units_expected"], pair["units_lift"]) == (1.0, 1.0)
    assert pair["units_jaccard"] == pytest.approx(1 / 3)
    assert pair["respondents_expected"] == pytest.approx(1 * 2 / 5)
    assert pair["respondents_lift"] == pytest.approx(2.5)


def test_the_remainder_hides_nothing(golden):
    assert rows(tables(golden)["remainder"], "units", "respondents", key="kind") == {
        "total": (7, 5), "coded": (5, 3), "uncoded": (1, 1), "uncoded_problem": (1, 1), "uncoded_suggestion": (0, 0),
        "uncoded_praise": (0, 0), "uncoded_neutral": (0, 0), "no_content": (1, 1), "review": (1, 1), "cut": (1, 1),
        "interviewer": (1, 1),
    }  # fmt: skip


def test_groups_below_five_are_joined_and_those_still_below_have_no_counts(golden, tmp_path):
    table = tables(golden, by=["单位"])["by_单位"]
    assert rows(table, "respondents", "problem_respondents", "share", key="group") == {
        "其他（不足5人）": (4, pd.NA, pytest.approx(np.nan, nan_ok=True)),
        "（未填）": (1, pd.NA, pytest.approx(np.nan, nan_ok=True)),
    }
    assert set(table.frame["withheld"]) == {"可比的组不足两个"}

    units = [
        unit(f"{place}{i}", "p", "resources", 村=place)
        for place, n in (("大", 6), ("小", 4), ("微", 3))
        for i in range(n)
    ]
    joined = tables(store(tmp_path / "b", units), by=["村"])["by_村"]
    assert rows(joined, "respondents", "problem_respondents", key="group") == {"大": (6, 6), "其他（不足5人）": (7, 7)}
    assert any("其他（不足5人）" in note for note in joined.notes)


def test_groups_are_compared(tmp_path):
    def person(place, number, problem):
        return unit(f"{place}{number}", "p" if problem else "g", "formalism" if problem else "service_gap", 村=place)

    units = [person("东", n, n < 30) for n in range(100)] + [person("西", n, n < 10) for n in range(100)]
    units += [person("东", 0, True) | {"村": "西", "unit": 2}]  # in both: counted in both, tested in neither
    table = tables(store(tmp_path, units), by=["村"])["by_村"]
    frame = table.frame[table.frame["category"] == "formalism"]
    assert frame["problem_respondents"].tolist() == [30, 11]
    assert frame["respondents"].tolist() == [100, 101]
    assert set(frame["test"]) == {"卡方检验"}
    assert frame["statistic"].iloc[0] == pytest.approx(11.8, abs=0.05)
    assert frame["residual"].tolist() == pytest.approx([3.43, -3.43], abs=0.02)
    # formalism, the two others (nobody names resources or service_gap as a problem), any problem: two tests made
    assert frame["p_adjusted"].iloc[0] == pytest.approx(frame["p"].iloc[0])
    assert set(table.frame.loc[table.frame["category"] == "resources", "withheld"]) == {"没有人提到"}


def test_a_test_of_people_in_several_groups_is_withheld(tmp_path):
    units = [unit(f"{i}", "p", "formalism", 村=place) for i in range(20) for place in ("东", "西")]
    table = tables(store(tmp_path, units), by=["村"])["by_村"]
    assert set(table.frame["withheld"]) == {"许多受访者出现在多个组，各组不独立"}
    assert table.frame["p"].isna().all()


def test_too_many_groups_are_joined(tmp_path):
    units = [unit(f"{place}-{i}", "p", "formalism", 村=f"村{place:03d}") for place in range(103) for i in range(5)]
    table = tables(store(tmp_path, units), by=["村"])["by_村"]
    assert table.frame["group"].nunique() == 101
    assert rows(table, "respondents", key="group")["其他（较小的组）"] == (15,)


@pytest.mark.parametrize(
    ("dates", "heading", "periods"),
    [
        (
            ["2024-01-05 09:30:00", "2024/1/7", "20240110", "上周"],
            "时间（按日）",
            ["2024-01-05", "2024-01-07", "2024-01-10"],
        ),
        (["2024年1月1日", "2024.02.29", "2024-02-30"], "时间（按周）", ["2024-W01", "2024-W09"]),
        (["2023年12月", "2024-01-05"], "时间（按月）", ["2023-12", "2024-01"]),
        (["2023", "2024-01-05", ""], "时间（按年）", ["2023", "2024"]),
        (["无", ""], "时间（按日）", []),
    ],
)
def test_the_trend_takes_its_period_from_the_dates(tmp_path, dates, heading, periods):
    folder = store(tmp_path, [unit(str(n), "p", "formalism", 日期=date) for n, date in enumerate(dates)])
    table = tables(folder, date="日期")["trend"]
    assert table.headings["period"] == heading
    assert table.frame["period"].drop_duplicates().tolist() == periods
    assert f"{len(dates) - len(periods)} 人" in table.notes[1]
    assert (table.frame.loc[table.frame["category"] == "formalism", "share"] == 1).all()


def test_quotes_are_of_different_people_and_unlike_one_another(tmp_path):
    def says(who, words, number=1):
        return unit(
            who, "p", "formalism", f"我们这里{words.replace(' ', '还有')}实在太多了", unit=number, words=words.split()
        )

    said = ["表格 重复 填报", "表格 重复 填报", "会议 台账 材料", "检查 应付 材料", "会议 表格 微信", "群里 打卡 拍照"]
    units = [says(f"人{n}", words) for n, words in enumerate(said)]
    units += [says("话多", words, n) for n, words in enumerate(["填报 重复", "材料 会议", "拍照 打卡", "检查 台账"])]
    units += [unit(f"长{n}", "p", "formalism", "又要填报材料" * 30, words=["填报", "材料", f"{n}"]) for n in range(9)]
    frame = tables(store(tmp_path, units))["quotes"].frame
    assert len(frame) == 5
    assert frame["respondent"].is_unique
    assert frame["text"].is_unique
    assert frame["text"].str.len().max() <= 60
    assert frame["rank"].tolist() == [1, 2, 3, 4, 5]


def test_equal_names_in_different_files_are_different_people(tmp_path):
    units = [unit("受访者A", "p", "formalism", file=f"{n}.docx") for n in range(3)]
    assert rows(tables(store(tmp_path, units))["frequencies"], "problem_respondents")["formalism"] == (3,)


def test_a_category_the_codebook_lacks_is_shown(tmp_path):
    table = tables(store(tmp_path, [unit("甲", "p", "total 其他类")]))["frequencies"]
    assert list(table.frame["category"])[3:] == ["total", "其他类", "(none)", "(total)"]


@pytest.mark.parametrize("parts", [1, 4])
def test_tables_are_equal_to_the_byte_whatever_the_parts(tmp_path, parts):
    options = {"by": ["单位"], "date": "日期"}
    once = write_tables(tabulate(store(tmp_path / "a", GOLDEN), NAMES, **options), tmp_path / "a")
    again = write_tables(tabulate(store(tmp_path / "b", GOLDEN, parts), NAMES, **options), tmp_path / "b")
    assert [path.name for path in once] == [path.name for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


def test_readers_get_chinese_and_programs_get_ids(golden):
    for table in tabulate(golden, NAMES, by=["单位"], date="日期"):
        assert all(re.search("[\u4e00-\u9fff]", heading) for heading in table.headings.values()), table.name
        assert not {"category", "statement"} & set(table.headings)
        assert re.search("[\u4e00-\u9fff]", table.title)
        assert table.notes
        assert list(table.zh().columns) == list(table.headings.values())
    paths = write_tables(tabulate(golden, NAMES), golden)
    assert paths[0].read_bytes().startswith(b"\xef\xbb\xbf" + "类别,提到问题的受访者数".encode())
    assert pd.read_parquet(paths[1])["category"].iloc[0] == "formalism"


def test_csv_cells_are_no_formulas(tmp_path):
    hostile = ["=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "a\x00b"]
    units = [
        unit(word, "p", "formalism", f"{word}实在是太麻烦了受不了", words=[word], **{"=列": word}) for word in hostile
    ]
    paths = write_tables(tabulate(store(tmp_path, units), NAMES, by=["=列"]), tmp_path)
    assert {path.name for path in paths} >= {"by__列.csv", "by__列.parquet"}
    for path in paths:
        if path.suffix == ".csv":
            cells = pd.read_csv(path, dtype=str, keep_default_na=False, header=None).to_numpy().ravel()
            texts = [cell for cell in cells if not re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", cell)]
            assert not [cell for cell in texts if cell.startswith(("=", "+", "-", "@", "\t", "＝"))]
            assert not any("\x00" in cell for cell in cells)


def test_what_cannot_be_tabulated_is_said(golden, tmp_path):
    with pytest.raises(InputRefused, match="units/part"):
        tabulate(tmp_path, NAMES)
    with pytest.raises(InputRefused, match=r"没有“年龄”一列；可用的列有：.*单位、日期"):
        tabulate(golden, NAMES, by=["年龄"])
    folder = store(tmp_path / "c", [unit("甲", "p", "formalism", Text="x")])
    with pytest.raises(InputRefused, match="只差大小写"):
        tabulate(folder, NAMES, by=["Text"])


def test_a_run_without_units_has_empty_tables(tmp_path):
    empty = store(tmp_path, [unit("访", "n", "", role="interviewer", 单位="a", 日期="2024")])
    made = tables(empty, by=["单位"], date="日期")
    assert made["frequencies"].frame["units"].sum() == 0
    assert made["frequencies"].frame["respondent_share"].isna().all()
    assert all(len(made[name].frame) == 0 for name in ("keywords", "cooccurrence", "quotes", "words", "trend"))
    assert write_tables(made.values(), tmp_path)


def test_columns_named_like_ours_or_differing_in_case_do_no_harm(tmp_path):
    units = [unit("甲", "p", "formalism", person="x", grp="y", category="z", By="1", BY="2")]
    made = tables(store(tmp_path, units), by=["person"])
    assert rows(made["frequencies"], "problem_respondents")["formalism"] == (1,)
    two = tabulate(
        store(tmp_path / "d", [unit("甲", "p", "formalism", **{"年 龄": "x", "年/龄": "y"})]),
        NAMES,
        by=["年 龄", "年/龄"],
    )
    names = [table.name for table in two]
    assert len(set(names)) == len(names)
