"""Studies whose settings are no scale: dots and ranges, box plots and a heat table, the papers' beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.block import Block
from reports.reported import beside, points
from reports.study import Study
from reports.study_curves import side_by_side
from reports.study_wording import label, shown, term
from reports.style import AVERAGE_STS, GREY, INK, PALE, WIDTH
from reports.wording import score

FEWEST = 3  # seeds that make a box
FLATTENED = 4.0  # a panel has a scale of its own where that of all is so many times higher than without it

Box = tuple[float, ...]  # minimum, quartiles, maximum


@dataclass(frozen=True)
class Boxed:
    """What is known at one setting, or at two: a box, empty without one, and single values."""

    outer: Any
    inner: Any
    box: Box
    values: list[float]


def dots(study: Study, found: Sequence[Block]) -> Figure:
    """One line a cell: the mean, the range over seeds and every seed; the paper's number beside it."""
    cells = list(study.cells)
    theirs = [match[1].value if (match := beside(study, cell, found)) else None for cell in cells]
    pair = any(value is not None for value in theirs)
    figure, axes = side_by_side(pair, 0.75 + 0.21 * len(cells))
    axes[0].set_ylabel(term(study.varied[0]) if len(study.varied) == 1 else "")
    for row, cell in enumerate(cells):
        if cell.scores:
            axes[0].plot([cell.sample.low, cell.sample.high], [row, row], color=INK, linewidth=0.8)
            axes[0].plot(cell.sample.mean, row, color=INK, marker="o", linestyle="")
        if len(cell.scores) > 1:
            axes[0].scatter(
                cell.values, [row] * len(cell.values), s=7, facecolor="white", edgecolor=INK, linewidth=0.6, zorder=3
            )
        elif not cell.scores:
            axes[0].annotate("no score", (0.02, row), xycoords=("axes fraction", "data"), va="center", color=GREY)
        if (value := theirs[row]) is not None:
            axes[1].plot(value, row, color=GREY, marker="s", linestyle="")
    for axis in axes:
        axis.set_ylim(len(cells) - 0.5, -0.5)
        axis.set_yticks(range(len(cells)), [])
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel(AVERAGE_STS)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.grid(axis="y", color=PALE, linewidth=0.4)
        axis.set_axisbelow(True)
    axes[0].set_yticklabels([label(study, cell) for cell in cells])
    return figure


def boxes(study: Study, found: Sequence[Block]) -> Figure:
    """Box plots over seeds; where two settings vary, a panel for each value of the first and the papers' row below.

    Where a paper has a number and no box there is a square.
    """
    inner = study.varied[-1]
    outer = study.varied[0] if len(study.varied) > 1 else ""
    ours = [
        Boxed(cell.settings.get(outer), cell.settings[inner], _box(cell.values), cell.values) for cell in study.cells
    ]
    lines = {
        (point.settings.get(outer), point.settings[inner]): point
        for block in found
        for point in points(block)
        if inner in point.settings and point.value is not None
    }  # a box, in a later block, takes the place of its mean
    theirs = [Boxed(*at, point.box, [] if point.box else [point.value or 0.0]) for at, point in lines.items()]
    sides = [("Ours", ours, INK, "o"), *([("Reported", theirs, GREY, "s")] if theirs else [])]
    columns = sorted({one.outer for one in [*ours, *theirs]}) if outer else [None]
    if outer:
        figure = Figure(figsize=(WIDTH, 1.75 * len(sides) + 0.2))
        axes = figure.subplots(len(sides), len(columns), squeeze=False)
    else:
        figure = Figure(figsize=(WIDTH if theirs else 0.6 * WIDTH, 2.3))
        axes = figure.subplots(1, len(sides), squeeze=False).T
    for row, (side, boxed, colour, marker) in zip(axes, sides, strict=True):
        row[0].set_ylabel(f"{side}: average STS" if outer else AVERAGE_STS)
        for axis, column in zip(row, columns, strict=True):
            panel = sorted((one for one in boxed if one.outer == column), key=lambda one: one.inner)
            _boxes(axis, panel, colour, marker)
            axis.set_title(f"{term(outer)} {shown(column)}" if outer else side)
        _share_scale(row)
    for axis in axes[-1] if outer else axes[:, 0]:
        axis.set_xlabel(term(inner))
    return figure


