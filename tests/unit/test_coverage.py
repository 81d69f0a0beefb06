"""Do the report's intervals hold the truth as often as they say, and do its tests stay silent where there is nothing?

Simulations in worlds whose truth is known. Each rate is held against its bound with three Monte Carlo standard errors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import spearmanr

from reports.bootstrap import bootstrap_p, mean_draws, paired_randomisation, spearman_draws
from reports.contrast import Contrast, contrast
from reports.stats import Effect, hierarchical, holm

TASKS = 7
# Variances of the demo's differences between two methods on the STS sets, in points squared: what all seeds share by
# being measured on the same pairs, and what is a seed's own.
VARIANCES = {
    "weight against SimCSE, average": (0.001, 0.02),
    "temperature against SimCSE, average": (0.075, 0.25),
    "momentum against SimCSE, average": (0.15, 8.5),
    "temperature against SimCSE, one task": (0.56, 1.2),
    "momentum against SimCSE, one task": (0.7, 5.0),
}
STDS = [(1.3, 1.3), (1.3, 2.2), (0.8, 2.2)]  # of the average over seeds, of two methods of the demo


def at_most(rate: float, bound: float, repeats: int) -> bool:
    return rate <= bound + 3 * (bound * (1 - bound) / repeats) ** 0.5


def covers(found: Effect | Contrast, truth: float) -> bool:
    assert found.low is not None and found.high is not None
    return found.low <= truth <= found.high


def hold(covered: list[bool]) -> bool:
    """Coverage between 93 and 97 %."""
    rate = float(np.mean(covered))
    return at_most(rate, 0.97, len(covered)) and at_most(1 - rate, 0.07, len(covered))


def worlds(shared: float, own: float, n: int, repeats: int, truth: float) -> Iterator[Effect]:
    """Differences over n seeds, and resamples that know what the seeds share from a finite number of draws."""
    rng = np.random.default_rng(n)
    for _ in range(repeats):
        observed = truth + rng.normal(0, shared**0.5) + rng.normal(0, own**0.5, n)
        draws = rng.normal(0, shared**0.5, (300, 1)) + rng.normal(0, (own / 2) ** 0.5, (300, n))
        yield hierarchical(observed, draws)


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("variances", VARIANCES.values(), ids=VARIANCES)
def test_the_interval_over_seeds_and_items_covers(variances: tuple[float, float], n: int) -> None:
    assert hold([covers(found, -2.6) for found in worlds(*variances, n, 1500, -2.6)])


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("share", [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1])
def test_false_positives_keep_to_every_level_that_holm_asks_for(share: float, n: int) -> None:
    """Whatever the share of the seeds in the variance."""
    repeats = 6000
    found = list(worlds(1 - share, n * share, n, repeats, 0))
    p = np.array([effect.p for effect in found])
    for level in (0.05, 0.05 / TASKS):
        assert at_most(float(np.mean(p <= level)), level, repeats)
    assert hold([covers(effect, 0) for effect in found])


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("stds", STDS)
def test_welchs_interval_covers(stds: tuple[float, float], n: int) -> None:
    rng = np.random.default_rng(n)

    def runs(std: float, first: int) -> list[dict[int, float]]:
        return [dict(enumerate(rng.normal(40, std, n).tolist(), start=first))]

    found = [contrast(runs(stds[0], 0), runs(stds[1], n)) for _ in range(1500)]  # no seed in common
    assert hold([covers(effect, 0) for effect in found])
    assert at_most(float(np.mean([effect.p <= 0.05 for effect in found])), 0.05, len(found))


def family(rng: np.random.Generator, n: int, pairs: int = 250, resamples: int = 200) -> list[Effect]:
    """Two equally good methods on seven STS tasks, from the cosines on; then the average over the tasks.

    A cosine is the gold score, weighed as well as the seed learnt it, and noise of the pair, of the method and of the
    run: with these sizes seeds differ by a point or two in Spearman, and the seeds' share of the variance is about
    that of the demo.
    """
    learnt = 0.5 + rng.normal(0, 0.02, (2, n))  # one talent a run, felt in every task
    observed, draws = np.empty((TASKS, n)), np.empty((TASKS, resamples, n))
    for task in range(TASKS):
        gold = rng.integers(0, 26, pairs) / 5
        talent = learnt + rng.normal(0, 0.01, (2, n))
        noise = rng.normal(size=pairs) + 0.3 * rng.normal(size=(2, 1, pairs)) + 0.3 * rng.normal(size=(2, n, pairs))
        cosines = (talent[..., None] * gold + noise).reshape(2 * n, pairs)
        rho = 100 * spearman_draws(cosines, gold, resamples, rng)
        whole = [100 * spearmanr(gold, row).statistic for row in cosines]
        observed[task], draws[task] = np.subtract(whole[:n], whole[n:]), rho[:, :n] - rho[:, n:]
    pairs_of_rows = zip([*observed, observed.mean(axis=0)], [*draws, draws.mean(axis=0)], strict=True)
    return [hierarchical(*rows) for rows in pairs_of_rows]


def judged(n: int, repeats: int) -> None:
    rng = np.random.default_rng(10 + n)
    found = [family(rng, n) for _ in range(repeats)]
    p = np.array([[effect.p for effect in effects] for effects in found])  # (repeats, tasks and average)
    averages, tasks = p[:, -1], p[:, :-1]
    assert at_most(float(np.mean(averages <= 0.05)), 0.05, repeats)
    assert at_most(float(np.mean(tasks <= 0.05)), 0.05, repeats)
    assert at_most(float(np.mean([min(holm(row)) <= 0.05 for row in tasks.tolist()])), 0.05, repeats)
    assert hold([covers(effects[-1], 0) for effects in found])
    shares = [effect.seed_share for effects in found for effect in effects]
    assert 0.3 < np.mean(shares) < 0.95  # both sources count in this world


def test_a_family_of_tasks_stays_silent() -> None:
    judged(3, 40)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "repeats"), [(3, 500), (5, 250)])
def test_a_family_of_tasks_keeps_its_rates(n: int, repeats: int) -> None:
    judged(n, repeats)


def test_queries_alone_keep_their_rate() -> None:
    """Two checkpoints of equal worth; most queries score nothing, as in retrieval."""
    rng, repeats = np.random.default_rng(2), 600
    common = rng.beta(0.3, 1.2, (repeats, 150))
    first, second = (np.clip(common * rng.uniform(0, 2, common.shape), 0, 1) for _ in range(2))
    p = [paired_randomisation(a, b, rng=rng, resamples=400) for a, b in zip(first, second, strict=True)]
    assert at_most(float(np.mean(np.array(p) <= 0.05)), 0.05, repeats)
    assert np.mean(np.array(p) <= 0.5) > 0.4  # not silent by being blind


def test_pairs_alone_keep_their_rate() -> None:
    rng, repeats = np.random.default_rng(3), 300
    p = []
    for _ in range(repeats):
        gold = rng.integers(0, 26, 300) / 5
        cosines = 0.5 * gold + rng.normal(size=300) + 0.5 * rng.normal(size=(2, 300))
        rho = spearman_draws(cosines, gold, 400, rng)
        p.append(bootstrap_p(rho[:, 0] - rho[:, 1]))
    assert at_most(float(np.mean(np.array(p) <= 0.05)), 0.05, repeats)


@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_covers_for_queries(n: int) -> None:
    """Skewed scores of 150 queries, a talent a seed; the truth is the mean that they are drawn around."""
    rng, found = np.random.default_rng(4), []
    for _ in range(500):
        ease = rng.beta(0.5, 1.5, 150)
        gain = 0.1 + rng.normal(0, 0.05, (n, 1)) + rng.normal(0, 0.3, 150)
        apart = ease * gain + 0.05 * rng.normal(size=(n, 150))
        found.append(hierarchical(apart.mean(axis=1), mean_draws(apart, 200, rng)))
    assert hold([covers(effect, 0.1 * 0.25) for effect in found])
