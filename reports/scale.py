"""Scale: how the cost of training grows, as benchmarks/scale.py measured it last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression
from typing import Self

from pydantic import Field, model_validator

from reports.document import Cell, Figure, Group, Row, Section, Table
from reports.records import Stored, read
from reports.runs import Machine
from reports.wording import MISSING, number

ID = "scale"
COLUMNS = ("largest", "CPU seconds", "exponent", "at its end", "MiB", "its exponent", "times as fast")


class Point(Stored):
    """What one size took."""

    size: int = Field(gt=0)
    seconds: float = Field(gt=0)  # of all processors together
    mib: float | None  # at most, beyond model and optimiser; None where the memory is nothing of ours


class Curve(Stored):
    """Cost against one size, ours and that of a plain reference."""

    id: str
    label: str  # of the size
    what: str
    plain: str
    ours: list[Point] = Field(min_length=2)  # two give a slope
    reference: list[Point] = Field(min_length=2)

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        sizes, others = ([point.size for point in points] for points in (self.ours, self.reference))
        if any(one >= other for points in (sizes, others) for one, other in pairwise(points)):
            raise ValueError("the sizes do not ascend")
        if others[-1] not in sizes:
            raise ValueError(f"the reference's largest size {others[-1]} is none of ours")
        return self

    def speedup(self) -> tuple[int, float]:
        """The largest size that the reference was measured at, and its time over ours there."""
        last = self.reference[-1]
        ours = next(point for point in self.ours if point.size == last.size)
        return last.size, last.seconds / ours.seconds


class Scale(Stored):
    """All curves of one run of the benchmark, and what it ran on."""

    commit: str
    model: str
    machine: Machine
    torch: str  # its version
    transformers: str
    curves: list[Curve] = Field(min_length=1)


def load(file: Path) -> Scale | None:
    """What the benchmark wrote; None if it has written nothing.

    Raises:
        NegbenchError: the file is not what the benchmark writes.
    """
    return read(Scale, file) if file.is_file() else None


def exponent(points: Sequence[Point]) -> float:
    """Slope of log seconds on log size by least squares: 1 where the time grows as the size does."""
    sizes, seconds = ([math.log(getattr(point, of)) for point in points] for of in ("size", "seconds"))
    return linear_regression(sizes, seconds).slope


def section(scale: Scale | None) -> Section | None:
    """Where and how it was measured, the curves, and their exponents; None without the file."""
    if scale is None:
        return None
    where = (
        f"Measured by `python -m benchmarks.scale` at commit {scale.commit} with torch {scale.torch} and "
        f"transformers {scale.transformers} on {scale.machine.told()}. The model is a "
        f"{scale.model}. Each point is a process of its own. These numbers are kept with the code: they are not of the "
        "runs above."
    )
    measured = "; ".join(f"*{curve.label}*: {curve.what}, beside {curve.plain}" for curve in scale.curves)
    figure = Figure(
        ID,
        f"Time and peak memory against {', '.join(curve.label for curve in scale.curves)}",
        f"Time and peak memory against {number(len(scale.curves))} sizes, ours (dark) and a plain reference (grey). "
        f"{measured}. Dotted: growth in proportion, through our last point. Time is that of the processors, "
        "threads and children summed; memory is what is held at most beyond model and optimiser.",
    )
    table = Table(
        ID,
        COLUMNS,
        (Group(tuple(Row(curve.label, _cells(curve)) for curve in scale.curves)),),
        "How fast the time of [#figure-scale] grows. The exponent is the slope of log time on log size over all "
        "points; at its end, over the last two, where what is constant has lost its share. Then the memory at the "
        "largest size, the exponent of the reference, and its time over ours at the largest size that both have.",
        head="against",
    )
    return Section(ID, "Scale", (where, figure, table))


def _cells(curve: Curve) -> tuple[Cell, ...]:
    last = curve.ours[-1]
    size, speedup = curve.speedup()
    return (
        Cell(f"{last.size:,}", value=last.size),
        _number(last.seconds, 2),
        _number(exponent(curve.ours), 2),
        _number(exponent(curve.ours[-2:]), 2),
        Cell(MISSING) if last.mib is None else _number(last.mib, 0),
        _number(exponent(curve.reference), 2),
        Cell(f"{speedup:.2f}", "" if size == last.size else f"at {size:,}", value=speedup),
    )


def _number(value: float, digits: int) -> Cell:
    return Cell(f"{value:,.{digits}f}", value=value)
