"""Everything the report is made from, read from its files once: for the document and for the figures alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reports import backbone, paper, records, scale, study, tested, theory
from reports.backbone import Pretraining
from reports.paper import Paper
from reports.records import Expected, LeftOut, Results
from reports.scale import Scale
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
    backbone: Pretraining | None = None
    scale: Scale | None = None
    outdated: tuple[LeftOut, ...] = ()  # what that stage found between scores that are others now
    missing: tuple[str, ...] = ()  # studies that are wanted and were not run
    stale: Mapping[str, str] = field(default_factory=dict)  # those run under other settings, code or data: what changed

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Runs, studies and comparisons that count nowhere."""
        studies = dict.fromkeys(self.missing, records.NOT_THERE) | {
            name: f"stale, of other {changed}" for name, changed in self.stale.items()
        }
        of_studies = (LeftOut(f"study {name}", why) for name, why in studies.items())
        return (*self.results.left_out, *of_studies, *self.outdated)


def load(
    folder: Path,
    reported: Path,
    wanted: Mapping[str, Mapping[int, Expected]] | None = None,
    studies: Mapping[str, Mapping[str, str]] | None = None,
    significance: Path | None = None,
    pretrained: Path | None = None,
    measured: Path | None = None,
) -> Evidence:
    """Read the records under `folder`, the paper files under `reported` and what was tested.

    Args:
        folder: holds <method>/<seed>/, ablate/ and theory.json.
        reported: holds <paper>.yaml.
        wanted: the runs that count, as of records.load. None reads all.
        studies: those that count, with their hashes. None reads all.
        significance: the file of the stage of that name; it need not be there. None reads none.
        pretrained: folder of stage backbone; it need not be there. None reads none.
        measured: what benchmarks/scale.py measured; it need not be there. None reads none.

    Raises:
        NegbenchError: a file is missing or not what it should be, or runs do not belong together.
    """
    found = study.load(folder, studies)
    asked = studies or {}
    differing = {name: records.changed(found[name].hashes, asked[name]) for name in asked if name in found}
    stale = {name: changed for name, changed in differing.items() if changed}
    results = records.load(folder, wanted)
    compared, outdated = tested.load(significance, results) if significance else (None, ())
    return Evidence(
        results=results,
        papers=paper.load_all(reported),
        studies={name: one for name, one in found.items() if name not in stale},
        theory=theory.load(folder),
        significance=compared,
        backbone=backbone.load(pretrained) if pretrained else None,
        scale=scale.load(measured) if measured else None,
        outdated=outdated,
        missing=tuple(name for name in asked if name not in found),
        stale=stale,
    )
