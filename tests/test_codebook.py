"""Codebooks: loading, checking, starting one, and the lexicons that ship."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.codebook import COLUMNS, Category, Codebook, check, load, new, of_labels, save
from pipeline.errors import CodebookRefused, OutputRefused
from pipeline.resources import shipped

IDS = [
    "formalism", "bureaucratism", "hedonism", "extravagance", "integrity", "mass_detachment", "service_gap",
    "capability", "institution", "resources", "communication", "public_attitude", "livelihood",
]  # fmt: skip


def write(path: Path, *rows: list[str], encoding: str = "utf-8-sig") -> Path:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def kinds(path: Path) -> list[tuple[int, str]]:
    return [(finding.line, finding.kind) for finding in check(path)]


def test_built_in_codebook_holds_the_thirteen_categories() -> None:
    book = load()
    assert list(book.ids) == IDS
    for category in book.categories:
        assert len(category.terms) + len(category.topics) >= 60
        assert all((category.definition, category.include, category.exclude, category.examples))


def test_built_in_codebook_has_only_meant_findings() -> None:
    findings = check(shipped("lexicons/codebook.csv"))
    assert {finding.kind for finding in findings} <= {"shared_term"}
    assert all("四风" in finding.sentence for finding in findings)


@pytest.mark.parametrize("name", ["官僚主义", "bureaucratism", " 官僚主义　", "BUREAUCRATISM", "ｂureaucratism"])
def test_names_both_ways(name: str) -> None:
    book = load()
    assert book.id_of(name) == "bureaucratism"
    assert book.name_of("bureaucratism") == "官僚主义"


def test_unknown_name() -> None:
    with pytest.raises(KeyError):
        load().id_of("天气")


@pytest.mark.parametrize("name", ["mine.csv", "mine.xlsx"])
def test_new_codebook_is_commented_and_reads_back_equal(tmp_path: Path, name: str) -> None:
    path = new(tmp_path / name)
    assert load(path) == load()
    assert load(path).fingerprint == load().fingerprint
    if path.suffix == ".csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf# ")
    with pytest.raises(OutputRefused, match="已存在"):
        new(path)


def test_new_refuses_other_formats(tmp_path: Path) -> None:
    with pytest.raises(CodebookRefused, match=r"\.xlsx"):
        new(tmp_path / "mine.docx")
    assert not (tmp_path / "mine.docx").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_and_chinese_headings(tmp_path: Path, encoding: str) -> None:
    path = write(
        tmp_path / "a.csv",
        ["# 说明", "", ""],
        [" 编号 ", "名称", "问题词"],
        ["park　", "停车 ", "停车难； 乱停车;违停\n占道；；"],
        [],
        encoding=encoding,
    )
    (category,) = load(path).categories
    assert (category.id, category.name) == ("park", "停车")
    assert category.terms == ("停车难", "乱停车", "违停", "占道")


def test_full_width_letters_in_ids_and_terms(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["ｉｄ", "name", "terms"], ["ａｂ１", "甲", "ＡＰＰ打卡"])
    (category,) = load(path).categories
    assert (category.id, category.terms) == ("ab1", ("APP打卡",))


@pytest.mark.parametrize(
    ("rows", "line", "kind", "word"),
    [
        ([["id", "name"], ["a", "甲"]], 0, "missing_column", "terms"),
        ([["id", "name", "terms", "color"], ["a", "甲", "乙", "红"]], 0, "unknown_column", "color"),
        ([["id", "name", "terms"]], 0, "no_category", "类别"),
        ([["id", "name", "terms"], ["", "甲", "乙"]], 2, "bad_id", "id"),
        ([["id", "name", "terms"], ["a b", "甲", "乙"]], 2, "bad_id", "a b"),
        ([["id", "name", "terms"], ["=1+1", "甲", "乙"]], 2, "bad_id", "=1"),
        ([["id", "name", "terms"], ["problem", "甲", "乙"]], 2, "bad_id", "problem"),
        ([["id", "name", "terms"], ["a", "无", "乙"]], 2, "bad_id", "无"),
        ([["id", "name", "terms"], ["a", "甲", "乙"], ["A", "丙", "丁"]], 3, "duplicate_id", "第2行"),
        ([["id", "name", "terms"], ["a", "甲", "乙"], ["b", "甲", "丁"]], 3, "duplicate_id", "甲"),
        ([["id", "name", "terms"], ["a", "甲", ""]], 2, "empty_category", "甲"),
        ([["id", "name", "terms"], ["a", "甲", "推诿；推诿"]], 2, "duplicate_term", "推诿"),
        ([["id", "name", "terms"], ["a", "甲", "推诿"], ["b", "乙", "推诿"]], 2, "shared_term", "乙"),
        ([["id", "name", "terms"], ["a", "甲", "推诿，扯皮"]], 2, "term_never_matches", "推诿，扯皮"),
        ([["id", "name", "terms", "not_terms"], ["a", "甲", "推诿", "推诿"]], 2, "term_never_matches", "排除词"),
        ([["id", "name", "terms", "not_terms"], ["a", "甲", "推诿", "停车"]], 2, "hidden_term", "不起作用"),
        (
            [["id", "name", "terms", "not_terms"], ["a", "甲", "车", "停车难题"], ["b", "乙", "停车难", ""]],
            2,
            "hidden_term",
            "停车难",
        ),
    ],
)
def test_findings_name_line_and_word(tmp_path: Path, rows: list[list[str]], line: int, kind: str, word: str) -> None:
    findings = check(write(tmp_path / "a.csv", *rows))
    matching = [finding for finding in findings if (finding.line, finding.kind) == (line, kind)]
    assert matching, findings
    assert any(word in finding.sentence for finding in matching)


def test_sound_codebook_has_no_findings(tmp_path: Path) -> None:
    rows = [["id", "name", "terms", "not_terms"], ["a", "甲", "脏、乱、差；车", "车站"], ["b", "乙", "推诿", ""]]
    assert kinds(write(tmp_path / "a.csv", *rows)) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["id", "name"], ["a", "甲"]], ["terms", "补上"]),
        ([["id", "name", "terms"], ["a", "甲", "乙"], ["a", "丙", "丁"]], ["第3行", "重复", "改名"]),
        ([["id", "name", "terms"], ["", "甲", "乙"]], ["第2行", "填上"]),
    ],
)
def test_load_refuses_with_row_and_cure(tmp_path: Path, rows: list[list[str]], words: list[str]) -> None:
    with pytest.raises(CodebookRefused) as refused:
        load(write(tmp_path / "a.csv", *rows))
    assert all(word in str(refused.value) for word in ["a.csv", *words])


def test_rows_count_comments_and_lines_within_cells(tmp_path: Path) -> None:
    rows = [["# x"], ["id", "name", "terms"], ["a", "甲", "推诿\n扯皮"], ["b", "乙", ""]]
    assert kinds(write(tmp_path / "a.csv", *rows)) == [(4, "empty_category")]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.csv", b"", "空的"),
        ("a.csv", b"\xff\xff\x00\xff", "编码"),
        ("a.xlsx", b"not a workbook", "打不开"),
        ("a.docx", b"x", "另存为"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for use in (load, check):
        with pytest.raises(CodebookRefused, match=word):
            use(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CodebookRefused, match="找不到"):
        load(tmp_path / "none.csv")


def test_labels_make_a_codebook() -> None:
    assert of_labels([" 环保", "交通", "", "交通"]).names == {"交通": "交通", "环保": "环保"}


def test_fingerprint_follows_content() -> None:
    one = Codebook((Category("a", "甲", terms=("推诿",)),))
    assert one.fingerprint == Codebook((Category("a", "甲", terms=("推诿",)),)).fingerprint
    assert one.fingerprint != Codebook((Category("a", "甲", terms=("扯皮",)),)).fingerprint


PLAIN = st.text("推诿扯皮abc1", min_size=1, max_size=5)
WORDS = st.lists(PLAIN, max_size=4, unique=True).map(tuple)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.builds(Category, id=PLAIN, name=PLAIN, definition=PLAIN, terms=WORDS, topics=WORDS), min_size=1))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, categories: list[Category]) -> None:
    unique = {
        f"{n}": Category(f"c{n}", f"类{n}", c.definition, terms=c.terms, topics=c.topics)
        for n, c in enumerate(categories)
    }
    book = Codebook(tuple(unique.values()))
    folder = tmp_path_factory.mktemp("books")
    for name in ("a.csv", "a.xlsx"):
        assert load(save(book, folder / name)) == book


def test_saved_workbooks_are_equal_bytes_and_hold_no_formula(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    book = Codebook((Category("a", "甲", definition="=1+1", terms=("推诿",)),))
    first, second = save(book, tmp_path / "a.xlsx"), save(book, tmp_path / "b.xlsx")
    assert first.read_bytes() == second.read_bytes()
    assert load_workbook(first).worksheets[0]["C2"].data_type == "s"


def test_columns_have_chinese_headings(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", list(COLUMNS.values()), ["a", "甲", *"定包除例", "推诿", "公章", "推诿学"])
    assert load(path).categories == (Category("a", "甲", *"定包除例", ("推诿",), ("公章",), ("推诿学",)),)


def test_domain_words_stay_in_one_piece() -> None:
    from pipeline.segment import Segmenter, domain_words

    words = [entry.word for entry in domain_words()]
    segmenter = Segmenter()
    assert len(words) >= 600
    assert [word for word in words if word not in segmenter.cut(f"关于{word}，大家")] == []


@pytest.mark.parametrize("name", ["stopwords.txt", "no_content.txt"])
def test_word_lists_have_no_duplicates(name: str) -> None:
    lines = shipped(f"lexicons/{name}").read_text(encoding="utf-8").splitlines()
    words = [line for line in lines if line and not line.startswith("#")]
    assert len(words) == len(set(words)) > 100
    assert all(word == word.strip() for word in words)
