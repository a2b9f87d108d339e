"""Shares corrected for the coder's errors, from an audit: units, or respondents with all their units, drawn at random.

An audit that draws units tells how often units are coded wrongly. Whether a respondent has at least one problem depends on
all his units together, and errors in one person's units go together: only an audit of whole respondents tells that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audit import load_audit
from pipeline.query import count_coded, open_units
from pipeline.stats import LEVEL, ClusterSums, clustered, wilson
from pipeline.tables import Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

FEW = 30
"""Fewer checked units (or respondents) than these are marked."""

TOTAL_ID, TOTAL = "(total)", "合计"

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_UNITS = """
SELECT person::VARCHAR AS person, sum(n)::BIGINT AS units FROM coded WHERE category IS NULL GROUP BY ALL ORDER BY ALL
"""
_CODED = """
SELECT person::VARCHAR AS person, coalesce(category, '(total)') AS category, sum(n)::BIGINT AS mention,
       coalesce(sum(n) FILTER (statement = 'problem'), 0)::BIGINT AS problem
FROM coded WHERE category IS DISTINCT FROM '' GROUP BY person, category
"""
_CHECKED = """
SELECT person::VARCHAR AS person, statement, categories, true_statement, true_categories, whole
FROM spoken JOIN audit USING (file, location, unit) ORDER BY file, location, unit
"""
_BASES = {"respondents": "受访者", "units": "语句"}
_KINDS = {"problem": "问题", "mention": "不分表述"}
_HEADINGS = {
    "name": "类别",
    "kind_name": "表述",
    "base_name": "按什么计",
    "coded": "机器编码数",
    "coded_share": "机器编码占比",
    "share": "校正后占比",
    "low": "95%区间下限",
    "high": "95%区间上限",
    "checked_coded": "抽查中机器编为此类的",
    "right": "其中人也编为此类的",
    "checked_other": "抽查中机器未编为此类的",
    "missed": "其中人编为此类的",
    "caution": "提示",
}


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share corrected by an audit, with its 95 % interval, and what the audit found."""

    share: float
    low: float
    high: float
    checked_coded: int
    """Checked units that the coder gave the property; of them so many are `right`."""
    right: int
    checked_other: int
    """Checked units that it did not give the property; of them so many have it all the same."""
    missed: int


def corrected(units: Ints, coded: Ints, person: Ints, said: Bools, true: Bools) -> Corrected:
    """Return the share of units that have a property, from what a coder says of all and people of some.

    Double sampling: the share of units that the coder gives the property, times how often the checked ones among them
    have it, plus the same for the others; with a yes-or-no coder this is the prediction-powered estimate at its best
    weight. The linearised variance adds up the units of a respondent first (they are alike) and counts both the sampling
    of respondents and that of the audit; rates of which the audit has hardly any errors count as if it had found half an
    error more. Wilson's interval is taken at the effective number of units.

    Parameters
    ----------
    units, coded : array of int, shape (people,)
        How many units each respondent has, and how many of them the coder gives the property.
    person : array of int, shape (n,)
        Whose each checked unit is: its place in `units`. The checked units are drawn at random.
    said, true : array of bool, shape (n,)
        Whether the coder, and people, give each checked unit the property.

    References
    ----------
    Tenenbein, A. (1970). A double sampling scheme for estimating from binomial data with misclassifications. JASA 65,
    1350-1361. Angelopoulos, A. N., Bates, S., Fannjiang, C., Jordan, M. I. & Zrnic, T. (2023). Prediction-powered
    inference. Science 382, 669-674. Angelopoulos, A. N., Duchi, J. C. & Zrnic, T. (2023). PPI++. arXiv:2311.01453.
    Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex surveys. International
    Statistical Review 51, 279-292. Korn & Graubard (1998), as in `pipeline.stats.clustered`.

    Examples
    --------
    >>> units, coded = np.ones(1000, int), np.arange(1000) < 300
    >>> person = np.arange(0, 1000, 5)
    >>> true = np.r_[np.ones(30, bool), np.zeros(30, bool), np.ones(7, bool), np.zeros(133, bool)]
    >>> found = corrected(units, coded.astype(int), person, coded[person], true)
    >>> round(found.share, 3), round(found.low, 2), round(found.high, 2)
    (0.185, 0.14, 0.24)
    """
    total = float(units.sum())
    share_coded = coded.sum() / total
    strata = [(said, share_coded), (~said, 1 - share_coded)]
    checked, have = ([int(part.sum()) for part in parts] for parts in ((said, ~said), (said & true, ~said & true)))
    rates = [hits / n if n else 0.5 for hits, n in zip(have, checked, strict=True)]
    share = float(sum(rate * weight for rate, (_, weight) in zip(rates, strata, strict=True)))
    influence = (rates[0] - rates[1]) * (coded - share_coded * units) / total
    unseen = 0.0
    for (rows, weight), n, hits, rate in zip(strata, checked, have, rates, strict=True):
        gaps = (true[rows] - rate) * weight / max(n, 1)
        influence = influence + np.bincount(person[rows], gaps, len(units))
        unseen += weight**2 * _hidden(hits, n)
    clusters = max(total**2 / float((units.astype(float) ** 2).sum()), 1.5)
    variance = clusters / (clusters - 1) * float((influence**2).sum()) + unseen
    low, high = _interval(share, variance, clusters, len(np.unique(person)), total)
    return Corrected(share, low, high, checked[0], have[0], checked[1], have[1])


