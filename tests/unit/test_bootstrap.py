"""Resampled items, against scipy and naive loops over resamples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from reports import bootstrap
from reports.bootstrap import Units, bootstrap_p, mean_draws, paired_randomisation, spearman_draws


def resampled(n: int, resamples: int, seed: int) -> list[np.ndarray]:
    """The items of each resample that a function with this seed draws."""
    blocks = bootstrap._counts(n, resamples, np.random.default_rng(seed))
    return [np.repeat(np.arange(n), counts.astype(int)) for block in blocks for counts in block.T]


@given(st.integers(4, 40), st.integers(0, 2), st.integers(0, 1000))
def test_ranks_from_counts_are_those_of_a_sort(n: int, decimals: int, seed: int) -> None:
    """Ties in both, and resamples that may hold one value alone."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 5, n) / 2
    similarities = np.round(rng.normal(size=(3, n)) + gold, decimals).astype(np.float32)
    found = spearman_draws(similarities, gold, 20, np.random.default_rng(seed))
    for draw, items in zip(found, resampled(n, 20, seed), strict=True):
        for value, scores in zip(draw, similarities, strict=True):
            defined = np.ptp(scores[items]) > 0 and np.ptp(gold[items]) > 0
            expected = oracle.spearmanr(scores[items], gold[items]).statistic if defined else np.nan
            assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_items_of_one_unit_come_together() -> None:
    """Ten items of four units, one of which has its items elsewhere: against a loop over the units drawn."""
    rng, of = np.random.default_rng(4), np.array([0, 0, 0, 1, 1, 3, 3, 3, 3, 1])
    gold, similarities = rng.random(10), rng.random((2, 10))
    found = spearman_draws(similarities, gold, 30, np.random.default_rng(7), Units(of, 4))
    for draw, units in zip(found, resampled(4, 30, 7), strict=True):
        items = np.concatenate([np.flatnonzero(of == unit) for unit in units])
        expected = [
            oracle.spearmanr(own[items], gold[items]).statistic if len(items) else np.nan for own in similarities
        ]
        assert draw == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_means_are_those_of_the_resampled_items() -> None:
    scores = np.random.default_rng(0).random((2, 30))
    found = mean_draws(scores, 25, np.random.default_rng(5))
    assert found == pytest.approx(np.array([scores[:, items].mean(axis=1) for items in resampled(30, 25, 5)]))


def test_every_item_is_as_likely_as_any_other() -> None:
    totals = np.bincount(np.concatenate(resampled(50, 4000, 2)), minlength=50)
    assert oracle.chisquare(totals).pvalue > 0.001
    assert all(len(items) == 50 for items in resampled(50, 10, 3))


def test_blocks_bound_the_memory_and_hold_every_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "BLOCK", 500)
    shapes = [block.shape for block in bootstrap._counts(90, 23, np.random.default_rng(0))]
    assert {rows for rows, _ in shapes} == {90}
    assert sum(columns for _, columns in shapes) == 23
    assert max(rows * columns for rows, columns in shapes) <= 500


def test_bootstrap_p_counts_both_sides() -> None:
    draws = np.array([-1.0] * 2 + [1.0] * 97)
    assert bootstrap_p(draws) == bootstrap_p(-draws) == pytest.approx(2 * 3 / 100)
    assert bootstrap_p(np.zeros(10)) == 1


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_paired_randomisation_is_exact_where_all_signs_can_be_tried(shift: float) -> None:
    rng = np.random.default_rng(6)
    a, b = rng.random(10) + shift, rng.random(10)
    expected = oracle.permutation_test(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=np.inf
    ).pvalue  # all 1,024
    found = paired_randomisation(a, b, rng=np.random.default_rng(0), resamples=50_000)
    assert found == pytest.approx(expected, abs=4 * (0.25 / 50_000) ** 0.5)


def test_paired_randomisation_of_equal_scores_finds_nothing() -> None:
    scores = np.random.default_rng(0).random(20)
    assert paired_randomisation(scores, scores, rng=np.random.default_rng(0), resamples=100) == 1
