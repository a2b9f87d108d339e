"""Words: exactly jieba's cuts, with the domain dictionary; a tolerant reader of user dictionaries."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputRefused
from pipeline.normalise import normalise
from pipeline.read import ReadOptions, discover, read
from pipeline.records import Response
from pipeline.segment import ContentWords, Segmenter, UserWord, domain_words, read_words

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "citizen_messages.xlsx"
FAST, PLAIN = Segmenter(engine="rjieba"), Segmenter(engine="jieba")
ASCII_HEAVY = st.lists(
    st.sampled_from([*"的不路灯在aB1290 +#&._%-，", "4.2.3", "80-90", "C++", "AT&T", "c#", "㐀", "龦", "𠮷"]),
    max_size=24,
).map("".join)


def texts_of(path: Path) -> list[str]:
    sources, _ = discover([path])
    records = [record for source in sources for record in read(source, ReadOptions())]
    return [record.normal for record in records if isinstance(record, Response)]


def test_the_examples_are_cut_as_jieba_cuts_them():
    texts = texts_of(ROOT / "data" / "examples")
    assert len(texts) > 100
    assert [FAST.cut(text) for text in texts] == [PLAIN.cut(text) for text in texts]


def test_all_real_messages_are_cut_as_jieba_cuts_them():
    if not REAL.exists():
        pytest.skip("../shared/data is not here")
    different = [text for text in texts_of(REAL) if FAST.cut(text) != PLAIN.cut(text)]
    assert different == []


@settings(max_examples=300, deadline=None)
@given(ASCII_HEAVY)
def test_ascii_runs_and_rare_characters_are_cut_as_jieba_cuts_them(text):
    assert FAST.cut(text) == PLAIN.cut(text)


@given(st.text(max_size=60))
def test_words_joined_are_the_text(text):
    assert "".join(FAST.cut(normalise(text))) == normalise(text)


def test_the_domain_dictionary_keeps_its_words_whole():
    assert len(domain_words()) >= 300
    for sentence, word in [("他们不作为", "不作为"), ("接诉即办没落实", "接诉即办"), ("网格员来了", "网格员")]:
        assert word in FAST.cut(sentence)


def test_users_words_come_after_the_domain_dictionary():
    words = [UserWord("柳塘村级事务群", 2000, "n")]
    for engine in ("rjieba", "jieba"):
        assert "柳塘村级事务群" in Segmenter(words, engine).cut("我们在柳塘村级事务群里说过")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("村规民约 5 n\n".encode("utf-8-sig"), [UserWord("村规民约", 5, "n")]),
        ("村规民约\r\n一事一议 3\r\n".encode("gb18030"), [UserWord("村规民约"), UserWord("一事一议", 3)]),
        (
            "村规民约\t5\tn\n# 说明\n\n一事一议 nz\n".encode(),
            [UserWord("村规民约", 5, "n"), UserWord("一事一议", None, "nz")],
        ),
        ("村规民约 5 n\n".encode("utf-16"), [UserWord("村规民约", 5, "n")]),
    ],
)
def test_user_dictionaries_are_read_tolerantly(tmp_path, data, words):
    path = tmp_path / "words.txt"
    path.write_bytes(data)
    assert read_words(path) == (words, [])


def test_every_ignored_line_is_reported(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("甲乙 3 n 多\n丙丁 x1 n\n戊己 0\n庚辛\n庚辛\n", encoding="utf-8")
    words, ignored = read_words(path)
    assert words == [UserWord("庚辛")]
    assert [line.line for line in ignored] == [1, 2, 3, 5]
    assert all(line.reason for line in ignored)


def test_a_dictionary_that_cannot_be_read_is_refused_with_its_name(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"\xff\x80\x81\xff\xff\x81")
    for name in ("bad.txt", "missing.txt"):
        with pytest.raises(InputRefused, match=name):
            read_words(tmp_path / name)


def test_negated_words_stay_whole_in_keyword_tables():
    content = ContentWords.shipped()
    assert "不方便" in content.of(FAST.cut("去镇上很不方便"))
    assert "方便" not in content.of(FAST.cut("去镇上很不方便"))
    assert "没有推诿" in content.of(["没有", "推诿"])
