"""The figures of studies, each of the kind that its settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from reports.block import Block
from reports.paper import Paper
from reports.reported import blocks
from reports.study import Study
from reports.study_curves import collapse, curve
from reports.study_plots import boxes, dots, heat
from reports.study_wording import kind

DRAWN: Mapping[str, Callable[[Study, Sequence[Block]], Figure]] = {
    "boxes": boxes,
    "collapse": collapse,
    "curve": curve,
    "dots": dots,
    "heat": heat,
}


def draw(studies: Mapping[str, Study], papers: Sequence[Paper]) -> dict[str, Figure]:
    """One figure a study, by its name; none for a study without a score."""
    return {name: DRAWN[kind(study)](study, blocks(study, papers)) for name, study in studies.items() if study.done}
