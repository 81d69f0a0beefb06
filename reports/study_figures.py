"""The figures of studies, each of the kind that its settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from reports.block import Block
from reports.paper import Paper
from reports.reported import blocks
from reports.study import Study
from reports.study_curves import collapse, curve
from reports.study_plots import boxes, dots, heat
from reports.study_wording import COLLAPSE

Kind = Callable[[Study, Sequence[Block]], Figure]

KINDS: Mapping[str, Kind] = {
    "batch_size": partial(curve, x="batch_size", log=True),
    "ema_decay": partial(curve, x="ema_decay", log=False),
    "out_size": boxes,
    "projector_predictor": heat,
    "queue_distance": partial(curve, x="d_trace", log=True),
    "queue_fill": boxes,
    "softcse_sharpness": partial(curve, x="sharpness", log=True),
    "softcse_temperature_sharpness": partial(curve, x="sharpness", log=True),
    "temperature": partial(curve, x="temperature", log=True),
}


def draw(studies: Mapping[str, Study], papers: Sequence[Paper]) -> dict[str, Figure]:
    """One figure a study, by its name; none for a study without a score."""
    return {name: _kind(study)(study, blocks(study, papers)) for name, study in studies.items() if study.done}


def _kind(study: Study) -> Kind:
    if study.name == COLLAPSE and any(cell.curve for cell in study.cells):
        return collapse
    return KINDS.get(study.name, dots)
