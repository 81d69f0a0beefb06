"""Everything the report is made from, read from its files once: for the document and for the figures alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reports import paper, records, study, tested, theory
from reports.paper import Paper
from reports.records import Expected, LeftOut, Results
from reports.study import Study
from reports.tested import Significance
from reports.theory import Theory


@dataclass(frozen=True)
class Evidence:
    """Records of ours and numbers of the papers."""

    results: Results
    papers: list[Paper]
    studies: dict[str, Study]  # by name; those that have been run
    theory: Theory | None
    significance: Significance | None = None
    left_out: tuple[LeftOut, ...] = ()  # runs and studies that count nowhere


def load(
    folder: Path,
    reported: Path,
    wanted: Mapping[str, Mapping[int, Expected]] | None = None,
    studies: Mapping[str, Mapping[str, str]] | None = None,
    significance: Path | None = None,
) -> Evidence:
    """Read the records under `folder`, the paper files under `reported` and what was tested.

    Args:
        folder: holds <method>/<seed>/, ablate/ and theory.json.
        reported: holds <paper>.yaml.
        wanted: the runs that count, as of records.load. None reads all.
        studies: those that count, with their hashes. None reads all.
        significance: the file of the stage of that name; it need not be there. None reads none.

    Raises:
        NegbenchError: a file is missing or not what it should be, or runs do not belong together.
    """
    results, found = records.load(folder, wanted), study.load(folder, studies)
    stale = {name: records.changed(found[name].hashes, studies[name]) for name in found} if studies else {}
    missing = [LeftOut(f"study {name}", "not there") for name in studies or () if name not in found]
    return Evidence(
        results=results,
        papers=paper.load_all(reported),
        studies={name: one for name, one in found.items() if not stale.get(name)},
        theory=theory.load(folder),
        significance=tested.load(significance) if significance else None,
        left_out=(
            *results.left_out,
            *missing,
            *(LeftOut(f"study {name}", f"stale, of other {other}") for name, other in stale.items() if other),
        ),
    )