def heat(study: Study, found: Sequence[Block]) -> Figure:
    """A table of means with tones for the two settings that vary, the paper's beside it."""
    down, across = study.varied
    rows, columns = (sorted({cell.settings[key] for cell in study.cells}) for key in (down, across))
    ours, theirs = (np.full((len(rows), len(columns)), np.nan) for _ in range(2))
    for cell in study.cells:
        place = rows.index(cell.settings[down]), columns.index(cell.settings[across])
        if cell.scores:
            ours[place] = cell.sample.mean
        if (match := beside(study, cell, found)) and match[1].value is not None:
            theirs[place] = match[1].value
    pair = bool(np.isfinite(theirs).any())
    figure, axes = side_by_side(pair, 0.75 + 0.32 * len(rows))
    axes[0].set_ylabel(term(down))
    for axis, means, colour in zip(axes, (ours, theirs), (INK, GREY), strict=False):
        axis.imshow(means, LinearSegmentedColormap.from_list("tones", ["white", colour]), aspect="auto")
        middle = (np.nanmin(means) + np.nanmax(means)) / 2
        for (row, column), mean in np.ndenumerate(means):
            tone = "white" if mean > middle else "black"
            axis.text(column, row, score(None if np.isnan(mean) else mean), ha="center", va="center", color=tone)
        axis.set_xticks(range(len(columns)), map(shown, columns))
        axis.set_yticks(range(len(rows)), map(shown, rows))
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(term(across))
    return figure


def _box(values: Sequence[float]) -> Box:
    return tuple(np.percentile(values, (0, 25, 50, 75, 100)).tolist()) if len(values) >= FEWEST else ()


def _boxes(axis: Axes, panel: Sequence[Boxed], colour: str, marker: str) -> None:
    drawn = [(at, one.box) for at, one in enumerate(panel) if one.box]
    line = {"color": colour, "linewidth": 0.8}
    axis.bxp(
        [dict(zip(("whislo", "q1", "med", "q3", "whishi"), box, strict=True)) for _, box in drawn],
        positions=[at for at, _ in drawn],
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": PALE, "alpha": 0.6},
        medianprops={**line, "linewidth": 1.4},
        whiskerprops=line,
        capprops=line,
        manage_ticks=False,
    )
    single = [(at, value) for at, one in enumerate(panel) for value in one.values]
    if single:
        x, y = zip(*single, strict=True)
        axis.scatter(x, y, s=7, marker=marker, facecolor="white", edgecolor=colour, linewidth=0.6, zorder=3)
    axis.set_xticks(range(len(panel)), [shown(one.inner) for one in panel])
    axis.tick_params(axis="x", length=0)
    axis.set_xlim(-0.6, len(panel) - 0.4)
    axis.margins(y=0.12)
    axis.yaxis.set_major_locator(MaxNLocator(5))


def _share_scale(row: Sequence[Axes]) -> None:
    """One scale for all panels, but for one that would flatten the others: that one has its own, at its right."""
    limits = {axis: axis.get_ylim() for axis in row if axis.has_data()}

    def height(axes: Iterable[Axes]) -> float:
        return max(limits[axis][1] for axis in axes) - min(limits[axis][0] for axis in axes)

    others = {axis: [other for other in limits if other is not axis] for axis in limits}
    shared = [axis for axis in limits if not others[axis] or height(limits) <= FLATTENED * height(others[axis])]
    for place, axis in enumerate(shared):
        axis.set_ylim(min(limits[one][0] for one in shared), max(limits[one][1] for one in shared))
        axis.tick_params(axis="y", labelleft=place == 0)
    for axis in limits.keys() - set(shared):
        axis.yaxis.tick_right()
        axis.spines["right"].set_visible(True)
        axis.spines["left"].set_visible(False)
