"""The best of one group of settings against the best of another, over seeds: how claims are tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reports.stats import CONFIDENCE

ALPHA = 1 - CONFIDENCE


@dataclass(frozen=True)
class Contrast:
    """The best of one group of settings less the best of another. A setting with one seed allows no interval."""

    better: float  # mean of the one group's leader
    than: float  # and of the other's
    low: float | None  # the difference's interval
    high: float | None
    p: float | None  # two-sided, of no difference

    @property
    def difference(self) -> float:
        """Positive if the first group leads."""
        return self.better - self.than


def contrast(better: Sequence[Sequence[float]], than: Sequence[Sequence[float]]) -> Contrast:
    r"""Compare the highest mean of one group of settings with the highest of another.

    With true means m_i of the one group and n_j of the other, the difference is max_i m_i - max_j n_j, which is
    max_i min_j (m_i - n_j) and min_j max_i (m_i - n_j). A bound from below for one i and all j needs no correction for
    the number of j (an intersection-union test, Berger 1982), the choice among the i does (Bonferroni); from above the
    same with their parts exchanged. Single differences are Welch's. For one setting on either side this is Welch's
    test and interval.

    Args:
        better: one sequence of scores, a seed each, for every setting of the first group.
        than: the same of the group it is held against.
    """
    groups = [[np.asarray(scores, dtype=np.float64) for scores in group] for group in (better, than)]
    ours, theirs = (max(float(scores.mean()) for scores in group) for group in groups)
    if min(len(scores) for group in groups for scores in group) < 2:
        return Contrast(ours, theirs, None, None, None)
    pairs = [[_Welch.of(one, other) for other in groups[1]] for one in groups[0]]
    columns = list(zip(*pairs, strict=True))
    rows, across = len(pairs), len(columns)
    low = max(min(pair.bound(ALPHA / 2 / rows) for pair in row) for row in pairs)
    high = min(max(-pair.flipped.bound(ALPHA / 2 / across) for pair in column) for column in columns)
    above = min(max(pair.p_above for pair in row) for row in pairs) * rows
    below = min(max(pair.flipped.p_above for pair in column) for column in columns) * across
    return Contrast(ours, theirs, low, high, min(1.0, 2 * min(above, below)))


@dataclass(frozen=True)
class _Welch:
    """A difference of two means, its standard error and Welch's degrees of freedom."""

    difference: float
    error: float
    freedom: float

    @classmethod
    def of(cls, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> _Welch:
        parts = [scores.var(ddof=1) / len(scores) for scores in (ours, theirs)]
        total = float(sum(parts))
        spread = sum(part**2 / (len(scores) - 1) for part, scores in zip(parts, (ours, theirs), strict=True))
        return cls(float(ours.mean() - theirs.mean()), total**0.5, total**2 / spread if spread else np.inf)

    @property
    def flipped(self) -> _Welch:
        return _Welch(-self.difference, self.error, self.freedom)

    def bound(self, alpha: float) -> float:
        """What the difference exceeds with confidence 1 - alpha."""
        return self.difference - self.error * float(stats.t.isf(alpha, self.freedom))

    @property
    def p_above(self) -> float:
        """One-sided: the chance of such a difference if the true one is not above zero."""
        if self.error == 0:
            return float(self.difference <= 0)
        return float(stats.t.sf(self.difference / self.error, self.freedom))
