import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stats import ClusterSums, adjust, clustered, compare, keyness, wilson


def sums(h, m):
    """Sums over clusters of simulated surveys, shape (surveys, clusters)."""
    rare = np.minimum((h > 0).sum(axis=-1), (h < m).sum(axis=-1)).astype(float)
    return ClusterSums(*(x.sum(axis=-1).astype(float) for x in (m > 0, h, m, h * h, h * m, m * m)), rare)


@pytest.mark.parametrize(
    ("hits", "base", "low", "high"),
    # Newcombe, R. G. (1998), Statistics in Medicine 17, 857-872, table I: score method without continuity correction
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits, base, low, high):
    assert np.round(np.concatenate(wilson([hits], [base])), 4) == pytest.approx([low, high])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1))
def test_wilson_holds_the_share_and_knows_no_base(pairs):
    base = np.array([max(pair) for pair in pairs])
    hits = np.array([min(pair) for pair in pairs])
    low, high = wilson(hits, base)
    known = base > 0
    share = hits[known] / base[known]
    assert (low[known] <= share + 1e-9).all()
    assert (share <= high[known] + 1e-9).all()
    assert np.isnan(low[~known]).all()


@pytest.mark.parametrize(("share", "people"), [(0.1, 300), (0.3, 80), (0.5, 1000)])
def test_shares_of_respondents_are_covered(share, people):
    hits = np.random.default_rng(1).binomial(people, share, 20_000)
    low, high = wilson(hits, np.full(20_000, people))
    assert 0.93 <= ((low <= share) & (share <= high)).mean() <= 0.97


@pytest.mark.parametrize(("share", "people", "likeness"), [(0.3, 60, 0.3), (0.1, 400, 0.3), (0.6, 100, 0.05)])
def test_shares_of_nested_units_are_covered_where_the_naive_interval_fails(share, people, likeness):
    rng = np.random.default_rng(2)
    units = rng.geometric(0.25, (4000, people))
    strength = (1 - likeness) / likeness
    own = rng.beta(share * strength, (1 - share) * strength, units.shape)
    hits = rng.binomial(units, own)
    low, high = clustered(sums(hits, units))
    assert 0.93 <= ((low <= share) & (share <= high)).mean() <= 0.97
    naive_low, naive_high = wilson(hits.sum(axis=1), units.sum(axis=1))
    assert ((naive_low <= share) & (share <= naive_high)).mean() < 0.93


@pytest.mark.parametrize(
    ("share", "people", "likeness", "talk"),
    [
        (0.02, 150, 0.3, 0.25), (0.02, 250, 0.3, 0.25), (0.02, 400, 0.6, 0.25), (0.02, 300, 0.05, 0.25),
        (0.05, 100, 0.3, 0.25), (0.05, 400, 0.3, 0.1), (0.01, 1000, 0.3, 0.25), (0.98, 250, 0.3, 0.25),
        (0.1, 60, 0.3, 0.25), (0.5, 20, 0.2, 0.25),
    ],
)  # fmt: skip
def test_rare_and_common_shares_of_nested_units_are_covered(share, people, likeness, talk):
    assert 0.93 <= coverage(share, people, likeness, talk) <= 0.97


@pytest.mark.parametrize(("share", "people"), [(0.02, 30), (0.02, 60), (0.02, 100)])
def test_where_hardly_anybody_has_the_property_the_interval_errs_on_the_wide_side(share, people):
    # fewer than about seven people with a hit: the share takes a few values only, no interval can cover 95 %
    assert 0.97 <= coverage(share, people, 0.3, 0.25) <= 0.995


def coverage(share, people, likeness, talk):
    rng = np.random.default_rng(6)
    units = rng.geometric(talk, (4000, people))
    strength = (1 - likeness) / likeness
    hits = rng.binomial(units, rng.beta(share * strength, (1 - share) * strength, units.shape))
    low, high = clustered(sums(hits, units))
    return ((low <= share) & (share <= high)).mean()


