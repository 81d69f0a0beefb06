"""The figure of theory: how hard each loss pushes a negative away, by how near it is."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from reports.style import GREY, INK, PALE, panels, title
from reports.theory import Pulls, Theory

FLOOR = 1e-6  # weaker pulls are not drawn: beside the strongest they move nothing
EVERY = 10  # of the points by automatic differentiation one in ten is drawn
ROOM = 30  # the axis reaches this many times higher than the highest pull: room for labels


def pull(theory: Theory) -> Figure:
    """One panel a loss: its closed form under points by automatic differentiation, behind them all other losses."""
    figure, axes = panels(len(theory.methods))
    cosines = theory.similarities
    for axis, curve in zip(axes, theory.methods, strict=True):
        axis.axvspan(*theory.background, ymax=0.88, color=PALE, alpha=0.3)
        axis.axvline(theory.positive, ymax=0.88, color=GREY, linewidth=0.6, linestyle=":")
        for other in theory.methods:
            if other is not curve:
                axis.plot(cosines, _drawn(other.autograd), color=PALE, linewidth=0.8)
        if curve.closed_form:
            axis.plot(cosines, _drawn(curve.closed_form), color=INK, linewidth=1.3)
        axis.plot(
            cosines,
            _drawn(curve.autograd),
            color=INK,
            linestyle="",
            marker="o",
            markersize=2.6,
            markerfacecolor="white",
            markeredgewidth=0.6,
            markevery=EVERY,
        )
        title(axis, curve.label)
    first = axes[0]
    first.set_yscale("log")
    first.set_ylim(FLOOR, ROOM * max(max(curve.autograd.negative) for curve in theory.methods))
    first.set_xlim(cosines[0] - 0.03, cosines[-1] + 0.03)  # whole circles at the ends
    first.xaxis.set_major_locator(MultipleLocator(0.5))
    for text, x in (("other negatives", sum(theory.background) / 2), ("positive", theory.positive)):
        first.annotate(text, (x, 0.91), xycoords=("data", "axes fraction"), ha="center", color=GREY, fontsize=6.5)
    size = mpl.rcParams["axes.labelsize"]
    figure.supxlabel("cosine of the anchor with the negative", fontsize=size)
    figure.supylabel("pull on the negative", fontsize=size)
    return figure


def _drawn(pulls: Pulls) -> list[float]:
    """Gaps where a logarithmic scale has no place: no pull at all, or one that draws the negative nearer."""
    return [value if value > 0 else np.nan for value in pulls.negative]
