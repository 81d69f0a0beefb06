"""Where the methods put sentences on the unit sphere: their seeds' scores, and their mean spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.document import Block, Cell, Figure, Group, Row, Section, Table
from reports.records import Method, Results
from reports.stats import Sample, summarise
from reports.wording import MINUS

TASK = "geometry"
ALIGNMENT, UNIFORMITY = "alignment_positive", "uniformity_all"  # the plane's axes, as Wang & Isola choose them
METRICS = {  # as the table's headings name them
    ALIGNMENT: "alignment, positives",
    "alignment_all": "alignment, all pairs",
    UNIFORMITY: "uniformity",
    "mean_cosine": "mean cosine",
    "effective_rank": "effective rank",
}
PLANE, SPECTRA = "plane", "spectra"  # its figures


@dataclass(frozen=True)
class Shape:
    """One method: a value a seed for each metric that has one, and its singular values."""

    label: str
    trained: bool
    values: dict[str, list[float]]  # by metric, in the order of the seeds
    spectrum: NDArray[np.float64] | None  # (K,) mean over seeds, largest first

    def sample(self, metric: str) -> Sample | None:
        """Summary of a metric over seeds; None if no seed has a value."""
        return summarise(self.values[metric]) if self.values[metric] else None

    @property
    def point(self) -> tuple[float, float] | None:
        """Mean uniformity and mean alignment."""
        x, y = self.sample(UNIFORMITY), self.sample(ALIGNMENT)
        return (x.mean, y.mean) if x and y else None


def shapes(results: Results) -> list[Shape]:
    """Every method whose geometry was measured: untrained first, each group by growing effective rank."""
    found = [_shape(method) for method in results.methods]
    measured = [shape for shape in found if any(shape.values.values())]
    return sorted(measured, key=lambda shape: (shape.trained, _rank(shape), shape.label))


def spectra(found: Sequence[Shape]) -> list[Shape]:
    """Those with singular values in as many dimensions as the trained methods have: words have another space."""
    width = max((len(shape.spectrum) for shape in found if shape.trained and shape.spectrum is not None), default=0)
    return [shape for shape in found if shape.spectrum is not None and len(shape.spectrum) == width]


def _shape(method: Method) -> Shape:
    values = {metric: [*method.values(TASK, metric).values()] for metric in METRICS}
    stored = [run.spectrum.singular_values for run in method.runs if run.spectrum and run.spectrum.singular_values]
    same = bool(stored) and len({len(one) for one in stored}) == 1
    spectrum = np.asarray(np.mean(stored, axis=0)) if same else None
    return Shape(method.info.label, method.trained, values, spectrum)


def _rank(shape: Shape) -> float:
    rank = shape.sample("effective_rank")
    return rank.mean if rank else 0.0


def section(found: Sequence[Shape]) -> Section | None:
    """The metrics as a table, and the figures that the records allow; None if nothing was measured."""
    if not found:
        return None
    blocks: list[Block] = [_table(found)]
    if any(shape.point for shape in found):
        alt = "Alignment against uniformity, one point a method; the numbers stand in the table"
        caption = (
            "Alignment against uniformity, both better when lower. Circles: trained, with single seeds as open points. "
            "Squares: untrained."
        )
        blocks.append(Figure(PLANE, alt, caption))
    if any(shape.trained for shape in spectra(found)):
        caption = (
            "Singular values of the embeddings of STS-B, as shares of the largest: the method named (blue), the "
            "other trained methods (light) and the untrained encoders (dashed). Flatter is more evenly spread over "
            "the dimensions."
        )
        blocks.append(Figure(SPECTRA, "Singular values of the embeddings of each trained method", caption))
    return Section("geometry", "Geometry of the embeddings", tuple(blocks))


def _table(found: Sequence[Shape]) -> Table:
    caption = (
        "On the whole of STS-B, embeddings of length one; mean and standard deviation over seeds. Alignment "
        "[@alignment] is the mean squared distance of pairs, positives being those scored above 4; uniformity the "
        f"logarithm of the mean of exp({MINUS}2 d²) over any two of the pairs' first sentences. Mean cosine and "
        "singular values are of all distinct sentences; effective rank is the exponential of the entropy of the "
        "latter."
    )
    rows = tuple(Row(shape.label, tuple(Cell.of(shape.sample(metric)) for metric in METRICS)) for shape in found)
    return Table("geometry", tuple(METRICS.values()), (Group(rows),), caption)
