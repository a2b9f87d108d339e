"""Intervals and tests for the tables; every number comes from scipy or statsmodels.

Shares of respondents are shares of independent rows (Wilson). Units nest in respondents: a talkative person's ten
sentences are not ten witnesses, so shares of units get an interval that is robust to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Confidence of every interval."""

LEAST_DF = 5
"""Degrees of freedom that a clustered interval has at least, where there are so many clusters: with fewer the intervals of
rare events would hardly say anything."""


def wilson(hits: ArrayLike, base: ArrayLike) -> tuple[Floats, Floats]:
    """Return Wilson's 95 % interval of shares of independent rows.

    Parameters
    ----------
    hits, base : array_like, shape (n,)
        How many have the property, of how many; `base` 0 gives NaN.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Shares from 0 to 1.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.

    Examples
    --------
    >>> low, high = wilson([15], [148])
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.0624, 0.1605)
    """
    from statsmodels.stats.proportion import proportion_confint

    hits, base = np.atleast_1d(np.asarray(hits, float)), np.atleast_1d(np.asarray(base, float))
    known = base > 0
    low, high = proportion_confint(hits, np.where(known, base, 1), alpha=1 - LEVEL, method="wilson")
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Sums over clusters (respondents) with `h` hits among `m` units; each an array, shape (n,).

    Sums, not rows: a database adds them up exactly, however many respondents there are.
    """

    clusters: Floats
    """Clusters with `m > 0`."""
    h: Floats
    m: Floats
    hh: Floats
    hm: Floats
    mm: Floats
    rare: Floats
    """Clusters that have a hit, or those that have a miss, whichever are fewer."""


def clustered(sums: ClusterSums) -> tuple[Floats, Floats]:
    """Return the 95 % interval of a share of units that nest in clusters.

    The linearised variance of the ratio (the sandwich estimator) gives the effective number of units, reduced for few
    or unequal clusters and never above the real number; Wilson's interval is taken at that number. The variance of a
    rare event rests on the few clusters that have it: they, not all clusters, are the degrees of freedom. Where no unit
    or every unit has the property, a cluster counts as one unit.

    Simulated surveys are covered 93 to 97 times in 100. Where fewer than about seven clusters have a hit no interval can
    do so, as the share takes a few values only; there the coverage is above (up to 99).

    Parameters
    ----------
    sums : ClusterSums
        Sums over clusters; fewer than two clusters give NaN.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Shares from 0 to 1.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data. Survey Methodology 24, 193-201.
    Carter, A. V., Schnepel, K. T. & Steigerwald, D. G. (2017). Asymptotic behavior of a t-test robust to cluster
    heterogeneity. Review of Economics and Statistics 99, 698-709 (the effective number of clusters).
    Valliant, R. & Rust, K. F. (2010). Degrees of freedom approximations and rules-of-thumb. Journal of Official
    Statistics 26, 585-602 (only clusters with cases count).
    Dean, N. & Pagano, M. (2015). Evaluating confidence interval methods for binomial proportions in clustered surveys.
    Journal of Survey Statistics and Methodology 3, 484-503.

    Examples
    --------
    >>> ten_people_two_units_each = ClusterSums(*map(np.atleast_1d, (10.0, 8.0, 20.0, 16.0, 16.0, 40.0, 4.0)))
    >>> low, high = clustered(ten_people_two_units_each)
    >>> round(float(low[0]), 2), round(float(high[0]), 2)
    (0.12, 0.76)
    """
    from scipy import stats

    many = sums.clusters > 1
    m = np.where(many, sums.m, 2)
    clusters = np.maximum(m**2 / np.where(many, sums.mm, 2), 1.5)
    share = np.where(many, sums.h, 0) / m
    squares = sums.hh - 2 * share * sums.hm + share**2 * sums.mm
    variance = clusters / (clusters - 1) * np.maximum(squares, 0) / m**2
    binomial = share * (1 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(binomial > 0, binomial / variance, clusters)
    freedom = np.where(binomial > 0, np.minimum(clusters - 1, np.maximum(sums.rare, LEAST_DF)), clusters - 1)
    effective *= (stats.norm.ppf((1 + LEVEL) / 2) / stats.t.ppf((1 + LEVEL) / 2, freedom)) ** 2
    effective = np.minimum(effective, m)
    low, high = wilson(share * effective, effective)
    return np.where(many, low, np.nan), np.where(many, high, np.nan)


@dataclass(frozen=True, slots=True)
class Interval:
    """Shares with their 95 % intervals, each an array, shape (n,)."""

    share: Floats
    low: Floats
    high: Floats


def difference(first: Interval, second: Interval) -> Interval:
    """Return by how much independent shares differ, second less first, with a 95 % interval.

    Newcombe's hybrid score interval where those of the shares are Wilson's; with intervals of clustered shares the same
    recovery of variances.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of eleven
    methods. Statistics in Medicine 17, 873-890 (method 10).
    Zou, G. Y. & Donner, A. (2008). Construction of confidence limits about effect measures: a general approach.
    Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> shares = [Interval(np.array([hits / n]), *wilson([hits], [n])) for hits, n in ((48, 80), (56, 70))]
    >>> gap = difference(*shares)
    >>> round(float(gap.share[0]), 4), round(float(gap.low[0]), 4), round(float(gap.high[0]), 4)
    (0.2, 0.0524, 0.3339)
    """
    share = second.share - first.share
    down = np.hypot(second.share - second.low, first.high - first.share)
    up = np.hypot(second.high - second.share, first.share - first.low)
    return Interval(share, share - down, share + up)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether shares differ between groups; a test that may not be made has its reason in `withheld`."""

    test: str = ""
    statistic: float = np.nan
    p: float = np.nan
    cramers_v: float = np.nan
    residuals: Sequence[float] = field(default_factory=tuple)
    """Adjusted standardised residual of each group; beyond ±2 a group stands out. Empty where not valid."""
    withheld: str = ""


