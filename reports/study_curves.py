"""Curves of studies: average STS over a setting, or over training steps; ours left, the papers' right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from reports.block import Block
from reports.reported import points
from reports.stats import summarise
from reports.study import Study
from reports.study_wording import LIMITS, axis_of, label, shown, term
from reports.style import AVERAGE_STS, GREY, INK, PALE, WIDTH
from reports.wording import score

BATCH = "batch_size"
LINEAR = ("ema_decay",)  # other settings are tried in multiples
STYLES: Sequence[Any] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))  # they differ on grey paper too
GAP = 0.085  # of a panel's height: one line of text


@dataclass(frozen=True)
class Curve:
    """Means over ascending abscissae, a band around them where there is one, and the seeds behind each mean."""

    name: str
    x: list[float]
    y: list[float]
    band: dict[float, tuple[float, float]]  # low and high by abscissa
    seeds: list[tuple[float, float]]


def curve(study: Study, found: Sequence[Block]) -> Figure:
    """Average STS over the setting that varies, or a constant that follows from those that do, with every seed.

    A cell at infinity is a limit, drawn as a level; the highest point is named unless the limit is higher. Where batch
    sizes vary each has a thin curve of its own, and the thick one is the mean over them.
    """
    x = axis_of(study)
    figure, axes = side_by_side(bool(found))
    limits = [cell.sample.mean for cell in study.done if math.isinf(cell.known.get(x, 0.0))]
    sides = [(_ours(study, x), INK, "o", limits), (_reported(found, x), GREY, "s", [])]
    for axis, (curves, colour, marker, beyond) in zip(axes, sides, strict=False):
        axis.set_xlabel(term(x))
        if x not in LINEAR:
            axis.set_xscale("log")
            axis.xaxis.set_minor_locator(NullLocator())
            axis.xaxis.set_major_locator(FixedLocator(_ticks(curves[0].x)))
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
        _draw(axis, curves, colour, marker)
        if curves[0].x and max(curves[0].y) > max(beyond, default=-math.inf):
            _mark_peak(axis, curves, colour)
    for mean in limits:
        axes[0].axhline(mean, color=GREY, linewidth=0.8, linestyle="--")
        _name_ends(axes[0], [Curve(LIMITS.get(x, f"{term(x)} ∞"), [axes[0].get_xlim()[1]], [mean], {}, [])], GREY)
    return figure


def collapse(study: Study, found: Sequence[Block]) -> Figure:
    """Average STS over training steps, a curve a cell, for a study whose runs were looked at on the way."""
    figure, axes = side_by_side(bool(found))
    looked = [cell for cell in study.cells if cell.curve]
    ours = [_curve(label(study, cell), [look for seed in cell.curve.values() for look in seed]) for cell in looked]
    theirs = [_stretches(block) for block in found]
    for axis, curves, colour in zip(axes, (ours, theirs), (INK, GREY), strict=False):
        for one, style in zip(curves, STYLES, strict=False):
            _band(axis, one, colour)
            axis.plot(one.x, one.y, color=colour, linestyle=style, label=one.name)
        low, high = axis.get_ylim()
        axis.set_ylim(top=high + 0.35 * (high - low))  # room for the names
        axis.legend(loc="upper right", frameon=False, fontsize=7, labelcolor=colour, handlelength=1.6)
        axis.set_xlabel("training steps")
        axis.xaxis.set_major_locator(MaxNLocator(4))
    return figure


def side_by_side(pair: bool, height: float = 2.45) -> tuple[Figure, list[Axes]]:
    """One panel, or ours beside what is reported, each with its own scale."""
    figure = Figure(figsize=(WIDTH if pair else 0.6 * WIDTH, height))
    axes = [*figure.subplots(1, 2 if pair else 1, squeeze=False)[0]]
    for axis, title in zip(axes, ("Ours", "Reported"), strict=False):
        axis.set_title(title)
        axis.margins(x=0.08, y=0.16)
    axes[0].set_ylabel(AVERAGE_STS)
    return figure, axes


def _ours(study: Study, x: str) -> list[Curve]:
    """The curve of all cells, then one for each batch size where several were tried."""
    placed = [cell for cell in study.done if math.isfinite(cell.known.get(x, math.inf))]
    groups = {"": placed}
    if x != BATCH:
        for size in sorted({cell.settings[BATCH] for cell in placed if BATCH in cell.settings}):
            groups[f"B = {size}"] = [cell for cell in placed if cell.settings[BATCH] == size]
    curves = [
        _curve(name, [(float(cell.known[x]), value) for cell in group for value in cell.values])
        for name, group in groups.items()
    ]
    return curves if study.seeds > 1 else [replace(one, band={}) for one in curves]  # batch sizes alone make no band


def _curve(name: str, seeds: Iterable[tuple[float, float]]) -> Curve:
    """Seeds summed up at each abscissa: mean, and one standard deviation to either side."""
    scores: dict[float, list[float]] = {}
    for at, value in sorted(seeds):
        scores.setdefault(at, []).append(value)
    samples = {at: summarise(values) for at, values in scores.items()}
    return Curve(
        name=name,
        x=[*samples],
        y=[sample.mean for sample in samples.values()],
        band={at: (s.mean - s.std, s.mean + s.std) for at, s in samples.items() if s.std is not None},
        seeds=[(at, value) for at, values in scores.items() if len(values) > 1 for value in values],
    )


def _reported(found: Sequence[Block], x: str) -> list[Curve]:
    """The first block with one number at each abscissa, any block's band, and a curve for each batch size."""
    at = {block.id: [point for point in points(block) if x in point.settings] for block in found}
    whole: Mapping[float, float] = {}
    thin: dict[str, dict[float, float]] = {}
    band = {}
    for block in found:
        for point in at[block.id]:
            place = float(point.settings[x])
            if point.low is not None and point.high is not None:
                band[place] = (point.low, point.high)
        valued = [point for point in at[block.id] if point.value is not None]
        if BATCH in block.columns and x != BATCH:
            for point in valued:
                size = f"B = {shown(point.settings[BATCH])}"
                thin.setdefault(size, {})[float(point.settings[x])] = point.value or 0.0
        elif not whole:
            whole = {float(point.settings[x]): point.value or 0.0 for point in valued}
    return [
        Curve(name, sorted(values), [values[place] for place in sorted(values)], band if not name else {}, [])
        for name, values in [("", whole), *thin.items()]
    ]


