"""From one set of records to another: what each score moved by, and what other seeds alone would have moved it by.

Scores are compared where both sides measured them by the same protocol on the same items, so the noise here is that of
seeds. Where both have the same data and three seeds in common, or all that one of them has, the interval is Student's
over the pairs of equal seeds, and else Welch's; with fewer than three there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from reports.families import AVERAGE
from reports.rules import MEASURES
from reports.stats import CONFIDENCE, MIN_SEEDS, Effect, holm, rounding, summarise
from reports.tested import is_real
from reports.wording import number, seeds

Key = tuple[str, str, str]  # method, task, metric
COUNTED = ("acc", "devacc")  # metrics that are shares of right examples

FAMILY = {metric: name for name, (task, metric) in MEASURES.items() if task == AVERAGE}  # of tasks, by its metric


@dataclass(frozen=True)
class Score:
    """One score of one run."""

    value: float | None
    reason: str  # why there is none
    items: int | None  # pairs, examples or queries
    protocol: str


Scores = Mapping[int, Score]  # by seed


@dataclass(frozen=True)
class Change:
    """One method on one task by one metric: the second side less the first."""

    method: str
    label: str
    task: str
    metric: str
    before: float | None  # means over the seeds that count
    after: float | None
    effect: Effect | None  # None for the reason in `note`; without an interval where a side has too few seeds
    paired: bool
    identical: bool  # the same values to the last digit, seed by seed
    note: str = ""  # what is missing or cannot be compared, and why
    adjusted: float | None = None  # p after Holm, among the averages of one family or the tasks of one method in it

    @property
    def family(self) -> str | None:
        """The set of tasks it belongs to, None for a metric that the report has no table of."""
        return FAMILY.get(self.metric)

    @property
    def difference(self) -> float | None:
        """Second less first; None where a side has no score."""
        return self.effect.estimate if self.effect else None

    @property
    def half_width(self) -> float | None:
        """Of the interval."""
        return None if not self.effect or self.effect.low is None else self.effect.estimate - self.effect.low

    @property
    def how(self) -> str:
        """Which interval it has; empty where it has none."""
        if self.half_width is None:
            return ""
        return "paired" if self.paired else "Welch"

    @property
    def real(self) -> bool:
        """As `tested.is_real`, of the noise of seeds."""
        return is_real(self.difference, self.adjusted)


def changes(before: pd.DataFrame, after: pd.DataFrame) -> list[Change]:
    """Compare every score that both sides have a record of, in the order of the first.

    Args:
        before: records of runs as of `flat.frame`, without studies.
        after: likewise.
    """
    first, second = _by_score(before), _by_score(after)
    labels = dict(zip(after["method"], after["label"], strict=True))
    same_data = set(before["data_hash"]) == set(after["data_hash"])
    common = [key for key in first if key in second]
    return _adjusted(
        [
            _change(
                key,
                labels[key[0]],
                first[key],
                second[key],
                _unlike(key, first, second),
                _least(key, first, second),
                same_data=same_data,
            )
            for key in common
        ]
    )


def _by_score(records: pd.DataFrame) -> dict[Key, dict[int, Score]]:
    """The scores of each method, task and metric by seed."""
    found: dict[Key, dict[int, Score]] = {}
    columns = (records[name] for name in ("method", "task", "metric", "seed", "value", "reason", "n", "protocol"))
    for method, task, metric, seed, value, reason, n, protocol in zip(*columns, strict=True):
        found.setdefault((method, task, metric), {})[int(seed)] = Score(
            value=None if pd.isna(value) else float(value),
            reason=str(reason) if pd.isna(value) else "",
            items=None if pd.isna(n) else int(n),
            protocol=protocol,
        )
    return found


def _unlike(key: Key, before: Mapping[Key, Scores], after: Mapping[Key, Scores]) -> str:
    """Why the two sides did not measure the same; empty if they did."""
    protocols, items = (
        [{getattr(score, name) for score in side[key].values()} for side in (before, after)]
        for name in ("protocol", "items")
    )
    if protocols[0] != protocols[1]:
        return f"another protocol: {_told(protocols[0])}; {_told(protocols[1])}"
    if items[0] != items[1]:
        return f"other items: {_told(items[0])}; {_told(items[1])}"
    method, task, metric = key
    if task == AVERAGE:
        tasks = [{one[1] for one in side if (one[0], one[2]) == (method, metric)} for side in (before, after)]
        if tasks[0] != tasks[1]:
            return f"an average of other tasks: {_told(tasks[0] - tasks[1])}; {_told(tasks[1] - tasks[0])}"
    return ""


def _least(key: Key, before: Mapping[Key, Scores], after: Mapping[Key, Scores]) -> float:
    """The variance that a score has by counting right examples alone, in points squared; of other scores none."""
    method, task, metric = key
    if metric not in COUNTED:
        return 0.0
    if task == AVERAGE:
        parts = [
            _least(one, before, after) for one in before if (one[0], one[2]) == (method, metric) and one[1] != task
        ]
        return sum(parts) / len(parts) ** 2 if parts else 0.0
    sides = [side.get(key, {}) for side in (before, after)]
    return max((rounding(score.items) for side in sides for score in side.values() if score.items), default=0.0)


def _told(values: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, values))) or "none"


def _change(
    key: Key, label: str, before: Scores, after: Scores, unlike: str, least: float, *, same_data: bool
) -> Change:
    method, task, metric = key
    common = [seed for seed in before if seed in after]
    paired = same_data and len(common) >= min(MIN_SEEDS, len(before), len(after))
    counted = [{seed: side[seed] for seed in common} if paired else side for side in (before, after)]
    scored = [{seed: one.value for seed, one in side.items() if one.value is not None} for side in counted]
    if paired and all(scored):
        scored = [{seed: side[seed] for seed in side if all(seed in other for other in scored)} for side in scored]
    theirs, ours = scored
    effect = None
    if ours and theirs and not unlike:
        effect = _paired(ours, theirs, least) if paired else _welch(ours, theirs, least)
    alone = sorted(before.keys() ^ after.keys()) if paired else []
    notes = [
        unlike,
        _missing("A", counted[0]),
        _missing("B", counted[1]),
        *(f"seed {seed} on one side alone" for seed in alone),
    ]
    return Change(
        method=method,
        label=label,
        task=task,
        metric=metric,
        before=summarise([*theirs.values()]).mean if theirs else None,
        after=summarise([*ours.values()]).mean if ours else None,
        effect=effect,
        paired=paired,
        identical=counted[0] == counted[1],
        note="; ".join(filter(None, notes)),
    )


def _missing(side: str, scores: Scores) -> str:
    reasons = [one.reason for one in scores.values() if one.value is None]
    share = f" in {number(len(reasons))} of {seeds(len(scores))}" if len(scores) > 1 else ""
    return f"no score on side {side}{share}: {', '.join(sorted(set(reasons)))}" if reasons else ""


def _paired(ours: Mapping[int, float], theirs: Mapping[int, float], least: float) -> Effect:
    """The mean of the differences, one a seed, for new seeds: Student's."""
    differences = [ours[seed] - theirs[seed] for seed in ours]
    return _for_new_seeds(float(np.mean(differences)), [differences], 2 * least)


