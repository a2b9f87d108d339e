"""Tables: columns, headings, ragged rows, quotes, merged cells, values as text."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from helpers_read import collect, texts, xls
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputRefused


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def xlsx(path: Path, fill: Callable[[Any], None]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        fill(book)
    return path


def test_usual_headings_ids_and_answers_stay_what_they_are(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "编号,意见,年龄段\n001,NA,30\n440101199001011234,无,40\n3,none,50\n4,null,60\n")
    responses, rejects, reading = collect(path)
    assert not rejects
    assert [(r.response, r.text) for r in responses] == [
        ("001", "NA"),
        ("440101199001011234", "无"),
        ("3", "none"),
        ("4", "null"),
    ]
    assert responses[0].meta == {"年龄段": "30"}
    assert responses[0].location == "第2行"
    assert reading.columns == {"text": ["意见"], "id": ["编号"]}


def test_a_blank_answer_is_rejected_and_a_blank_row_is_none(tmp_path: Path) -> None:
    responses, rejects, _ = collect(csv(tmp_path / "a.csv", "编号,意见\n1,好\n2, \n\n,\n3,差\n"))
    assert [r.text for r in responses] == ["好", "差"]
    assert [(r.location, r.reason) for r in rejects] == [("第3行", "empty")]


def test_several_questions_give_a_response_a_cell(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "问卷编号,您的意见？,您的建议？,单位\nQ1,办事难,加人,甲\nQ2,,无,乙\n")
    responses, rejects, _ = collect(path, text=("您的意见？", "您的建议？"))
    assert [(r.response, r.question, r.text, r.location) for r in responses] == [
        ("Q1", "您的意见？", "办事难", "第2行“您的意见？”"),
        ("Q1", "您的建议？", "加人", "第2行“您的建议？”"),
        ("Q2", "您的建议？", "无", "第3行“您的建议？”"),
    ]
    assert len({r.respondent for r in responses}) == 2
    assert [r.location for r in rejects] == ["第3行“您的意见？”"]
    assert responses[0].meta == {"单位": "甲"}


def test_uncertain_columns_are_listed(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv",
        "工号,情况,备忘,单位\n1,窗口办事太慢要跑好几趟才行,已经记下来转给窗口负责人办了,甲\n"
        "2,希望能多开几个窗口办事,下周给他回个电话说说办理的情况,乙\n",
    )
    with pytest.raises(InputRefused) as refusal:
        texts(path)
    message = str(refusal.value)
    assert "a.csv" in message
    assert "--text 情况 --text 备忘" in message
    assert "单位：例如“甲”" in message
    with pytest.raises(InputRefused, match="没有“意见”"):
        texts(path, text=("意见",))
    with pytest.raises(InputRefused, match="不能确定"):
        texts(csv(tmp_path / "b.csv", "意见,建议\n办事难,加人\n"))


def test_questions_to_the_respondent_are_taken_without_asking(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv",
        "工号,您觉得办事有什么困难？,请谈谈您的建议,您的年龄？\n"
        "1,窗口办事太慢要跑好几趟才行,能不能网上一次办完,30\n2,材料每次说的都不一样,多开几个窗口就好了,40\n",
    )
    responses, _, reading = collect(path)
    assert reading.columns["text"] == ["您觉得办事有什么困难？", "请谈谈您的建议"]
    assert [r.text for r in responses[:2]] == ["窗口办事太慢要跑好几趟才行", "能不能网上一次办完"]
    assert responses[0].meta == {"工号": "1", "您的年龄？": "30"}


def test_a_free_column_that_asks_nobody_leaves_it_uncertain(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv",
        "您有什么意见？,处理经过\n窗口办事太慢要跑好几趟才行,已经转给窗口的负责人处理\n"
        "要多开窗口少排队才好,下周给他回个电话说说办理的情况\n",
    )
    with pytest.raises(InputRefused, match="像是回答的有：您有什么意见？、处理经过"):
        texts(path)


def test_a_column_to_break_down_by_may_be_missing_in_one_file(tmp_path: Path) -> None:
    responses, _, _ = collect(csv(tmp_path / "a.csv", "意见,区\n办事难,东\n"), by=("区", "年龄段"))
    assert [r.meta for r in responses] == [{"区": "东"}]


PAGE = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta charset="gb2312"><style>td{{}}</style></head>
<body><table border="1"><tr><td colspan="3">信访件导出</td></tr>
<tr><th>编号</th><th>反映内容</th><th>区</th></tr>{rows}</table></body></html>"""


