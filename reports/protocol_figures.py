"""Training curves: what each look at a run saw, and which look each rule would have kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.block import Block
from reports.selection import Watched
from reports.stats import summarise
from reports.style import COLUMNS, GREY, INK, WIDTH, title

MARKS = {"stsb-dev": "o", "sts-test": "^"}  # of the look that a rule keeps


def training_curves(methods: Sequence[Watched], notebook: Block | None) -> Figure:
    """One panel a method, all on one scale of scores; the notebook's runs in a last one on their own."""
    count = len(methods) + (notebook is not None)
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    figure = Figure(figsize=(WIDTH * max(columns, 2) / COLUMNS, 1.6 * rows + 0.2))
    axes = [*figure.subplots(rows, columns, squeeze=False).flat]
    for unused in axes[count:]:
        unused.set_visible(False)
    for index, (axis, method) in enumerate(zip(axes, methods, strict=False)):
        if index:
            axis.sharey(axes[0])
        _ours(axis, method)
        axis.tick_params(labelleft=index % columns == 0)
    if notebook:
        _reported(axes[len(methods)], notebook)
    for axis in axes[:count]:
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    size = mpl.rcParams["axes.labelsize"]
    figure.supxlabel("training step", fontsize=size)
    figure.supylabel("average STS, Spearman \N{MULTIPLICATION SIGN} 100", fontsize=size)
    return figure


def _ours(axis: Axes, method: Watched) -> None:
    """The mean of the seeds and its band where all have a score; of each seed what the rules keep."""
    curves = [{look.step: look.sts_test for look in looks} for looks in method.looks.values()]
    values = {step: [curve.get(step) for curve in curves] for step in curves[0]}
    whole = {step: [v for v in own if v is not None] for step, own in values.items() if None not in own}
    samples = [summarise(own) for own in whole.values()]
    means = np.array([sample.mean for sample in samples])
    stds = np.array([sample.std or 0.0 for sample in samples])
    for curve in curves:
        axis.plot([*curve], [np.nan if v is None else v for v in curve.values()], color=INK, linewidth=0.5, alpha=0.4)
    axis.fill_between([*whole], means - stds, means + stds, color=INK, alpha=0.16)
    axis.plot([*whole], means, color=INK, linewidth=1.1)
    for rule, mark in MARKS.items():
        steps = [look.step for look in method.choices(rule).values()]
        scores = [*method.scores(rule).values()]
        axis.scatter(steps, scores, s=12, marker=mark, facecolor="white", edgecolor=INK, linewidth=0.7, zorder=3)
    title(axis, method.label)


def _reported(axis: Axes, block: Block) -> None:
    """A line a run, named at its end; the triangle is the look that the run's number comes from, the highest."""
    rows = zip(*(block.column(name) for name in ("notebook_cell", "step", "avg")), strict=True)
    ends = []
    for cell, looks in groupby(rows, key=lambda row: row[0]):
        points = np.array([(float(step), float(score)) for _, step, score in looks])
        axis.plot(*points.T, color=GREY, linewidth=0.9)
        axis.plot(*points[points[:, 1].argmax()], marker="^", markersize=3.5, color=GREY, markerfacecolor="white")
        ends.append((*points[-1], f"{float(cell):g}"))
    axis.set_title("Reported")
    _name(axis, ends)


def _name(axis: Axes, ends: Sequence[tuple[float, float, str]]) -> None:
    """Names of lines below their ends, those of lines that end together side by side."""
    low, high = axis.get_ylim()
    together: list[list[tuple[float, float, str]]] = []
    for end in sorted(ends, key=lambda end: end[1]):
        if together and end[1] - together[-1][0][1] < 0.12 * (high - low):
            together[-1].append(end)
        else:
            together.append([end])
    for group in together:
        lowest = min(group, key=lambda end: end[1])
        names = ", ".join(sorted(name for _, _, name in group))
        axis.annotate(names, lowest[:2], (0, -10), textcoords="offset points", ha="right", color=GREY, fontsize=7.5)
