"""Pictures: what they draw, that Chinese shows, and that equal tables give equal bytes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_frames import HOSTILE, survey, tables_of

from pipeline import chart
from pipeline.chart.words import _packed

alt = pytest.importorskip("altair")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = survey(tmp_path_factory.mktemp("run"))
    return {table.name: table.frame for table in tables_of(folder)}


def drawn(text: str) -> np.ndarray:
    """Return the pixels of one character, drawn by our font alone."""
    picture = alt.Chart(pd.DataFrame({"t": [text]})).mark_text(fontSize=40).encode(text="t:N")
    svg = chart.save_svg(picture.configure(font="Qunyan Sans").configure_view(stroke=None))
    return np.asarray(Image.open(io.BytesIO(chart.save_png(svg))).convert("L"))


def test_chinese_is_drawn_and_not_as_boxes() -> None:
    box, one, two = drawn("\U0010fffd"), drawn("难"), drawn("办")
    assert (one < 128).sum() > 300, "something is drawn"
    assert not np.array_equal(one, two), "characters differ from one another"
    assert not np.array_equal(one, box), "and from the box of a missing one"


def audited() -> pd.DataFrame:
    columns = ["category", "name", "kind", "base", "base_name", "coded", "coded_share", "share", "low", "high"]
    rows = [("a", "形式主义", 0.3, 0.2), ("b", "服务缺位", 0.1, 0.15), ("c", "无人提到", 0, 0)]
    full = [
        (one, name, "problem", "units", "语句", 100 * raw, raw, share, share / 2, 2 * share)
        for one, name, raw, share in rows
    ]
    return pd.DataFrame([*full, ("a", "形式主义", "mention", *full[0][3:])], columns=columns)


def two_waves() -> pd.DataFrame:
    rows = [
        ("a", "形式主义", "上升", 5, 20),
        ("b", "服务缺位", "没有明显变化", 9, 8),
        ("c", "无人提到", "两期都没有", 0, 0),
    ]
    frame = pd.DataFrame(rows, columns=["category", "name", "change", "first_hits", "second_hits"])
    for wave in ("first", "second"):
        frame[f"{wave}_share"] = frame[f"{wave}_hits"] / 50
        frame[f"{wave}_low"], frame[f"{wave}_high"] = frame[f"{wave}_share"] / 2, frame[f"{wave}_share"] * 2
    return frame


def linked() -> tuple[pd.DataFrame, pd.DataFrame]:
    counts = pd.DataFrame(
        [("a", "形式主义", 50, 200), ("b", "服务缺位", 50, 200), ("(total)", "合计", 120, 200)],
        columns=["category", "name", "problem_respondents", "respondents"],
    )
    pairs = pd.DataFrame([("a", "b", 40, 3.2)], columns=["category_a", "category_b", "respondents", "respondents_lift"])
    return pairs, counts


def test_every_picture_shows_its_chinese_in_pixels(frames: dict[str, pd.DataFrame]) -> None:
    """Compared with the same picture whose characters no font has: boxes would be equal."""
    checked = pd.DataFrame({"probability": [0.9, 0.6] * 20, "right": [True, False] * 20})
    words = pd.DataFrame(
        {"category": "a", "name": "形式主义", "rank": [1, 2], "word": ["填表", "没有推诿"], "frequency": [9, 5]}
    ).assign(responses=5, log_ratio=3.0, bic=20.0)
    pictures = {
        "frequencies": chart.frequencies(frames["frequencies"]),
        "comparison": chart.comparison(frames["by_单位"]),
        "trend": chart.trend(frames["trend"]),
        "cooccurrence": chart.cooccurrence(*linked()),
        "keyness": chart.keyness(words),
        "cloud": chart.cloud(words),
        "reliability": chart.reliability(checked),
        "prevalence": chart.prevalence(audited()),
        "waves": chart.waves(two_waves()),
    }
    drawn_by_name = {name for name in chart.__all__ if name.islower() and not name.startswith(("draw", "save"))}
    assert set(pictures) == drawn_by_name
    for name, picture in pictures.items():
        svg = chart.save_svg(picture)
        assert re.search("[\u4e00-\u9fff]", svg), name
        boxes = re.sub("[\u4e00-\u9fff]", "\U0010fffd", svg)
        ours, empty = (
            np.asarray(Image.open(io.BytesIO(chart.save_png(one, scale=1))).convert("L")) for one in (svg, boxes)
        )
        assert (ours < 128).sum() > 200, name
        assert (ours != empty).mean() > 0.002, f"{name}: Chinese is drawn as boxes"


def test_a_correction_draws_problems_only_and_what_somebody_found() -> None:
    svg = chart.save_svg(chart.prevalence(audited()))
    assert svg.count(">形式主义<") == svg.count(">服务缺位<") == 1
    assert "无人提到" not in svg
    assert ">占全部语句<" in svg
    assert chart.prevalence(audited()[3:]) is None


def test_two_waves_mark_what_surely_changed() -> None:
    svg = chart.save_svg(chart.waves(two_waves()))
    assert ">形式主义 ↑<" in svg
    assert ">服务缺位<" in svg
    assert "无人提到" not in svg


def test_the_font_holds_what_people_write() -> None:
    from fontTools.ttLib import TTFont

    path = Path(chart.__file__).parents[1] / "_fonts" / "QunyanSans.otf"
    have = set(TTFont(path, lazy=True).getBestCmap())
    wanted = "，。；：？！“”‘’（）《》【】、—…％①一〇中镕喆堃祎赟囧網絡難體瓯甯0123456789AaZz%±≥"
    assert {char for char in wanted if ord(char) not in have} == set()
    assert (path.parent / "OFL.txt").read_text(encoding="utf-8").startswith("Copyright 2014-2021 Adobe")


def test_frequencies_draw_every_category_and_statement_with_its_interval(frames: dict[str, pd.DataFrame]) -> None:
    picture = chart.frequencies(frames["frequencies"])
    assert picture is not None
    rows = picture.layer[0].data if picture.data is alt.Undefined else picture.data
    assert set(rows["name"]) == {"保障不足", "服务缺位"}, "形式主义 is mentioned by nobody"
    own = rows[(rows["name"] == "保障不足") & (rows["statement"] == "问题")].iloc[0]
    assert own["share"] == pytest.approx(35 / 60)
    assert own["low"] == pytest.approx(0.4573, abs=2e-4), "Wilson's interval of 35 in 60"
    assert "保障不足" in chart.save_svg(picture)


def test_a_comparison_writes_shares_and_leaves_out_what_nobody_mentions(frames: dict[str, pd.DataFrame]) -> None:
    svg = chart.save_svg(chart.comparison(frames["by_单位"]))
    assert {"一科", "二科", "100%", "17%"} <= set(re.findall(r">([^<>]+)</text>", svg))
    assert "形式主义" not in svg


def test_a_comparison_shows_the_largest_groups_only(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["by_单位"]
    one = frame[frame["group"] == "一科"]
    many = pd.concat([one.assign(group=f"第{i:02d}组", respondents=100 - i) for i in range(30)])
    svg = chart.save_svg(chart.comparison(many))
    assert svg.count("第11组") == 1
    assert "第12组" not in svg
    assert "只画人数最多的12组" in svg


def test_groups_that_are_none_are_not_compared(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["by_单位"].replace({"一科": "其他（不足5人）", "二科": "（未填）"})
    assert chart.comparison(frame) is None


def test_a_trend_has_a_panel_a_category_and_no_period_of_few_people(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["trend"]
    few = frame[frame["period"] == frame["period"].max()].assign(period="2099-01", respondents=4)
    svg = chart.save_svg(chart.trend(pd.concat([frame, few])))
    assert svg.count(">服务缺位<") == svg.count(">保障不足<") == 1
    assert "2099-01" not in svg


def test_the_network_draws_only_pairs_beyond_chance() -> None:
    counts = pd.DataFrame(
        [("a", "甲", 50, 200), ("b", "乙", 50, 200), ("c", "丙", 50, 200), ("(total)", "合计", 120, 200)],
        columns=["category", "name", "problem_respondents", "respondents"],
    )
    pairs = pd.DataFrame(
        [("a", "b", 40, 3.2), ("a", "c", 13, 1.04)],
        columns=["category_a", "category_b", "respondents", "respondents_lift"],
    )
    picture = chart.cooccurrence(pairs, counts)
    assert picture is not None
    assert len(picture.layer[0].data) == 1
    assert chart.cooccurrence(pairs[1:], counts) is None, "13 of 12.5 expected is chance"


def test_keywords_leave_out_what_only_one_response_says() -> None:
    columns = ["category", "name", "rank", "word", "frequency", "responses", "log_ratio", "bic"]
    rows = [
        ("a", "甲", 1, "妈妈", 26, 1, 8, 90),
        ("a", "甲", 2, "推诿", 9, 7, 5, 40),
        ("a", "甲", 3, "也许", 9, 7, 1, 1),
    ]
    svg = chart.save_svg(chart.keyness(pd.DataFrame(rows, columns=columns)))
    assert "推诿" in svg
    assert "妈妈" not in svg
    assert "也许" not in svg


def test_a_cloud_keeps_negated_words_whole_and_apart() -> None:
    words = pd.DataFrame({"word": ["不方便", "没有推诿", "窗口", "长" * 40], "frequency": [9, 4, 2, 2]})
    svg = chart.save_svg(chart.cloud(words))
    assert {"不方便", "没有推诿", "窗口"} == set(re.findall(r">([^<>]+)</text>", svg)[:3])
    assert "长长" not in svg


def test_boxes_of_a_cloud_do_not_overlap() -> None:
    boxes = np.stack([np.linspace(120, 30, 60), np.linspace(40, 14, 60)], axis=1)
    centres = _packed(boxes)
    gaps = np.abs(centres[:, None] - centres[None]) * 2 - (boxes[:, None] + boxes[None])
    overlap = (gaps < 0).all(axis=2) & ~np.eye(60, dtype=bool)
    assert not overlap.any()


def test_reliability_bins_what_was_checked() -> None:
    checked = pd.DataFrame(
        {"probability": [0.95] * 20 + [0.55] * 20, "right": [True] * 19 + [False] + [True, False] * 10}
    )
    picture = chart.reliability(checked)
    assert picture is not None
    rows = picture.layer[1].data
    assert rows["right"].tolist() == [0.5, 0.95]
    assert rows["units"].tolist() == [20, 20]


def test_nothing_to_draw_is_none(frames: dict[str, pd.DataFrame]) -> None:
    empty = {name: frame.iloc[:0] for name, frame in frames.items()}
    assert chart.frequencies(empty["frequencies"]) is None
    assert chart.comparison(empty["by_单位"]) is None
    assert chart.trend(empty["trend"]) is None
    assert chart.keyness(empty["keywords"]) is None
    assert chart.cloud(empty["words"]) is None
    assert chart.reliability(pd.DataFrame({"probability": [], "right": []})) is None


def test_what_respondents_and_sheets_wrote_stays_text(frames: dict[str, pd.DataFrame]) -> None:
    hostile = frames["by_单位"].replace("一科", HOSTILE)
    svg = chart.save_svg(chart.comparison(hostile))
    assert "<script" not in svg
    assert "<img" not in svg
    assert chart.save_png(svg)[:4] == b"\x89PNG"


def test_equal_tables_give_equal_bytes_in_any_process(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    first, second = (chart.save_svg(chart.trend(frames["trend"])) for _ in range(2))
    assert first == second
    frames["trend"].to_parquet(tmp_path / "trend.parquet")
    code = (
        "import sys, pandas as pd; from pipeline import chart\n"
        "sys.stdout.buffer.write(chart.save_svg(chart.trend(pd.read_parquet(sys.argv[1]))).encode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "trend.parquet")],
        capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert other.stdout.decode() == first


def test_tables_are_drawn_by_name(frames: dict[str, pd.DataFrame]) -> None:
    assert chart.draw("frequencies", frames.__getitem__).to_dict()["title"]["text"] == "各类别的受访者占比"
    assert chart.draw("by_单位", frames.__getitem__) is not None
    assert ">一科<" in chart.save_svg(chart.draw("keywords_by_单位", frames.__getitem__))
    assert chart.draw("cooccurrence", frames.__getitem__) is None, "nothing beyond chance"
    with pytest.raises(KeyError, match="frequencies"):
        chart.draw("remainder", frames.__getitem__)


def test_a_notebook_shows_a_picture_without_a_network(frames: dict[str, pd.DataFrame]) -> None:
    shown = chart.frequencies(frames["frequencies"])._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    assert list(bundle) == ["image/png"]
    assert bundle["image/png"][:4] == b"\x89PNG"


def test_pictures_are_written_where_asked(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    picture = chart.frequencies(frames["frequencies"])
    chart.save_png(picture, tmp_path / "a.png")
    chart.save_svg(picture, tmp_path / "a.svg", name="one")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg ")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 800
