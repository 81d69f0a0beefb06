"""From one set of records to another: what each score moved by, and what other seeds alone would have moved it by.

Both sides are scored on the same items, so the noise here is that of seeds. Where both have two seeds or more in
common, measured on the same data, the interval is Student's over the pairs of equal seeds, and else Welch's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd
from scipy import stats

from reports.contrast import contrast
from reports.families import AVERAGE
from reports.rules import MEASURES
from reports.stats import Effect, holm, summarise
from reports.tested import LEVEL
from reports.verdicts import ROUNDING
from reports.wording import number, seeds

FAMILY = {metric: name for name, (task, metric) in MEASURES.items() if task == AVERAGE}  # of tasks, by its metric

Scores = Mapping[int, tuple[float | None, str]]  # by seed: the value, or None and the reason


@dataclass(frozen=True)
class Change:
    """One method on one task by one metric: the second side less the first."""

    method: str
    label: str
    task: str
    metric: str
    before: float | None  # means over the seeds that count
    after: float | None
    effect: Effect | None  # None for the reason in `note`; without an interval where a side has one seed
    paired: bool
    identical: bool  # the same values to the last digit, seed by seed
    note: str = ""  # what is missing, and why
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
        """Whether it is more than the noise of seeds, and more than printed scores round off."""
        moved = self.difference is not None and abs(self.difference) >= ROUNDING
        return moved and self.adjusted is not None and self.adjusted <= LEVEL


def changes(before: pd.DataFrame, after: pd.DataFrame) -> list[Change]:
    """Compare every score that both sides have a record of, in the order of the first.

    Args:
        before: records of runs as of `flat.frame`, without studies.
        after: likewise.
    """
    first, second = _by_score(before), _by_score(after)
    labels = dict(zip(after["method"], after["label"], strict=True))
    same_data = set(before["data_hash"]) == set(after["data_hash"])
    found = [
        _change(key, labels[key[0]], first[key], second[key], same_data=same_data) for key in first if key in second
    ]
    return _adjusted(found)


def _by_score(records: pd.DataFrame) -> dict[tuple[str, str, str], dict[int, tuple[float | None, str]]]:
    """The scores of each method, task and metric by seed."""
    found: dict[tuple[str, str, str], dict[int, tuple[float | None, str]]] = {}
    columns = (records[name] for name in ("method", "task", "metric", "seed", "value", "reason"))
    for method, task, metric, seed, value, reason in zip(*columns, strict=True):
        score = (None, str(reason)) if pd.isna(value) else (float(value), "")
        found.setdefault((method, task, metric), {})[int(seed)] = score
    return found


def _change(key: tuple[str, str, str], label: str, before: Scores, after: Scores, *, same_data: bool) -> Change:
    method, task, metric = key
    common = [seed for seed in before if seed in after]
    paired = same_data and len(common) >= min(2, len(before), len(after))
    counted = [{seed: side[seed] for seed in common} if paired else side for side in (before, after)]
    scored = [{seed: value for seed, (value, _) in side.items() if value is not None} for side in counted]
    if paired:
        scored = [{seed: side[seed] for seed in side if all(seed in other for other in scored)} for side in scored]
    theirs, ours = scored
    effect = None
    if ours and theirs:
        effect = _paired([ours[seed] - theirs[seed] for seed in ours]) if paired else _welch(ours, theirs)
    alone = sorted(before.keys() ^ after.keys()) if paired else []
    notes = [
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
    reasons = [reason for value, reason in scores.values() if value is None]
    share = f" in {number(len(reasons))} of {seeds(len(scores))}" if len(scores) > 1 else ""
    return f"no score on side {side}{share}: {', '.join(sorted(set(reasons)))}" if reasons else ""


def _paired(differences: list[float]) -> Effect:
    """The mean of n differences, one a seed, for new seeds: Student's."""
    found = summarise(differences)
    n, mean = found.n, found.mean
    if found.half_width is None:
        return Effect(mean, None, None, None, n)
    if found.std == 0:  # did not vary at all
        return Effect(mean, mean, mean, float(mean == 0), n)
    p = float(stats.ttest_1samp(differences, 0).pvalue)
    return Effect(mean, mean - found.half_width, mean + found.half_width, p, n)


def _welch(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Effect:
    found = contrast([[*ours.values()]], [[*theirs.values()]])
    return Effect(found.difference, found.low, found.high, found.p, min(len(ours), len(theirs)))


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
