"""The figure of scale: time above, peak memory below, a column a size."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from reports.scale import Point, Scale
from reports.style import GREY, INK, WIDTH


def growth(scale: Scale) -> Figure:
    """Logarithmic axes, rows share theirs; a dotted line through our last point grows in proportion to the size."""
    figure = Figure(figsize=(WIDTH, 3.1))
    axes = figure.subplots(2, len(scale.curves), sharex="col", sharey="row", squeeze=False)
    for (above, below), curve in zip(axes.T, scale.curves, strict=True):
        above.set_title(curve.label)
        for axis, quantity in ((above, "seconds"), (below, "mib")):
            axis.set_xscale("log")
            axis.set_yscale("log")
            sizes, values = _drawn(curve.ours, quantity)
            axis.plot(*_drawn(curve.reference, quantity), color=GREY, linewidth=0.9, marker="s", markersize=2.2)
            axis.plot(sizes, values, color=INK, marker="o", markersize=2.6)
            _proportional(axis, sizes, values)
            axis.xaxis.set_major_locator(LogLocator(numticks=3))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.yaxis.set_minor_locator(NullLocator())
    axes[0][0].set_ylabel("CPU seconds")
    axes[1][0].set_ylabel("MiB")
    figure.supxlabel("size", fontsize=mpl.rcParams["axes.labelsize"])
    return figure


def _drawn(points: Sequence[Point], quantity: str) -> tuple[list[int], list[float]]:
    """Sizes and values of the points that have one; none is drawn where nothing was held."""
    found = [(point.size, getattr(point, quantity)) for point in points if getattr(point, quantity)]
    return [size for size, _ in found], [value for _, value in found]


def _proportional(axis: Axes, sizes: Sequence[int], values: Sequence[float]) -> None:
    """Behind the points, and no reason to widen the axis."""
    bottom, top = axis.get_ylim()
    line = [values[-1] * size / sizes[-1] for size in sizes]
    axis.plot(sizes, line, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    axis.set_ylim(bottom, top)