def _hidden(hits: int, n: int) -> float:
    """Return by how much the variance of a rate is larger with half a hit and half a miss more."""
    if n == 0:
        return 0.25
    rate, smooth = hits / n, (hits + 0.5) / (n + 1)
    return max(smooth * (1 - smooth) - rate * (1 - rate), 0) / n


def _interval(share: float, variance: float, clusters: float, people: int, total: float) -> tuple[float, float]:
    """Return Wilson's interval at the effective number of units: at least the people checked, at most all units."""
    from scipy import stats

    student = (stats.norm.ppf((1 + LEVEL) / 2) / stats.t.ppf((1 + LEVEL) / 2, clusters - 1)) ** 2
    effective = share * (1 - share) / variance * student if variance > 0 else total
    effective = min(max(effective, people), total)
    low, high = wilson(share * effective, effective)
    return float(low[0]), float(high[0])


def prevalence(folder: Path, names: Mapping[str, str], audit: pd.DataFrame) -> Table:
    """Return the table `prevalence`: per category the share that the coder found and the corrected one.

    Shares of respondents (at least one problem unit of the category among all his units) where whole respondents were
    checked, or each has one unit; shares of all units always. The interviewer's turns do not count.

    Parameters
    ----------
    folder : Path
        The run, OUT.
    names : mapping of str to str
        Category id to Chinese name, in order.
    audit : DataFrame
        Of `pipeline.audit.read_audit`.
    """
    import pandas as pd

    with open_units(folder) as connection:
        run = _run(connection, audit)
    kinds = [("problem", TOTAL_ID), *((kind, category) for category in names for kind in _KINDS)]
    rows = [
        {"name": names.get(category, TOTAL)} | _row(run, base, category, kind)
        for base in (["respondents"] if len(_complete(run, run.checked)) else []) + ["units"]
        for kind, category in kinds
        if kind == "mention" or (run.checked["true_statement"] != "").any()
    ]
    frame = pd.DataFrame(rows, columns=["category", "kind", "base", *_HEADINGS])
    return Table("prevalence", "抽查校正后的占比", frame, _HEADINGS, tuple(_notes(run)))


def with_audit(tables: list[Table], folder: Path, names: Mapping[str, str]) -> list[Table]:
    """Return a run's tables, with `prevalence` behind the first where the run keeps an audit."""
    audit = load_audit(folder)
    return tables if audit is None else [tables[0], prevalence(folder, names, audit), *tables[1:]]


@dataclass(frozen=True, slots=True)
class _Run:
    """What the coder said of all units, and what people said of those checked."""

    units: Ints
    """Of each respondent."""
    coded: Mapping[tuple[str, str], Ints]
    """By category and kind, the units of each respondent."""
    checked: pd.DataFrame
    """A row a checked unit; `place` is its respondent's."""
    whole: bool
    """Whether all units of a checked respondent were to be checked."""


def _run(connection: duckdb.DuckDBPyConnection, audit: pd.DataFrame) -> _Run:
    count_coded(connection)
    connection.register("audit", audit)
    people, counts, checked = (connection.execute(query).df() for query in (_UNITS, _CODED, _CHECKED))
    place = dict(zip(people["person"], range(len(people)), strict=True))
    coded = {}
    for category, own in counts.groupby("category"):
        for kind in _KINDS:
            hits = coded[str(category), kind] = np.zeros(len(people), np.int64)
            hits[own["person"].map(place).to_numpy()] = own[kind].to_numpy()
    units = people["units"].to_numpy(np.int64)
    whole = bool(checked["whole"].all()) or bool((units == 1).all())
    return _Run(units, coded, checked.assign(place=checked["person"].map(place)), whole)


