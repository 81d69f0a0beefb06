"""Histograms of negative similarities, pooled over the seeds of each trained method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import NegbenchError
from reports.records import Results


@dataclass(frozen=True)
class Histogram:
    """Density of the cosine between two different training sentences, before and after training."""

    label: str
    edges: NDArray[np.float64]  # (bins + 1,)
    before: NDArray[np.float64]  # (bins,), integrates to 1
    after: NDArray[np.float64]
    mean_before: float  # over seeds
    mean_after: float
    std_before: float
    std_after: float
    n: int  # seeds


def pool(results: Results) -> list[Histogram]:
    """One histogram a trained method, ordered by its mean cosine after training, lowest first.

    Seeds count equally: each one's counts are normalised before they are averaged.

    Raises:
        NegbenchError: seeds of one method have different bins.
    """
    pooled = []
    for method in results.ours(trained=True):
        found = [run.negatives for run in method.runs if run.negatives]
        if not found:
            continue
        edges = np.asarray(found[0].edges, dtype=np.float64)
        if any(one.edges != found[0].edges for one in found):
            raise NegbenchError(
                "seeds have histograms of different bins", method.name, "Run `dvc repro` for all seeds."
            )

        def density(counts: list[list[float]], edges: NDArray[np.float64] = edges) -> NDArray[np.float64]:
            rows = np.asarray(counts, dtype=np.float64)  # (seeds, bins)
            return np.asarray((rows / (rows.sum(1, keepdims=True) * np.diff(edges))).mean(0))

        pooled.append(
            Histogram(
                label=method.info.label,
                edges=edges,
                before=density([one.before for one in found]),
                after=density([one.after for one in found]),
                mean_before=float(np.mean([one.mean_before for one in found])),
                mean_after=float(np.mean([one.mean_after for one in found])),
                std_before=float(np.mean([one.std_before for one in found])),
                std_after=float(np.mean([one.std_after for one in found])),
                n=len(found),
            )
        )
    return sorted(pooled, key=lambda histogram: (histogram.mean_after, histogram.label))
