"""What changed from one set of records to another, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from reports.changes import Change
from reports.families import AVERAGE
from reports.stats import CONFIDENCE, MIN_SEEDS
from reports.tested import LEVEL
from reports.wording import MISSING, listing, probability, score, seeds, signed

READING = (
    f"Differences are B less A, in points; {CONFIDENCE:.0%} intervals are for new seeds: Student's over pairs of equal "
    "seeds where both sides have enough of them (paired), else Welch's, and of accuracies never narrower than counting "
    f"examples allows. A star is more than noise: p, by Holm's procedure, is at most {LEVEL:g}."
)


def answer(found: Sequence[Change]) -> list[str]:
    """Did anything get lost, and did anything move by more than the noise of seeds? In a few lines."""
    if all(one.identical for one in found):
        return [f"No: all {len(found):,} scores that both have are the same to the last digit, seed by seed."]
    averages = [one for one in found if one.task == AVERAGE and one.family]
    judged = [one for one in averages if one.adjusted is not None]
    real = [f"{one.label} on {one.family} ({signed(one.difference)})" for one in judged if one.real]
    if real:
        first = f"Yes: {len(real)} of {_averages(judged)} moved by more than the noise of seeds: {listing(real)}."
    elif judged:
        widest = max(one.half_width or 0.0 for one in judged)
        first = (
            f"No: of {_averages(judged)} that differ none moved by more than the noise of seeds. That does not make "
            f"them equal: the widest interval is ±{score(widest)} points."
        )
    elif averages and all(one.identical for one in averages):
        first = f"No: {_averages(averages)} of tasks are the same to the last digit, seed by seed; other scores differ."
    else:
        first = (
            "Nobody can tell: no average that differs was measured alike on both sides, with "
            f"{seeds(MIN_SEEDS)} each, so nothing says what seeds do."
        )
    tasks = [one for one in found if one.task != AVERAGE and one.adjusted is not None]
    single = f"On single tasks it is {sum(one.real for one in tasks)} of {len(tasks)}. " if tasks else ""
    same = sum(one.identical for one in found)
    lines = [
        *_alone(averages),
        first,
        f"{single}The same to the last digit are {same:,} of {len(found):,} scores, which are not shown.",
    ]
    unlike = [one for one in found if one.before is not None and one.after is not None and one.effect is None]
    if unlike:
        lines.append(f"{len(unlike):,} cannot be compared: the two sides did not measure the same. The note says why.")
    return lines


def _alone(averages: Sequence[Change]) -> Iterable[str]:
    """Averages that one side has and the other has not, though both tried."""
    lost = [one for one in averages if one.after is None and one.before is not None]
    gained = [one for one in averages if one.before is None and one.after is not None]
    for side, ones in (("A", lost), ("B", gained)):
        if ones:
            yield f"Only {side} has a score of {listing([f'{one.label} on {one.family}' for one in ones])}."


def _averages(judged: Sequence[Change]) -> str:
    return f"{len(judged)} average{'s' * (len(judged) != 1)}"


def printed(found: Iterable[Change]) -> Table:
    """The differences of the families of tasks, for a terminal."""
    table = Table(box=SIMPLE)
    for heading in ("method", "task"):
        table.add_column(heading, no_wrap=True)
    for heading in ("A", "B", "difference", f"{CONFIDENCE:.0%} interval", "p", "seeds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for one in found:
        effect = one.effect
        inside = effect and effect.low is not None and effect.high is not None
        cells = (
            one.label,
            f"{one.family}, {one.task}",
            score(one.before),
            score(one.after),
            f"{signed(one.difference)}{'*' if one.real else ' '}",
            f"{signed(effect.low)} to {signed(effect.high)}" if effect and inside else MISSING,
            MISSING if one.adjusted is None else probability(one.adjusted),
            f"{effect.n} {one.how}" if effect else MISSING,
            one.note,
        )
        table.add_row(*map(escape, cells))
    return table


def frame(found: Iterable[Change]) -> pd.DataFrame:
    """One row a difference, values unrounded; what is missing is empty and has its reason in `note`."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Change) -> dict[str, object]:
    effect = one.effect
    return {
        **{name: getattr(one, name) for name in ("method", "label", "task", "metric", "before", "after", "difference")},
        **{name: getattr(effect, name, None) for name in ("low", "high", "p")},
        "adjusted": one.adjusted,
        "seeds": effect.n if effect else 0,
        "how": one.how,
        "identical": one.identical,
        "note": one.note,
    }
