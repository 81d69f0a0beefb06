"""The report's figures, drawn from records and paper files: one style file, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, ScalarFormatter

from reports import geometry, geometry_figures, theory_figure
from reports.block import Block
from reports.geometry import Shape
from reports.negatives import Histogram
from reports.stats import summarise
from reports.study import Cell
from reports.style import GREY, INK, PALE, STYLE, WIDTH, panels
from reports.theory import Theory
from reports.wording import score


def draw(
    histograms: Sequence[Histogram],
    cells: Sequence[Cell],
    curve: Block | None,
    shapes: Sequence[Shape],
    theory: Theory | None,
) -> dict[str, Figure]:
    """Every figure that the results allow, by file stem."""
    with mpl.rc_context(fname=STYLE):
        figures = {}
        if theory:
            figures["pull"] = theory_figure.pull(theory)
        if histograms:
            figures["negatives"] = negatives(histograms)
        if any(cell.scores for cell in cells):
            figures["queue_distance"] = queue_distance([cell for cell in cells if cell.scores], curve)
        if placed := [shape for shape in shapes if shape.point]:
            figures["plane"] = geometry_figures.plane(placed)
        if any(shape.trained for shape in geometry.spectra(shapes)):
            figures["spectra"] = geometry_figures.spectra(geometry.spectra(shapes))
        return figures


def save(figure: Figure, file: Path) -> None:
    """Write one figure as the file's suffix says, .svg or .png (300 dpi, on white)."""
    with mpl.rc_context(fname=STYLE):
        if file.suffix == ".svg":
            figure.savefig(file, metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(file, dpi=300, facecolor="white", transparent=False, metadata={"Software": None})


def negatives(histograms: Sequence[Histogram]) -> Figure:
    """One panel a method: density of the cosine between different sentences, before and after training."""
    figure, axes = panels(len(histograms))
    for axis, histogram in zip(axes, histograms, strict=True):
        axis.stairs(histogram.before, histogram.edges, fill=True, color=PALE)
        axis.stairs(histogram.after, histogram.edges, fill=True, color=INK, alpha=0.22)
        axis.stairs(histogram.after, histogram.edges, color=INK, linewidth=1.1)
        axis.set_title(histogram.label)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
    low, high = _support(histograms)
    top = max(float(max(histogram.before.max(), histogram.after.max())) for histogram in histograms)
    axes[0].set_xlim(low, high)
    axes[0].xaxis.set_major_locator(MaxNLocator(4))
    axes[0].set_ylim(0, 1.28 * top)  # room for the labels
    for axis, histogram in zip(axes, histograms, strict=True):
        _label_peaks(axis, histogram)
    figure.supxlabel("cosine between different training sentences", fontsize=mpl.rcParams["axes.labelsize"])
    return figure


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


def _label_peaks(axis: Axes, histogram: Histogram) -> None:
    """Name both histograms above their highest bins, inside the panel and clear of each other."""
    low, high = axis.get_xlim()
    centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    before, after = int(histogram.before.argmax()), int(histogram.after.argmax())
    heights = histogram.before[before], histogram.after[after]
    near = abs(centres[before] - centres[after]) < 0.45 * (high - low)
    level = abs(heights[0] - heights[1]) < 0.15 * max(heights)
    lift = 10 if near and level else 0  # points: one line of text
    texts = (
        (f"before {score(histogram.mean_before)}", centres[before], heights[0], 3 + lift, GREY),
        (f"after {score(histogram.mean_after)}", centres[after], heights[1], 3, INK),
    )
    for text, x, y, gap, colour in texts:
        place = (x - low) / (high - low)
        side: Literal["left", "center", "right"] = "left" if place < 0.25 else "right" if place > 0.75 else "center"
        axis.annotate(text, (x, y), (0, gap), textcoords="offset points", ha=side, color=colour, fontsize=7.5)


def _support(histograms: Sequence[Histogram]) -> tuple[float, float]:
    """Cosines between which any histogram is visibly above zero, widened to tenths and to half a unit at least."""
    lows, highs = [], []
    for histogram in histograms:
        for density in (histogram.before, histogram.after):
            filled = np.flatnonzero(density > 0.002 * density.max())
            lows.append(histogram.edges[filled[0]])
            highs.append(histogram.edges[filled[-1] + 1])
    high = float(np.ceil(max(highs) * 10) / 10)
    return min(float(np.floor(min(lows) * 10) / 10), high - 0.5), high
