"""Where the methods put sentences on the unit sphere: their seeds' scores, and their mean spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.records import Method, Results
from reports.stats import Sample, summarise

TASK = "geometry"
ALIGNMENT, UNIFORMITY = "alignment_positive", "uniformity_all"  # the plane's axes, as Wang & Isola choose them
METRICS = {  # as the table's headings name them
    ALIGNMENT: "alignment, positives",
    "alignment_all": "alignment, all pairs",
    UNIFORMITY: "uniformity",
    "mean_cosine": "mean cosine",
    "effective_rank": "effective rank",
}


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
    values = {
        metric: [
            record.value
            for run in method.runs
            if (record := run.score(TASK, metric)) is not None and record.value is not None
        ]
        for metric in METRICS
    }
    stored = [run.spectrum.singular_values for run in method.runs if run.spectrum and run.spectrum.singular_values]
    same = bool(stored) and len({len(one) for one in stored}) == 1
    spectrum = np.asarray(np.mean(stored, axis=0)) if same else None
    return Shape(method.info.label, method.trained, values, spectrum)


def _rank(shape: Shape) -> float:
    rank = shape.sample("effective_rank")
    return rank.mean if rank else 0.0