def test_a_page_saved_as_a_workbook_is_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    rows = (
        "<tr><td>001</td><td>办事难，<b>跑了</b>三趟<br>材料多&amp;乱<script>x()</script></td><td>东</td></tr>"
        "<tr><td>002</td><td> </td><td>西</td></tr><tr><td>003</td><td>&lt;差&gt;</td></tr>"
    )
    path.write_bytes(PAGE.format(rows=rows).encode("gbk"))
    responses, rejects, reading = collect(path)
    assert [(r.response, r.text, r.location, r.meta) for r in responses] == [
        ("001", "办事难，跑了三趟\n材料多&乱", "第3行", {"区": "东"})
    ]
    assert [(r.location, r.reason) for r in rejects] == [("第4行", "empty"), ("第5行", "row_shape")]
    assert "网页" in reading.warnings[0]


def test_a_name_of_a_unit_column_is_prefixed(tmp_path: Path) -> None:
    responses, _, _ = collect(csv(tmp_path / "a.csv", "意见,text_id,role,file\n好,1,甲,乙\n"), text=("意见",))
    assert responses[0].meta == {"text_id": "1", "原表_role": "甲", "原表_file": "乙"}


def test_respondent_date_and_by(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "留言用户,留言时间,留言详情,区\nA1,2019/2/8 1:05:05,办事难,东\n,昨天,好,西\n")
    responses, _, _ = collect(path, by=("留言用户",))
    assert [r.respondent for r in responses] == ["A1", "a.csv:3"]
    assert [r.meta["留言时间"] for r in responses] == ["2019-02-08 01:05:05", "昨天"]
    assert responses[0].meta["留言用户"] == "A1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = ["编号", "意见"], ["1", "人手少，经费紧"], ["2", "好"]
    path = csv(tmp_path / "a.csv", "\n".join(delimiter.join(row) for row in rows))
    assert texts(path) == ["人手少，经费紧", "好"]


def test_a_single_column_with_commas_is_one_column(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "意见\n人少,钱少,事多\n好\n窗口,远\n")
    assert texts(path) == ["人少,钱少,事多", "好", "窗口,远"]


def test_first_line_of_excel_names_the_delimiter(tmp_path: Path) -> None:
    assert texts(csv(tmp_path / "a.csv", "sep=;\n编号;意见\n1;好\n")) == ["好"]


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    assert texts(csv(tmp_path / "a.csv", "编号,意见\r1,好\r2,差\r")) == ["好", "差"]


def test_lines_in_a_quoted_cell_stay(tmp_path: Path) -> None:
    responses, _, _ = collect(csv(tmp_path / "a.csv", '编号,意见\r\n1,"\r\n\t一是慢\r\n二是远"\r\n2,"他说""好"""\r\n'))
    assert [r.text for r in responses] == ["\r\n\t一是慢\r\n二是远", '他说"好"']
    assert [r.location for r in responses] == ["第2行", "第3行"]


@pytest.mark.parametrize("bad", ['500,"没有收尾', '500,"没有收尾\n501,"也没有', '500,"中间"有引号"'])
def test_an_unclosed_quote_costs_its_own_row(tmp_path: Path, bad: str) -> None:
    rows = [f"{at},第{at}条意见" for at in range(1000)]
    rows[500:501] = bad.split("\n")
    path = csv(tmp_path / "a.csv", "编号,意见\n" + "\n".join(rows))
    responses, rejects, _ = collect(path)
    assert len(rejects) == bad.count("\n") + 1
    assert {reject.reason for reject in rejects} == {"quote"}
    assert rejects[0].location == "第502行"
    assert len(responses) + len(rejects) == len(rows)


