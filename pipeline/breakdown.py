"""Compares groups of respondents: by the user's own columns, and over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import InputRefused
from pipeline.query import PERSON, quoted, unit_parts
from pipeline.stats import Comparison, adjust, compare, wilson
from pipeline.tables import Table, file_name

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SMALL = 5
"""Groups of fewer respondents are not shown unless another number is asked for; fewer as a count are marked."""

SMALL_BASE = 30
"""A share of fewer respondents than these is marked."""

MOST_GROUPS = 100
"""Groups shown singly; smaller ones are joined."""

MOSTLY = 0.9
"""Tests rest on the respondents who are in one group only; where fewer than this share are, none is made."""

MISSING = "（未填）"
JOINED = "其他（"
"""Begins the name of the groups that are too small to stand alone."""

ANY_ID, ANY = "(any)", "任一问题"

_PERIODS = (
    (31, ("day", "%Y-%m-%d", "日")),
    (26 * 7, ("week", "%G-W%V", "周")),
    (5 * 366, ("month", "%Y-%m", "月")),
    (10**9, ("year", "%Y", "年")),
)
"""Longest span in days, period, label, Chinese name."""

_DATE = r"^\s*((?:19|20)\d{2})\s*[-/.年]?\s*(\d{1,2})?(?:\s*[-/.月]?\s*(\d{1,2}))?(?:\D|$)"
"""Year, month, day, the last two optional: 2024-03-05 09:30, 2024/3/5, 2024年3月, 20240305, 2024."""

_SAID = "person, statement, categories"
_MEMBER = "CREATE OR REPLACE TABLE member AS SELECT DISTINCT person, grp FROM grouped"
_VOICED = """
CREATE OR REPLACE TABLE voiced AS
SELECT DISTINCT person, grp, unnest(list_append(categories, NULL)) AS category FROM grouped WHERE statement = 'problem'
"""
_RANKED = """
CREATE OR REPLACE TABLE ranked AS
SELECT grp, count(*) AS n, row_number() OVER (ORDER BY grp = $missing, count(*) DESC, grp) AS place
FROM member GROUP BY grp
"""
_ALONE = "CREATE OR REPLACE TABLE alone AS SELECT person FROM member GROUP BY person HAVING count(*) = 1"
_BASE = "SELECT label, count(DISTINCT person) FROM {member} JOIN labels USING (grp) GROUP BY label"
_HITS = "SELECT label, category, count(DISTINCT person) FROM {voiced} JOIN labels USING (grp) GROUP BY label, category"

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
    "cramers_v": "关联强度（Cramér's V）",
    "withheld": "未作检验的原因",
    "caution": "提示",
}


@dataclass(frozen=True, slots=True)
class _Counts:
    """People by group, and by group and category those who report a problem."""

    base: dict[str, int]
    hits: dict[tuple[str, str], int]

    def row(self, group: str, category: str) -> dict[str, int]:
        return {"respondents": self.base.get(group, 0), "problem_respondents": self.hits.get((group, category), 0)}


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


def check_columns(folder: Path, columns: Sequence[str]) -> None:
    """Raise `InputRefused` if a column is not in the run; the message lists those that are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = (field for part in unit_parts(folder) for field in pq.read_schema(part))
    found = list(dict.fromkeys(field.name for field in fields if pa.types.is_string(field.type)))
    for column in columns:
        if column not in found:
            raise InputRefused(f"结果里没有“{column}”一列；可用的列有：{'、'.join(found)}。")
        if [name.casefold() for name in found].count(column.casefold()) > 1:
            raise InputRefused(f"“{column}”与另一列只差大小写，分不清；请在原表里改一个列名，再运行一次。")


def shown_groups(table: Table) -> frozenset[str]:
    """Return the groups of a table `by_<column>` that are large enough to be shown."""
    frame = table.frame
    return frozenset(frame.loc[frame["problem_respondents"].notna(), "group"])


