"""Cost: what each method's training took, from the logs of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reports.document import Cell, Group, Row, Section, Table
from reports.runs import PretrainingCost, Training
from reports.stats import summarise

ID = "cost"
COLUMNS = ("parameters, M", "steps", "sentences", "sentences/s", "seconds a run", "seeds")


def section(runs: Sequence[Training], pretraining: PretrainingCost | None = None) -> Section | None:
    """A row a method, and the backbone's share; None if no run has a log. Runs of a method stand together."""
    grouped = [list(found) for _, found in groupby(runs, key=lambda run: run.method)]
    if not grouped:
        return None
    caption = (
        "What training took. Parameters are the encoder’s, without heads and queues. The time is that of the steps, "
        "without the looks at the dev set; speed and time are means ± standard deviations over seeds. They tell of the "
        "machine as much as of the method, and differ from run to run."
    )
    rows = tuple(Row(found[0].label, _cells(found)) for found in grouped)
    table = Table(ID, COLUMNS, (Group(rows),), caption, head="method")
    if pretraining is None:
        return Section(ID, "Cost", (table,))
    took = f"{pretraining.seconds / 3600:,.1f} hours" if pretraining.seconds >= 3600 else f"{pretraining.seconds:.0f} s"
    return Section(ID, "Cost", (f"Pretraining the backbone took {took}: {pretraining.machine.told()}.", table))


def _cells(runs: Sequence[Training]) -> tuple[Cell, ...]:
    return (
        _cell([run.parameters / 1e6 for run in runs], 2),
        _cell([run.steps for run in runs], 0),
        _cell([run.sentences for run in runs], 0),
        _cell([run.sentences / run.seconds for run in runs], 0),
        _cell([run.seconds for run in runs], 1),
        _cell([len(runs)], 0),
    )


def _cell(values: Sequence[float], digits: int) -> Cell:
    sample = summarise(values)
    spread = f"{sample.std:,.{digits}f}" if sample.std else ""
    return Cell(f"{sample.mean:,.{digits}f}", spread, value=sample.mean)