def _welch(ours: Mapping[int, float], theirs: Mapping[int, float], least: float) -> Effect:
    """The difference of the means for new seeds: Welch's."""
    sides = [[*ours.values()], [*theirs.values()]]
    return _for_new_seeds(float(np.mean(sides[0]) - np.mean(sides[1])), sides, least)


def _for_new_seeds(estimate: float, samples: Sequence[Sequence[float]], least: float) -> Effect:
    """An estimate whose variance is the sum of the samples' means', with Satterthwaite's degrees of freedom."""
    n = min(map(len, samples))
    if n < MIN_SEEDS:
        return Effect(estimate, None, None, None, n)
    parts = [max(float(np.var(sample, ddof=1)), least) / len(sample) for sample in samples]
    error = sum(parts) ** 0.5
    if error == 0:  # no item counts, as of a measure that no table has
        return Effect(estimate, estimate, estimate, float(estimate == 0), n)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, samples, strict=True))
    half_width = float(stats.t.isf((1 - CONFIDENCE) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(estimate) / error, freedom))
    return Effect(estimate, estimate - half_width, estimate + half_width, p, n)


def _adjusted(found: list[Change]) -> list[Change]:
    """Holm's p beside each p: the averages of all methods are judged together, and so are the tasks of each method.

    What is identical cannot be called a difference by mistake, so it is no part of a family.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, one in enumerate(found):
        if one.family and not one.identical and one.effect and one.effect.p is not None:
            group = (one.family,) if one.task == AVERAGE else (one.family, one.method)
            groups.setdefault(group, []).append(index)
    result = [*found]
    for members in groups.values():
        for index, p in zip(members, holm([_p(found[index]) for index in members]), strict=True):
            result[index] = replace(found[index], adjusted=p)
    return result


def _p(one: Change) -> float:
    assert one.effect is not None and one.effect.p is not None
    return one.effect.p


def one_sided(here: pd.DataFrame, there: pd.DataFrame) -> list[str]:
    """What one side has records of and the other has not: methods, then seeds of methods, then tasks and metrics."""
    ours, others = (_contents(side) for side in (here, there))
    common = [method for method in ours if method in others]
    more = {method: sorted(ours[method][0] - others[method][0]) for method in common}
    found = [f"method {method}" for method in ours if method not in others]
    found += [f"seed {seed} of {method}" for method in common for seed in more[method]]
    scores: dict[str, list[str]] = {}
    for method in common:
        known = others[method][1]
        tasks = {task for task, _ in known}
        for task, metric in ours[method][1]:
            if (task, metric) not in known:
                scores.setdefault(f"{task} by {metric}" if task in tasks else task, []).append(method)
    found += [f"{score} ({_listed(methods, common)})" for score, methods in scores.items()]
    return found


def _contents(records: pd.DataFrame) -> dict[str, tuple[set[int], dict[tuple[str, str], None]]]:
    """Seeds, and tasks with their metrics, by method."""
    return {
        str(method): (
            {int(seed) for seed in own["seed"]},
            dict.fromkeys(zip(own["task"], own["metric"], strict=True)),
        )
        for method, own in records.groupby("method", sort=False)
    }


def _listed(methods: Iterable[str], every: Iterable[str]) -> str:
    named = [*dict.fromkeys(methods)]
    return "all methods" if {*named} == {*every} else ", ".join(named)
