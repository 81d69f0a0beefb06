"""Mean, spread and interval of a handful of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """Scores of n >= 1 seeds, summed up."""

    n: int
    mean: float
    std: float | None  # of the sample (n - 1); None for one seed
    half_width: float | None  # of the t-interval around the mean; None for one seed
    low: float  # smallest score
    high: float  # largest score


def summarise(values: Sequence[float]) -> Sample:
    """Sum up the scores of n >= 1 seeds.

    Seeds are few, so the interval is Student's with n - 1 degrees of freedom, not the normal one.
    """
    scores = np.asarray(values, dtype=np.float64)
    n = len(scores)
    std = float(scores.std(ddof=1)) if n > 1 else None
    half_width = None if std is None else float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / n**0.5
    return Sample(n, float(scores.mean()), std, half_width, float(scores.min()), float(scores.max()))


def overlap(a: Sample, b: Sample) -> bool:
    """Whether the ranges of the two samples' scores meet: then the seeds do not separate them."""
    return a.low <= b.high and b.low <= a.high
