"""Counts words and phrases: over all, and per category or group those used more than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.breakdown import JOINED, MISSING
from pipeline.query import quoted
from pipeline.stats import keyness
from pipeline.tables import Table, file_name

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MOST_KEYWORDS = 50
"""Keywords of a category or a group."""

MOST_WORDS = 20_000
"""Words of the overall table; what is rarer is in the units."""

CANDIDATES = 4 * MOST_KEYWORDS
"""Terms of a category or group that the database gives, by its own G2; the statistics library ranks them."""

KINDS = {False: "词", True: "短语"}

_TERMS = """
CREATE OR REPLACE TEMP MACRO terms_of(words, text) AS list_concat(
    list_transform(words, lambda word: {'phrase': false, 'word': word}),
    list_transform(
        list_filter(
            list_transform(range(1, len(words)), lambda place: words[place] || words[place + 1]),
            lambda pair: contains(text, pair)
        ),
        lambda pair: {'phrase': true, 'word': pair}
    )
)
"""
_COUNTS = """
CREATE TABLE IF NOT EXISTS counts (
    phrase BOOLEAN, word VARCHAR, category VARCHAR, file VARCHAR, frequency BIGINT, responses BIGINT
)
"""
_COUNTED = """
INSERT INTO counts
SELECT term.phrase, term.word, category, file, sum(n), count(*)
FROM (
    SELECT term, category, file, place, count(*) AS n
    FROM (
        SELECT unnest(terms_of(words, text)) AS term, category, file, place
        FROM (
            SELECT words, text, file, hash(file, location) AS place,
                   unnest(list_append(categories, NULL)) AS category
            FROM spoken
        )
    )
    GROUP BY ALL
)
GROUP BY ALL
"""
_WORD_COUNTS = """
CREATE OR REPLACE TABLE word_counts AS
SELECT phrase, word, sum(frequency)::BIGINT AS frequency, sum(responses)::BIGINT AS responses,
       count(DISTINCT file) AS files
FROM counts WHERE category IS NULL GROUP BY phrase, word
"""
_IN_CATEGORIES = """
CREATE OR REPLACE TEMP TABLE inside AS
SELECT category AS key, phrase, word, sum(frequency)::BIGINT AS frequency, sum(responses)::BIGINT AS responses
FROM counts WHERE category IS NOT NULL GROUP BY category, phrase, word
"""
_IN_GROUPS = """
CREATE OR REPLACE TEMP TABLE inside AS
SELECT key, phrase, word, sum(n)::BIGINT AS frequency, count(*) AS responses
FROM (
    SELECT key, term.phrase, term.word, place, count(*) AS n
    FROM (
        SELECT label AS key, hash(file, location) AS place, unnest(terms_of(words, text)) AS term
        FROM (SELECT *, coalesce(nullif(trim({column}), ''), $missing) AS grp FROM heard) JOIN labels USING (grp)
        WHERE label <> $missing
    )
    GROUP BY ALL
)
GROUP BY key, phrase, word
"""
_OVERUSED = """
WITH corpus AS (SELECT key, phrase, sum(frequency)::BIGINT AS tokens FROM inside GROUP BY key, phrase),
everything AS (SELECT phrase, sum(frequency)::BIGINT AS all_tokens FROM {whole} GROUP BY phrase),
whole AS (SELECT phrase, word, sum(frequency)::BIGINT AS all_frequency FROM {whole} GROUP BY phrase, word)
SELECT key, phrase, word, frequency, responses, all_frequency - frequency AS rest_frequency,
       tokens, all_tokens - tokens AS rest_tokens
FROM inside JOIN whole USING (phrase, word) JOIN corpus USING (key, phrase) JOIN everything USING (phrase)
WHERE rest_tokens > 0 AND frequency * rest_tokens > rest_frequency * tokens AND (NOT phrase OR responses > 1)
QUALIFY row_number() OVER (
    PARTITION BY key ORDER BY frequency * ln(frequency / (all_frequency * tokens / all_tokens))
        + CASE WHEN rest_frequency > 0
               THEN rest_frequency * ln(rest_frequency / (all_frequency * rest_tokens / all_tokens)) ELSE 0 END DESC, word
) <= $candidates
ORDER BY key, phrase, word
"""
_KEYNESS = {
    "rank": "名次",
    "word": "词语",
    "kind_name": "词或短语",
    "frequency": "类内次数",
    "responses": "出现于多少条回答",
    "rest_frequency": "类外次数",
    "g2": "对数似然值（G2）",
    "log_ratio": "对数比",
    "bic": "贝叶斯因子（BIC）",
}
_READING = "对数比：每加1，相对频率翻一番。贝叶斯因子：大于2为有证据，大于6为强，大于10为很强，小于0不足为凭。"
_PHRASES = "短语是原话里紧挨着的两个词，至少两条回答用过；带否定的词（如“没有推诿”）是一个整体。"


def count_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the terms of the portion of units at hand to the table `counts`; `sum_words` ends it.

    A term is a word, or a phrase: two words that stand next to each other in the text.
    """
    connection.execute(_TERMS)
    connection.execute(_COUNTS)
    connection.execute(_COUNTED)