def compare(hits: ArrayLike, base: ArrayLike) -> Comparison:
    """Compare the shares of independent groups.

    Pearson's chi-square (no continuity correction) where Cochran's rule holds: every expected count at least 1, at most
    a fifth of them below 5. Fisher's exact test for two groups where it does not. Otherwise the test is withheld.

    Parameters
    ----------
    hits, base : array_like of int, shape (groups,)
        How many respondents of each group have the property, of how many (each above 0).

    References
    ----------
    Cochran, W. G. (1954). Some methods for strengthening the common chi-squared tests. Biometrics 10, 417-451.
    Haberman, S. J. (1973). The analysis of residuals in cross-classified tables. Biometrics 29, 205-220.

    Examples
    --------
    >>> result = compare([30, 10], [100, 100])
    >>> result.test, round(result.statistic, 1), round(result.cramers_v, 2)
    ('卡方检验', 12.5, 0.25)
    >>> compare([1, 0, 2], [5, 6, 5]).withheld
    '期望人数太小（小于5的格子超过两成，或有小于1的）'
    """
    from scipy.stats import chi2_contingency, fisher_exact
    from scipy.stats.contingency import association, expected_freq

    hits, base = np.asarray(hits, int), np.asarray(base, int)
    table = np.column_stack([hits, base - hits])
    if len(table) < 2:
        return Comparison(withheld="可比的组不足两个")
    if not table.sum(axis=0).all():
        return Comparison(withheld="没有人提到" if not hits.any() else "人人都提到")
    v = float(association(table, method="cramer"))
    expected = expected_freq(table)
    if expected.min() >= 1 and (expected < 5).mean() <= 0.2:
        outcome = chi2_contingency(table, correction=False)
        return Comparison("卡方检验", float(outcome.statistic), float(outcome.pvalue), v, _residuals(table))
    if len(table) == 2:
        return Comparison("Fisher精确检验", p=float(fisher_exact(table).pvalue), cramers_v=v)
    return Comparison(cramers_v=v, withheld="期望人数太小（小于5的格子超过两成，或有小于1的）")


def _residuals(table: NDArray[np.int64]) -> tuple[float, ...]:
    from statsmodels.stats.contingency_tables import Table

    return tuple(float(value) for value in Table(table, shift_zeros=False).standardized_resids[:, 0])


def adjust(p: ArrayLike) -> Floats:
    """Return p-values corrected for their number (false discovery rate); NaN, a withheld test, does not count.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.

    Examples
    --------
    >>> adjust([0.01, float("nan"), 0.04, 0.03]).round(3).tolist()
    [0.03, nan, 0.04, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p, float)
    adjusted = np.full(len(p), np.nan)
    made = ~np.isnan(p)
    if made.any():
        adjusted[made] = multipletests(p[made], method="fdr_bh")[1]
    return adjusted


@dataclass(frozen=True, slots=True)
class Keyness:
    """How far words are over-used in a text against the rest; each an array, shape (words,)."""

    g2: Floats
    log_ratio: Floats
    bic: Floats


def keyness(frequency: ArrayLike, rest: ArrayLike, tokens: ArrayLike, rest_tokens: ArrayLike) -> Keyness:
    """Compare word frequencies of a text with those of the rest.

    Parameters
    ----------
    frequency, rest : array_like of int, shape (words,)
        How often each word occurs in the text, and in the rest; not both 0.
    tokens, rest_tokens : array_like of int
        How many words the text and the rest have, above 0.

    Returns
    -------
    Keyness
        `g2`, the log-likelihood ratio of the two frequencies; `log_ratio`, how many times the relative frequency
        doubles (a word absent from the rest counts there as half a word); `bic`, G2 less the logarithm of all tokens:
        above 2 positive, 6 strong, 10 very strong evidence.

    References
    ----------
    Dunning, T. (1993). Accurate methods for the statistics of surprise and coincidence. Comp. Linguistics 19, 61-74.
    Rayson, P. & Garside, R. (2000). Comparing corpora using frequency profiling. Workshop on Comparing Corpora, ACL.
    Hardie, A. (2014). Log Ratio: an informal introduction. CASS, Lancaster University.
    Wilson, A. (2013). Embracing Bayes factors for key item analysis in corpus linguistics. In New Approaches to the
    Study of Linguistic Variability, 3-11.

    Examples
    --------
    >>> key = keyness([20], [10], 1000, 2000)
    >>> round(float(key.g2[0]), 2), float(key.log_ratio[0]), round(float(key.bic[0]), 2)
    (13.86, 2.0, 5.86)
    """
    from scipy.stats import power_divergence

    a, b = np.asarray(frequency, float), np.asarray(rest, float)
    n, rest_n = np.asarray(tokens, float), np.asarray(rest_tokens, float)
    both = (a + b) / (n + rest_n)
    g2 = power_divergence(np.stack([a, b]), np.stack([both * n, both * rest_n]), lambda_="log-likelihood").statistic
    with np.errstate(divide="ignore"):
        ratio = np.log2((a / n) / (np.where(b > 0, b, 0.5) / rest_n))
    return Keyness(np.asarray(g2), ratio, np.asarray(g2) - np.log(n + rest_n))