def test_ragged_rows_are_rejected_with_their_number(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "编号,意见,区\n1,好,东\n2,人少,钱少,东\n3,差\n4,行,西,,\n数据来源：某局\n")
    responses, rejects, _ = collect(path)
    assert [r.text for r in responses] == ["好", "行"]
    assert [(r.location, r.reason) for r in rejects] == [
        ("第3行", "row_shape"),
        ("第4行", "row_shape"),
        ("第6行", "row_shape"),
    ]


@given(st.lists(st.text(st.sampled_from('甲乙",\n\r\t ;|x'), max_size=8), min_size=1, max_size=30))
def test_every_row_that_the_csv_library_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    import csv as library

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = library.writer(file)
        writer.writerows([["编号", "意见"], *([str(at), cell] for at, cell in enumerate(cells))])
    responses, rejects, _ = collect(path, text=("意见",))
    assert [r.text for r in responses] == [cell for cell in cells if cell.strip()]
    assert len(responses) + len(rejects) == len(cells)


def test_titles_above_the_heading_are_skipped_and_said(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "满意度调查,,\n2024年,,\n编号,意见,区\n1,好,东\n")
    responses, _, reading = collect(path)
    assert [(r.text, r.location) for r in responses] == [("好", "第4行")]
    assert "第3行是表头" in reading.warnings[0]


def test_a_table_without_heading_loses_no_row(tmp_path: Path) -> None:
    assert texts(csv(tmp_path / "a.csv", "办事难\n窗口态度差\n")) == ["办事难", "窗口态度差"]


def test_a_table_with_only_a_heading_is_said_to_be_empty(tmp_path: Path) -> None:
    assert [r.reason for r in collect(csv(tmp_path / "a.csv", "编号,意见\n"))[1]] == ["empty"]


