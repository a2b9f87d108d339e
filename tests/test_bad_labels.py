"""Bad labels through the command: each is refused in a sentence, or trained on with a warning; the old model stays."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter
from test_loop import qunyan, write

PLACES = ("村口", "镇上", "校门口", "小区", "医院", "单位")
SAYINGS = {
    "交通": ("公交车等了半小时不来", "路上坑太多骑车摔了", "红绿灯坏了没人修"),
    "教育": ("老师一个班管六十个孩子", "孩子上学要走五里路", "课本到现在没发下来"),
    "环保": ("河水发黑臭得很", "工厂半夜冒黑烟", "垃圾三天没人拉"),
}


def rows() -> list[dict[str, str]]:
    """54 synthetic rows of three departments, no two texts equal."""
    return [
        {"内容": f"{place}{saying}", "部门": label}
        for label, sayings in SAYINGS.items()
        for saying in sayings
        for place in PLACES
    ]


def train(table: Path, out: Path, *more: object, code: int = 0) -> tuple[str, str]:
    return qunyan("train", table, "-o", out, "--label", "部门", "--no-semantic", *more, code=code)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that stands already."""
    folder = tmp_path_factory.mktemp("old")
    train(write(folder / "部门.csv", rows()), folder / "模型")
    return folder / "模型"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


REFUSED = {
    "one class": ([row | {"部门": "交通"} for row in rows()], ("54 行的标签都是“交通”", "至少要有两种标签")),
    "no label": ([row | {"部门": " "} for row in rows()], ("54 行里没有一行有标注", "请先填写")),
    "no text": ([row | {"内容": "　"} for row in rows()], ("没有一行文字", "--text")),
    "no column": (
        [{"内容": row["内容"], "科室": row["部门"]} for row in rows()],
        ("没有“部门”这一列", "现有的列是：科室"),
    ),
    "nine rows": (rows()[::6], ("只有 9 行", "至少要 10 行")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_teaches_nothing_is_refused_and_the_old_model_stays(name: str, old: Path, tmp_path: Path) -> None:
    before, (table, words) = content(old), REFUSED[name]
    _, said = train(write(tmp_path / "坏.csv", table), old, "--force", code=4)
    assert all(word in said for word in words), said
    assert content(old) == before
    assert sorted(path.name for path in old.parent.iterdir()) == ["模型", "部门.csv"]


def test_an_empty_file_is_refused(old: Path, tmp_path: Path) -> None:
    before = content(old)
    (tmp_path / "空.csv").write_bytes(b"")
    _, said = train(tmp_path / "空.csv", old, "--force", code=4)
    assert "空.csv" in said
    assert content(old) == before


def test_unknown_categories_are_named_by_cell_with_the_cure(old: Path, tmp_path: Path) -> None:
    before = content(old)
    with xlsxwriter.Workbook(str(tmp_path / "标.xlsx")) as book:
        sheet = book.add_worksheet("标注")
        for row, cells in enumerate(
            [
                ("文本", "表述类型", "类别", "保障不足"),
                ("办证难", "问题", "官样文章", ""),
                ("路不好", "毛病", "民生诉求", "x"),
            ]
        ):
            sheet.write_row(row, 0, cells)
    _, said = qunyan("train", tmp_path / "标.xlsx", "-o", old, "--force", code=4)
    for cell, words in (("C2", "官样文章"), ("B3", "问题、建议、肯定、陈述"), ("D3", "请写 ✓ 或留空")):
        assert any(f"标注!{cell}" in line and words in line for line in said.splitlines()), said
    assert content(old) == before


def test_what_can_be_mended_is_mended_and_said(tmp_path: Path) -> None:
    table = rows()
    table[0]["部门"], table[1]["部门"] = "交通　 ", " 交通"
    table += [dict(table[5])] * 3000
    table += [table[6] | {"部门": "环保"}, {"内容": " ", "部门": "交通"}, {"内容": "没有标签的一行", "部门": ""}]
    _, said = train(write(tmp_path / "乱.csv", table), tmp_path / "模型")
    assert "2 种标签只差空格或全角半角，已统一" in said
    assert "3000 行与前面的行文字和标注都相同，只算一次" in said
    assert "1 条相同的文字标了不同的标签" in said
    assert "乱.csv 第8行＝乱.csv 第3056行" in said
    assert "1 行的文字是空白，没有用（第3057行）" in said
    assert "1 行还没有标注，没有用（乱.csv 第3058行）" in said


def test_full_width_letters_are_the_same_label(tmp_path: Path) -> None:
    table = [row | {"部门": {"交通": "APP", "教育": "ＡＰＰ", "环保": "环保"}[row["部门"]]} for row in rows()]
    said, warned = train(write(tmp_path / "宽.csv", table), tmp_path / "模型")
    assert "ＡＰＰ" in warned
    assert "APP  P" in said
    assert "ＡＰＰ" not in said


def test_formulas_and_html_as_labels_stay_words(tmp_path: Path) -> None:
    names = {"交通": "=HYPERLINK(1)", "教育": "<script>alert(1)</script>", "环保": "@SUM(A1)|x"}
    table = [row | {"部门": names[row["部门"]]} for row in rows()]
    table[3]["部门"] = names["教育"]  # one to suspect, so that the sheet of suspects is written
    said, _ = train(write(tmp_path / "式.csv", table), tmp_path / "模型")
    assert all(name in said for name in names.values())
    card = (tmp_path / "模型" / "card.md").read_text("utf-8")
    assert "<script>" not in card
    pile = write(tmp_path / "新.csv", [{"内容": row["内容"]} for row in rows()])
    qunyan("classify", pile, "-o", tmp_path / "结果", "--model", tmp_path / "模型")
    page = (tmp_path / "结果" / "report.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    with (tmp_path / "结果" / "tables" / "frequencies.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_ten_rows_and_five_hundred_classes_come_with_a_warning(tmp_path: Path) -> None:
    ten = [row for row in rows() if row["部门"] != "环保"][::3][:10]
    assert len(ten) == 10
    _, said = train(write(tmp_path / "十.csv", ten), tmp_path / "十")
    assert "不到 8 行，结果不可靠，请再标一些" in said
    many = [{"内容": f"第{k}类的第{j}句话，编号{k * 7}", "部门": f"类{k}"} for k in range(500) for j in range(2)]
    out, said = train(write(tmp_path / "多.csv", many), tmp_path / "多")
    assert "等 500 类" in said
    assert "……共 500 类" in out
