"""The forest plot: each method less the reference, by family of tasks, with what seeds and items leave open."""

from __future__ import annotations

from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.stats import CONFIDENCE
from reports.style import GREY, INK, PALE, WIDTH
from reports.tested import Comparison, Difference, Significance
from reports.wording import probability, signed

ROW, HEAD = 0.19, 0.75  # inches: a row, and all that is not rows
TALLEST = 8.6  # inches: a page has no more beside a caption, so that many rows move closer together
MARGIN = 0.08  # share of the axis beyond the outermost mark
COLUMNS = (32, 38, 126)  # points from the axis to estimate, interval and p


def forest(found: Significance) -> Figure:
    """One row a method and family: the average and its interval over the differences on single tasks.

    Dark and filled is more than noise after Holm, grey and open is not; so are the ticks of the tasks.
    """
    rows = sum(len(tests.comparisons) + 1 for tests in found.families)
    figure = Figure(figsize=(WIDTH, min(ROW * rows + HEAD, TALLEST)))
    axis = figure.subplots()
    axis.axvline(0, color=GREY, linewidth=0.8)
    level, levels, labels = 0, [], []
    for tests in found.families:
        axis.annotate(
            tests.title, (0, level), xycoords=("axes fraction", "data"), xytext=(-4, 0), ha="right", va="center",
            textcoords="offset points", fontweight="bold", fontsize=mpl.rcParams["axes.labelsize"],
        )  # fmt: skip
        for comparison in tests.comparisons:
            level += 1
            _row(axis, level, comparison)
            levels.append(level)
            labels.append(comparison.label)
        level += 1
    _beside(axis, 0, ("", f"{CONFIDENCE:.0%} interval", "p, Holm"), GREY)
    axis.set_yticks(levels, labels)
    axis.set_ylim(level - 0.3, -0.6)  # the first row on top
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.margins(x=MARGIN)
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, -MARGIN * (high - low)), max(high, MARGIN * (high - low)))
    axis.set_xlabel(f"points below (left) or above (right) {found.reference}", fontsize=mpl.rcParams["axes.labelsize"])
    return figure


def _row(axis: Axes, level: int, comparison: Comparison) -> None:
    for task in comparison.tasks.values():
        if task.estimate is not None:
            colour, height = (INK, 9) if task.real else (PALE, 6)
            axis.plot([task.estimate], [level], marker="|", markersize=height, color=colour, markeredgewidth=1.2)
    average = comparison.average
    colour = INK if average.real else GREY
    if average.low is not None and average.high is not None:
        axis.plot([average.low, average.high], [level, level], color=colour, linewidth=1.8 if average.real else 0.9)
    if average.estimate is not None:
        face = colour if average.real else "white"
        axis.plot([average.estimate], [level], marker="o", markersize=5, color=colour, markerfacecolor=face)
    _beside(axis, level, _columns(average), colour, "bold" if average.real else "normal")


def _beside(axis: Axes, level: int, columns: tuple[str, str, str], colour: str, weight: str = "normal") -> None:
    """Estimate, interval and p, each in its column right of the axis."""
    sides: tuple[Literal["left", "right"], ...] = ("right", "left", "right")
    for text, at, side in zip(columns, COLUMNS, sides, strict=True):
        axis.annotate(
            text, (1, level), xycoords=("axes fraction", "data"), xytext=(at, 0), textcoords="offset points", ha=side,
            va="center", color=colour, fontweight=weight, fontsize=mpl.rcParams["ytick.labelsize"],
            annotation_clip=False,
        )  # fmt: skip


def _columns(average: Difference) -> tuple[str, str, str]:
    if average.low is None or average.adjusted is None:
        return signed(average.estimate), "no interval" if average.estimate is not None else "", ""
    interval = f"{signed(average.low)} to {signed(average.high)}"
    return signed(average.estimate), interval, probability(average.adjusted)
