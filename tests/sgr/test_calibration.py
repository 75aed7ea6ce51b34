import math

import numpy as np
import pytest
from scipy import stats

from mrilab.errors import UserError
from mrilab.sgr.calibration import (
    conformal_margin,
    conformal_quantile,
    exact_interval,
    exchangeable_level,
    smallest_strength,
    widen,
)

TRIALS = 20_000


@pytest.fixture
def random():
    return np.random.default_rng(20261128)


def close(shares, expected):
    """Whether a share of TRIALS is within four standard errors."""
    return abs(np.mean(shares) - expected) < 4 * math.sqrt(expected * (1 - expected) / TRIALS)


@pytest.mark.parametrize("k", [2, 5, 16])
def test_least_and_largest_of_k_samples_cover_as_exchangeability_says(random, k):
    drawn = random.gamma(2.0, size=(TRIALS, k + 1))
    truth, samples = drawn[:, 0], drawn[:, 1:]
    assert close((samples.min(1) <= truth) & (truth <= samples.max(1)), exchangeable_level(k))


def test_sixteen_samples_cover_fifteen_of_seventeen():
    assert exchangeable_level(16) == pytest.approx(15 / 17)
    assert exchangeable_level(1) == 0


def test_the_smallest_strength_that_covers_is_chosen_in_any_order():
    table = {0.04: 1.0, 0.0: 0.2, 0.02: 0.9, 0.01: 0.85}
    assert smallest_strength(table) == 0.02
    assert smallest_strength(table, 0.95) == 0.04
    assert smallest_strength(table, 0.1) == 0.0
    assert smallest_strength({0.01: 0.5, 0.02: 0.8}) is None
    with pytest.raises(UserError, match="between 0 and 1"):
        smallest_strength({0.01: math.nan})


@pytest.mark.parametrize(("covered", "n"), [(0, 6), (5, 6), (6, 6), (9, 18)])
def test_exact_intervals_are_quantiles_of_beta(covered, n):
    low, high = exact_interval([True] * covered + [False] * (n - covered))
    assert low == pytest.approx(stats.beta.ppf(0.025, covered, n - covered + 1) if covered else 0)
    assert high == pytest.approx(stats.beta.ppf(0.975, covered + 1, n - covered) if covered < n else 1)


def test_exact_intervals_hold_the_true_share_as_often_as_they_say(random):
    ends = [exact_interval([True] * k + [False] * (6 - k)) for k in range(7)]
    for share in (0.3, 0.9):
        counts = random.binomial(6, share, TRIALS)
        held = np.mean([ends[k][0] <= share <= ends[k][1] for k in counts])
        assert held >= 0.95 - 4 * math.sqrt(0.05 * 0.95 / TRIALS)


def test_the_conformal_quantile_is_an_order_statistic_or_infinite():
    scores = [5.0, 1, 4, 2, 3, 9, 7, 8, 6]
    assert conformal_quantile(scores, 0.9) == 9  # ceil(10 * 0.9) = 9
    assert conformal_quantile(scores, 0.5) == 5
    assert conformal_quantile(scores, 0.91) == math.inf
    assert conformal_quantile(scores[:8], 0.9) == math.inf  # eight heads say nothing about 90 %
    assert conformal_quantile([], 0.9) == math.inf
    with pytest.raises(UserError, match="not a number"):
        conformal_quantile([1.0, math.nan], 0.5)


@pytest.mark.parametrize("n", [9, 12, 40])
def test_widened_bounds_cover_a_new_head_as_often_as_asked(random, n):
    size = (TRIALS, n + 1)
    up = random.gamma(4.0, size=size)
    low = up * random.uniform(0.8, 1.0, size)
    volume = up * np.exp(0.4 * random.normal(size=size))  # far outside: bounds are too narrow
    covered = np.empty(TRIALS, bool)
    for i in range(TRIALS):
        margin = conformal_margin(low[i, :n], up[i, :n], volume[i, :n])
        ends = widen(low[i, n], up[i, n], margin)
        covered[i] = ends[0] <= volume[i, n] <= ends[1]
    assert close(covered, math.ceil((n + 1) * 0.9) / (n + 1))


def test_bounds_that_are_wide_enough_stay_as_they_are():
    low, up, volume = np.full(10, 2.0), np.full(10, 5.0), np.full(10, 3.0)
    assert conformal_margin(low, up, volume) == 0
    assert [end.tolist() for end in widen(low, up, 0.0)] == [low.tolist(), up.tolist()]


def test_a_margin_is_in_units_of_the_upper_volume_and_goes_down_to_nothing():
    low, up = np.array([0.0, 4, 1]), np.array([10.0, 5, 2])
    assert conformal_margin(low, up, [12.0, 3, 1.5], level=0.75) == 0.2  # misses by 0.2, 0.2 and not at all
    low, up = widen(low, up, 0.5)
    assert low.tolist() == [0, 1.5, 0]
    assert up.tolist() == [15, 7.5, 3]


def test_empty_bounds_are_right_about_an_absent_class_and_no_margin_saves_the_others():
    zero = np.zeros(9)
    assert conformal_margin(zero, zero, zero) == 0
    assert conformal_margin(zero, zero, np.ones(9)) == math.inf
    low, up = widen([0.0, 3], [0.0, 4], math.inf)
    assert low.tolist() == [0, 0]
    assert up.tolist() == [math.inf, math.inf]
