"""How far scores depend on the items (sentence pairs, test examples, queries) that happen to be in a set.

A resample of N items is told by how often each is drawn, and from these counts its scores follow without a new sort:
the mid-rank of an item is the number of draws below its tie group and half of those within, so that one order serves
all resamples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats import Floats

BLOCK = 2**18  # counts held at once: 2 MB, which stay in the processor's cache


@dataclass(frozen=True)
class Units:
    """What is drawn at random: N items are of `count` units, and those of one unit come or stay out together.

    A unit may have items in other sets alone: with one generator several sets are drawn together.
    """

    of: NDArray[np.integer]  # (N,), from 0 to count - 1
    count: int

    @classmethod
    def single(cls, n: int) -> Self:
        """Every item by itself."""
        return cls(np.arange(n), n)


def spearman_draws(
    similarities: NDArray[np.floating],
    gold: NDArray[np.floating],
    resamples: int,
    rng: np.random.Generator,
    units: Units | None = None,
) -> Floats:
    """Spearman's rho of M models with the gold scores, on the same B resamples of N pairs: (B, M).

    NaN where it is undefined, because the resample drew one value alone.

    Args:
        similarities: (M, N), finite.
        gold: (N,).
        resamples: how many.
        rng: source of the resamples.
        units: which pairs are drawn together; each by itself by default.
    """
    units = units or Units.single(len(gold))
    models, people = [_Order(values) for values in similarities], _Order(gold)
    blocks = []
    for drawn in _counts(units.count, resamples, rng):
        counts = drawn[units.of]
        ranks, variance = people.ranks(counts)
        weighted = counts * ranks
        block = np.empty((counts.shape[1], len(models)))
        for column, model in enumerate(models):
            own, own_variance = model.ranks(counts)
            with np.errstate(invalid="ignore"):
                block[:, column] = np.einsum("nb,nb->b", weighted, own) / np.sqrt(variance * own_variance)
        blocks.append(block)
    return np.concatenate(blocks)


def mean_draws(scores: NDArray[np.floating], resamples: int, rng: np.random.Generator) -> Floats:
    """Means of the (M, N) scores of N items on the same resamples of the items: (B, M)."""
    n = scores.shape[1]
    draws: Floats = np.concatenate([counts.T @ scores.T for counts in _counts(n, resamples, rng)]) / n
    return draws


def bootstrap_p(draws: ArrayLike) -> float:
    """Two-sided p that a difference is zero, by how many of its (B,) resamples lie on either side of zero."""
    values = np.asarray(draws)
    fewer = min(int(np.sum(values <= 0)), int(np.sum(values >= 0)))
    return min(2 * (fewer + 1) / (len(values) + 1), 1.0)


def paired_randomisation(
    a: ArrayLike, b: ArrayLike, *, rng: np.random.Generator, resamples: int = 10_000, block: int = 2**20
) -> float:
    """Two-sided p that two systems' scores of N items are exchangeable, item by item (Fisher's randomisation test).

    Args:
        a: (N,) scores.
        b: (N,) likewise, of the same items.
        rng: source of the signs.
        resamples: of the signs.
        block: most signs held at once.
    """
    apart = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    apart = apart[apart != 0]  # a sign changes nothing there
    bound = abs(apart.sum()) * (1 - 1e-12)  # sums that are equal up to rounding count as equal
    size, extreme = max(block // max(len(apart), 1), 1), 0
    for start in range(0, resamples, size):
        signs = rng.integers(0, 2, size=(min(size, resamples - start), len(apart)), dtype=np.int8)
        extreme += int(np.sum(np.abs(2 * (signs @ apart) - apart.sum()) >= bound))
    return (extreme + 1) / (resamples + 1)


def _counts(n: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each of n items is in each resample, in blocks of a bounded size: (n, b)."""
    size = max(BLOCK // n, 1)
    for start in range(0, resamples, size):
        width = min(size, resamples - start)
        picked = rng.integers(n, size=(n, width)) * width + np.arange(width)
        yield np.bincount(picked.ravel(), minlength=n * width).reshape(n, width).astype(np.float64)


class _Order:
    """The order of N values and their G groups of ties, found once."""

    def __init__(self, values: NDArray[np.floating]) -> None:
        _, self.group, sizes = np.unique(values, return_inverse=True, return_counts=True)  # (N,), (G,)
        self.order = np.argsort(self.group, kind="stable")
        self.starts = np.cumsum(sizes) - sizes  # of the groups, in this order

    def ranks(self, counts: Floats) -> tuple[Floats, Floats]:
        """Mid-ranks less their mean, (N, b), and their sum of squares, (b,), where item i is drawn counts[i] times."""
        totals = np.add.reduceat(counts[self.order], self.starts, axis=0)  # (G, b)
        ranks = np.cumsum(totals, axis=0) - (totals + totals.sum(axis=0)) / 2
        return ranks[self.group], np.einsum("gb,gb,gb->b", totals, ranks, ranks)
