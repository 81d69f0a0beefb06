"""Histograms of negative similarities, pooled over the seeds of each trained method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import NegbenchError
from reports.document import Figure, Section
from reports.records import Results
from reports.wording import listing, number, score

FIGURE = "negatives"


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


def section(histograms: Sequence[Histogram]) -> Section | None:
    """What training does to the negatives, in words and as histograms; None if no method has one."""
    if not histograms:
        return None
    means = [f"{one.label} from {score(one.mean_before)} to {score(one.mean_after)}" for one in histograms]
    spreads = ", ".join(f"{one.label} {score(one.std_after)}" for one in histograms)
    caption = (
        "Cosine between different training sentences before (grey) and after training (outlined), seeds pooled; each "
        f"area is one. The numbers are means. Standard deviations after training: {spreads}."
    )
    figure = Figure(FIGURE, f"Mean cosine: {', '.join(means)}", caption)
    return Section("negatives", "Similarity of negatives", (text(histograms), figure))


def text(histograms: Sequence[Histogram]) -> str:
    """What training does to the cosines between sentences that have nothing to do with each other."""
    before = [histogram.mean_before for histogram in histograms]
    low, high = score(min(before)), score(max(before))
    start = low if low == high else f"{low} to {high}"
    ranked = sorted(histograms, key=lambda histogram: histogram.mean_after)
    start = f"Before training, two different training sentences have a mean cosine of {start}."
    if len(ranked) == 1:
        return f"{start} After training with {ranked[0].label} it is {score(ranked[0].mean_after)}."
    means = listing([f"{score(h.mean_after)} with {h.label}" for h in ranked])
    down = sum(float(f"{h.mean_after:.2f}") < float(f"{h.mean_before:.2f}") for h in histograms)  # as printed
    if down in (0, len(histograms)):
        effect = f"{'Every' if down else 'No'} method pushes the negatives apart"
    else:
        subject = f"{number(down).capitalize()} of {number(len(histograms))} methods"
        effect = f"{subject} push{'es' * (down == 1)} the negatives apart"
    return f"{start} {effect}: after training the mean is {means}."
