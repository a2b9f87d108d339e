"""Word and PDF: everything that a reader of the document sees, once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from helpers_read import collect, docx, p, pdf, texts


def box(text: str) -> str:
    content = f"<w:txbxContent>{p(text)}</w:txbxContent>"
    return (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{content}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{content}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{p(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def test_every_container_is_read_once_and_counted(tmp_path: Path) -> None:
    body = (
        p("正文一")
        + table(("格一", "格二"))
        + p("锚", box("框内"))
        + f"<w:sdt><w:sdtPr/><w:sdtContent>{p('控件')}</w:sdtContent></w:sdt>"
        + "<w:p><w:ins><w:r><w:t>插入</w:t></w:r></w:ins><w:del><w:r><w:delText>删去</w:delText></w:r></w:del></w:p>"
        + "<w:p><w:hyperlink><w:r><w:t>链接</w:t></w:r></w:hyperlink><w:r><w:tab/><w:t>后</w:t></w:r></w:p>"
    )
    parts = {
        "footnotes": f"<w:footnote>{p('脚注文')}</w:footnote>",
        "endnotes": f"<w:endnote>{p('尾注文')}</w:endnote>",
        "comments": f"<w:comment>{p('批注文')}</w:comment>",
        "header": p("页眉文"),
        "footer": p("12"),
    }
    responses, rejects, reading = collect(docx(tmp_path / "a.docx", body, parts))
    assert not rejects
    assert [(r.location, r.text) for r in responses] == [
        ("第1段", "正文一"),
        ("表1第1行第1列", "格一"),
        ("表1第1行第2列", "格二"),
        ("第2段", "锚"),
        ("文本框1第1段", "框内"),
        ("第3段", "控件"),
        ("第4段", "插入"),
        ("第5段", "链接\t后"),
        ("页眉1", "页眉文"),
        ("脚注1", "脚注文"),
        ("尾注1", "尾注文"),
        ("批注1", "批注文"),
    ]
    assert reading.containers == {"正文": 5, "表格": 2, "文本框1": 1, "页眉": 1, "脚注": 1, "尾注": 1, "批注": 1}


def test_a_transcript_in_word_keeps_notes_out_of_the_answers(tmp_path: Path) -> None:
    body = p("问：好吗？") + p("答：不好。") + p("还远。")
    responses, _, _ = collect(
        docx(tmp_path / "a.docx", body, {"footnotes": f"<w:footnote>{p('录音不清')}</w:footnote>"})
    )
    assert [(r.role, r.text) for r in responses] == [
        ("interviewer", "好吗？"),
        ("respondent", "不好。\n还远。"),
        ("interviewer", "录音不清"),
    ]


def test_a_transcript_in_a_table_and_in_soft_lines(tmp_path: Path) -> None:
    rows = table(("访谈者", "好吗？"), ("受访者A", "不好。"), ("访谈者", "为何？"), ("受访者A", "远。"))
    responses, _, _ = collect(docx(tmp_path / "a.docx", rows))
    assert [(r.respondent, r.text) for r in responses][:2] == [
        ("a.docx·访谈者", "好吗？"),
        ("a.docx·受访者A", "不好。"),
    ]
    soft = "<w:p><w:r><w:t>问：好吗？</w:t><w:br/><w:t>答：不好。</w:t></w:r></w:p>"
    assert texts(docx(tmp_path / "b.docx", soft)) == ["好吗？", "不好。"]


def test_heading_styles_make_the_section(tmp_path: Path) -> None:
    styles = '<w:style w:styleId="2"><w:name w:val="heading 1"/></w:style>'
    head = '<w:p><w:pPr><w:pStyle w:val="2"/></w:pPr><w:r><w:t>存在的问题</w:t></w:r></w:p>'
    responses, _, _ = collect(docx(tmp_path / "a.docx", head + p("人手少。"), {"styles": styles}))
    assert [r.section for r in responses] == ["存在的问题", "存在的问题"]


def test_twenty_thousand_equal_lines_are_read(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.docx", p("受访者：对对对。") * 20_000)
    assert len(texts(path)) == 20_000


def test_a_dtd_is_refused_and_entities_stay_closed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("机密")
    prolog = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    responses, rejects, _ = collect(docx(tmp_path / "a.docx", p("&e;"), prolog=prolog))
    assert not responses
    assert [r.reason for r in rejects] == ["damaged"]


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.read.word.PART_BYTES", 10_000)
    _, rejects, _ = collect(docx(tmp_path / "a.docx", p("啊" * 10_000)))
    assert [r.reason for r in rejects] == ["too_large"]


def test_a_body_that_breaks_off_gives_what_was_whole(tmp_path: Path) -> None:
    whole = docx(tmp_path / "a.docx", p("正文。") * 30)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "b.docx", "w") as new:
        for part in old.namelist():
            raw = old.read(part)
            new.writestr(part, raw[:-200] if part == "word/document.xml" else raw)
    responses, rejects, _ = collect(tmp_path / "b.docx")
    assert 20 <= len(responses) < 30
    assert [r.reason for r in rejects] == ["damaged"]
    assert f"第{len(responses)}段" in rejects[0].message


def test_pdf_lines_are_joined_to_paragraphs(tmp_path: Path) -> None:
    first = [
        "调查报告",
        "群众反映办事难的问题比较突出，窗口工作人员态度",
        "不好，来回跑了四趟。",
        "人手少，经费紧，任务重，压力大，责任也很大，很难",
        "- 1 -",
    ]
    path = pdf(tmp_path / "a.pdf", [first, ["留住年轻人。", "二、建议"]])
    responses, rejects, reading = collect(path)
    assert not rejects
    assert [(r.location, r.text) for r in responses] == [
        ("第1页第1段", "调查报告"),
        ("第1页第2段", "群众反映办事难的问题比较突出，窗口工作人员态度不好，来回跑了四趟。"),
        ("第1页第3段", "人手少，经费紧，任务重，压力大，责任也很大，很难留住年轻人。"),
        ("第2页第1段", "二、建议"),
    ]
    assert reading.containers["页码"] == 1


def test_a_page_without_text_is_rejected(tmp_path: Path) -> None:
    responses, rejects, _ = collect(pdf(tmp_path / "a.pdf", [["办事难。"], []]))
    assert [r.text for r in responses] == ["办事难。"]
    assert [(r.location, r.reason) for r in rejects] == [("第2页", "no_text_layer")]
