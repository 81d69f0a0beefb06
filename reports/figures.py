"""The report's figures, drawn from records and paper files: one style file, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from reports import geometry, geometry_figures, negatives, negatives_figure, queue, study, theory, theory_figure
from reports.block import Block
from reports.evidence import Evidence
from reports.stats import summarise
from reports.study import Cell
from reports.style import GREY, INK, PALE, STYLE, WIDTH
from reports.wording import score


def draw(evidence: Evidence) -> dict[str, Figure]:
    """Every figure that the evidence allows, by its id in the document."""
    histograms = negatives.pool(evidence.results)
    shapes = geometry.shapes(evidence.results)
    done = [cell for cell in evidence.cells if cell.scores]
    with mpl.rc_context(fname=STYLE):
        figures = {}
        if evidence.theory:
            figures[theory.FIGURE] = theory_figure.pull(evidence.theory)
        if histograms:
            figures[negatives.FIGURE] = negatives_figure.densities(histograms)
        if done:
            figures[queue.FIGURE] = queue_distance(done, study.reported(evidence.papers))
        if placed := [shape for shape in shapes if shape.point]:
            figures[geometry.PLANE] = geometry_figures.plane(placed)
        if any(shape.trained for shape in geometry.spectra(shapes)):
            figures[geometry.SPECTRA] = geometry_figures.spectra(geometry.spectra(shapes))
        return figures


def save(figure: Figure, file: Path) -> None:
    """Write one figure as the file's suffix says, .svg or .png (300 dpi, on white)."""
    with mpl.rc_context(fname=STYLE):
        if file.suffix == ".svg":
            figure.savefig(file, metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(file, dpi=300, facecolor="white", transparent=False, metadata={"Software": None})


def queue_distance(cells: Sequence[Cell], curve: Block | None) -> Figure:
    """Average STS against the age of the oldest negatives: ours with every seed, the paper's beside it."""
    figure = Figure(figsize=(WIDTH, 2.45))
    axes = figure.subplots(1, 2 if curve else 1, sharex=True, squeeze=False)[0]
    _ours(axes[0], cells)
    if curve:
        _reported(axes[1], curve)
        axes[1].set_title(f"Reported: {curve.label}")
    axes[0].set_title("Ours")
    axes[0].set_ylabel("average STS, Spearman \N{MULTIPLICATION SIGN} 100")
    for axis in axes:
        axis.set_xscale("log")  # settings double from one to the next
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.set_xlabel("maximum traceable distance, update steps")
        axis.margins(x=0.08, y=0.16)
    return figure


def _ours(axis: Axes, cells: Sequence[Cell]) -> None:
    """Cells of one distance count as one point, as in the paper's mean over batch sizes."""
    distances = sorted({cell.d_trace for cell in cells})
    scores = [[value for cell in cells if cell.d_trace == at for value in cell.values] for at in distances]
    samples = [summarise(values) for values in scores]
    means = np.array([sample.mean for sample in samples])
    stds = np.array([sample.std or 0.0 for sample in samples])
    axis.fill_between(distances, means - stds, means + stds, color=INK, alpha=0.16)
    axis.plot(distances, means, color=INK, marker="o")
    for at, values in zip(distances, scores, strict=True):
        if len(values) > 1:
            x = [at] * len(values)
            axis.scatter(x, values, s=7, facecolor="white", edgecolor=INK, linewidth=0.6, zorder=3)
    peak = int(means.argmax())
    top = max(samples[peak].high, float(means[peak] + stds[peak]))
    _mark_peak(axis, distances[peak], float(means[peak]), top, INK)


def _reported(axis: Axes, curve: Block) -> None:
    distances, values = curve.column("d_trace"), curve.column("value")
    axis.fill_between(distances, curve.column("low"), curve.column("high"), color=PALE, alpha=0.6)
    axis.plot(distances, values, color=GREY, marker="s", markersize=2.8)
    peak = int(np.argmax(values))
    _mark_peak(axis, distances[peak], values[peak], curve.column("high")[peak], GREY)


def _mark_peak(axis: Axes, x: float, y: float, top: float, colour: str) -> None:
    """Ring the highest mean and name it above its band, on the side that has room."""
    drawn = np.asarray(axis.lines[0].get_xdata())
    side: Literal["left", "center", "right"] = "left" if x == drawn[0] else "right" if x == drawn[-1] else "center"
    axis.plot([x], [y], marker="o", markersize=7.5, markerfacecolor="none", markeredgecolor=colour, linestyle="")
    text = f"highest {score(y)} at {score(x)}"
    axis.annotate(text, (x, top), xytext=(0, 5), textcoords="offset points", ha=side, color=colour)