def test_all_sheets_hidden_ones_too(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        for name in ("一", "二", "空"):
            sheet = book.add_worksheet(name)
            if name != "空":
                sheet.write_column(0, 1, ["意见", f"{name}办事难", "差"])
                sheet.write_column(0, 0, ["编号", "001", 12.0])
        book.worksheets()[1].hide()

    path = xlsx(tmp_path / "a.xlsx", fill)
    responses, _, reading = collect(path)
    assert [(r.location, r.response, r.text) for r in responses] == [
        ("一!B2", "001", "一办事难"),
        ("一!B3", "12", "差"),
        ("二!B2", "001", "二办事难"),
        ("二!B3", "12", "差"),
    ]
    assert reading.containers == {"一": 2, "二": 2, "空": 0}
    assert texts(path, sheet="二") == ["二办事难", "差"]
    with pytest.raises(InputRefused, match="有的是：一、二、空"):
        texts(path, sheet="三")


def test_a_sheet_without_the_column_is_rejected_by_name(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.add_worksheet("数据").write_column(0, 0, ["意见", "好"])
        book.add_worksheet("代码表").write_row(0, 0, ["代码", "含义"])
        book.worksheets()[1].write_row(1, 0, [1, "男"])

    responses, rejects, _ = collect(xlsx(tmp_path / "a.xlsx", fill))
    assert [r.text for r in responses] == ["好"]
    assert [(r.location, r.reason) for r in rejects] == [("工作表“代码表”", "no_text_column")]


def test_merged_headings_titles_and_cells(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("问卷")
        sheet.merge_range("B2:E2", "调查结果汇总")
        sheet.merge_range("B3:B4", "单位")
        sheet.merge_range("C3:D3", "您的意见")
        sheet.merge_range("E3:E4", "日期")
        sheet.write_row("C4", ["作风", "服务"])
        sheet.merge_range("B5:B6", "甲局")
        sheet.write_row("C5", ["推诿", "远"])
        sheet.write_row("C6", ["好", ""])
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime("E5", dt.datetime(2024, 3, 5), day)
        sheet.write_datetime("E6", dt.datetime(2024, 3, 6), day)

    path = xlsx(tmp_path / "a.xlsx", fill)
    responses, rejects, _ = collect(path, text=("作风", "您的意见/服务"))
    assert [(r.location, r.question, r.text, r.meta) for r in responses] == [
        ("问卷!C5", "您的意见/作风", "推诿", {"单位": "甲局", "日期": "2024-03-05"}),
        ("问卷!D5", "您的意见/服务", "远", {"单位": "甲局", "日期": "2024-03-05"}),
        ("问卷!C6", "您的意见/作风", "好", {"单位": "甲局", "日期": "2024-03-06"}),
    ]
    assert [r.location for r in rejects] == ["问卷!D6"]


def test_formulas_give_their_values_or_a_reason(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write_column(0, 0, ["意见", "好"])
        sheet.write_formula("A3", '="办"&"事难"', value="办事难")
        sheet.write_formula("A4", "=甲+乙", value="#NAME?")

    responses, rejects, _ = collect(xlsx(tmp_path / "a.xlsx", fill))
    assert [r.text for r in responses] == ["好", "办事难"]
    assert [(r.location, r.reason) for r in rejects] == [("S!A4", "no_value")]


def test_long_numbers_are_warned_of(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["编号", "意见"])
        sheet.write_row(1, 0, [123456789012345678, "好"])
        sheet.write_string(2, 0, "440101199001011234")
        sheet.write_string(2, 1, "差")

    responses, _, reading = collect(xlsx(tmp_path / "a.xlsx", fill))
    assert responses[1].response == "440101199001011234"
    assert any("15 位" in warning for warning in reading.warnings)


def test_a_sparse_sheet_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write(0, 0, "意见")
        sheet.write(1048575, 16383, "远")

    _, rejects, _ = collect(xlsx(tmp_path / "a.xlsx", fill))
    assert [r.reason for r in rejects] == ["too_large"]


def test_a_damaged_workbook_is_one_reject(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", lambda book: book.add_worksheet("S").write(0, 0, "意见"))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for part in old.namelist():
            new.writestr(part, old.read(part)[:100] if part.endswith("workbook.xml") else old.read(part))
    assert [r.reason for r in collect(tmp_path / "b.xlsx")[1]] == ["damaged"]


def test_old_workbooks_are_read(tmp_path: Path) -> None:
    path = xls(tmp_path / "a.xls", [["编号", "意见"], ["001", "办事难"], [12.0, "差"]])
    assert [(r.location, r.response, r.text) for r in collect(path)[0]] == [
        ("表!B2", "001", "办事难"),
        ("表!B3", "12", "差"),
    ]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    records = [
        {"id": 110101199003074512, "text": "办事难", "区": "东", "分": 1.50},
        {"id": "002", "text": None},
        {"id": 3, "text": "差\ud800", "晚到": [1]},
    ]
    path.write_text("\n".join([json.dumps(records[0]), "{坏", "[1]", *map(json.dumps, records[1:])]))
    responses, rejects, reading = collect(path)
    assert [(r.response, r.text, r.location) for r in responses] == [
        ("110101199003074512", "办事难", "第1行"),
        ("3", "差�", "第5行"),
    ]
    assert responses[0].meta == {"区": "东", "分": "1.5", "晚到": ""}
    assert [(r.location, r.reason) for r in rejects] == [("第2行", "json"), ("第3行", "json"), ("第4行", "empty")]
    assert reading.encoding == "utf-8"


def test_keys_that_come_late_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": "好"})] * 200 + [json.dumps({"text": "差", "区": "东", "role": "x"})]
    path.write_text("\n".join(lines))
    responses, _, reading = collect(path)
    assert responses[-1].meta == {"区": "东", "原表_role": "x"}
    assert "区" in reading.warnings[0]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "编号": pa.array([1.0, 2.0, None]),
            "意见": ["办事难", "", "差"],
            "日期": pa.array([dt.datetime(2024, 3, 5), None, dt.datetime(2024, 3, 5, 9, 30)]),
        }
    )
    pq.write_table(table, path)
    responses, rejects, _ = collect(path)
    assert [(r.response, r.text, r.meta["日期"]) for r in responses] == [
        ("1", "办事难", "2024-03-05"),
        ("3", "差", "2024-03-05 09:30:00"),
    ]
    assert [r.reason for r in rejects] == ["empty"]
    path.write_bytes(path.read_bytes()[:-20])
    assert [r.reason for r in collect(path)[1]] == ["damaged"]
