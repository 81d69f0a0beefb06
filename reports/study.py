"""An ablation's table, results/ablate/<study>.csv, as cells: one setting each, measured over seeds."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import NegbenchError
from reports.block import Block
from reports.families import AVERAGE
from reports.paper import METRIC, Paper
from reports.records import STUDIES

QUEUE_DISTANCE = "queue_distance"  # the study of EMA decay and queue size

SETTINGS = ("ema_decay", "queue_size", "batch_size", "d_trace")
COLUMNS = ("cell", "method", "seed", *SETTINGS, "task", "metric", "value", "status", "reason", "n")


@dataclass(frozen=True)
class Cell:
    """Average STS of one queue setting, by seed."""

    name: str
    method: str
    ema_decay: float
    queue_size: int
    batch_size: int
    d_trace: float  # update steps between the online encoder and the oldest negatives
    scores: dict[int, float]  # by seed; seeds that failed are absent
    missing: tuple[str, ...]  # reasons of those

    @property
    def values(self) -> list[float]:
        """Scores without their seeds."""
        return list(self.scores.values())


def load(results: Path) -> list[Cell]:
    """Read the study of queues under the results, by growing d_trace; empty if it has not been run.

    Raises:
        NegbenchError: a column is missing, a number is none, or a line has neither a value nor a reason.
    """
    file = results / STUDIES / f"{QUEUE_DISTANCE}.csv"
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = set(COLUMNS) - set(reader.fieldnames or COLUMNS)
        if missing:
            raise NegbenchError(
                f"no column {', '.join(sorted(missing))}", file, "Run `dvc repro` for this study again."
            )
        lines = [(reader.line_num, line) for line in reader]
    cells: dict[str, list[dict[str, str]]] = {}
    for number, line in lines:
        if (line["task"], line["metric"]) == (AVERAGE, METRIC):
            _check(line, f"{file}:{number}")
            cells.setdefault(line["cell"], []).append(line)
    return sorted((_cell(name, seeds) for name, seeds in cells.items()), key=lambda cell: (cell.d_trace, cell.name))


def reported(papers: Sequence[Paper]) -> Block | None:
    """The papers' own curve over d_trace, with its band; None if no file has one."""
    return next((block for paper in papers for block in paper.numbers if block.study == QUEUE_DISTANCE), None)


def _cell(name: str, lines: list[dict[str, str]]) -> Cell:
    first = lines[0]
    return Cell(
        name=name,
        method=first["method"],
        ema_decay=float(first["ema_decay"]),
        queue_size=int(first["queue_size"]),
        batch_size=int(first["batch_size"]),
        d_trace=float(first["d_trace"]),
        scores={int(line["seed"]): float(line["value"]) for line in lines if line["status"] == "ok"},
        missing=tuple(line["reason"] for line in lines if line["status"] != "ok"),
    )


def _check(line: dict[str, str], where: str) -> None:
    try:
        numbers = ["seed", *SETTINGS]
        for name in [*numbers, "value"] if line["status"] == "ok" else numbers:
            float(line[name])
    except ValueError:
        raise NegbenchError(f"{name} is no number: '{line[name]}'", where, "Run the study again.") from None
    if line["status"] != "ok" and not line["reason"]:
        raise NegbenchError(f"status '{line['status']}' without a reason", where, "Run the study again.")
