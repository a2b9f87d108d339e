"""Builds the tables of a run from its stored units; nothing else counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.breakdown import SMALL, by_column, caution, check_columns, trend
from pipeline.cues import no_content
from pipeline.keywords import count_words, group_keywords, keywords, sum_words, words
from pipeline.query import count_coded, open_units, portions, streamed
from pipeline.quotes import quotes
from pipeline.records import Statement
from pipeline.stats import ClusterSums, clustered, wilson
from pipeline.tables import Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

NONE_ID, NONE = "(none)", "无类别"
TOTAL_ID, TOTAL = "(total)", "合计"

_FREQUENCIES = """
CREATE TABLE frequencies AS
WITH heard AS (
    SELECT person, category, sum(n)::BIGINT AS units,
           coalesce(sum(n) FILTER (statement = 'problem'), 0)::BIGINT AS problem,
           coalesce(sum(n) FILTER (statement = 'suggestion'), 0)::BIGINT AS suggestion,
           coalesce(sum(n) FILTER (statement = 'praise'), 0)::BIGINT AS praise,
           coalesce(sum(n) FILTER (statement = 'neutral'), 0)::BIGINT AS neutral
    FROM coded GROUP BY person, category
),
problems AS (SELECT person, problem AS m FROM heard WHERE category IS NULL)
SELECT CASE heard.category WHEN '' THEN '(none)' ELSE coalesce(heard.category, '(total)') END AS category,
       count(*) FILTER (problem > 0) AS problem_respondents,
       count(*) FILTER (suggestion > 0) AS suggestion_respondents,
       count(*) FILTER (praise > 0) AS praise_respondents,
       count(*) FILTER (neutral > 0) AS neutral_respondents,
       count(*) AS respondents,
       sum(problem)::BIGINT AS problem_units, sum(suggestion)::BIGINT AS suggestion_units,
       sum(praise)::BIGINT AS praise_units, sum(neutral)::BIGINT AS neutral_units, sum(units)::BIGINT AS units,
       sum(problem * problem)::BIGINT AS hh, sum(problem * m)::BIGINT AS hm,
       count(*) FILTER (problem > 0 AND problem = m) AS always