def by_column(
    connection: duckdb.DuckDBPyConnection, column: str, names: Mapping[str, str], min_group: int = SMALL
) -> Table:
    """Return the table `by_<column>`: per category and group the share of respondents with a problem, and the test.

    Groups below `min_group` respondents are joined; those still below are shown without shares and not tested, nor are
    respondents who left the column empty.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `pipeline.query.open_units`.
    column : str
        A column that `check_columns` has seen.
    names : mapping of str to str
        Category id to Chinese name, in order.
    min_group : int
        Groups of fewer respondents are not shown.
    """
    group = f"coalesce(nullif(trim({quoted(column)}), ''), '{MISSING}') AS grp"
    _gather(connection, connection.table("heard").project(f"{PERSON} AS person, statement, categories, {group}"))
    other = _join_small(connection, min_group)
    counts = _counts(connection)
    tested = _independent(connection)
    last = {other: 1, MISSING: 2}
    groups = sorted(counts.base, key=lambda group: (last.get(group, 0), group))
    shown = [group for group in groups if counts.base[group] >= min_group]
    rows = [row for category, name in _rows(names) for row in _block(category, name, groups, shown, counts, tested)]
    columns = ["category", "name", "group", *_SHARE_HEADINGS, *_TEST_HEADINGS]
    frame = _frame(rows, columns, min_group)
    tests = frame.drop_duplicates("category")
    frame["p_adjusted"] = frame["category"].map(dict(zip(tests["category"], adjust(tests["p"]), strict=True)))
    headings = {"name": "类别", "group": f"分组：{column}", **_SHARE_HEADINGS, **_TEST_HEADINGS}
    return Table(
        file_name(f"by_{column}"),
        f"按“{column}”比较",
        frame,
        headings,
        _by_notes(column, groups, shown, other, min_group),
    )


def trend(connection: duckdb.DuckDBPyConnection, column: str, names: Mapping[str, str]) -> Table:
    """Return the table `trend`: per period and category the share of respondents with a problem.

    Days, weeks, months or years, by the span of the dates; never finer than the least precise of them.

    Parameters
    ----------
    connection, column, names
        As for `by_column`; the column holds dates.
    """
    dated = _dated(connection, column)
    period, label, unit = _period(dated)
    _gather(connection, dated.project(f"{_SAID}, strftime(date_trunc('{period}', day), '{label}') AS grp"))
    connection.execute("CREATE OR REPLACE TABLE labels AS SELECT DISTINCT grp, grp AS label FROM member")
    counts = _counts(connection)
    unknown = connection.execute("SELECT count(*) FROM member WHERE grp IS NULL").fetchall()[0][0]
    rows = [
        {"period": group, "category": category, "name": name, **counts.row(group, category)}
        for group in sorted(counts.base)
        for category, name in _rows(names)
    ]
    frame = _frame(rows, ["period", "category", "name", *_SHARE_HEADINGS, "caution"])
    headings = {"period": f"时间（按{unit}）", "name": "类别", **_SHARE_HEADINGS, "caution": "提示"}
    notes = (
        f"按“{column}”分{unit}统计。占比＝当{unit}就该类别提出问题的受访者÷当{unit}全部受访者；区间为95% Wilson区间。",
        f"没有受访者的{unit}不列出；日期空缺或认不出的有 {unknown} 人，未计入本表。",
    )
    return Table("trend", "时间趋势", frame, headings, notes)


