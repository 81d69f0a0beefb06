"""Every trained method less a reference method, task by task: what seeds and items leave of the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.seeding import seed_for
from reports import items
from reports.bootstrap import bootstrap_p, mean_draws, paired_randomisation, spearman_draws
from reports.families import AVERAGE, STS, Family, families
from reports.items import Items
from reports.records import Method, Results
from reports.stats import Floats, hierarchical, holm, iqm, rounding
from reports.tested import Comparison, Difference, FamilyDifferences, Significance

MIN_TASKS = 4  # fewer have no outer quarters for the interquartile mean to cut
TOLERANCE = 0.05  # points between a score and that of its items: SentEval rounds to two decimals, MTEB to three


@dataclass(frozen=True)
class Apart:
    """Method less reference, over the seeds that both have a score of.

    Attributes:
        observed: points by seed.
        draws: points by seed on B resamples of the items, (B,) each.
        size: N, how many items there are.
        rounding: variance of a seed's difference that comes of counting right items, in points squared.
        scores: (N,) of the items of the method and of the reference, mean over seeds; None if their mean is no score.
    """

    observed: dict[int, float]
    draws: dict[int, Floats]
    size: int
    rounding: float
    scores: tuple[Floats, Floats] | None


def compare(results: Results, folder: Path, reference: str, resamples: int) -> Significance:
    """Compare all trained methods with the reference, or with the first where that was not trained.

    Args:
        results: the runs.
        folder: holds <method>/<seed>/, with the scores of the items.
        reference: name of a method.
        resamples: of the items.

    Raises:
        NegbenchError: scores of items are missing; see `items.load`.
    """
    trained = results.ours(trained=True)
    base = next((method for method in trained if method.name == reference), trained[0] if trained else None)
    others = [method for method in trained if method is not base]
    if base is None or not others:
        return Significance(reference=None, resamples=resamples, families=[])
    tests = [_tests(folder, family, base, others, resamples) for family in families(results)]
    return Significance(reference=base.info.label, resamples=resamples, families=tests)


def _tests(folder: Path, family: Family, base: Method, others: Sequence[Method], resamples: int) -> FamilyDifferences:
    kept = {
        (method.name, run.seed): items.load(folder / method.name / str(run.seed), family)
        for method in (base, *others)
        for run in method.runs
        if any(run.seed in _values(method, task, family) for task in family.labels)
    }
    found: dict[str, dict[str, Apart | str]] = {method.name: {} for method in others}
    for task in family.labels:
        if task != AVERAGE:
            scored = {run: own[task] for run, own in kept.items() if task in own}
            for method, apart in _task(family, task, base, others, scored, resamples).items():
                found[method][task] = apart
    comparisons = [_comparison(family, base, method, found[method.name], resamples) for method in others]
    averages = _adjusted({one.method: one.average for one in comparisons})
    return FamilyDifferences(
        name=family.name,
        comparisons=[one.model_copy(update={"average": averages[one.method]}) for one in comparisons],
    )


def _task(
    family: Family,
    task: str,
    base: Method,
    others: Sequence[Method],
    scored: dict[tuple[str, int], Items],  # by method and seed
    resamples: int,
) -> dict[str, Apart | str]:
    """All methods on the same resamples of one task's items; a str is the reason why one cannot be compared."""
    first = next((own for (name, _), own in scored.items() if name == base.name), None)
    if first is None:
        return {method.name: f"{base.info.label} has no score" for method in others}
    alike = {run: own for run, own in scored.items() if own.alike(first)}
    table = np.stack([own.scores for own in alike.values()])
    # With units that other tasks have items of, too, all tasks are drawn together.
    rng = np.random.default_rng(seed_for(0, "significance", family.name, *(() if first.units else (task,))))
    if first.gold is None:
        drawn = mean_draws(table, resamples, rng)
    else:
        drawn = spearman_draws(table, first.gold, resamples, rng, first.units)
    counted = bool(np.isin(table, (0, 1)).all())  # items that are right or wrong
    draws = dict(zip(alike, 100 * drawn.T, strict=True))

    def apart(method: Method) -> Apart | str:
        ours, theirs = _values(method, task, family), _values(base, task, family)
        seeds = [seed for seed in ours if seed in theirs]
        if not seeds:
            return "no seed has a score of both"
        for values, name in ((ours, method.name), (theirs, base.name)):
            for seed in seeds:
                if (name, seed) not in alike:
                    return "not measured on the same items"
                if abs(alike[name, seed].score - values[seed]) > TOLERANCE:
                    return "the score does not follow from those of the items that are kept"
        means = [np.mean([alike[name, seed].scores for seed in seeds], axis=0) for name in (method.name, base.name)]
        return Apart(
            {seed: ours[seed] - theirs[seed] for seed in seeds},
            {seed: draws[method.name, seed] - draws[base.name, seed] for seed in seeds},
            len(first.scores),
            2 * rounding(len(first.scores)) if counted else 0.0,
            (means[0], means[1]) if first.gold is None else None,
        )

    return {method.name: apart(method) for method in others}