FROM heard JOIN problems USING (person) GROUP BY heard.category
"""
_TOGETHER = """
WITH reported AS (SELECT DISTINCT person, category FROM coded WHERE statement = 'problem' AND category <> ''),
by_unit AS (
    SELECT a, b, count(*) AS units
    FROM (SELECT a, unnest(categories) AS b FROM (
        SELECT unnest(categories) AS a, categories FROM spoken WHERE statement = 'problem' AND len(categories) > 1
    )) WHERE a < b GROUP BY a, b
),
by_person AS (
    SELECT one.category AS a, two.category AS b, count(*) AS respondents
    FROM reported one JOIN reported two ON one.person = two.person AND one.category < two.category GROUP BY ALL
)
SELECT a, b, coalesce(units, 0) AS units, coalesce(respondents, 0) AS respondents
FROM by_unit FULL JOIN by_person USING (a, b) ORDER BY a, b
"""
_SHORT = "SELECT DISTINCT text FROM spoken WHERE len(categories) = 0 AND length(text) <= 24"
_REMAINDER = """
SELECT kind, count(*) AS units, count(DISTINCT person) AS respondents
FROM (
    SELECT person, unnest([
        'total',
        CASE WHEN len(categories) > 0 THEN 'coded' WHEN empty THEN 'no_content' ELSE 'uncoded' END,
        CASE WHEN len(categories) > 0 OR empty THEN NULL ELSE 'uncoded_' || statement END,
        CASE WHEN review THEN 'review' END,
        CASE WHEN cut THEN 'cut' END
    ]) AS kind
    FROM (SELECT *, text IN (SELECT text FROM empty_texts) AS empty FROM spoken)
)
WHERE kind IS NOT NULL GROUP BY kind
UNION ALL
SELECT 'interviewer', count(*), count(DISTINCT (file, respondent)) FROM parts WHERE role = 'interviewer'
"""
_KINDS = {
    "total": "全部语句",
    "coded": "有类别",
    "uncoded": "无类别（有内容）",
    **{f"uncoded_{statement.value}": f"　其中：{statement.zh}" for statement in Statement},
    "no_content": "没有内容的回答（无、没有、不清楚等）",
    "review": "把握不大，建议人工复核",
    "cut": "过长而被截断",
    "interviewer": "访谈者的话",
}
_FREQUENCY = {
    "name": "类别",
    "problem_respondents": "提到问题的受访者数",
    "respondent_share": "占全部受访者",
    "respondent_low": "受访者占比95%区间下限",
    "respondent_high": "受访者占比95%区间上限",
    "suggestion_respondents": "提建议的受访者数",
    "praise_respondents": "肯定的受访者数",
    "neutral_respondents": "陈述的受访者数",
    "respondents": "提及的受访者数",
    "problem_units": "问题语句数",
    "unit_share": "占全部问题语句",
    "unit_low": "语句占比95%区间下限",
    "unit_high": "语句占比95%区间上限",
    "suggestion_units": "建议语句数",
    "praise_units": "肯定语句数",
    "neutral_units": "陈述语句数",
    "units": "语句数",
    "caution": "提示",
}
_TOGETHER_HEADINGS = {
    "name_a": "类别甲",
    "name_b": "类别乙",
    **{
        f"{base}{column}": f"{zh}{heading}"
        for base, zh in (("units", "语句"), ("respondents", "受访者"))
        for column, heading in (
            ("", "：同时提到"),
            ("_expected", "：期望数"),
            ("_lift", "：提升度"),
            ("_jaccard", "：Jaccard系数"),
        )
    },
}


def tabulate(
    folder: Path,
    codebook_names: Mapping[str, str],
    *,
    by: Sequence[str] = (),
    date: str | None = None,
    interviewer: bool = False,
    min_group: int = SMALL,
) -> list[Table]:
    """Build the tables of a run.

    Parameters
    ----------
    folder : Path
        OUT, with `units/part-*.parquet`.
    codebook_names : mapping of str to str
        Category id to Chinese name, in the codebook's order; ids that only the units have come after them.
    by : sequence of str
        Columns to break down by: a table `by_<column>` each.
    date : str, optional
        The column of dates: the table `trend`.
    interviewer : bool, default False
        Whether the interviewer's turns count too.
    min_group : int
        Groups of fewer respondents are not shown.

    Returns
    -------
    list of Table
        `frequencies`, `by_<column>` and `keywords_by_<column>` …, `trend`, `keywords`, `cooccurrence`, `quotes`, `words`, `remainder`.

    Raises
    ------
    InputRefused
        If the folder holds no run, or the run has no such column.
    """
    check_columns(folder, [*by, *([date] if date else [])])
    with open_units(folder, interviewer=interviewer) as connection:
        count(connection, folder, interviewer=interviewer)
        names = _complete(connection, codebook_names)
        tables = [
            frequencies(connection, names),
            *(table for column in dict.fromkeys(by) for table in _compared(connection, column, names, min_group)),
            *([trend(connection, date, names)] if date else []),
            keywords(connection, names),
            cooccurrence(connection, names),
            quotes(connection, names),
            words(connection),
            remainder(connection, interviewer=interviewer),
        ]
    return _named_apart(tables)


def count(connection: duckdb.DuckDBPyConnection, folder: Path, *, interviewer: bool = False) -> None:
    """Count respondents, units and words, on which the tables rest, in a connection of `pipeline.query.open_units`."""
    count_coded(connection)
    connection.execute(_FREQUENCIES)
    for _ in portions(connection, folder, interviewer=interviewer):
        count_words(connection)
    sum_words(connection)


def frequencies(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Table:
    """Return the table `frequencies`: per category respondents and units by statement, and shares with intervals.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `pipeline.query.open_units`.
    names : mapping of str to str
        Category id to Chinese name, in order.
    """
    rows = {**names, NONE_ID: NONE, TOTAL_ID: TOTAL}
    counts = connection.table("frequencies").df().set_index("category")
    frame = counts.reindex(list(rows), fill_value=0).rename_axis("category").reset_index()
    total = frame.iloc[-1]
    people, problems = int(total["respondents"]), int(total["problem_units"])
    frame["name"] = list(rows.values())
    frame["respondent_share"] = _share(frame["problem_respondents"], people)
    frame["respondent_low"], frame["respondent_high"] = wilson(
        frame["problem_respondents"], np.full(len(frame), people)
    )
    frame["unit_share"] = _share(frame["problem_units"], problems)
    frame["unit_low"], frame["unit_high"] = clustered(_sums(frame, total))
    frame.loc[frame["category"] == TOTAL_ID, ["unit_low", "unit_high"]] = np.nan
    frame["caution"] = [caution(hits, people) for hits in frame["problem_respondents"]]
    notes = (
        f"基数：受访者 {people} 人，问题语句 {problems} 条。一人或一句可提到几个类别，各行相加会超过合计。",
        "受访者占比的区间为95% Wilson区间；语句占比的区间为按受访者聚类的95%稳健区间（同一人的语句彼此相关）。",
        "类别是说到的话题，只有“问题”语句是在反映问题。不同文件里的同名受访者按不同的人计。",
    )
    return Table("frequencies", "问题类别频数", frame[["category", *_FREQUENCY]], _FREQUENCY, notes)


def cooccurrence(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Table:
    """Return the table `cooccurrence`: categories named together as problems, in a unit and by a respondent.

    Parameters
    ----------
    connection, names
        As for `frequencies`.
    """
    pairs = _in_order(connection.execute(_TOGETHER).df(), list(names))
    counts = connection.table("frequencies").df().set_index("category")
    bases = {"units": ("problem_units", "problem_units"), "respondents": ("problem_respondents", "respondents")}
    for name, (column, base) in bases.items():
        a, b = (pairs[side].map(counts[column]).to_numpy(float) for side in ("a", "b"))
        expected = a * b / max(counts[base].get(TOTAL_ID, 0), 1)
        pairs[f"{name}_expected"] = expected
        pairs[f"{name}_lift"] = pairs[name] / expected
        pairs[f"{name}_jaccard"] = pairs[name] / (a + b - pairs[name])
    pairs["name_a"], pairs["name_b"] = pairs["a"].map(names), pairs["b"].map(names)
    pairs = pairs.rename(columns={"a": "category_a", "b": "category_b"})
    notes = (
        "两个类别作为问题被同一句、同一受访者提到的次数；语句以全部问题语句、受访者以全部受访者为基数。",
        "期望数：两者互不相关时应有的次数；提升度＝实际÷期望，大于1说明常在一起；Jaccard系数＝同时提到÷至少提到其一。",
    )
    return Table(
        "cooccurrence", "类别共现", pairs[["category_a", "category_b", *_TOGETHER_HEADINGS]], _TOGETHER_HEADINGS, notes
    )


def remainder(connection: duckdb.DuckDBPyConnection, *, interviewer: bool = False) -> Table:
    """Return the table `remainder`: what has no category, says nothing, or should be looked at by a person.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `pipeline.query.open_units`.
    interviewer : bool, default False
        Whether the connection counts the interviewer's turns.
    """
    _note_empty(connection)
    counts = connection.execute(_REMAINDER).df().set_index("kind")
    frame = counts.reindex(list(_KINDS), fill_value=0).rename_axis("kind").reset_index()
    frame["name"] = list(_KINDS.values())
    frame["share"] = _share(frame["units"], int(frame["units"].iloc[0]))
    if not interviewer:
        frame.loc[frame["kind"] == "interviewer", "share"] = np.nan
    headings = {"name": "项目", "units": "语句数", "share": "占全部语句", "respondents": "受访者数"}
    notes = (
        "全部语句＝有类别＋无类别＋没有内容；后几行与前面的重叠。" + ("" if interviewer else "访谈者的话不计入各表。"),
        "没有内容的回答与无类别的语句仍计入受访者基数。",
    )
    return Table("remainder", "未归类与存疑", frame[["kind", *headings]], headings, notes)


def _compared(
    connection: duckdb.DuckDBPyConnection, column: str, names: Mapping[str, str], min_group: int
) -> list[Table]:
    """Return the two tables that compare the groups of a column: shares, and words."""
    return [by_column(connection, column, names, min_group), group_keywords(connection, column)]


def _note_empty(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `empty_texts`: the texts that say nothing."""
    import pandas as pd

    found = [text for (text,) in streamed(connection.execute(_SHORT)) if no_content(text)]
    connection.from_df(pd.DataFrame({"text": pd.Series(found, dtype=str)})).create("empty_texts")


