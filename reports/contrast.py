"""The best of one group of settings against the best of another, over seeds; and which settings may be the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from reports.stats import CONFIDENCE, ROUNDING

ALPHA = 1 - CONFIDENCE

Scores = Mapping[int, float]  # of one setting, by seed


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


def contrast(better: Sequence[Scores], than: Sequence[Scores]) -> Contrast:
    r"""Compare the highest mean of one group of settings with the highest of another.

    With true means m_i of the one group and n_j of the other, the difference is max_i m_i - max_j n_j, which is
    max_i min_j (m_i - n_j) and min_j max_i (m_i - n_j). A bound from below for one i and all j needs no correction for
    the number of j (an intersection-union test, Berger 1982), the choice among the i does (Bonferroni); from above the
    same with their parts exchanged. A single difference is paired where both settings have the same seeds, for equal
    seeds share the order of the data and the random numbers of training; otherwise it is Welch's. For one setting on
    either side this is that test and its interval.

    Args:
        better: the scores of every setting of the first group.
        than: the same of the group it is held against.
    """
    ours, theirs = (max(float(np.mean([*scores.values()])) for scores in group) for group in (better, than))
    if min(len(scores) for scores in (*better, *than)) < 2:
        return Contrast(ours, theirs, None, None, None)
    pairs = [[_Difference.of(one, other) for other in than] for one in better]
    columns = list(zip(*pairs, strict=True))
    rows, across = len(pairs), len(columns)
    low = max(min(pair.bound(ALPHA / 2 / rows) for pair in row) for row in pairs)
    high = min(max(-pair.flipped.bound(ALPHA / 2 / across) for pair in column) for column in columns)
    above = min(max(pair.p_above for pair in row) for row in pairs) * rows
    below = min(max(pair.flipped.p_above for pair in column) for column in columns) * across
    return Contrast(ours, theirs, low, high, min(1.0, 2 * min(above, below)))


def contenders(settings: Sequence[Scores]) -> list[bool]:
    """Which of these settings may have the highest true mean: a set that holds the one that has, with confidence.

    One is out where another exceeds it, by more than printed scores round off and by a one-sided test at the level of
    its share in as many tests as there are others (Hsu 1984, with Bonferroni's bound). The best itself can only go out
    by an error of one of these, so that the set misses it at most as often as the confidence says, whichever leads in
    the scores. Pairs of settings are compared as in `contrast`.

    Args:
        settings: the scores of each, of two seeds or more.
    """
    alpha = ALPHA / max(len(settings) - 1, 1)

    def exceeds(other: Scores, one: Scores) -> bool:
        lead = _Difference.of(other, one)
        return lead.difference >= ROUNDING and lead.bound(alpha) > 0

    return [not any(exceeds(other, one) for other in settings if other is not one) for one in settings]


@dataclass(frozen=True)
class _Difference:
    """A difference of two means, its standard error and the degrees of freedom."""

    difference: float
    error: float
    freedom: float

    @classmethod
    def of(cls, ours: Scores, theirs: Scores) -> _Difference:
        if ours.keys() == theirs.keys():
            differences = np.array([ours[seed] - theirs[seed] for seed in ours])
            n = len(differences)
            return cls(float(differences.mean()), float(differences.std(ddof=1)) / n**0.5, n - 1)
        sides = [np.array([*scores.values()]) for scores in (ours, theirs)]
        parts = [scores.var(ddof=1) / len(scores) for scores in sides]
        total = float(sum(parts))
        spread = sum(part**2 / (len(scores) - 1) for part, scores in zip(parts, sides, strict=True))
        difference = float(sides[0].mean() - sides[1].mean())
        return cls(difference, total**0.5, total**2 / spread if spread else np.inf)

    @property
    def flipped(self) -> _Difference:
        return _Difference(-self.difference, self.error, self.freedom)

    def bound(self, alpha: float) -> float:
        """What the difference exceeds with confidence 1 - alpha."""
        return self.difference - self.error * float(stats.t.isf(alpha, self.freedom))

    @property
    def p_above(self) -> float:
        """One-sided: the chance of such a difference if the true one is not above zero."""
        if self.error == 0:
            return float(self.difference <= 0)
        return float(stats.t.sf(self.difference / self.error, self.freedom))