def _stretches(block: Block) -> Curve:
    """A curve that is known as stretches from `step` to `until`, each with a band."""
    found = [(float(point.settings[end]), point) for point in points(block) for end in ("step", "until")]
    band = {step: (point.low or 0.0, point.high or 0.0) for step, point in found}
    return Curve(block.label.partition(", ")[2], [*band], [sum(ends) / 2 for ends in band.values()], band, [])


def _draw(axis: Axes, curves: Sequence[Curve], colour: str, marker: str) -> None:
    whole, *thin = curves
    _band(axis, whole, colour)
    if len(thin) > 1:
        for one, style in zip(thin, STYLES[1:], strict=False):
            axis.plot(one.x, one.y, color=colour, linestyle=style, linewidth=0.6)
    if whole.seeds:
        x, y = zip(*whole.seeds, strict=True)
        axis.scatter(x, y, s=7, facecolor="white", edgecolor=colour, linewidth=0.6, zorder=3)
    if whole.x:
        axis.plot(whole.x, whole.y, color=colour, marker=marker)
    if len(thin) > 1:
        _name_ends(axis, thin, colour)


def _band(axis: Axes, one: Curve, colour: str) -> None:
    if one.band:
        low, high = np.array([one.band[at] for at in one.band]).T
        axis.fill_between([*one.band], low, high, color=colour, alpha=0.16)


def _mark_peak(axis: Axes, curves: Sequence[Curve], colour: str) -> None:
    """Ring the highest mean and name it above all that is drawn there, on the side that has room.

    Of means that are printed alike none is.
    """
    whole = curves[0]
    y, x = max(zip(whole.y, whole.x, strict=True))
    if sum(score(other) == score(y) for other in whole.y) > 1:
        return
    heights = [value for one in curves for at, value in [*zip(one.x, one.y, strict=True), *one.seeds] if at == x]
    top = max(*heights, whole.band.get(x, (y, y))[1])
    axis.plot([x], [y], marker="o", markersize=7.5, markerfacecolor="none", markeredgecolor=colour, linestyle="")
    place = axis.transAxes.inverted().transform(axis.transData.transform((x, y)))[0]
    side: Literal["left", "center", "right"] = "left" if place < 0.3 else "right" if place > 0.7 else "center"
    text = f"highest {score(y)} at {shown(x)}"
    axis.annotate(text, (x, top), xytext=(0, 5), textcoords="offset points", ha=side, color=colour)


def _name_ends(axis: Axes, curves: Sequence[Curve], colour: str) -> None:
    """Names to the right of the curves' ends, moved apart where ends lie close together."""
    low, high = axis.get_ylim()
    level = -math.inf
    for one in sorted(curves, key=lambda one: one.y[-1]):
        level = max(level + GAP, (one.y[-1] - low) / (high - low))
        axis.annotate(
            one.name,
            (one.x[-1], one.y[-1]),
            (1.03, level),
            textcoords="axes fraction",
            va="center",
            color=colour,
            fontsize=7.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 2},
        )


def _ticks(x: Sequence[float]) -> list[float]:
    """The abscissae themselves, without those too close to the one before for a label on a logarithmic axis."""
    chosen: list[float] = []
    room = (max(x) / min(x)) ** (1 / 7) if x else 1.0
    for at in sorted(x):
        if not chosen or at >= 0.999 * room * chosen[-1]:
            chosen.append(at)
    return chosen
