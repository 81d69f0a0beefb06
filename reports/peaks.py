"""When each run was at its best: one that was so at its first look says little of what trained it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.document import Cell, Group, Row, Section, Table
from reports.records import Look, Method, Results
from reports.selection import RULES, choose
from reports.stats import summarise
from reports.wording import listing, number, score

ID = "peaks"


@dataclass(frozen=True)
class Peaks:
    """One method's runs, by the score that chooses among their looks."""

    label: str
    rule: str  # a key of selection.RULES
    looks: tuple[tuple[Look, ...], ...]  # a tuple a run, in the order of steps, those with that score
    steps: int  # of a run

    def scores(self, at: int) -> list[float]:
        """Each run's score at its first (0) or last (-1) look."""
        return [_score(own[at], self.rule) for own in self.looks]

    def best(self) -> list[Look]:
        """Each run's look with the best score."""
        return [choose(own, self.rule) for own in self.looks]

    def at(self, index: int) -> int:
        """How many runs are at their best at their first (0) or last (-1) look."""
        return sum(best is own[index] for best, own in zip(self.best(), self.looks, strict=True))


def found(results: Results) -> list[Peaks]:
    """The trained methods whose weights a score chose among two looks or more."""
    peaks = [_peaks(method) for method in results.ours(trained=True)]
    return [one for one in peaks if one.looks]


def warning(results: Results) -> str:
    """A sentence for the first page where most runs were at their best at the first look; empty otherwise."""
    peaks = found(results)
    early, runs = sum(one.at(0) for one in peaks), sum(len(one.looks) for one in peaks)
    if 2 * early <= runs:
        return ""
    return (
        f"**{number(early).capitalize()} of {number(runs)} runs were at their best at the first look**, so that what "
        f"is compared here has hardly left the backbone: [#section-{ID}]."
    )


def section(results: Results) -> Section | None:
    """How many runs peaked at once or not at all, and every method's scores on the way; None without looks."""
    peaks = found(results)
    return Section(ID, "When each run was at its best", (_text(peaks), _table(peaks))) if peaks else None


def _peaks(method: Method) -> Peaks:
    rule = str(method.info.train.get("select"))
    looks = [tuple(look for look in run.info.looks if _known(look, rule) is not None) for run in method.runs]
    steps = max(run.info.steps or 0 for run in method.runs)
    return Peaks(method.info.label, rule, tuple(own for own in looks if len(own) > 1), steps)


def _known(look: Look, rule: str) -> float | None:
    value: float | None = getattr(look, rule.replace("-", "_"), None)  # of "last" there is none
    return value


def _score(look: Look, rule: str) -> float:
    value = _known(look, rule)
    assert value is not None  # `Peaks` has no others
    return value


def _text(peaks: Sequence[Peaks]) -> str:
    runs = sum(len(one.looks) for one in peaks)
    sentences = ["A run is looked at every few steps, and the weights at its best look are what is evaluated."]
    if early := [one for one in peaks if one.at(0)]:
        first = [own[0].step for one in early for own in one.looks]
        steps = f"{min(first):,}" + (f" to {max(first):,}" if min(first) < max(first) else "")
        sentences.append(
            f"**{_share(early, 0, runs)} at the first look**, after {steps} of {max(one.steps for one in early):,} "
            f"steps ({_counts(early, 0)}): further training made the encoder worse by that score. What is evaluated of "
            "these runs has hardly left the backbone, and differences between them say little of the methods. A lower "
            "learning rate, or looks closer together, show whether training helps at all."
        )
    else:
        sentences.append("No run was at its best at the first look.")
    if late := [one for one in peaks if one.at(-1)]:
        sentences.append(
            f"{_share(late, -1, runs)} at the last look ({_counts(late, -1)}): more text or epochs might have raised "
            "them further."
        )
    return " ".join(sentences)


def _share(peaks: Sequence[Peaks], index: int, runs: int) -> str:
    many = sum(one.at(index) for one in peaks)
    were, their = ("was", "its") if many == 1 else ("were", "their")
    return f"{number(many).capitalize()} of {number(runs)} runs {were} at {their} best"


def _counts(peaks: Sequence[Peaks], index: int) -> str:
    return listing([f"{one.label} {one.at(index)} of {len(one.looks)}" for one in peaks])


def _table(peaks: Sequence[Peaks]) -> Table:
    return Table(
        ID,
        ("by", "first", "best", "step, best", "last"),
        (Group(tuple(map(_row, peaks))),),
        "The score that chooses among the looks at a run, at the first, the best and the last of them: mean over seeds "
        "± standard deviation, and the mean step of the best.",
    )


def _row(one: Peaks) -> Row:
    best = one.best()
    steps = summarise([float(look.step) for look in best])
    spread = f"from {steps.low:,.0f} to {steps.high:,.0f}" if steps.low < steps.high else ""
    cells = (
        Cell(RULES[one.rule]),
        _cell(one.scores(0)),
        _cell([_score(look, one.rule) for look in best]),
        Cell(f"{steps.mean:,.0f}", spread, value=steps.mean),
        _cell(one.scores(-1)),
    )
    return Row(one.label, cells)


def _cell(values: Sequence[float]) -> Cell:
    sample = summarise(values)
    return Cell(score(sample.mean), score(sample.std) if sample.std is not None else "", value=sample.mean)
