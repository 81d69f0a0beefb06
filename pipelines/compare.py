"""Compare two sets of results: what moved by more than seeds alone would have moved it, and what else differs.

    python -m pipelines.compare earlier/results results
    python -m pipelines.compare results/small reports/build/records.csv

Each is a results folder, a table of records as a report has it (.csv, or compressed), or a folder that holds one.
Studies are left out: what moves a study's cells moves the runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines import atomic, main
from pipelines.errors import NegbenchError
from reports import changes_wording as wording
from reports import flat, records
from reports.changes import changes, one_sided
from reports.families import AVERAGE
from reports.records import Run
from reports.verdicts import WIDTH

_HASHED = {"data": "data_hash", "code": "code_hash", "settings": "params_hash", "versions": "versions_hash"}
Origins = Mapping[tuple[str, int], Mapping[str, Any]]  # what the records of a run depend on, by method and seed


@dataclass(frozen=True)
class Side:
    """What one of the two holds."""

    place: Path
    records: pd.DataFrame  # as of `flat.frame`, without studies
    origins: Origins


def compare(arguments: argparse.Namespace) -> None:
    """Print the answer, the differences and what was not the same; `--csv` gets every difference, unrounded."""
    before, after = load(arguments.a), load(arguments.b)
    found = changes(before.records, after.records)
    if not found:
        what = f"no score is both here and in {arguments.a}"
        raise NegbenchError(what, arguments.b, "Give results of a method and a task that both have.")
    if arguments.csv:
        atomic.write_text(arguments.csv, wording.frame(found).to_csv(index=False, lineterminator="\n"))
    prose = Console(highlight=False, soft_wrap=True, markup=False)
    lines = Console(highlight=False, width=max(prose.width, WIDTH))
    for line in (*wording.answer(found), *_caution(before, after), wording.READING):
        prose.print(line)
    shown = [one for one in found if one.family and not one.identical]
    averages, tasks = ([one for one in shown if (one.task == AVERAGE) == wanted] for wanted in (True, False))
    for rows in filter(None, (averages, tasks)):
        lines.print(wording.printed(rows))
    for here, there in ((before, after), (after, before)):
        for line in one_sided(here.records, there.records):
            prose.print(f"Only in {here.place}: {line}.")
    differing = [*_differing(before.origins, after.origins)]
    if differing:
        lines.print(_listed(differing))
    elif before.origins.keys().isdisjoint(after.origins):
        prose.print("What the records depend on cannot be compared: no method has a seed in common.")
    else:
        prose.print(f"Nothing that the records say they depend on differs: {', '.join(_HASHED)}.")


def load(place: Path) -> Side:
    """Read a results folder, a table of records, or the folder of one.

    Raises:
        NegbenchError: there are no results, or they are damaged, or of several profiles or data.
    """
    if any(place.glob("*/*/records.json")):
        results = records.load(place)
        table = flat.frame(results, {})
        told = {(run.method, run.seed): _told(run) for method in results.methods for run in method.runs}
        return Side(place, table, {run: {**hashes, **told[run]} for run, hashes in _hashed(table).items()})
    tables = sorted(place.glob("records.csv*")) if place.is_dir() else [place]
    if len(tables) != 1 or not tables[0].is_file():
        what = "several tables of records here" if len(tables) > 1 else "no results here"
        raise NegbenchError(what, place, "Give a folder with <method>/<seed>/records.json, or a records.csv.")
    every = flat.read(tables[0])
    runs = every[every["study"].isna()]
    for column in ("profile", "data_hash"):
        if len(values := sorted(set(runs[column]))) > 1:
            what = f"the records are of {' and '.join(values)} by their {column}"
            raise NegbenchError(what, tables[0], "Compare two of them at a time.")
    return Side(place, runs, _hashed(runs))


def _hashed(table: pd.DataFrame) -> dict[tuple[str, int], dict[str, str]]:
    """What each run's records depend on, as hashes; those of retrieval are another stage's."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for name, column in _HASHED.items():
        values = table.groupby(["method", "seed"], sort=False)[column].unique()
        for run, (method, seed) in zip(values, values.index, strict=True):
            found.setdefault((method, seed), {})[name] = ", ".join(sorted(run))
    return found


def _told(run: Run) -> dict[str, Any]:
    """What a run's records depend on, by names like those of params.yaml."""
    origin, search = run.provenance, run.search_provenance
    sections = {
        f"methods.{run.method}": run.info.settings,
        "train": run.info.train,
        "evaluate": origin.evaluation,
        "mteb": search.evaluation if search else {},
        "version": origin.versions,
    }
    named = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    return {"profile": origin.profile, "backbone": origin.backbone, **named}


def _caution(before: Side, after: Side) -> Iterator[str]:
    """What makes the two hard to compare."""
    for name, column in (("profiles", "profile"), ("data", "data_hash")):
        ours, theirs = (", ".join(sorted(set(side.records[column]))) for side in (before, after))
        if ours != theirs:
            yield f"Mind that their {name} differ ({ours}; {theirs}), which may move scores by itself."
    for side in (before, after):
        for name in ("code", "versions"):
            of: dict[str, set[Any]] = {}
            for (method, _), told in side.origins.items():
                of.setdefault(method, set()).add(told[name])
            if mixed := [method for method, values in of.items() if len(values) > 1]:
                yield f"Mind that in {side.place} the seeds of {', '.join(mixed)} differ in their {name}."


def _differing(before: Origins, after: Origins) -> Iterator[tuple[str, str, str, str]]:
    """What both sides say of their runs and say differently: its name, the two values, and of which methods.

    A hash that differs tells no more by its digits.
    """
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    common = [run for run in before if run in after]
    for run in common:
        for name, ours in before[run].items():
            theirs = after[run].get(name, ours)
            if ours != theirs:
                shown = ("", "") if name in _HASHED else (str(ours), str(theirs))
                found.setdefault((name, *shown), {})[run[0]] = None
    every = {method for method, _ in common}
    for (name, ours, theirs), methods in found.items():
        yield name, ours, theirs, "all" if {*methods} == every else ", ".join(methods)


def _listed(differing: list[tuple[str, str, str, str]]) -> Table:
    table = Table("differs", "A", "B", "in the methods", box=SIMPLE)
    for line in differing:
        table.add_row(*map(escape, line))
    return table


def options() -> argparse.ArgumentParser:
    """The program's options."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.compare", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("a", type=Path, metavar="A", help="results folder, or a records.csv, plain or compressed")
    parser.add_argument("b", type=Path, metavar="B", help="likewise; differences are B less A")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every difference there, unrounded")
    return parser


if __name__ == "__main__":
    sys.exit(main.run(compare, options()))