def test_the_interval_of_nested_units_is_as_wide_as_a_cluster_robust_regression_says():
    from scipy.stats import t
    from statsmodels.api import OLS

    rng = np.random.default_rng(3)
    units = np.full(200, 8)
    hits = rng.binomial(units, rng.beta(4, 6, 200))
    rows = np.concatenate([np.arange(8) < h for h in hits]).astype(float)
    people = {"groups": np.repeat(np.arange(200), 8)}
    robust = OLS(rows, np.ones(len(rows))).fit(cov_type="cluster", cov_kwds=people)
    low, high = clustered(sums(hits[None], units[None]))
    assert high[0] - low[0] == pytest.approx(2 * t.ppf(0.975, 199) * float(robust.bse[0]), rel=0.01)


def test_equal_units_of_a_person_are_worth_one():
    hits, people = np.array([[1, 0, 1, 0, 1, 0, 0, 0, 1, 0] * 5]), np.ones((1, 50), int)
    once = clustered(sums(hits, people))
    tenfold = clustered(sums(hits * 10, people * 10))
    assert np.ravel(tenfold) == pytest.approx(np.ravel(once))


def test_one_person_gives_no_interval_and_no_hit_still_does():
    low, high = clustered(sums(np.array([[3], [0]]), np.array([[5], [5]])))
    assert np.isnan([low, high]).all()
    low, high = clustered(sums(np.zeros((1, 40), int), np.full((1, 40), 3)))
    assert low[0] == 0
    assert 0.05 < high[0] < 0.12


def test_chi_square_has_the_textbook_values():
    result = compare([20, 30, 50], [100, 100, 100])
    assert (result.test, round(result.statistic, 4)) == ("卡方检验", 21.0)
    assert result.p == pytest.approx(2.754e-5, rel=1e-3)
    assert result.cramers_v == pytest.approx((21 / 300) ** 0.5)
    assert result.residuals == pytest.approx([-3.4641, -0.8660, 4.3301], abs=1e-4)


def test_fisher_has_the_value_of_the_lady_tasting_tea():
    result = compare([3, 1], [4, 4])
    assert (result.test, round(result.p, 4)) == ("Fisher精确检验", 0.4857)
    assert result.residuals == ()


@pytest.mark.parametrize(
    ("hits", "base", "reason"),
    [
        ([3], [40], "可比的组不足两个"),
        ([0, 0], [40, 40], "没有人提到"),
        ([40, 40], [40, 40], "人人都提到"),
        ([1, 0, 2], [6, 5, 7], "期望人数太小（小于5的格子超过两成，或有小于1的）"),
    ],
)
def test_a_test_that_may_not_be_made_says_why(hits, base, reason):
    result = compare(hits, base)
    assert result.withheld == reason
    assert np.isnan(result.p)


def test_p_values_are_uniform_under_no_difference():
    rng = np.random.default_rng(4)
    base = np.array([60, 80, 120])
    results = [compare(rng.binomial(base, 0.3), base) for _ in range(1500)]
    p = np.array([result.p for result in results if result.test == "卡方检验"])
    assert len(p) > 1400
    for level in (0.01, 0.05, 0.2, 0.5, 0.8):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * (level * (1 - level) / len(p)) ** 0.5)


def test_fisher_does_not_claim_too_much():
    rng = np.random.default_rng(5)
    base = np.array([12, 15])
    results = [compare(rng.binomial(base, 0.2), base) for _ in range(800)]
    p = np.array([result.p for result in results if result.test == "Fisher精确检验"])
    assert len(p) > 300
    assert (p <= 0.05).mean() <= 0.06


def test_the_false_discovery_rate_is_that_of_the_paper():
    # Benjamini & Hochberg (1995), section 4.1: 15 p-values, four rejected at 0.05
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    assert (adjust(p) <= 0.05).sum() == 4
    assert np.isnan(adjust([np.nan, np.nan])).all()
    assert len(adjust([])) == 0


def test_keyness_agrees_with_its_sources():
    key = keyness([20, 5, 40], [10, 0, 40], 1000, 2000)
    assert key.g2 == pytest.approx(
        [2 * (20 * np.log(2) + 10 * np.log(0.5)), 2 * 5 * np.log(3), 2 * (40 * np.log(1.5) + 40 * np.log(0.75))]
    )
    assert key.log_ratio == pytest.approx([2, np.log2(5 / 1000 / (0.5 / 2000)), 1])
    assert key.bic == pytest.approx(key.g2 - np.log(3000))
    assert len(keyness([], [], 10, 10).g2) == 0