def _values(method: Method, task: str, family: Family) -> dict[int, float]:
    """Scores by the family's first metric: of transfer, accuracy on the test part, as items are kept of no other."""
    return method.values(task, next(iter(family.metrics)))


def _comparison(
    family: Family, base: Method, method: Method, found: dict[str, Apart | str], resamples: int
) -> Comparison:
    trained = len({run.seed for one in (base, method) for run in one.runs})

    def difference(apart: Apart | str, *axes: str) -> Difference:
        seed = seed_for(0, "randomisation", family.name, method.name, *axes)
        return _difference(apart, trained, resamples, np.random.default_rng(seed))

    return Comparison(
        method=method.name,
        label=method.info.label,
        of=(method.fingerprint, base.fingerprint),
        by_test=family is STS and any(one.info.by_test for one in (base, method)),
        average=difference(_over_tasks(found, np.mean)),
        iqm=difference(_over_tasks(found, iqm)) if len(found) >= MIN_TASKS else None,
        tasks=_adjusted({task: difference(apart, task) for task, apart in found.items()}),
    )


def _over_tasks(found: dict[str, Apart | str], statistic: Callable[..., Floats]) -> Apart | str:
    """Mean or interquartile mean over the tasks, of the seeds that have all of them."""
    parts = {task: apart for task, apart in found.items() if isinstance(apart, Apart)}
    if lacking := [task for task in found if task not in parts]:
        return f"no difference on {', '.join(lacking)}"
    first, *others = parts.values()
    seeds = [seed for seed in first.observed if all(seed in other.observed for other in others)]
    if not seeds:
        return "no seed has all tasks"
    shares = [tuple(own / own.size for own in apart.scores) for apart in parts.values() if apart.scores]
    whole = statistic is np.mean and len(shares) == len(parts)
    return Apart(
        {seed: float(statistic([apart.observed[seed] for apart in parts.values()], axis=0)) for seed in seeds},
        {seed: statistic([apart.draws[seed] for apart in parts.values()], axis=0) for seed in seeds},
        sum(apart.size for apart in parts.values()),
        sum(apart.rounding for apart in parts.values()) / len(parts) ** 2,
        (np.concatenate([a for a, _ in shares]), np.concatenate([b for _, b in shares])) if whole else None,
    )


def _difference(apart: Apart | str, trained: int, resamples: int, rng: np.random.Generator) -> Difference:
    if isinstance(apart, str):
        return Difference(estimate=None, reason=apart)
    draws = np.column_stack([*apart.draws.values()])
    effect = hierarchical([*apart.observed.values()], draws, apart.rounding)
    if apart.scores:
        items_p = paired_randomisation(*apart.scores, rng=rng, resamples=resamples)
    else:
        items_p = bootstrap_p(draws.mean(axis=1)[np.isfinite(draws).all(axis=1)])
    return Difference(
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        p=effect.p,
        seed_share=effect.seed_share,
        items_p=items_p,
        seeds=effect.n,
        left_out=trained - effect.n,
        items=apart.size,
    )


def _adjusted(family: dict[str, Difference]) -> dict[str, Difference]:
    """The family with Holm's p beside each p."""
    known = {name: one.p for name, one in family.items() if one.p is not None}
    p_values = dict(zip(known, holm([*known.values()]), strict=True))
    return {name: one.model_copy(update={"adjusted": p_values.get(name)}) for name, one in family.items()}
