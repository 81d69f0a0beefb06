"""The contrast of two groups of settings against scipy, a naive search over pairs, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.contrast import Scores, contenders, contrast

scores = st.lists(st.floats(0, 100, width=32), min_size=2, max_size=6)


def apart(*groups: list[list[float]]) -> list[list[Scores]]:
    """Every setting with seeds of its own, so that none can be paired."""
    return [
        [{100 * (10 * side + place) + seed: score for seed, score in enumerate(own)} for place, own in enumerate(group)]
        for side, group in enumerate(groups)
    ]


def together(*groups: list[list[float]]) -> list[list[Scores]]:
    """Every setting with the same seeds."""
    return [[dict(enumerate(own)) for own in group] for group in groups]


pairs = st.lists(st.tuples(st.floats(0, 100, width=32), st.floats(0, 100, width=32)), min_size=2, max_size=6)


@given(pairs)
def test_equal_seeds_are_paired(values: list[tuple[float, float]]) -> None:
    ours, theirs = map(list, zip(*values, strict=True))
    if np.var(np.subtract(ours, theirs)) < 1e-6:
        return
    found = contrast(*together([ours], [theirs]))
    test = stats.ttest_rel(ours, theirs)
    interval = test.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-6)
    assert found.p == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)


@given(scores, scores)
def test_one_setting_a_side_is_welch(ours: list[float], theirs: list[float]) -> None:
    if np.var(ours) < 1e-6 or np.var(theirs) < 1e-6:
        return
    found = contrast(*apart([ours], [theirs]))
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    interval = test.confidence_interval(0.95)
    assert found.difference == pytest.approx(np.mean(ours) - np.mean(theirs), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-6)
    assert found.p == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)


def naive(better: list[list[float]], than: list[list[float]]) -> tuple[float, float]:
    """Bounds from scipy's one-pair intervals at the corrected levels."""

    def interval(a: list[float], b: list[float], settings: int) -> tuple[float, float]:
        found = stats.ttest_ind(a, b, equal_var=False).confidence_interval(1 - 0.05 / settings)
        return float(found.low), float(found.high)

    low = max(min(interval(a, b, len(better))[0] for b in than) for a in better)
    high = min(max(interval(a, b, len(than))[1] for a in better) for b in than)
    return low, high


def test_groups_against_a_search_over_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        better = [rng.normal(rng.normal(), 0.5, rng.integers(2, 5)).tolist() for _ in range(rng.integers(1, 4))]
        than = [rng.normal(rng.normal(), 0.5, rng.integers(2, 5)).tolist() for _ in range(rng.integers(1, 4))]
        found = contrast(*apart(better, than))
        assert (found.low, found.high) == pytest.approx(naive(better, than))
        assert found.better == pytest.approx(max(map(np.mean, better)))
        assert found.low is not None and found.high is not None and found.p is not None
        assert found.low <= found.difference <= found.high
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(st.lists(scores, min_size=1, max_size=3), st.lists(scores, min_size=1, max_size=3))
def test_turned_round_it_is_its_negative(better: list[list[float]], than: list[list[float]]) -> None:
    ours, theirs = apart(better, than)
    one, other = contrast(ours, theirs), contrast(theirs, ours)
    assert one.low is not None and one.high is not None
    assert (one.low, one.high, one.p) == pytest.approx((-other.high, -other.low, other.p))


def test_one_seed_has_no_interval() -> None:
    found = contrast(*together([[60.0, 61.0], [62.0]], [[50.0, 51.0]]))
    assert found.difference == 11.5
    assert found.low is found.high is found.p is None


def test_seeds_without_spread_are_told_apart_exactly() -> None:
    same, above = (contrast(*together([[level, level]], [[1.0, 1.0]])) for level in (1.0, 2.0))
    assert (same.low, same.high, same.p) == (0, 0, 1)
    assert (above.low, above.high, above.p) == (1, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("better", "than"),
    [([0.0], [0.0]), ([0.0, 0.0], [0.0, 0.0, 0.0, 0.0]), ([0.0, -1.0], [0.0, 0.0, -3.0]), ([1.0, 0.9], [0.0])],
)
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("shared", [None, 0.0, 1.0])
def test_the_interval_covers(better: list[float], than: list[float], seeds: int, shared: float | None) -> None:
    """At least 95 % of the intervals hold max(better) - max(than), and few cross zero where there is no effect.

    `shared` is the spread of what equal seeds have in common; None where no setting has a seed of another.
    """
    rng = np.random.default_rng(seeds)
    truth, trials, held, wrong = max(better) - max(than), 500, 0, 0
    for _ in range(trials):
        luck = rng.normal(0, shared or 0.0, seeds)
        groups = [[(rng.normal(mean, 0.6, seeds) + luck).tolist() for mean in group] for group in (better, than)]
        found = contrast(*(apart if shared is None else together)(*groups))
        assert found.low is not None and found.high is not None
        held += found.low <= truth <= found.high
        wrong += found.low > 0 or found.high < 0
    slack = 3 * (0.05 * 0.95 / trials) ** 0.5  # three standard errors of the simulation
    assert held / trials >= 0.95 - slack
    if truth == 0:
        assert wrong / trials <= 0.05 + slack


def test_the_best_setting_is_among_the_contenders_as_often_as_said() -> None:
    """With equal means each is the best; with one apart that one is, and what lies far below is left out."""
    random = np.random.default_rng(0)
    held, worst = 0, 0
    for _ in range(1000):
        luck = random.normal(0, 2, (4, 1))  # of a seed, which all settings share
        scores = random.normal([60.0, 60.0, 60.0, 50.0], 0.5, (4, 4)) + luck
        found = contenders([dict(enumerate(column)) for column in scores.T.tolist()])
        held += found[0]
        worst += found[3]
    assert held / 1000 >= 0.95
    assert worst / 1000 < 0.05


def test_contenders_are_those_that_no_other_beats_by_scipys_test() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        columns = random.normal([0, 0.5, 1], 0.4, (3, 3)).T
        beaten = [
            any(
                stats.ttest_rel(other, one, alternative="greater").pvalue < 0.05 / 2
                for other in columns
                if other is not one
            )
            for one in columns
        ]
        assert contenders([dict(enumerate(one)) for one in columns.tolist()]) == [not lost for lost in beaten]


def test_a_lead_of_less_than_printing_rounds_off_puts_nothing_out() -> None:
    same = {0: 60.0, 1: 61.0, 2: 62.0}
    for lead, may in ((0.004, True), (0.006, False)):
        ahead = {seed: score + lead for seed, score in same.items()}
        assert contenders([ahead, same]) == [True, may]
