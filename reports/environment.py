"""Environment: the versions that the records were made with, and the machines that the methods were trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.document import Cell, Group, Row, Section, Table
from reports.records import Results
from reports.runs import Training
from reports.wording import number

ID = "environment"  # of the section, which stage report adds the machines to


def section(results: Results) -> Section:
    """Python and the libraries that numbers can depend on; more than one version where runs differ."""
    found: dict[str, set[str]] = {}
    for run in (run for method in results.methods for run in method.runs):
        for name, version in run.provenance.versions.items():
            found.setdefault(name, set()).add(version)
    rows = tuple(Row(name, (Cell(", ".join(sorted(versions))),)) for name, versions in found.items())
    caption = "Versions that the records were made with, as each of them says."
    return Section(ID, "Environment", (Table(ID, ("version",), (Group(rows),), caption, head="library"),))


def machines(runs: Sequence[Training]) -> list[str]:
    """A sentence for each kind of machine that runs say they were trained on, the most frequent first."""
    known = [run.machine for run in runs if run.machine]
    total = f"of {number(len(runs))} training run{'s' * (len(runs) != 1)}"
    return [
        f"{number(count).capitalize()} {total}: {machine.told()}." for machine, count in Counter(known).most_common()
    ]
