"""The report's figures, drawn from records and paper files: one style file, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from reports import (
    backbone,
    backbone_figure,
    forest_figure,
    geometry,
    geometry_figures,
    negatives,
    negatives_figure,
    protocol_figures,
    scale,
    scale_figure,
    selection,
    significance,
    study_figures,
    theory,
    theory_figure,
)
from reports.evidence import Evidence
from reports.style import STYLE


def draw(evidence: Evidence) -> dict[str, Figure]:
    """Every figure that the evidence allows, by its id in the document."""
    histograms = negatives.pool(evidence.results)
    shapes = geometry.shapes(evidence.results)
    with mpl.rc_context(fname=STYLE):
        figures = {}
        if evidence.theory:
            figures[theory.FIGURE] = theory_figure.pull(evidence.theory)
        if histograms:
            figures[negatives.FIGURE] = negatives_figure.densities(histograms)
        figures |= study_figures.draw(evidence.studies, evidence.papers)
        if placed := [shape for shape in shapes if shape.point]:
            figures[geometry.PLANE] = geometry_figures.plane(placed)
        if any(shape.trained for shape in geometry.spectra(shapes)):
            figures[geometry.SPECTRA] = geometry_figures.spectra(geometry.spectra(shapes))
        if watched := selection.watched(evidence.results):
            figures[selection.FIGURE] = protocol_figures.training_curves(watched, selection.notebook(evidence.papers))
        if evidence.significance:
            figures[significance.FIGURE] = forest_figure.forest(evidence.significance)
        if evidence.backbone:
            figures[backbone.ID] = backbone_figure.curves(evidence.backbone)
        if evidence.scale:
            figures[scale.ID] = scale_figure.growth(evidence.scale)
        return figures


def save(figure: Figure, file: Path) -> None:
    """Write one figure as the file's suffix says, .svg or .png (300 dpi, on white)."""
    with mpl.rc_context(fname=STYLE):
        if file.suffix == ".svg":
            figure.savefig(file, metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(file, dpi=300, facecolor="white", transparent=False, metadata={"Software": None})