def _complete(run: _Run, checked: pd.DataFrame) -> Ints:
    """Return the respondents all of whose units were checked, if they were drawn as a whole."""
    seen = np.bincount(checked["place"], minlength=len(run.units))
    return np.flatnonzero(seen == run.units) if run.whole else np.zeros(0, np.int64)


def _row(run: _Run, base: str, category: str, kind: str) -> dict[str, Any]:
    """Return a share of units, or of respondents, as the coder and the audit have it."""
    checked = run.checked if kind == "mention" else run.checked[run.checked["true_statement"] != ""]
    said, true = (_has(checked, side, category, kind) for side in ("", "true_"))
    person, units = checked["place"].to_numpy(np.int64), run.units
    coded = run.coded.get((category, kind), np.zeros(len(units), np.int64))
    if base == "respondents":
        complete = _complete(run, checked)
        said, true = (np.bincount(person[hits], minlength=len(units))[complete] > 0 for hits in (said, true))
        person, units, coded = complete, np.ones_like(units), (coded > 0).astype(np.int64)
    found = corrected(units, coded, person, said, true)
    own = {"category": category, "kind": kind, "base": base, "kind_name": _KINDS[kind], "base_name": _BASES[base]}
    counts = {"coded": int(coded.sum()), "coded_share": coded.sum() / units.sum()}
    return own | counts | asdict(found) | {"caution": _caution(found, base, counts["coded"])}


def _has(checked: pd.DataFrame, side: str, category: str, kind: str) -> Bools:
    """Return which checked units have a category (and report a problem), as the coder or (`true_`) people say."""
    named = checked[f"{side}categories"].map(lambda some: category == TOTAL_ID or category in some).to_numpy(bool)
    return np.asarray(named if kind == "mention" else named & (checked[f"{side}statement"] == "problem").to_numpy(bool))


def _caution(found: Corrected, base: str, coded: int) -> str:
    if found.checked_coded + found.checked_other < FEW:
        return f"核对不足{FEW}{'人' if base == 'respondents' else '句'}"
    return "机器编为此类的没有抽到" if coded and not found.checked_coded else ""


def _notes(run: _Run) -> Iterator[str]:
    yield _quality(run)
    yield (
        "校正后占比＝机器编码占比×抽查证实的比例＋其余占比×抽查发现漏编的比例（双重抽样，Tenenbein 1970；也是预测驱动推断，"
        "Angelopoulos等 2023）。95%区间既含受访者的偶然误差（同一人的语句彼此相关），也含抽查的误差；人的标注当作正确。"
    )
    yield "语句占比以全部语句为基数（频数表以问题语句为基数），受访者占比以全部受访者为基数；访谈者的话不计。"
    if not run.whole:
        yield (
            "按句抽查不能校正受访者占比：一人是否提到某类问题取决于他的全部语句。要校正人数，请用 qunyan sample --audit respondents "
            "按人抽查。"
        )
    elif part := run.checked["place"].nunique() - len(_complete(run, run.checked)):
        yield f"抽中的受访者有 {part} 位没有全部标完，校正人数时没有用。"


def _quality(run: _Run) -> str:
    """Say how many units were checked, and how many of them were coded right."""
    checked = run.checked
    drawn = f"{checked['place'].nunique()}位受访者的全部" if run.checked["whole"].all() else ""
    same = checked["categories"].map(set) == checked["true_categories"].map(set)
    told = [f"类别全部正确的占{_told(same.to_numpy(), checked)}"]
    judged = checked[checked["true_statement"] != ""]
    if len(judged):
        right = (judged["statement"] == judged["true_statement"]).to_numpy()
        told.insert(0, f"表述类型正确的占{_told(right, judged)}")
    return f"随机抽查了{drawn}{len(checked)}句由人核对：{'，'.join(told)}。"


def _told(hits: Bools, checked: pd.DataFrame) -> str:
    place = np.unique(checked["place"], return_inverse=True)[1]
    h, m = (np.bincount(place, weights).astype(float) for weights in (hits, None))
    sums = [len(m), h.sum(), m.sum(), (h * h).sum(), (h * m).sum(), (m * m).sum(), min((h > 0).sum(), (h < m).sum())]
    low, high = clustered(ClusterSums(*(np.array([float(value)]) for value in sums)))
    return f"{hits.mean():.1%}" + (f"（95%区间{low[0]:.1%}—{high[0]:.1%}）" if low[0] == low[0] else "")
