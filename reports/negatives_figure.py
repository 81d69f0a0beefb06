"""The figure of the negatives: cosines between different sentences, before and after training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.negatives import Histogram
from reports.style import GREY, INK, PALE, panels, title
from reports.wording import score


def densities(histograms: Sequence[Histogram]) -> Figure:
    """One panel a method: density of the cosine between different sentences, before and after training."""
    figure, axes = panels(len(histograms))
    for axis, histogram in zip(axes, histograms, strict=True):
        axis.stairs(histogram.before, histogram.edges, fill=True, color=PALE)
        axis.stairs(histogram.after, histogram.edges, fill=True, color=INK, alpha=0.22)
        axis.stairs(histogram.after, histogram.edges, color=INK, linewidth=1.1)
        title(axis, histogram.label)
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
