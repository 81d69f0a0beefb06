"""The figures of geometry: the plane of alignment and uniformity, and the singular values."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.geometry import ALIGNMENT, UNIFORMITY, Shape
from reports.style import GREY, INK, PALE, WIDTH, panels, title
from reports.wording import MINUS, score


def plane(shapes: Sequence[Shape]) -> Figure:
    """Alignment against uniformity: a filled point a method, an open one a seed; both are better when lower."""
    figure = Figure(figsize=(WIDTH, 2.7))
    axis = figure.subplots()
    for shape in shapes:
        colour = INK if shape.trained else GREY
        if len(shape.values[UNIFORMITY]) > 1:
            axis.scatter(
                shape.values[UNIFORMITY],
                shape.values[ALIGNMENT],
                s=9,
                facecolor="white",
                edgecolor=colour,
                linewidth=0.6,
            )
        assert shape.point is not None
        axis.plot(*shape.point, marker="o" if shape.trained else "s", color=colour, linestyle="")
    axis.set_xlabel(f"uniformity: log mean of exp({MINUS}2 d²) over all pairs")
    axis.set_ylabel("alignment: mean d² of positives")
    axis.margins(0.1)
    axis.set_ylim(bottom=0)
    _name_points(axis, shapes)
    return figure


def spectra(shapes: Sequence[Shape]) -> Figure:
    """One panel a trained method: its singular values over those of all other methods."""
    trained = [shape for shape in shapes if shape.trained]
    figure, axes = panels(len(trained))
    for axis, shape in zip(axes, trained, strict=True):
        for other in shapes:
            assert other.spectrum is not None
            ranks = np.arange(1, len(other.spectrum) + 1)
            drawn = INK if other is shape else GREY if not other.trained else PALE
            on_top = 3 if other is shape else 1 if other.trained else 2
            axis.plot(
                ranks,
                other.spectrum / other.spectrum[0],
                color=drawn,
                zorder=on_top,
                linewidth=1.3 if other is shape else 0.8,
                linestyle="-" if other.trained else "--",
            )
        title(axis, shape.label)
        axis.set_yscale("log")
        rank = shape.sample("effective_rank")
        if rank:
            axis.annotate(
                f"effective rank {score(rank.mean)}",
                (0.96, 0.92),
                xycoords="axes fraction",
                ha="right",
                color=INK,
                fontsize=7.5,
            )
    lowest = min(float((shape.spectrum / shape.spectrum[0]).min()) for shape in shapes if shape.spectrum is not None)
    axes[0].set_ylim(bottom=max(lowest, 1e-3) / 1.3)  # a space with empty directions would squeeze the rest
    size = mpl.rcParams["axes.labelsize"]
    figure.supxlabel("index of the singular value", fontsize=size)
    figure.supylabel("share of the largest", fontsize=size)
    return figure


def _name_points(axis: Axes, shapes: Sequence[Shape]) -> None:
    """Names in a column beside the plane, each joined to its point: points of like methods lie close together."""
    low, high = axis.get_ylim()
    placed = sorted((shape for shape in shapes if shape.point), key=lambda shape: shape.point or (0, 0), reverse=True)
    placed.sort(key=lambda shape: (shape.point or (0, 0))[1])
    step, level = 0.085, -np.inf
    levels = []
    for shape in placed:
        assert shape.point is not None
        level = max((shape.point[1] - low) / (high - low) - step / 2, level + step)
        levels.append(level)
    overhang = max(levels[-1] - 0.97, 0.0)
    for shape, at in zip(placed, levels, strict=True):
        assert shape.point is not None
        axis.annotate(
            shape.label,
            shape.point,
            xytext=(1.04, at - overhang),
            textcoords="axes fraction",
            va="center",
            color=INK if shape.trained else GREY,
            fontsize=7.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3},
        )
