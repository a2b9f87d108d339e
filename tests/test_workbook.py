import re
import zipfile

import pytest
from openpyxl import load_workbook
from stored_runs import NAMES, store, unit

from pipeline.errors import EnvironmentFault, InputRefused
from pipeline.report import unitsheets
from pipeline.report.workbook import write_workbook
from pipeline.tabulate import tabulate

HOSTILE = [
    "=cmd|'/c calc'!A0", "<script>alert(1)</script>", "\u202eevil\u202c", "a\x00b\x08c", "http://x.test/a",
    "<r><t>x</t></r>", "_x0041_", " 前后有空格 ", "&amp;<b>", "{=1+1}", "'quoted", "第一行\n第二行", "1e5", "\ufffe",
]  # fmt: skip
TOTALS = {"文件": 1, "受访者": 3, "说明": "=1+1"}


def book(folder, units, name="results.xlsx", **options):
    """Store, tabulate and write; return the workbook as openpyxl reads it."""
    store(folder, units)
    path = write_workbook(folder / name, tabulate(folder, NAMES, **options), folder, NAMES, TOTALS)
    return load_workbook(path)


def cells(sheet):
    return [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]


def columns(sheet, head=1):
    names = [cell.value for cell in sheet[head]]
    return {name: [row[at].value for row in sheet.iter_rows(min_row=head + 1)] for at, name in enumerate(names)}


def test_the_contents_explain_every_sheet(tmp_path):
    made = book(tmp_path, [unit("甲", "p", "formalism", 单位="一村", 日期="2024-01-01")], by=["单位"], date="日期")
    assert made.sheetnames == [
        "目录", "概况", "问题类别频数", "按“单位”比较", "按“单位”比较用词", "时间趋势", "类别关键词", "类别共现", "典型原话", "词频",
        "未归类与存疑", "语句",
    ]  # fmt: skip
    listed = columns(made["目录"], head=4)
    assert listed["工作表"] == made.sheetnames[1:]
    assert all(listed["说明"][1:])
    assert cells(made["概况"]) == ["概况", "文件", 1, "受访者", 3, "说明", "=1+1"]


def test_tables_are_made_for_reading(tmp_path):
    sheet = book(tmp_path, [unit(str(n), "p", "formalism") for n in range(40)])["问题类别频数"]
    head = next(row[0].row for row in sheet.iter_rows() if row[0].value == "类别")
    assert sheet.freeze_panes == f"A{head + 1}"
    assert sheet.auto_filter.ref.startswith(f"A{head}:")
    assert sheet["A1"].value == "问题类别频数"
    assert "Wilson" in " ".join(str(sheet.cell(row, 1).value) for row in range(2, head))
    first = {sheet.cell(head, at).value: sheet.cell(head + 1, at) for at in range(1, sheet.max_column + 1)}
    assert first["占全部受访者"].value == 1
    assert first["占全部受访者"].number_format == "0.0%"
    assert first["类别"].alignment.wrap_text
    assert all(re.search("[\u4e00-\u9fff]", name) for name in first)
    (chart,) = sheet._charts
    assert chart.anchor._from.row > head + 4


def test_units_stand_in_order_with_their_coding(tmp_path):
    units = [
        unit("甲", "p", "formalism resources", "表格太多", question="有何困难？", 单位="001"),
        unit("乙", "n", "", "嗯", review=True, cut=True, role="interviewer", 单位="NA"),
    ]
    sheet = columns(book(tmp_path, units)["语句"])
    assert sheet["原文"] == ["表格太多", "嗯"]
    assert sheet["类别"] == ["形式主义、保障不足", None]
    assert sheet["类别置信度"] == ["0.80、0.80", None]
    assert sheet["依据词语"] == ["表格", None]
    assert sheet["表述类型"] == ["问题", "陈述"]
    assert sheet["表述置信度"] == [0.9, 0.9]
    assert sheet["角色"] == [None, "访谈者"]
    assert (sheet["需复核"], sheet["被截断"]) == ([None, "是"], [None, "是"])
    assert sheet["单位"] == ["001", "NA"]
    assert sheet["所答问题"] == ["有何困难？", None]


