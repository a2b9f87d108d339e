"""Chooses what to quote: typical of its category, different from one another, from different people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipeline.records import Statement
from pipeline.stats import Floats
from pipeline.tables import Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

EACH = 5
"""Quotes of a category and statement."""

SAMPLE = 200
"""Units looked at for them; which, a hash decides."""

LENGTH = (12, 60)
"""Characters of a sentence that reads well alone."""

TYPICAL = 0.7
"""Weight of being typical against being different from what is chosen already."""

TOO_LIKE = 0.6
"""Cosine above which two quotes say the same."""

QUOTED = (Statement.PROBLEM, Statement.SUGGESTION, Statement.PRAISE)

_CANDIDATES = """
WITH coded_units AS (
    SELECT text, file, location, unit, respondent, words, statement, unnest(categories) AS category,
           statement_confidence * unnest(confidences) AS confidence, md5(concat_ws('|', text, file, location, unit)) AS h
    FROM spoken WHERE statement <> 'neutral' AND NOT cut AND len(words) > 0
),
sampled AS (
    SELECT category, statement, unnest(arg_min(
        struct_pack(text, file, location, unit, respondent, words, confidence, h),
        CASE WHEN length(text) BETWEEN $shortest AND $longest THEN '0' ELSE '1' END || h,
        $sample
    )) AS one
    FROM coded_units GROUP BY category, statement
)
SELECT category, statement, unnest(one) FROM sampled
ORDER BY category, statement, one.h, one.file, one.location, one.unit
"""
"""One pass that keeps the units with the least hashes of each group: memory does not grow with the run."""


def quotes(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Table:
    """Return the table `quotes`: per category and statement up to `EACH` units, with their source.

    Maximal marginal relevance over tf-idf vectors of the units' words: a quote is near the category's centre,
    confident, of a readable length, and unlike the quotes before it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `pipeline.query.open_units`.
    names : mapping of str to str
        Category id to Chinese name, in order.

    References
    ----------
    Carbonell, J. & Goldstein, J. (1998). The use of MMR, diversity-based reranking for reordering documents and
    producing summaries. SIGIR, 335-336.
    """
    import pandas as pd

    limits = {"shortest": LENGTH[0], "longest": LENGTH[1], "sample": SAMPLE}
    candidates = dict(list(connection.execute(_CANDIDATES, limits).df().groupby(["category", "statement"])))
    chosen = [
        _choose(candidates[category, statement.value]).assign(name=name, statement_name=statement.zh)
        for category, name in names.items()
        for statement in QUOTED
        if (category, statement.value) in candidates
    ]
    headings = {
        "name": "类别",
        "statement_name": "表述类型",
        "rank": "序号",
        "text": "原话",
        "file": "文件",
        "location": "位置",
        "respondent": "受访者",
        "confidence": "置信度",
    }
    columns = ["category", "statement", *headings]
    frame = pd.concat(chosen)[columns].reset_index(drop=True) if chosen else pd.DataFrame(columns=columns)
    notes = (
        f"每个类别和表述类型最多{EACH}条：有代表性、互不重复、出自不同受访者、长短适宜；供阅读，不代表比例。",
        "置信度＝表述类型置信度×类别置信度。",
    )
    return Table("quotes", "典型原话", frame, headings, notes)


def _choose(units: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen units in the order of choice."""
    units = units.reset_index(drop=True)
    likeness, centrality = _vectors(units["words"].tolist())
    worth = (
        centrality
        * units["confidence"].fillna(1).to_numpy()
        * _readable(np.array([len(text) for text in units["text"]], float))
    )
    people = list(zip(units["file"], units["respondent"], strict=True))
    closest = np.zeros(len(units))
    free = np.ones(len(units), bool)
    picked: list[int] = []
    while free.any() and len(picked) < EACH:
        best = int(np.argmax(np.where(free, TYPICAL * worth - (1 - TYPICAL) * closest, -np.inf)))
        picked.append(best)
        closest = np.maximum(closest, likeness[best])
        free &= (closest <= TOO_LIKE) & np.array([person != people[best] for person in people])
    return units.loc[picked].assign(rank=range(1, len(picked) + 1))


def _vectors(words: list[list[str]]) -> tuple[Floats, Floats]:
    """Return the cosines between units, and those with their centre scaled to at most 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer=list, sublinear_tf=True).fit_transform(words)
    likeness = (vectors @ vectors.T).toarray()
    centrality = likeness.mean(axis=0)
    return likeness, centrality / centrality.max()


def _readable(lengths: Floats) -> Floats:
    """Return 1 for lengths within `LENGTH`, less the farther outside."""
    shortest, longest = LENGTH
    worth: Floats = np.clip(np.minimum(lengths / shortest, longest / np.maximum(lengths, 1)), 0, 1)
    return worth
