"""Measured against reported: a delta and a verdict for each task of a method that a paper has a row for.

`python -m reports.verdicts` prints these and the findings, for people and for continuous integration.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.errors import NegbenchError
from reports.families import AVERAGE, STS
from reports.paper import METRIC, Paper, Protocol, Row, Value
from reports.records import Comparable, Info, Method, Provenance, Results
from reports.stats import CONFIDENCE, MIN_SEEDS, ROUNDING, Sample, summarise
from reports.wording import number, seeds, signed

Verdict = Literal["reproduced", "undecided", "not reproduced", "not comparable"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

WIDTH = 120  # of a table in a terminal, at least: its columns say nothing when cut to what a pipe is taken for


@dataclass(frozen=True)
class Nature:
    """What a profile's numbers are and how far they may be held against the papers'."""

    what: str
    notice: str


NATURES: dict[Comparable, Nature] = {
    "never": Nature("generated data and a tiny backbone", "Not comparable with the papers."),
    "direction": Nature("real data, not the papers' backbone or recipe", "Only directions compare with the papers."),
    "yes": Nature("the papers' own data and backbones", "Compared with the papers where the protocols agree."),
}


def notice(provenance: Provenance) -> str:
    """The line that every page of the report carries."""
    nature = NATURES[provenance.comparable]
    return f"Profile {provenance.profile}: {nature.what}. {nature.notice}"


@dataclass(frozen=True)
class Comparison:
    """One of our scores beside one of a paper's."""

    task: str
    measured: Sample | None
    reported: Value | None
    reach: float | None  # how far off the paper's number may be by the noise of both; None where that is not known
    verdict: Verdict
    reason: str

    @property
    def delta(self) -> float | None:
        """Measured mean less reported value, in points."""
        return self.measured.mean - self.reported.value if self.measured and self.reported else None


# What `train.select` is called in the papers' files.
SELECTIONS = {
    "stsb-dev": "STS-B dev",
    "sts-test": "average of the seven STS test scores",
    "last": "last step",
}


@dataclass(frozen=True)
class Comparisons:
    """All tasks of one method beside one row of a paper."""

    method: Method
    row: Row
    paper: Paper
    tasks: tuple[Comparison, ...]


def compare(results: Results, papers: Sequence[Paper]) -> list[Comparisons]:
    """Compare each method with the row that names it, the one with our backbone if there is one."""
    found = []
    for method in results.methods:
        rows = [(row, paper) for paper in papers for row in paper.rows if method.name in row.methods]
        if rows:
            backbone = method.runs[0].provenance.backbone
            row, paper = min(rows, key=lambda pair: pair[0].backbone != backbone)  # min keeps the first of equals
            found.append(
                Comparisons(method, row, paper, tuple(_compare(method, row, paper, task) for task in STS.labels))
            )
    return found


def sample(method: Method, task: str, metric: str = METRIC) -> Sample | None:
    """Scores of a method's seeds on one task; None if no seed has one."""
    values = method.values(task, metric)
    return summarise([*values.values()]) if values else None


def protocol(info: Info) -> Protocol:
    """How we measure; eval/sts.py and the training loop are described here, a run's settings override."""
    return Protocol(
        pooling=info.setting("pooling"),
        aggregation=METRIC.removeprefix("spearman_"),
        selection=SELECTIONS[str(info.setting("select") or "stsb-dev")] if info.trained else None,
        split="test",
    )


def _compare(method: Method, row: Row, paper: Paper, task: str) -> Comparison:
    measured, reported = sample(method, task), row.cell(task)
    reach = measured.reach(row.seeds or 1) if measured else None  # a paper that does not say is taken to have run once
    why = _incomparable(method, row, paper.protocols[row.protocol])
    if why or measured is None or reported is None:
        why = why or ("no reported score" if reported is None else "no measured score")
        return Comparison(task, measured, reported, reach, "not comparable", why)
    if method.trained and measured.n < MIN_SEEDS:
        return Comparison(
            task, measured, reported, reach, "not comparable", f"{seeds(measured.n)}: too few to judge by"
        )
    near = row.noise.value if row.noise else None
    if not method.trained:
        near = ROUNDING * (2 if task == AVERAGE else 1)  # papers average what they have rounded
    verdict, reason = _verdict(abs(measured.mean - reported.value), measured.half_width or 0.0, near, reach or 0.0)
    if lost := len(method.runs) - measured.n:  # those that are left may be the lucky ones
        verdict = "undecided" if verdict == "reproduced" else verdict
        reason += f"; {number(lost)} of {seeds(len(method.runs))} without a score"
    return Comparison(task, measured, reported, reach, verdict, reason)