def test_hostile_text_stays_text(tmp_path):
    units = [
        unit(f"{n}{text}", "p", "formalism", text, words=[text or "空"], **{"=单位": text})
        for n, text in enumerate(HOSTILE)
    ]
    made = book(tmp_path, units, by=["=单位"])
    for sheet in made:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type in "fe" or cell.hyperlink]
    read = columns(made["语句"])["原文"]
    expected = [re.sub("[\x00\x08\ufffe]", "\ufffd", text) for text in HOSTILE]
    expected[HOSTILE.index("<r><t>x</t></r>")] += " "
    expected[HOSTILE.index("_x0041_")] = "_x005F_x0041_"  # the file format's escape, which Excel undoes
    assert read == expected
    with zipfile.ZipFile(tmp_path / "results.xlsx") as archive:
        assert not [
            name for name in archive.namelist() if re.search("vba|external|hyperlink|connection", name, re.IGNORECASE)
        ]
        assert b"<f>" not in b"".join(archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name)


@pytest.mark.parametrize(
    ("text", "length"), [("长" * 32_767, 32_767), ("长" * 32_768, 32_767), ("😀" * 20_000, 16_388)]
)
def test_long_text_is_intact_or_cut_with_a_mark(tmp_path, text, length):
    read = columns(book(tmp_path, [unit("甲", "p", "formalism", text)])["语句"])["原文"][0]
    assert len(read.encode("utf-16-le")) // 2 <= 32_767
    assert (read == text) == (len(text.encode("utf-16-le")) // 2 <= 32_767)
    assert read == text or read.endswith("……（超长，已截断）")
    assert len(read) == pytest.approx(length, abs=6)


def test_units_go_on_in_a_further_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(unitsheets, "MOST_ROWS", 3)
    monkeypatch.setattr(unitsheets, "BATCH", 2)
    made = book(tmp_path, [unit(str(n), "p", "formalism", f"第{n}句") for n in range(7)])
    sheets = ["语句", "语句2", "语句3"]
    assert made.sheetnames[-3:] == sheets
    assert [text for name in sheets for text in columns(made[name])["原文"]] == [f"第{n}句" for n in range(7)]
    assert columns(made["目录"], head=4)["行数"][-3:] == [3, 3, 1]


def test_units_too_many_for_excel_are_left_out_and_the_sheet_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(unitsheets, "MOST_UNITS", 3)
    made = book(tmp_path, [unit(str(n), "p", "formalism", f"第{n}句") for n in range(4)])
    assert made["语句"].max_row == 1
    assert "共 4 条语句" in made["语句"]["A1"].value
    assert "units 文件夹" in made["语句"]["A1"].value
    assert columns(made["目录"], head=4)["行数"][-1] == 0


def test_a_codebook_without_confidences_has_a_workbook(tmp_path):
    sheet = columns(
        book(tmp_path, [unit("甲", "p", "formalism", statement_confidence=None, confidences=[None])])["语句"]
    )
    assert (sheet["表述置信度"], sheet["类别置信度"]) == ([None], [None])


def test_the_users_columns_of_all_parts_are_there(tmp_path):
    store(tmp_path, [unit("甲", "p", "formalism", 单位="一村")])
    (tmp_path / "units" / "part-00000.parquet").rename(tmp_path / "units" / "part-00001.parquet")
    sheet = columns(book(tmp_path, [unit("乙", "p", "formalism", 年龄="30")])["语句"])
    assert sheet["受访者"] == ["乙", "甲"]
    assert (sheet["年龄"], sheet["单位"]) == (["30", None], [None, "一村"])


def test_two_writes_are_equal_to_the_byte(tmp_path):
    units = [unit(str(n), "p", "formalism", f"第{n}句") for n in range(20)]
    book(tmp_path, units, "a.xlsx")
    book(tmp_path, units, "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_column_names_that_excel_refuses_make_sheets(tmp_path):
    long = "您对本单位的意见/建议[可多选]：请在下面选择一项或几项并说明理由"
    units = [unit("甲", "p", "formalism", **{long: "x", long + "2": "y", "'": "z"})]
    names = book(tmp_path, units, by=[long, long + "2", "'"]).sheetnames
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name) for name in names)
    assert len({name.casefold() for name in names}) == len(names)


def test_a_run_without_units_has_a_workbook(tmp_path):
    made = book(tmp_path, [unit("访", "n", "", role="interviewer")])
    assert columns(made["语句"])["角色"] == ["访谈者"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(InputRefused):
        write_workbook(tmp_path / "results.xlsx", [], tmp_path, NAMES, {})
    assert not list(tmp_path.iterdir())
    folder = store(tmp_path / "run", [unit("甲", "p", "formalism")])
    (folder / "results.xlsx").mkdir()
    with pytest.raises(EnvironmentFault, match="写不了"):
        write_workbook(folder / "results.xlsx", [], folder, NAMES, {})
    assert sorted(path.name for path in folder.iterdir()) == ["results.xlsx", "units"]
