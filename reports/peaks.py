"""When each run was at its best: one that was so at once says little of what trained it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.document import Cell, Group, Row, Section, Table
from reports.records import Look, Method, Results
from reports.selection import RULES, choose, steps_cell
from reports.stats import summarise
from reports.wording import listing, number

ID = "peaks"
EARLY = 10  # within a tenth of the steps


@dataclass(frozen=True)
class Peaks:
    """One method's runs, by the score that chooses among their looks."""

    label: str
    rule: str  # a key of selection.RULES
    looks: tuple[tuple[Look, ...], ...]  # a tuple a run, in the order of steps, those with that score
    steps: int  # of a run

    def at(self, index: int) -> list[Look]:
        """Each run's first (0) or last (-1) look."""
        return [own[index] for own in self.looks]

    def best(self) -> list[Look]:
        """Each run's look with the best score."""
        return [choose(own, self.rule) for own in self.looks]

    def early(self) -> int:
        """How many runs are at their best within a tenth of their steps."""
        return sum(EARLY * best.step <= self.steps for best in self.best())

    def late(self) -> int:
        """How many runs are at their best at their last look."""
        return sum(best is last for best, last in zip(self.best(), self.at(-1), strict=True))

    def scores(self, looks: Sequence[Look]) -> list[float]:
        """The score of looks."""
        return [value for look in looks if (value := look.score(self.rule)) is not None]


def found(results: Results) -> list[Peaks]:
    """The trained methods whose weights a score chose among two looks or more."""
    peaks = [_peaks(method) for method in results.ours(trained=True)]
    return [one for one in peaks if one.looks]


def warning(results: Results) -> str:
    """A sentence for the first page where most runs were at their best within a tenth of their steps; else empty."""
    peaks = found(results)
    if 2 * sum(one.early() for one in peaks) <= sum(len(one.looks) for one in peaks):
        return ""
    return (
        f"**{_told(peaks, Peaks.early)} in the first tenth of the steps**, so that what is compared here has seen "
        f"little of the training: [#section-{ID}]."
    )


def section(results: Results) -> Section | None:
    """How many runs peaked at once or not at all, and every method's scores on the way; None without looks."""
    peaks = found(results)
    return Section(ID, "When each run was at its best", (_text(peaks), _table(peaks))) if peaks else None


def _peaks(method: Method) -> Peaks:
    rule = str(method.info.train.get("select"))
    looks = [tuple(look for look in run.info.looks if look.score(rule) is not None) for run in method.runs]
    steps = max(run.info.steps or 0 for run in method.runs)
    return Peaks(method.info.label, rule, tuple(own for own in looks if len(own) > 1), steps)


def _text(peaks: Sequence[Peaks]) -> str:
    sentences = ["A run is looked at every few steps, and the weights at its best look are what is evaluated."]
    if early := _named(peaks, Peaks.early):
        sentences.append(
            f"**{_told(peaks, Peaks.early)} in the first tenth of the steps** ({early}): further training made the "
            "encoder worse by that score, and what is evaluated of these runs has seen little of it. A lower learning "
            "rate, or looks closer together, show whether more of it helps."
        )
    else:
        sentences.append("No run was at its best in the first tenth of its steps.")
    if late := _named(peaks, Peaks.late):
        sentences.append(
            f"{_told(peaks, Peaks.late)} at the last look ({late}): more text or epochs might have raised them further."
        )
    return " ".join(sentences)


def _told(peaks: Sequence[Peaks], count: Callable[[Peaks], int]) -> str:
    many, runs = sum(map(count, peaks)), sum(len(one.looks) for one in peaks)
    were, their = ("was", "its") if many == 1 else ("were", "their")
    return f"{number(many).capitalize()} of {number(runs)} runs {were} at {their} best"


def _named(peaks: Sequence[Peaks], count: Callable[[Peaks], int]) -> str:
    return listing([f"{one.label} {many} of {len(one.looks)}" for one in peaks if (many := count(one))])


def _table(peaks: Sequence[Peaks]) -> Table:
    return Table(
        ID,
        ("by", "first", "best", "step, best", "last"),
        (Group(tuple(map(_row, peaks))),),
        "The score that chooses among the looks at a run, at the first, the best and the last of them: mean over seeds "
        "± standard deviation, and the mean step of the best.",
    )


def _row(one: Peaks) -> Row:
    first, best, last = (Cell.of(summarise(one.scores(looks))) for looks in (one.at(0), one.best(), one.at(-1)))
    return Row(one.label, (Cell(RULES[one.rule]), first, best, steps_cell([look.step for look in one.best()]), last))
