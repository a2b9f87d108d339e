"""The Word report: its sentences bear what the numbers bear, its form is an office's, its bytes are stable."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from report_frames import HOSTILE, TOTALS, made
from stored_runs import NAMES, store, unit

from pipeline.errors import EnvironmentFault
from pipeline.report.sentences import Block, compose
from pipeline.report.word import write_word
from pipeline.tabulate import tabulate

docx = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    return made(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def path(run: tuple[Any, ...]) -> Path:
    folder, tables, figures = run
    return write_word(folder / "report.docx", tables, figures, TOTALS)


def told(blocks: list[Block], head: str) -> str:
    """Return the text under a head (of either rank) up to the next of its kind."""
    heads = [number for number, block in enumerate(blocks) if block.kind in ("head", "subhead")]
    start = next(number for number in heads if head in blocks[number].text)
    end = next((number for number in heads if number > start), len(blocks))
    return "\n".join(block.text for block in blocks[start + 1 : end])


def of_units(folder: Path, units: list[dict[str, Any]]) -> list[Block]:
    for number, row in enumerate(units):
        row["location"] = f"第{number + 1}段"
    return compose(tabulate(store(folder, units), NAMES), TOTALS, [])


def test_the_chapters_of_an_official_report(run: tuple[Any, ...]) -> None:
    blocks = compose(run[1], TOTALS, ["frequencies"])
    heads = [block.text for block in blocks if block.kind == "head"]
    assert heads == ["一、基本情况", "二、主要问题", "三、意见建议", "四、好的做法", "五、说明"]


def test_the_numbers_stand_in_the_sentences(run: tuple[Any, ...]) -> None:
    blocks = compose(run[1], TOTALS, [])
    assert "材料共1个文件，读到记录80条，2条没有分类（原因见 rejects.csv）。涉及受访者60人、语句157条。" in told(
        blocks, "材料"
    )
    assert "反映问题的65条（41.4%），提出建议的20条（12.7%），表示肯定的12条（7.6%）" in told(blocks, "材料")
    first = told(blocks, "（一）保障不足")
    assert "反映此类问题的有35人，占全部受访者的58.3%（95%区间45.7%—69.9%），语句35条。" in first
    assert "就这一话题提出建议的有20人，语句20条。" in told(blocks, "三、") + told(blocks, "与“服务缺位”有关的")


def test_an_order_that_chance_may_have_made_is_said_to_be_unsure(run: tuple[Any, ...]) -> None:
    assert "与下一类“服务缺位”的区间有重叠" in told(compose(run[1], TOTALS, []), "（一）保障不足")


def test_an_order_beyond_chance_has_no_caveat(tmp_path: Path) -> None:
    units = [unit(f"人{n}", "p", "resources", f"人手不够{n}") for n in range(90)]
    units += [unit(f"人{n}", "p", "service_gap", f"跑了{n}趟") for n in range(40)]
    blocks = of_units(tmp_path, units)
    assert "重叠" not in told(blocks, "（一）保障不足")


def test_groups_are_told_apart_only_where_the_test_bears_it(run: tuple[Any, ...]) -> None:
    blocks = compose(run[1], TOTALS, [])
    assert "按“单位”比较，“一科”30/30人（100.0%）偏高（校正后p<0.001）" in told(blocks, "（一）保障不足")
    assert "比较" not in told(blocks, "（二）服务缺位"), "half of either group has it"


def test_what_nobody_said_is_not_told_as_absent(run: tuple[Any, ...]) -> None:
    text = "".join(block.text for block in compose(run[1], TOTALS, []))
    assert "没有识别到反映“形式主义”问题的语句；这不等于没有这类问题。" in text


def test_few_people_are_marked(tmp_path: Path) -> None:
    blocks = of_units(tmp_path, [unit("甲", "p", "resources", "人手不够"), unit("乙", "n", "", "我住在这里")])
    assert "人数或基数小，占比只供参考。" in told(blocks, "（一）保障不足")


@pytest.mark.parametrize("units", [[unit("甲", "n", "", "无")], [unit("问", "n", "", "您好", role="interviewer")]])
def test_a_run_that_says_nothing_is_reported_as_that(tmp_path: Path, units: list[dict[str, Any]]) -> None:
    text = "".join(block.text for block in of_units(tmp_path, units))
    assert "没有识别到归入各类别的问题语句。这不等于没有问题。" in text
    assert "没有识别到提出建议的语句。" in text
    assert "nan" not in text


def test_unknown_quality_is_said_and_known_quality_is_told(run: tuple[Any, ...]) -> None:
    assert "错误率未知" in told(compose(run[1], TOTALS, []), "编码质量")
    known = told(compose(run[1], TOTALS, [], ["与人工编码一致的占九成。"]), "编码质量")
    assert "与人工编码一致的占九成。" in known
    assert "未知" not in known


def test_the_form_of_official_documents(path: Path) -> None:
    document = docx.Document(str(path))
    fonts = {
        name: document.styles[name].element.rPr.rFonts.get(f"{W}eastAsia") for name in ("Normal", "Title", "Heading 1")
    }
    assert fonts == {"Normal": "仿宋_GB2312", "Title": "方正小标宋简体", "Heading 1": "黑体"}
    assert [round(side.cm, 1) for side in (document.sections[0].page_width, document.sections[0].left_margin)] == [
        21,
        2.8,
    ]
    fields = [field.get(f"{W}instr") for field in document.sections[0].footer._element.iter(f"{W}fldSimple")]
    assert fields == ["PAGE"]
    assert document.paragraphs[0].text == "意见调研报告"


def test_tables_and_pictures_have_captions_and_descriptions(path: Path) -> None:
    document = docx.Document(str(path))
    named = [p for p in document.paragraphs if p.style.name == "Caption"]
    captions = ["".join(text.text for text in caption._p.iter(f"{W}t")) for caption in named]
    assert captions[:3] == [
        "表1　各类别的人数和语句数",
        "图1　各类别的受访者占比",
        "图2　按“单位”比较：提到问题的受访者占比",
    ]
    assert len(document.inline_shapes) == 3, "frequencies, comparison, trend"
    descriptions = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert descriptions[0].startswith("各类别的受访者占比。提到最多的问题：保障不足58.3%")
    cells = [cell.text for cell in document.tables[0].rows[1].cells]
    assert cells == ["保障不足", "35", "58.3%", "45.7%—69.9%", "35", "0", "0"]
    assert document.tables[0].rows[-1].cells[0].text == "合计"


def test_the_package_is_whole_and_without_times(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = package.read("docProps/core.xml").decode()
        assert "created" not in core
        assert "modified" not in core
        assert "python-docx" not in core
        fonts = etree.fromstring(package.read("word/fontTable.xml"))
        assert "仿宋" in {name.get(f"{W}val") for name in fonts.iter(f"{W}altName")}
        for name in package.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(package.read(name))


def test_equal_runs_give_equal_bytes(run: tuple[Any, ...], path: Path, tmp_path: Path) -> None:
    _, tables, figures = made(tmp_path)
    assert write_word(tmp_path / "again.docx", tables, figures, TOTALS).read_bytes() == path.read_bytes()


def test_hostile_text_is_text(tmp_path: Path) -> None:
    _, tables, figures = made(tmp_path, 20, text=HOSTILE + "办证难", file=HOSTILE)
    path = write_word(tmp_path / "report.docx", tables, figures, TOTALS)
    quotes = [p.text for p in docx.Document(str(path)).paragraphs if p.style.name == "Quote"]
    assert any(HOSTILE.replace("\x00", "�") + "办证难" in quote for quote in quotes)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as package:
        assert b"<script" not in package.read("word/document.xml")


def test_a_folder_that_cannot_be_written_is_said(run: tuple[Any, ...], tmp_path: Path) -> None:
    (tmp_path / "none").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="写不了"):
        write_word(tmp_path / "none" / "report.docx", run[1], run[2], TOTALS)
