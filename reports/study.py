"""An ablation as results/ablate/ has it: a method under settings that vary, each cell of them measured over seeds."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import NegbenchError
from reports.families import AVERAGE
from reports.paper import METRIC
from reports.records import STUDIES, Look, Stored, chosen_by_test, read
from reports.stats import Sample, summarise
from reports.wording import score

RECORD = ("task", "metric", "value", "status", "reason", "n")  # the last columns of a study's table
AGAIN = "Run `dvc repro` for this study again."

Curve = tuple[tuple[int, float], ...]  # step, average STS there


@dataclass(frozen=True)
class Cell:
    """One combination of settings.

    Attributes:
        number: its place in the study, the first is 0.
        settings: what varies between the cells of the study, as this one has it.
        facts: constants that follow from the settings, such as d_trace; none if no run of the cell came to its end.
        scores: average STS by seed; seeds that failed are absent.
        missing: the reasons of those, a seed's being that of its first task without a score.
        curve: average STS at the looks on the way, by seed; without seeds that were not looked at in this way.
    """

    number: int
    settings: dict[str, Any]
    facts: dict[str, float] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    curve: dict[int, Curve] = field(default_factory=dict)

    @property
    def values(self) -> list[float]:
        """Scores without their seeds."""
        return list(self.scores.values())

    @property
    def sample(self) -> Sample:
        """The scores summed up; there must be one at least."""
        return summarise(self.values)

    @property
    def known(self) -> dict[str, Any]:
        """Settings and facts by name."""
        return self.settings | self.facts


@dataclass(frozen=True)
class Study:
    """Cells in the order of the settings.

    Attributes:
        name: key under `ablate` in params.yaml.
        method: file in methods/.
        label: what tables call the method.
        varied: the settings that vary.
        fixed: all other settings of the runs.
        hashes: of the settings, code and data that it was run with.
        cells: at least one.
    """

    name: str
    method: str
    label: str
    varied: tuple[str, ...]
    fixed: dict[str, Any]
    hashes: dict[str, str]
    cells: tuple[Cell, ...]

    @property
    def done(self) -> list[Cell]:
        """The cells with a score."""
        return [cell for cell in self.cells if cell.scores]

    @property
    def ranked(self) -> list[Cell]:
        """Of the cells with a score those that no test score chose the checkpoint of; all of them if there is none."""
        return [cell for cell in self.done if not chosen_by_test(cell.settings)] or self.done

    @property
    def best(self) -> Cell | None:
        """Of the ranked cells the one with the highest mean, the first of equals; None if there is none."""
        return max(self.ranked, key=lambda cell: cell.sample.mean, default=None)

    @property
    def leaders(self) -> list[Cell]:
        """The best and whatever of the ranked cells has its mean to the decimals that are printed, the best first."""
        if self.best is None:
            return []
        others = [cell for cell in self.ranked if cell is not self.best]
        return [self.best, *(cell for cell in others if score(cell.sample.mean) == score(self.best.sample.mean))]

    @property
    def seeds(self) -> int:
        """The most seeds that a cell has scores of."""
        return max((len(cell.scores) for cell in self.cells), default=0)


class _Run(Stored):
    """One cell and seed."""

    cell: int
    seed: int
    looks: list[Look]


class _About(Stored):
    """What a study was: the file beside its table."""

    method: str
    label: str
    varied: tuple[str, ...]
    fixed: dict[str, Any]
    hashes: dict[str, str]
    runs: list[_Run]


def load(results: Path, names: Iterable[str] | None = None) -> dict[str, Study]:
    """Read the studies under the results, or those named; one that has not been run is left out.

    Raises:
        NegbenchError: a file of the two is missing or not what the stage writes, a column is missing, a number is none,
            a line is cut short or has neither a value nor a reason, or the table has not one average for each run.
    """
    folder = results / STUDIES
    found = sorted(file.stem for file in folder.glob("*.csv"))
    return {name: _load(folder, name) for name in (found if names is None else names) if name in found}


def _load(folder: Path, name: str) -> Study:
    about, file = read(_About, folder / f"{name}.json"), folder / f"{name}.csv"
    own = {"cell", "method", "seed", *about.varied, *RECORD}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = list(reader.fieldnames or [])
            lines = [(f"{file}:{reader.line_num}", line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise NegbenchError(f"not a table: {error}", file, AGAIN) from None
    if missing := own - set(columns):
        raise NegbenchError(f"no column {', '.join(sorted(missing))}", file, AGAIN)
    facts = [key for key in columns if key not in own]
    cells: dict[int, list[dict[str, str]]] = {}
    why: dict[tuple[str, str], str] = {}
    for where, line in lines:
        if None in line.values():
            raise NegbenchError("the line is cut short", where, AGAIN)
        if line["metric"] == METRIC and line["status"] != "ok":
            line["reason"] = why.setdefault((line["cell"], line["seed"]), line["reason"])
        if (line["task"], line["metric"]) == (AVERAGE, METRIC):
            _check(line, facts, where)
            cells.setdefault(int(line["cell"]), []).append(line)
    _complete({number: [int(line["seed"]) for line in own] for number, own in cells.items()}, about.runs, file)
    curves: dict[int, dict[int, Curve]] = {}
    for run in about.runs:
        if curve := tuple((look.step, look.sts_test) for look in run.looks if look.sts_test is not None):
            curves.setdefault(run.cell, {})[run.seed] = curve
    return Study(
        name=name,
        method=about.method,
        label=about.label,
        varied=about.varied,
        fixed=about.fixed,
        hashes=about.hashes,
        cells=tuple(_cell(n, found, about.varied, facts, curves.get(n, {})) for n, found in sorted(cells.items())),
    )


def _complete(found: Mapping[int, list[int]], runs: Iterable[_Run], file: Path) -> None:
    """Hold the seeds of each cell's averages against the runs: a table that was cut or edited is none."""
    wanted = Counter((run.cell, run.seed) for run in runs)
    counted = Counter((cell, seed) for cell, seeds in found.items() for seed in seeds)
    if not counted:
        raise NegbenchError("no cell has a line for the average", file, AGAIN)
    for cell, seed in sorted({*wanted, *counted}):
        if (times := counted[cell, seed]) != 1 or wanted[cell, seed] != 1:
            what = f"cell {cell}, seed {seed} stands {times} times among the averages, {wanted[cell, seed]} in the runs"
            raise NegbenchError(what, file, AGAIN)


def _cell(
    number: int, lines: list[dict[str, str]], varied: Iterable[str], facts: Iterable[str], curve: dict[int, Curve]
) -> Cell:
    return Cell(
        number=number,
        settings={key: _setting(lines[0][key]) for key in varied},
        facts={key: float(line[key]) for line in lines for key in facts if line[key]},
        scores={int(line["seed"]): float(line["value"]) for line in lines if line["status"] == "ok"},
        missing=tuple(line["reason"] for line in lines if line["status"] != "ok"),
        curve=curve,
    )


def _setting(text: str) -> Any:
    """A setting as it was before it became a cell of a table."""
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _check(line: Mapping[str, str], facts: Iterable[str], where: str) -> None:
    numbers = ["cell", "seed", *(key for key in facts if line[key]), *(["value"] if line["status"] == "ok" else [])]
    for name in numbers:
        try:
            finite = math.isfinite(int(line[name]) if name in ("cell", "seed") else float(line[name]))
        except ValueError:
            finite = False
        if not finite:
            raise NegbenchError(f"{name} is no number: '{line[name]}'", where, AGAIN)
    if line["status"] != "ok" and not line["reason"]:
        raise NegbenchError(f"status '{line['status']}' without a reason", where, AGAIN)
