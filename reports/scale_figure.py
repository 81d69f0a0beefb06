"""The figure of scale: time above, peak memory below, a column a size."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from reports.scale import Curve, Point, Scale
from reports.style import GREY, INK, WIDTH


def growth(scale: Scale) -> Figure:
    """Logarithmic axes, rows share theirs; a dotted line through our last point grows in proportion to the size."""
    figure = Figure(figsize=(WIDTH, 3.1))
    axes = figure.subplots(2, len(scale.curves), sharex="col", sharey="row", squeeze=False)
    for row, quantity, label in ((axes[0], "seconds", "CPU seconds"), (axes[1], "mib", "MiB")):
        for axis, curve in zip(row, scale.curves, strict=True):
            axis.loglog(*_drawn(curve.reference, quantity), color=GREY, linewidth=0.9, marker="s", markersize=2.2)
            axis.loglog(*_drawn(curve.ours, quantity), color=INK, marker="o", markersize=2.6)
        limits = row[0].get_ylim()
        for axis, curve in zip(row, scale.curves, strict=True):
            sizes, values = _drawn(curve.ours, quantity)
            line = [values[-1] * size / sizes[-1] for size in sizes] if values else []
            axis.plot(sizes, line, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
        row[0].set_ylim(limits)  # the dotted lines are no reason to widen the axis
        row[0].yaxis.set_minor_locator(NullLocator())
        row[0].set_ylabel(label)
    for (above, below), curve in zip(axes.T, scale.curves, strict=True):
        above.set_title(curve.label)
        _ends(below, curve)
        if not _drawn(curve.ours, "mib")[0]:  # the sizes stand below what there is
            above.tick_params(labelbottom=True)
            _ends(above, curve)
            below.set_visible(False)
    return figure


def _ends(axis: Axes, curve: Curve) -> None:
    """Name the smallest and the largest size alone: the labels of panels side by side must not meet."""
    ends = [curve.ours[0].size, curve.ours[-1].size]
    axis.set_xticks(ends, [f"{size:,}" if size % 1000 else f"{size // 1000:,}k" for size in ends])
    axis.xaxis.set_minor_locator(NullLocator())
    smallest, largest = axis.get_xticklabels()
    smallest.set_horizontalalignment("left")
    largest.set_horizontalalignment("right")


def _drawn(points: Sequence[Point], quantity: str) -> tuple[list[int], list[float]]:
    """Sizes and values of the points that have one; none is drawn where nothing was held."""
    found = [(point.size, getattr(point, quantity)) for point in points if getattr(point, quantity)]
    return [size for size, _ in found], [value for _, value in found]
