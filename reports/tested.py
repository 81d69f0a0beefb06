"""What stage significance found: differences between trained methods, their intervals and their p."""

from __future__ import annotations

from pathlib import Path

from reports.families import STS
from reports.records import LeftOut, Results, Stored, read
from reports.stats import ROUNDING

LEVEL = 0.05  # of an adjusted p


class Difference(Stored):
    """One method less the reference, in points: on a task, or over the tasks of a family.

    Interval and p are for new seeds and new items; None with too few seeds in common.
    """

    estimate: float | None  # None for the reason below
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None  # p after Holm, over the family that FamilyDifferences names
    seed_share: float | None = None  # of the variance: what more seeds would remove; more items the rest
    items_p: float | None = None  # of these very checkpoints, for new items alone
    seeds: int = 0  # that both have
    left_out: int = 0  # seeds that one of the two lacks, or has no score of
    items: int = 0
    reason: str | None = None

    @property
    def real(self) -> bool:
        """As `is_real`."""
        return is_real(self.estimate, self.adjusted)


def is_real(difference: float | None, adjusted: float | None) -> bool:
    """Whether a difference is more than noise by its adjusted p, and more than printed scores round off."""
    moved = difference is not None and abs(difference) >= ROUNDING
    return moved and adjusted is not None and adjusted <= LEVEL


class Comparison(Stored):
    """One method against the reference. The p of `tasks` are adjusted over these tasks."""

    method: str
    label: str
    of: tuple[str, str]  # fingerprints of the method and of the reference, when they were compared
    by_test: bool = False  # whether one of the two had its checkpoints selected by these very test scores
    average: Difference
    iqm: Difference | None  # interquartile mean over tasks of the differences; None where too few tasks to cut any
    tasks: dict[str, Difference]


class FamilyDifferences(Stored):
    """One family of tasks. The p of the averages are adjusted over its comparisons."""

    name: str
    comparisons: list[Comparison]

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name.upper() if self.name == STS.name else self.name.capitalize()


class Significance(Stored):
    """All of it."""

    reference: str | None  # label; None if there is nothing to compare
    resamples: int
    families: list[FamilyDifferences]


def load(file: Path, results: Results) -> tuple[Significance | None, tuple[LeftOut, ...]]:
    """What the stage wrote of these very results, and what it wrote of others, which is left out.

    None if the stage has not been run, or none of its comparisons holds.

    Raises:
        NegbenchError: the file is not what the stage writes.
    """
    if not file.is_file():
        return None, ()
    found = read(Significance, file)
    present = {method.name: method.fingerprint for method in results.methods}

    def holds(one: Comparison) -> bool:
        return one.of[0] == present.get(one.method) and one.of[1] in present.values()

    families = [
        family.model_copy(update={"comparisons": kept})
        for family in found.families
        if (kept := [one for one in family.comparisons if holds(one)])
    ]
    others = dict.fromkeys(one.label for family in found.families for one in family.comparisons if not holds(one))
    stale = tuple(LeftOut(f"noise of {label}'s differences", "stale, of other scores") for label in others)
    return (found.model_copy(update={"families": families}) if families else None), stale
