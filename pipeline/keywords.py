"""Counts words: over all, and per category those used more than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.stats import keyness
from pipeline.tables import Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MOST_KEYWORDS = 50
"""Keywords of a category."""

MOST_WORDS = 20_000
"""Words of the overall table; what is rarer is in the units."""

CANDIDATES = 4 * MOST_KEYWORDS
"""Words of a category that the database gives, by its own G2; the statistics library ranks them."""

_COUNTS = """
CREATE TABLE IF NOT EXISTS counts (word VARCHAR, category VARCHAR, file VARCHAR, frequency BIGINT, responses BIGINT)
"""
_COUNTED = """
INSERT INTO counts
SELECT word, category, file, sum(n), count(*)
FROM (
    SELECT word, category, file, place, count(*) AS n
    FROM (
        SELECT unnest(words) AS word, category, file, place
        FROM (
            SELECT words, file, hash(file, location) AS place, unnest(list_append(categories, NULL)) AS category
            FROM spoken
        )
    )
    GROUP BY ALL
)
GROUP BY ALL
"""
_WORD_COUNTS = """
CREATE OR REPLACE TABLE word_counts AS
SELECT word, sum(frequency)::BIGINT AS frequency, sum(responses)::BIGINT AS responses, count(DISTINCT file) AS files
FROM counts WHERE category IS NULL GROUP BY word
"""
_KEYWORDS = """
WITH inside AS (
    SELECT category, word, sum(frequency)::BIGINT AS frequency, sum(responses)::BIGINT AS responses
    FROM counts WHERE category IS NOT NULL GROUP BY category, word
),
corpus AS (SELECT category, sum(frequency)::BIGINT AS tokens FROM inside GROUP BY category),
whole AS (SELECT sum(frequency)::BIGINT AS all_tokens FROM word_counts)
SELECT category, word, inside.frequency, inside.responses, word_counts.frequency - inside.frequency AS rest_frequency,
       tokens, all_tokens - tokens AS rest_tokens
FROM inside JOIN word_counts USING (word) JOIN corpus USING (category), whole
WHERE rest_tokens > 0 AND inside.frequency * rest_tokens > rest_frequency * tokens
QUALIFY row_number() OVER (
    PARTITION BY category ORDER BY inside.frequency * ln(inside.frequency / (word_counts.frequency * tokens / all_tokens))
        + CASE WHEN rest_frequency > 0
               THEN rest_frequency * ln(rest_frequency / (word_counts.frequency * rest_tokens / all_tokens)) ELSE 0 END DESC,
        word
) <= $candidates
ORDER BY category, word
"""


def count_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the words of the portion of units at hand to the table `counts`, on which the two tables of words rest."""
    connection.execute(_COUNTS)
    connection.execute(_COUNTED)


def words(connection: duckdb.DuckDBPyConnection) -> Table:
    """Return the table `words`: how often, in how many responses and files each word occurs."""
    connection.execute(_WORD_COUNTS)
    ranked = "SELECT * FROM word_counts ORDER BY frequency DESC, responses DESC, word LIMIT ?"
    frame = connection.execute(ranked, [MOST_WORDS]).df()
    distinct = connection.execute("SELECT count(*) FROM word_counts").fetchall()[0][0]
    notes = (
        "词语已去掉停用词，带否定的词（如“不方便”“没有推诿”）作为整体计数。",
        f"共有 {distinct} 个不同的词"
        + (f"，列出最常见的 {MOST_WORDS} 个。" if distinct > MOST_WORDS else "，全部列出。"),
    )
    headings = {"word": "词语", "frequency": "出现次数", "responses": "出现于多少条回答", "files": "出现于多少个文件"}
    return Table("words", "词频", frame, headings, notes)


def keywords(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Table:
    """Return the table `keywords`: per category the words over-used there against all other units.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `count_words` has run.
    names : mapping of str to str
        Category id to Chinese name, in order.
    """
    connection.execute(_WORD_COUNTS)
    frame = connection.execute(_KEYWORDS, {"candidates": CANDIDATES}).df()
    key = keyness(frame["frequency"], frame["rest_frequency"], frame["tokens"], frame["rest_tokens"])
    frame = frame.assign(g2=key.g2, log_ratio=key.log_ratio, bic=key.bic)
    headings = {
        "name": "类别",
        "rank": "名次",
        "word": "词语",
        "frequency": "类内次数",
        "responses": "出现于多少条回答",
        "rest_frequency": "类外次数",
        "g2": "对数似然值（G2）",
        "log_ratio": "对数比",
        "bic": "贝叶斯因子（BIC）",
    }
    notes = (
        "与该类别以外的全部语句相比，在该类别里明显多用的词，按对数似然值（G2）排列，每类最多50个；不分表述类型。",
        "对数比：每加1，相对频率翻一番。贝叶斯因子：大于2为有证据，大于6为强，大于10为很强，小于0不足为凭。",
    )
    return Table("keywords", "类别关键词", _best(frame, names, [*headings]), headings, notes)


def _best(frame: pd.DataFrame, names: Mapping[str, str], columns: list[str]) -> pd.DataFrame:
    """Return the best words of each category, categories in order."""
    order = {category: place for place, category in enumerate(names)}
    frame = frame.assign(name=frame["category"].map(names), place=frame["category"].map(order))
    frame = frame.sort_values(["place", "g2", "word"], ascending=[True, False, True], kind="stable")
    frame["rank"] = frame.groupby("category").cumcount() + 1
    return frame.loc[frame["rank"] <= MOST_KEYWORDS, ["category", *columns]].reset_index(drop=True)