def sum_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `word_counts` of all portions, on which the tables of words rest."""
    connection.execute(_WORD_COUNTS)


def words(connection: duckdb.DuckDBPyConnection) -> Table:
    """Return the table `words`: how often, in how many responses and files each word occurs."""
    ranked = """
    SELECT word, frequency, responses, files FROM word_counts WHERE NOT phrase
    ORDER BY frequency DESC, responses DESC, word LIMIT ?
    """
    frame = connection.execute(ranked, [MOST_WORDS]).df()
    distinct = connection.execute("SELECT count(*) FROM word_counts WHERE NOT phrase").fetchall()[0][0]
    notes = (
        "词语已去掉停用词，带否定的词（如“不方便”“没有推诿”）作为整体计数。",
        f"共有 {distinct} 个不同的词"
        + (f"，列出最常见的 {MOST_WORDS} 个。" if distinct > MOST_WORDS else "，全部列出。"),
    )
    headings = {"word": "词语", "frequency": "出现次数", "responses": "出现于多少条回答", "files": "出现于多少个文件"}
    return Table("words", "词频", frame, headings, notes)


def keywords(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Table:
    """Return the table `keywords`: per category the words and phrases over-used there against all other units.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `count_words` has run.
    names : mapping of str to str
        Category id to Chinese name, in order.
    """
    connection.execute(_IN_CATEGORIES)
    frame = _best(_overused(connection, "word_counts"), list(names)).rename(columns={"key": "category"})
    frame.insert(1, "name", frame["category"].map(names))
    headings = {"name": "类别", **_KEYNESS}
    notes = (
        "与该类别以外的全部语句相比，在该类别里明显多用的词和短语，按对数似然值（G2）排列，每类最多50个；不分表述类型。"
        + _PHRASES,
        _READING,
    )
    return Table("keywords", "类别关键词", frame[["category", *headings]], headings, notes)


def group_keywords(connection: duckdb.DuckDBPyConnection, column: str) -> Table:
    """Return the table `keywords_by_<column>`: per group the words and phrases over-used there against the other groups.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `count_words`, and last `pipeline.breakdown.by_column` for this column, have run: its groups are compared.
    column : str
        The column.
    """
    connection.execute(_IN_GROUPS.format(column=quoted(column)), {"missing": MISSING})
    frame = _overused(connection, "inside")
    frame = frame[(frame["responses"] > 1) & ~frame["key"].str.startswith(JOINED)]
    frame = _best(frame, sorted(set(frame["key"]))).rename(columns={"key": "group"})
    own = {"frequency": "组内次数", "rest_frequency": "组外次数"}
    headings = {"group": f"分组：{column}", **{name: own.get(name, zh) for name, zh in _KEYNESS.items()}}
    notes = (
        f"与其余各组相比，该组明显多用的词和短语，按对数似然值（G2）排列，每组最多{MOST_KEYWORDS}个，至少两条回答用过；"
        "人数太少而合并的组和空缺的不列出。" + _PHRASES,
        _READING,
    )
    return Table(file_name(f"keywords_by_{column}"), f"按“{column}”比较用词", frame[[*headings]], headings, notes)


def _overused(connection: duckdb.DuckDBPyConnection, whole: str) -> pd.DataFrame:
    """Return the terms of `inside` that their category or group uses more than the rest of `whole`, with keyness."""
    frame = connection.execute(_OVERUSED.format(whole=whole), {"candidates": CANDIDATES}).df()
    key = keyness(frame["frequency"], frame["rest_frequency"], frame["tokens"], frame["rest_tokens"])
    told: pd.DataFrame = frame.assign(
        g2=key.g2, log_ratio=key.log_ratio, bic=key.bic, kind_name=frame["phrase"].map(KINDS)
    )
    return told


def _best(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the best terms of each category or group, in order."""
    order = {key: place for place, key in enumerate(keys)}
    frame = frame.assign(place=frame["key"].map(order))
    frame = frame.sort_values(["place", "g2", "word"], ascending=[True, False, True], kind="stable")
    frame["rank"] = frame.groupby("key").cumcount() + 1
    best: pd.DataFrame = frame[frame["rank"] <= MOST_KEYWORDS].reset_index(drop=True)
    return best
