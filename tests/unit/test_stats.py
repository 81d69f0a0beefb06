"""Intervals and tests over seeds, against scipy, naive loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from reports.stats import Effect, hierarchical, holm, iqm, rounding, summarise


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_the_step_down_procedure(p_values: list[float]) -> None:
    """Rejection at any level: go through the p from the smallest on and stop at the first that fails."""
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] * (len(p_values) - step) > alpha:
                break
            rejected.add(index)
        assert {index for index, p in enumerate(adjusted) if p <= alpha} == rejected


def test_iqm_is_the_mean_of_the_middle_half() -> None:
    values = np.array([[9.0, 1, 2, 3, 100, 4, -50, 5], [0, 0, 0, 0, 0, 0, 0, 8]])
    assert iqm(values).tolist() == [np.mean([2, 3, 4, 5]), 0]
    assert iqm(values.T, axis=0).tolist() == iqm(values).tolist()
    assert iqm(np.array([1.0, 2, 6])) == pytest.approx((0.25 * 1 + 2 + 0.25 * 6) / 1.5)
    seven = np.array([3.0, 9, 1, 27, 81, 2, 243])
    # As often repeated as to make the quarters whole: each value four times, a quarter of 28 is seven.
    assert iqm(seven) == pytest.approx(np.mean(np.sort(np.repeat(seven, 4))[7:21]))


def draws_like(covariance: np.ndarray, resamples: int = 400) -> np.ndarray:
    """Resamples whose sample covariance is exactly the given one."""
    raw = np.random.default_rng(1).normal(size=(resamples, len(covariance)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T


def test_without_common_noise_of_the_items_it_is_the_t_test() -> None:
    apart = [-0.7, -3.7, -6.5, -2.0]
    expected = oracle.ttest_1samp(apart, 0)
    interval = expected.confidence_interval()
    found = hierarchical(apart, draws_like(2 * np.eye(4)))  # each seed its own: already in what the seeds differ by
    assert found.seed_share == pytest.approx(1)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue), rel=1e-6)


def test_without_differences_between_seeds_it_is_the_normal_test() -> None:
    found = hierarchical([1.5, 1.5, 1.5], draws_like(np.full((3, 3), 0.49) + 1e-9 * np.eye(3)))
    reach = oracle.norm.ppf(0.975) * 0.7
    assert found.seed_share == pytest.approx(0)
    assert (found.low, found.high) == pytest.approx((1.5 - reach, 1.5 + reach), rel=1e-5)
    assert found.p == pytest.approx(2 * oracle.norm.sf(1.5 / 0.7), rel=1e-5)


def test_seeds_that_agree_to_the_last_item_are_not_certain() -> None:
    """Each of three seeds is ahead on another one of 500 items: nothing but chance."""
    ahead = np.zeros((500, 3))
    ahead[[0, 1, 2], [0, 1, 2]] = 100.0
    items = np.random.default_rng(0).integers(500, size=(2000, 500))
    found = hierarchical(ahead.mean(axis=0), ahead[items].mean(axis=1), 2 * rounding(500))
    assert found.p is not None
    assert found.p > 0.05
    assert found.low is not None
    assert found.low < 0


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=6), st.floats(0.01, 5))
def test_the_interval_leaves_out_zero_where_p_is_small(apart: list[float], shared: float) -> None:
    n = len(apart)
    found = hierarchical(apart, draws_like(shared * (np.ones((n, n)) + np.eye(n))))
    assert found.low is not None and found.high is not None and found.p is not None
    assert (found.low > 0 or found.high < 0) == (found.p < 0.05)
    assert found.low <= found.estimate <= found.high


def test_variance_of_both_sources_adds_up() -> None:
    apart = [1.0, 2.0, 4.0]
    found = hierarchical(apart, draws_like(0.3 * np.ones((3, 3)) + 0.2 * np.eye(3)))
    seeds = np.var(apart, ddof=1) / 3
    assert found.seed_share == pytest.approx(seeds / (seeds + 0.3))


def test_resamples_without_a_score_count_for_nothing() -> None:
    draws = draws_like(np.ones((3, 3)) + np.eye(3))
    broken = np.insert(draws, 7, [np.nan, 1, 2], axis=0)
    assert hierarchical([1, 2, 4], broken) == hierarchical([1, 2, 4], draws)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_seeds_allow_no_interval(n: int) -> None:
    found = hierarchical(range(n), np.zeros((50, n)))
    assert (found.low, found.high, found.p, found.seed_share, found.n) == (None, None, None, None, n)


def test_the_same_scores_are_certainly_the_same() -> None:
    assert hierarchical([0.0] * 3, np.zeros((50, 3))) == Effect(0.0, 0.0, 0.0, 1.0, 3)


def test_summary_has_students_interval() -> None:
    values = [41.5, 44.1, 43.4]
    found = summarise(values)
    interval = oracle.ttest_1samp(values, 0).confidence_interval()
    assert found.half_width is not None
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(
        (interval.low, interval.high)
    )
