"""What the papers report of a study: their average STS at each of its settings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reports.block import TASKS, VALUES, Block
from reports.families import AVERAGE
from reports.paper import Paper
from reports.study import Cell, Study

BOX = ("min", "q1", "median", "q3", "max")
ROUNDED = 0.005  # papers print constants that follow from settings with two decimals


@dataclass(frozen=True)
class Point:
    """One line of a block: what a paper has at some settings.

    Attributes:
        settings: the line's own, by their names in the block.
        value: the average STS, of a box plot its median; None where the paper prints a band alone.
        low: lower end of the band, None without one.
        high: upper end of the band, None without one.
        box: minimum, quartiles and maximum, empty without a box plot.
    """

    settings: dict[str, Any]
    value: float | None
    low: float | None
    high: float | None
    box: tuple[float, ...]


def blocks(study: Study, papers: Iterable[Paper]) -> list[Block]:
    """The blocks that measure what the study does, in the order of the files."""
    return [block for paper in papers for block in paper.numbers if block.study == study.name]


def points(block: Block) -> list[Point]:
    """The block's lines."""
    found = []
    for cell in block.cells:
        line = dict(zip(block.columns, cell, strict=True))
        numbers = {name: float(line.pop(name)) for name in block.columns if name in (*VALUES, *TASKS)}
        value = numbers.get("value", numbers.get("median", numbers.get(AVERAGE)))
        box = tuple(numbers[name] for name in BOX if name in numbers)
        found.append(Point(line, value, numbers.get("low"), numbers.get("high"), box))
    return found


def beside(study: Study, cell: Cell, found: Sequence[Block]) -> tuple[Block, Point] | None:
    """The number at the cell's settings, from the block that states most of those that vary; None without one.

    What does not vary counts as well, in the study and in the block: a number of another batch size is none of ours.
    How often one looks for the best checkpoint does not count.
    """
    known = study.fixed | cell.known
    known.pop("eval_every", None)
    matches = [
        (len(shared), -place, block, point)
        for place, block in enumerate(found)
        for point in points(block)
        if point.value is not None and (shared := point.settings.keys() & cell.known.keys())
        if all(
            _same(value, known[key], key in cell.facts)
            for key, value in {**block.settings, **point.settings}.items()
            if key in known
        )
    ]
    if not matches:
        return None
    *_, block, point = max(matches, key=lambda match: match[:2])
    return block, point


def peak(study: Study, found: Sequence[Block]) -> tuple[Block, Point] | None:
    """The highest number of the block that stands beside most of our cells, with its settings.

    Beside none of them, of the first block that has single numbers; None without such a block.
    """
    taken = Counter(match[0].id for cell in study.cells if (match := beside(study, cell, found)))
    for block in sorted(found, key=lambda block: -taken[block.id]):
        if valued := [point for point in points(block) if point.value is not None]:
            return block, max(valued, key=lambda point: point.value or -math.inf)
    return None


def _same(theirs: Any, ours: Any, derived: bool) -> bool:
    if isinstance(theirs, str) or isinstance(ours, str) or ours is None:
        return bool(theirs == ours)
    return math.isclose(theirs, ours, rel_tol=1e-9, abs_tol=ROUNDED if derived else 0.0)