def _rows(names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [*names.items(), (ANY_ID, ANY)]


def _gather(connection: duckdb.DuckDBPyConnection, grouped: duckdb.DuckDBPyRelation) -> None:
    """Make `member` (who is in which group) and `voiced` (who reports which problem there)."""
    grouped.create_view("grouped", replace=True)
    connection.execute(_MEMBER)
    connection.execute(_VOICED)


def _join_small(connection: duckdb.DuckDBPyConnection, min_group: int) -> str:
    """Make `labels`, which joins small groups, and return the label of those joined."""
    connection.execute(_RANKED, {"missing": MISSING})
    ranked = connection.table("ranked")
    crowded = ranked.filter(f"n >= {min_group} AND place > {MOST_GROUPS} AND grp <> '{MISSING}'").limit(1).fetchall()
    other = f"{JOINED}较小的组）" if crowded else f"{JOINED}不足{min_group}人）"
    single = f"grp = '{MISSING}' OR (n >= {min_group} AND place <= {MOST_GROUPS})"
    connection.execute("DROP TABLE IF EXISTS labels")
    ranked.project(f"grp, CASE WHEN {single} THEN grp ELSE '{other}' END AS label").create("labels")
    return other


def _counts(connection: duckdb.DuckDBPyConnection, only: str = "") -> _Counts:
    """Count the people of each group, and those who report each problem in it; `only` narrows both tables."""
    base = connection.execute(_BASE.format(member="member" + only)).fetchall()
    hits = connection.execute(_HITS.format(voiced="voiced" + only)).fetchall()
    return _Counts(dict(base), {(label, category or ANY_ID): n for label, category, n in hits})


def _independent(connection: duckdb.DuckDBPyConnection) -> _Counts | None:
    """Return the counts of the people who are in one group only; None if too many are in several."""
    connection.execute(_ALONE)
    alone = _counts(connection, " SEMI JOIN alone USING (person)")
    everyone = connection.execute("SELECT count(*) FROM people").fetchall()[0][0]
    return alone if sum(alone.base.values()) >= MOSTLY * everyone else None


def _block(
    category: str, name: str, groups: list[str], shown: list[str], counts: _Counts, tested: _Counts | None
) -> list[dict[str, Any]]:
    """Return a category's rows, one a group, each with the category's test; only the shown groups have shares."""
    compared = [group for group in shown if group != MISSING and tested and tested.base.get(group)]
    result = _test(category, compared, tested)
    residuals = dict(zip(compared, result.residuals, strict=False))
    test = {key: value for key, value in asdict(result).items() if key != "residuals"}
    rows = []
    for group in groups:
        share = counts.row(group, category) if group in shown else {"respondents": counts.base[group]}
        own = {"category": category, "name": name, "group": group, "residual": residuals.get(group, np.nan)}
        rows.append({**own, **share, **test})
    return rows


def _test(category: str, groups: list[str], counts: _Counts | None) -> Comparison:
    if counts is None:
        return Comparison(withheld="许多受访者出现在多个组，各组不独立")
    rows = [counts.row(group, category) for group in groups]
    return compare([row["problem_respondents"] for row in rows], [row["respondents"] for row in rows])


def _frame(rows: list[dict[str, Any]], columns: Iterable[str], min_group: int = SMALL) -> pd.DataFrame:
    """Return rows with the interval of their share; a group too small to show has no counts."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[*columns])
    hits, base = frame["problem_respondents"].to_numpy(float), frame["respondents"].to_numpy(float)
    low, high = wilson(np.nan_to_num(hits), base)
    hidden = np.isnan(hits)
    frame["share"] = hits / base
    frame["low"], frame["high"] = np.where(hidden, np.nan, low), np.where(hidden, np.nan, high)
    frame["caution"] = [
        f"不足{min_group}人，不列出" if np.isnan(hit) else caution(int(hit), int(n))
        for hit, n in zip(hits, base, strict=True)
    ]
    return frame.astype({"problem_respondents": "Int64", "respondents": "int64"})


def _by_notes(column: str, groups: list[str], shown: list[str], other: str, min_group: int) -> tuple[str, ...]:
    joined = (f"不足{min_group}人的组不单独列出，合并为“{other}”。",) if other in groups else ()
    missing = (f"“{column}”空缺的受访者列为“{MISSING}”，不参加检验。",) if MISSING in groups else ()
    withheld = "、".join(f"“{group}”" for group in groups if group not in shown)
    small = (
        f"{withheld}不足{min_group}人，为保护个人信息只列人数。注意：用 frequencies 表的合计减去列出的各组，仍可能推算出它的数字；"
        "对外提供本表之前，请把它与别的组合并，或不同时提供合计。",
    )
    return (
        "占比＝该组就该类别提出问题的受访者÷该组全部受访者；区间为95% Wilson区间。",
        "检验看各组占比是否不同，只用仅属于一个组的受访者：期望人数足够时用卡方检验，两组而人数少时用Fisher精确检验，其余不作检验并写明原因；"
        "同一类别各行的检验结果相同。",
        "校正后p值按Benjamini-Hochberg法对本表全部类别校正；残差超过±2的组明显偏高或偏低。",
        *joined,
        *missing,
        *(small if withheld else ()),
    )


def _dated(connection: duckdb.DuckDBPyConnection, column: str) -> duckdb.DuckDBPyRelation:
    """Return what was said with its `day`, NULL where there is none, and whether month and day are stated."""
    parts = f"regexp_extract({quoted(column)}, '{_DATE}', ['y', 'm', 'd']) AS p"
    said = connection.table("heard").project(f"{PERSON} AS person, statement, categories, {parts}")
    day = "try_cast(concat_ws('-', p.y, coalesce(nullif(p.m, ''), '1'), coalesce(nullif(p.d, ''), '1')) AS DATE) AS day"
    return said.project(f"{_SAID}, p.m = '' AS no_month, p.d = '' AS no_day, {day}")


def _period(dated: duckdb.DuckDBPyRelation) -> tuple[str, str, str]:
    """Return the period by which dates are grouped, its label and its Chinese name."""
    known = dated.filter("day IS NOT NULL")
    span, no_day, no_month = known.aggregate("max(day) - min(day), bool_or(no_day), bool_or(no_month)").fetchall()[0]
    finest = 3 if no_month else 2 if no_day else 0
    return next(period for longest, period in _PERIODS[finest:] if (span or 0) <= longest)
