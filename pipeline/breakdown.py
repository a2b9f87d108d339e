"""Compares groups of respondents: by the user's own columns, and over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputRefused
from pipeline.query import quoted, unit_parts
from pipeline.stats import Comparison, adjust, compare, wilson
from pipeline.tables import Table, file_name

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SMALL = 5
"""Fewer respondents than these are not shown as a group of their own, and are marked where they are a count."""

SMALL_BASE = 30
"""A share of fewer respondents than these is marked."""

MOST_GROUPS = 100
"""Groups shown singly; the smaller ones are joined."""

MISSING = "（未填）"
ANY = "任一问题"

_PERIODS = (
    (31, "day", "%Y-%m-%d", "日"),
    (26 * 7, "week", "%G-W%V", "周"),
    (5 * 366, "month", "%Y-%m", "月"),
    (10**9, "year", "%Y", "年"),
)
"""Longest span in days, period, label, Chinese name."""

_DATE = r"^\s*((?:19|20)\d{2})\s*[-/.年]?\s*(\d{1,2})?(?:\s*[-/.月]?\s*(\d{1,2}))?(?:\D|$)"
_SHARE_HEADINGS = {
    "respondents": "受访者数",
    "problem_respondents": "提到问题的受访者数",
    "share": "占比",
    "low": "95%区间下限",
    "high": "95%区间上限",
}
_TEST_HEADINGS = {
    "residual": "调整后标准化残差",
    "test": "检验方法",
    "statistic": "卡方值",
    "p": "p值",
    "p_adjusted": "校正后p值",
    "cramers_v": "Cramér's V",
    "withheld": "未作检验的原因",
}


def caution(hits: int, base: int) -> str:
    """Return the mark of a share that rests on few respondents.

    Examples
    --------
    >>> caution(12, 80), caution(3, 80), caution(12, 20)
    ('', '不足5人', '基数不足30人')
    """
    if base < SMALL_BASE:
        return f"基数不足{SMALL_BASE}人"
    return f"不足{SMALL}人" if 0 < hits < SMALL else ""


def by_column(connection: duckdb.DuckDBPyConnection, column: str, names: Mapping[str, str]) -> Table:
    """Return the table `by_<column>`: per category and group the share of respondents with a problem, and the test.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `pipeline.query.open_units`.
    column : str
        A column of the parts; `check_columns` has seen it.
    names : mapping of str to str
        Category id to Chinese name, in order.
    """
    value = f"coalesce(nullif(trim({quoted(column)}), ''), '{MISSING}')"
    _gather(connection, value)
    other = _join_small(connection)
    base, hits, overlap = _counts(connection)
    groups = sorted(base, key=lambda group: ((other, MISSING).index(group) + 1 if group in (other, MISSING) else 0, group))
    blocks = [_block(category, name, groups, base, hits, overlap) for category, name in _rows(names).items()]
    frame = _frame([row for block in blocks for row in block])
    first = frame.drop_duplicates("category")
    frame["p_adjusted"] = frame["category"].map(dict(zip(first["category"], adjust(first["p"]), strict=True)))
    headings = {"name": "类别", "group": column, **_SHARE_HEADINGS, **_TEST_HEADINGS, "caution": "提示"}
    return Table(file_name(f"by_{column}"), f"按“{column}”比较", frame, headings, _by_notes(other in base, other))


def trend(connection: duckdb.DuckDBPyConnection, column: str, names: Mapping[str, str]) -> Table:
    """Return the table `trend`: per period and category the share of respondents with a problem.

    Days, weeks, months or years, by the span of the dates and by what all of them state.

    Parameters
    ----------
    connection, column, names
        As for `by_column`; the column holds dates.
    """
    period, label, unit = _period(connection, column)
    _gather(connection, f"strftime(date_trunc('{period}', {_day(column)}), '{label}')")
    connection.execute("CREATE OR REPLACE TABLE labels AS SELECT DISTINCT grp, grp AS label FROM member")
    base, hits, _ = _counts(connection)
    unknown = connection.execute("SELECT count(*) FROM member WHERE grp IS NULL").fetchall()[0][0]
    periods = sorted(group for group in base if group)
    rows = [
        {"period": group, "category": category, "name": name, **_share_row(group, category, base, hits)}
        for group in periods
        for category, name in _rows(names).items()
    ]
    headings = {"period": f"时间（{unit}）", "name": "类别", **_SHARE_HEADINGS, "caution": "提示"}
    notes = (
        f"按“{column}”分{unit}统计；占比＝该{unit}提到该类问题的受访者÷该{unit}全部受访者，区间为95% Wilson区间。",
        f"没有受访者的{unit}不列出；日期空缺或认不出的受访者有 {unknown} 人，未计入本表。",
    )
    return Table("trend", "时间趋势", _with_interval(rows, ("period", "category", "name")), headings, notes)


def check_columns(folder: Path, columns: list[str]) -> None:
    """Raise `InputRefused` if a column is not in the run; the message lists those that are."""
    import pyarrow.parquet as pq

    found = list(dict.fromkeys(name for part in unit_parts(folder) for name in pq.read_schema(part).names))
    for column in columns:
        if column not in found:
            raise InputRefused(f"结果里没有“{column}”一列；可用的列有：{'、'.join(found)}。")
        if [name.casefold() for name in found].count(column.casefold()) > 1:
            raise InputRefused(f"“{column}”与另一列只差大小写，分不清；请在原表里改一个列名，再运行一次。")


def _gather(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    """Make `member` (who is in which group) and `voiced` (who reports which problem there) for a grouping expression."""
    grouped = connection.table("heard").project(f"file, respondent, statement, categories, {value} AS grp")
    grouped.create_view("grouped", replace=True)
    connection.execute(_MEMBER)
    connection.execute(_VOICED)


def _join_small(connection: duckdb.DuckDBPyConnection) -> str:
    """Make `labels`, which joins small groups, and return the label of those joined."""
    connection.execute(_RANKED, {"missing": MISSING})
    shown = f"grp = '{MISSING}' OR (n >= {SMALL} AND place <= {MOST_GROUPS})"
    many = connection.table("ranked").filter(f"n >= {SMALL} AND place > {MOST_GROUPS}").fetchone()
    other = "其他（较小的组）" if many else f"其他（不足{SMALL}人）"
    labels = connection.table("ranked").project(f"grp, CASE WHEN {shown} THEN grp ELSE '{other}' END AS label")
    connection.execute("DROP TABLE IF EXISTS labels")
    labels.create("labels")
    return other


def _counts(connection: duckdb.DuckDBPyConnection) -> _Counts:
    """Count the people of each group, and those who report each problem in it."""
    base = dict(connection.execute(_BASE).fetchall())
    hits = {(label, category or ANY_ID): n for label, category, n in connection.execute(_HITS).fetchall()}
    everyone = connection.execute("SELECT count(*) FROM people").fetchall()[0][0]
    return _Counts(base, hits, sum(base.values()) > everyone)


def _rows(names: Mapping[str, str]) -> dict[str, str]:
    return {**names, ANY_ID: ANY}


def _block(category: str, name: str, groups: list[str], counts: _Counts) -> list[dict[str, Any]]:
    """Return a category's rows, one a group, each with the category's test."""
    shown = [group for group in groups if counts.base[group] >= SMALL]
    tested = [group for group in shown if group != MISSING]
    result = _test(category, tested, counts)
    residuals = dict(zip(tested, result.residuals, strict=False))
    rows = []
    for group in groups:
        share = counts.row(group, category) if group in shown else {"respondents": counts.base[group]}
        rows.append({"category": category, "name": name, "group": group, **share, "residual": residuals.get(group, np.nan)})
    test = {key: value for key, value in asdict(result).items() if key != "residuals"}
    return [{**row, **test} for row in rows]


def _test(category: str, groups: list[str], counts: _Counts) -> Comparison:
    if counts.overlap:
        return Comparison(withheld="同一受访者出现在多个组，各组不独立")
    return compare([counts.hits.get((group, category), 0) for group in groups], [counts.base[group] for group in groups])


def _frame(rows: list[dict[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    """Return rows with the interval of their share; a group too small to show has no counts."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[*columns])
    hits, base = frame["problem_respondents"].astype("Int64"), frame["respondents"].astype("int64")
    known = hits.fillna(0).to_numpy(float)
    low, high = wilson(known, base)
    frame["problem_respondents"] = hits
    frame["share"] = hits.astype("Float64").to_numpy(float, na_value=np.nan) / base
    frame["low"], frame["high"] = np.where(hits.isna(), np.nan, low), np.where(hits.isna(), np.nan, high)
    frame["caution"] = [f"不足{SMALL}人，不列出" if pd.isna(hit) else caution(int(hit), n) for hit, n in zip(hits, base, strict=True)]
    return frame