def _share(hits: pd.Series[int], base: int) -> pd.Series[float]:
    return hits / base if base else hits * np.nan


def _sums(frame: pd.DataFrame, total: pd.Series[int]) -> ClusterSums:
    """Return the sums over respondents of each row's units among all problem units."""
    clusters, m, mm = (
        np.full(len(frame), float(total[name])) for name in ("problem_respondents", "problem_units", "hh")
    )
    h, hh, hm = (frame[name].to_numpy(float) for name in ("problem_units", "hh", "hm"))
    rare = np.minimum(frame["problem_respondents"], clusters - frame["always"]).to_numpy(float)
    return ClusterSums(clusters, h, m, hh, hm, mm, rare)


def _in_order(pairs: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """Return pairs with the category that comes first in the codebook first, the most frequent pairs on top."""
    place = {category: number for number, category in enumerate(ids)}
    swapped = pairs["a"].map(place) > pairs["b"].map(place)
    pairs.loc[swapped, ["a", "b"]] = pairs.loc[swapped, ["b", "a"]].to_numpy()
    pairs = pairs.assign(place_a=pairs["a"].map(place), place_b=pairs["b"].map(place))
    keys, ascending = ["units", "respondents", "place_a", "place_b"], [False, False, True, True]
    return pairs.sort_values(keys, ascending=ascending).reset_index(drop=True)


def _complete(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> dict[str, str]:
    """Return the names, with the ids after them that units have and the codebook has not."""
    found = connection.execute("SELECT DISTINCT category FROM coded WHERE category <> '' ORDER BY category").fetchall()
    return {**names, **{category: category for (category,) in found if category not in names}}


def _named_apart(tables: list[Table]) -> list[Table]:
    """Return the tables with file names that differ also where upper and lower case do not."""
    seen: dict[str, int] = {}
    for number, table in enumerate(tables):
        key = table.name.casefold()
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            tables[number] = replace(table, name=f"{table.name}_{seen[key]}")
    return tables
