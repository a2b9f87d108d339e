"""The web page: what stands in it, that nothing in it is live but our script, and its size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from report_frames import HOSTILE, TOTALS, made
from stored_runs import NAMES, store, unit

from pipeline.errors import EnvironmentFault
from pipeline.report import page, payload
from pipeline.report.page import write_page
from pipeline.report.payload import pieces
from pipeline.report.pictures import draw_figures
from pipeline.tabulate import tabulate


def written(run: tuple[Any, ...], by: tuple[str, ...] = ("单位",), **options: Any) -> str:
    folder, tables, figures = run
    path = write_page(folder / "report.html", tables, figures, folder, NAMES, TOTALS, by=by, **options)
    return path.read_text(encoding="utf-8")


def carried(html: str) -> tuple[list[str], dict[str, Any]]:
    """Return what the page carries for its search, as the browser unpacks it."""
    blobs = [
        zlib.decompress(base64.b64decode(re.search(rf'<script id="{name}"[^>]*>([^<]*)<', html)[1]), -15)
        for name in ("texts", "codes")
    ]
    texts = blobs[0].decode("gb18030").split("\0") if blobs[0] else []
    return texts, json.loads(blobs[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    return made(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def html(run: tuple[Any, ...]) -> str:
    return written(run)


def test_the_page_has_pictures_numbers_quotes_and_tables(html: str) -> None:
    assert html.count("<svg ") == 5, "frequencies, by, trend, keywords, cloud; the network has nothing beyond chance"
    assert "提到问题的受访者 <b>35</b> 人，占 <b>58.3%</b>" in html
    assert '<mark class="category">人手</mark>不够' in html
    assert html.index(">保障不足<") < html.index("查看“服务缺位”的语句"), "the most frequent first"
    assert "<summary>表1　问题类别频数</summary>" in html
    assert "基数：受访者 60 人" in html


def test_all_units_are_carried_with_codes_groups_and_marks(html: str) -> None:
    texts, codes = carried(html)
    at = texts.index("办个证跑了1趟")
    assert codes["statement"][at] == 0
    assert [codes["names"][number] for number in codes["categories"][at]] == ["服务缺位"]
    assert codes["marks"][at] == [0, 2, 0]
    assert codes["groups"][0]["values"] == ["一科", "二科"]
    assert f"共 {len(texts)} 条语句，全部在本页里" in html
    assert {len(codes[name]) for name in ("file", "location", "review", "sure", "marks")} == {len(texts)}


def test_the_policy_allows_our_script_and_style_only(html: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    for tag, kind in (("script", "script-src"), ("style", "style-src")):
        ours = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in ours]
        assert re.search(rf"{kind} ([^;]+)", policy)[1].split() == hashes
    assert not re.search(r"<[^<>]* (?:style|on\w+)=", html), "no inline styles, no handlers"
    assert not re.search(r'(?:src|href)="(?!#)', html), "nothing from elsewhere"


def test_ids_are_unique_and_references_lead_somewhere(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    wanted = {*re.findall(r'aria-labelledby="([^"]+)"', html), *re.findall(r"url\(#([^)]+)\)", html)}
    assert wanted | set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_equal_runs_give_equal_bytes(run: tuple[Any, ...], html: str, tmp_path: Path) -> None:
    assert written(run) == html
    assert written(made(tmp_path)) == html


def test_hostile_text_is_text(tmp_path: Path) -> None:
    folder, tables, figures = made(tmp_path, 20, 单位=HOSTILE, text=HOSTILE + "办证难", file=HOSTILE)
    html = written((folder, tables, figures))
    assert html.count("<script") == 3
    assert "<img" not in html
    assert "{{7*7}}" in html, "no template of theirs is run"
    assert "\x00" not in html
    assert HOSTILE.replace("\x00", "�") + "办证难" in carried(html)[0]


def test_too_many_units_leave_the_quotes(run: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    quotes = next(table.frame for table in run[1] if table.name == "quotes")
    for module, limit, value in ((payload, "MOST_UNITS", 20), (page, "MOST_BYTES", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, value)
            small = written(run)
        texts, _ = carried(small)
        assert set(texts) == set(quotes["text"])
        assert f"这里只能查 {len(texts)} 条典型原话" in small
        assert '<mark class="category">' in small


def test_the_interviewer_counts_only_when_asked(tmp_path: Path) -> None:
    units = [unit("甲", "p", "resources", "人手不够"), unit("问", "n", "", "您有什么意见", role="interviewer")]
    folder = store(tmp_path, units)
    tables = tabulate(folder, NAMES)
    whole = (folder, tables, draw_figures(tables))
    assert carried(written(whole, by=()))[0] == ["人手不够"]
    assert carried(written(whole, by=(), interviewer=True))[0] == ["人手不够", "您有什么意见"]


def test_a_run_without_content_has_a_page_too(tmp_path: Path) -> None:
    folder = store(tmp_path, [unit("甲", "n", "", "无")])
    tables = tabulate(folder, NAMES)
    assert "共 1 条语句" in written((folder, tables, draw_figures(tables)), by=())


def test_a_folder_that_cannot_be_written_is_said(run: tuple[Any, ...], tmp_path: Path) -> None:
    folder, tables, figures = run
    (tmp_path / "none").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="写不了"):
        write_page(tmp_path / "none" / "report.html", tables, figures, folder, NAMES, TOTALS)


def test_pieces_join_to_the_text() -> None:
    assert pieces("跑了四趟", [(0, 2, 1), (2, 4, 0)]) == [("跑了", "statement"), ("四趟", "category")]
    assert pieces("", []) == []
