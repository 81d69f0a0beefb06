"""Measured and reported: our scores beside those of the papers' rows, with the verdict on each."""

from __future__ import annotations

from collections.abc import Sequence

from reports.document import Cell, Group, Notes, Row, Section, Table
from reports.families import STS
from reports.markup import literal
from reports.paper import Reproduction
from reports.stats import CONFIDENCE
from reports.verdicts import Comparison, Comparisons
from reports.wording import score, signed

CAPTION = (
    "Our mean beside the reported score (in italics), their difference, and beneath it how far off a further run may "
    "be: half the width of Student's {confidence} prediction interval, for as many runs as the reported score is the "
    "mean of, or one where the paper does not say. *Reproduced*: the whole {confidence} interval of our mean lies near "
    "the reported score, *not reproduced*: the whole of it elsewhere, and further off than a further run may be; else "
    "*undecided*. Near is what two averages of one setting typically differ by in the paper or in runs of its "
    "recipe by others; without training, what printing rounds off. Each score is judged by itself: of twenty that "
    "can be reproduced, chance calls about one *not reproduced*."
)


def section(comparisons: Sequence[Comparisons]) -> Section:
    """One group of rows a method."""
    notes = Notes()
    groups = tuple(_group(one, notes) for one in comparisons)
    caption = CAPTION.format(confidence=f"{CONFIDENCE:.0%}")
    table = Table("comparison", tuple(STS.labels.values()), groups, caption, notes.texts)
    found = table if groups else "No method of this run has a row in the papers' tables."
    return Section("comparison", "Measured and reported", (found,))


def _group(comparison: Comparisons, notes: Notes) -> Group:
    row, tasks = comparison.row, comparison.tasks
    name = comparison.paper.name
    where = row.where if name in row.where else f"{name}, {row.where}"
    reasons = "; ".join(sorted({task.reason for task in tasks}))
    others = [_found(other) for other in comparison.paper.reproductions if other.row == row.id and other.averages]
    beside = literal(f"Averages that others found: {'; '.join(others)}.") if others else ""
    rows = (
        Row("measured", tuple(_measured(task) for task in tasks)),
        Row("reported", tuple(_reported(task) for task in tasks), note=notes.mark(beside)),
        Row("difference", tuple(_difference(task) for task in tasks)),
        Row(
            "verdict",
            tuple(Cell(task.verdict) for task in tasks),
            note=notes.mark(literal(f"{reasons[:1].upper()}{reasons[1:]}.")),
        ),
    )
    return Group(rows, f"**{comparison.method.info.label}** beside {row.label} ({where}, {row.source})")


def _found(other: Reproduction) -> str:
    parted = " to " if other.range else ", "
    return f"{parted.join(map(score, other.averages))} ({other.setting})"


def _measured(task: Comparison) -> Cell:
    return Cell(score(task.measured.mean), value=task.measured.mean) if task.measured else Cell(score(None))


def _reported(task: Comparison) -> Cell:
    if task.reported is None:
        return Cell(score(None))
    return Cell(f"*{score(task.reported.value)}*", value=task.reported.value)


def _difference(task: Comparison) -> Cell:
    known = task.delta is not None and task.reach is not None
    return Cell(signed(task.delta), score(task.reach) if known else "", value=task.delta)