def _incomparable(method: Method, row: Row, theirs: Protocol) -> str | None:
    """Why no number of a method can be held against a row; None where it can."""
    comparable = method.runs[0].provenance.comparable
    if comparable == "never":
        return NATURES[comparable].what
    if comparable == "direction":
        return f"direction only: {NATURES[comparable].what}"
    return _difference(method, row, theirs)


def _verdict(distance: float, half_width: float, near: float | None, reach: float) -> tuple[Verdict, str]:
    """Two-sided: a score above the reported one is as far from reproducing it as a score below.

    An interval that only holds the reported number shows nothing but that our seeds are few. For a score to be
    reproduced the whole of it has to be near (a test of equivalence), and for one not to be, the whole of it elsewhere.
    `near` is of the average; a single task varies more, which `reach` allows for.

    Args:
        distance: between measured mean and reported value, in points.
        half_width: of the interval of the mean; 0 for what does not vary.
        near: the distance within which the two are one result; None where nobody knows the paper's noise.
        reach: as `Comparison.reach`; 0 for what does not vary.
    """
    ours = f"the {CONFIDENCE:.0%} interval of our mean" if half_width else "our score"
    if near is not None and distance + half_width <= near:
        return "reproduced", f"{ours} lies within {near:g} points"
    if distance > max((near or 0.0) + half_width, reach):
        nearer = f", and {CONFIDENCE:.0%} of further runs would be nearer" if reach else ""
        beyond = "does not hold the reported score" if near is None else f"lies further off than {near:g} points"
        return "not reproduced", f"{ours} {beyond}{nearer}"
    if near is None:
        return "undecided", "a further run could be as far off, and how far apart two of the paper's lie is not known"
    if distance - half_width > near:
        return "undecided", f"{ours} lies further off than {near:g} points, but a further run could be as far off"
    return "undecided", f"{ours} lies partly within {near:g} points"


def _difference(method: Method, row: Row, theirs: Protocol) -> str | None:
    """Where the two experiments differ; what a paper leaves open counts as no difference."""
    backbone = method.runs[0].provenance.backbone
    if backbone != row.backbone:
        return f"backbone: {backbone or 'not recorded'}, the paper's is {row.backbone}"
    ours = protocol(method.info).model_dump()
    for key, value in theirs.model_dump().items():
        if value is not None and ours[key] != value:
            return f"{key}: {ours[key] or 'not recorded'}, the paper's is {value}"
    return None


def print_all(arguments: Namespace) -> None:
    """Print what our runs say of every finding and of every reported score.

    Raises:
        NegbenchError: after the tables, if a finding is contradicted or a score is not reproduced.
    """
    from pipelines.measured import measured
    from reports.claims import judge

    evidence = measured(arguments)
    found, compared = judge(evidence), compare(evidence.results, evidence.papers)
    console = Console(highlight=False)
    lines = Console(highlight=False, width=max(console.width, WIDTH))
    console.print(notice(evidence.results.provenance))
    findings = [
        (one.title, one.answer, signed(one.contrast.difference if one.contrast else None), one.reason) for one in found
    ]
    lines.print(_listed(("finding", "answer", "difference", "because"), findings))
    scores = [
        (f"{one.method.info.label} beside {one.row.label}, {task.task}", task.verdict, signed(task.delta), task.reason)
        for one in compared
        for task in one.tasks
    ]
    lines.print(_listed(("score", "verdict", "difference", "because"), scores))
    for one in evidence.left_out:
        console.print(f"Left out: {one.what} ({one.why}).")
    failed = [title for title, verdict, *_ in (*findings, *scores) if verdict in ("contradicted", "not reproduced")]
    if failed:
        what = f"{len(failed)} contradicted or not reproduced"
        raise NegbenchError(what, failed[0], "See the report for the evidence.")


def _listed(headings: Iterable[str], lines: Iterable[tuple[str, ...]]) -> Table:
    table = Table(*headings, box=SIMPLE)
    for line in lines:
        table.add_row(*map(escape, line))
    return table


if __name__ == "__main__":
    from pipelines.main import run
    from pipelines.measured import options

    sys.exit(run(print_all, options("python -m reports.verdicts", "Print findings and verdicts; exit 1 if one fails.")))
