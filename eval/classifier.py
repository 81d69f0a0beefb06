"""SentEval's logistic regression (senteval/tools/classifier.py), all fits of a task trained together.

SentEval seeds numpy and torch anew for every fit, so all fits start from the same weights, and all fits on
equally many rows draw the same permutations. Such fits step together as one batched tensor program: the l2
strengths of a split share its gathered rows in one matrix product, and the optimiser steps on one stacked tensor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from eval.optimisers import OPTIMISERS, Adam, RMSprop

SEED = 1111
MAX_EPOCHS = 200
HELD_OUT = 0.05  # share of the rows that stops a fit which is given no validation rows
TOGETHER = 32  # splits in one tensor; fewer pay more for Python, more gained nothing (CR, 384 dimensions, one core)


@dataclass(frozen=True)
class Training:
    """How one classifier is trained.

    Args:
        optimiser: with torch's defaults.
        batch: rows a step; the last, smaller batch of an epoch is kept.
        tenacity: rounds without a better validation accuracy that are forgiven; the count is never reset.
        epoch_size: epochs a round; each round ends with a look at the validation rows.
    """

    optimiser: Literal["adam", "rmsprop"]
    batch: int
    tenacity: int
    epoch_size: int


TRAINING = {"full": Training("adam", 64, 5, 4), "fast": Training("rmsprop", 128, 3, 2)}


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to stop on; without the latter a share of the former is held out for that."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Fits:
    """The fits of S splits with L strengths of l2 each.

    Args:
        weights: (S, L, C, D + 1), the bias last; those of the best round.
        accuracy: (S, L), of that round on the validation rows, from 0 to 1.
    """

    weights: Tensor
    accuracy: NDArray[np.float64]


def fit(
    features: Tensor,
    labels: Tensor,
    start: Tensor,
    splits: Sequence[Split],
    strengths: NDArray[np.float64],
    training: Training,
    on_fits: Callable[[int], object] = lambda count: None,
) -> Fits:
    """Train one linear classifier for each split and l2 strength, on the CPU.

    Args:
        features: (N, D) float32, finite.
        labels: (N,) int64, from 0 to C - 1.
        start: (C, D + 1), the weights that every fit starts from: `initial_weights`.
        splits: S splits, of any sizes; those of equal sizes are trained together.
        strengths: (S, L), the l2 strengths to train with on each split. SentEval hands them to the optimiser as
            weight decay: they are added to the gradient, the bias's too.
        training: optimiser, batch size and stopping rule.
        on_fits: told each time how many more fits have ended, by any of torch's number of threads.
    """
    inputs = torch.cat([features, features.new_ones(len(features), 1)], dim=1)  # (N, D + 1)
    fits = Fits(inputs.new_empty(*strengths.shape, *start.shape), np.empty(strengths.shape))
    groups = [*_alike(splits)]

    def train(members: list[int]) -> tuple[Tensor, NDArray[np.float64]]:
        own = torch.from_numpy(strengths[members])
        return _train(inputs, labels, start, [splits[i] for i in members], own, training, on_fits)

    with _one_thread_an_operation() as threads, ThreadPoolExecutor(threads) as pool:
        for members, (weights, accuracy) in zip(groups, pool.map(train, groups), strict=True):
            fits.weights[members], fits.accuracy[members] = weights, accuracy
    return fits


def predict(features: Tensor, weights: Tensor) -> Tensor:
    """The class (N,) that a classifier (C, D + 1) gives each of N rows (N, D)."""
    return torch.addmm(weights[:, -1], features, weights[:, :-1].T).argmax(1)


def initial_weights(dimensions: int, classes: int) -> Tensor:
    """Where every fit starts: torch's default linear layer after seeding, (C, D + 1) with the bias last."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        layer = nn.Linear(dimensions, classes)
    return torch.cat([layer.weight, layer.bias[:, None]], dim=1).detach()


@contextmanager
def _one_thread_an_operation() -> Iterator[int]:
    """Gives the number of threads to the caller to use as it likes.

    An operation here takes microseconds: threads that share one wait for each other far longer than they work,
    above all where other programs keep the cores busy. Groups of splits need no waiting.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def _alike(splits: Sequence[Split]) -> Iterator[list[int]]:
    """Indices of splits that draw the same permutations, at most `TOGETHER` at once."""
    alike = defaultdict(list)
    for index, split in enumerate(splits):
        alike[len(split.train), split.validation is None].append(index)
    for members in alike.values():
        yield from (members[i : i + TOGETHER] for i in range(0, len(members), TOGETHER))


def _train(
    inputs: Tensor,
    labels: Tensor,
    start: Tensor,
    splits: Sequence[Split],
    strengths: Tensor,
    training: Training,
    on_fits: Callable[[int], object],
) -> tuple[Tensor, NDArray[np.float64]]:
    """Train L fits on each of G splits of n rows, in step, until each has stopped; as `fit`."""
    random = np.random.RandomState(SEED)
    rows, validation = _rows(splits, random)
    weights = start.repeat(*strengths.shape, 1, 1)  # (G, L, C, D + 1)
    strengths = strengths.float()[:, :, None, None]  # (G, L, 1, 1)
    optimiser = OPTIMISERS[training.optimiser](weights)
    best_weights = weights.clone()
    best_hits = np.full(strengths.shape[:2], -1)
    forgiven = np.zeros_like(best_hits)
    running = np.full(best_hits.shape, True)
    active = np.arange(len(splits))  # splits with a fit that has not stopped; the tensors above hold these alone
    for _ in range(0, MAX_EPOCHS + 1, training.epoch_size):
        for _ in range(training.epoch_size):
            order = torch.from_numpy(random.permutation(rows.shape[1]))
            _epoch(inputs, labels, rows[:, order], weights, strengths, optimiser, training.batch)
        hits = _hits(inputs, labels, [validation[i] for i in active], weights)
        better = running[active] & (hits > best_hits[active])
        at, strength = np.nonzero(better)
        best_weights[active[at], strength] = weights[at, strength]
        best_hits[active] = np.where(better, hits, best_hits[active])
        stopping = running[active] & ~better & (forgiven[active] >= training.tenacity)
        forgiven[active] += ~better
        running[active] &= ~stopping
        on_fits(int(stopping.sum()))
        if not running.any():
            break
        keep = torch.from_numpy(running[active].any(1))
        if not keep.all():
            active, rows, weights, strengths = active[keep.numpy()], rows[keep], weights[keep], strengths[keep]
            optimiser.keep(keep)
    on_fits(int(running.sum()))
    return best_weights, best_hits / np.array([[len(held_out)] for held_out in validation])


def _rows(splits: Sequence[Split], random: np.random.RandomState) -> tuple[Tensor, list[Tensor]]:
    """Training rows (G, n), and the validation rows of each split."""
    train = np.stack([split.train for split in splits])
    validation = [split.validation for split in splits if split.validation is not None]
    if not validation:
        order = random.permutation(train.shape[1])
        size = int(HELD_OUT * train.shape[1])
        validation = [*train[:, order[:size]]]
        train = train[:, order[size:]]
    return torch.from_numpy(train), [torch.from_numpy(rows) for rows in validation]


def _epoch(
    inputs: Tensor,
    labels: Tensor,
    rows: Tensor,
    weights: Tensor,
    strengths: Tensor,
    optimiser: Adam | RMSprop,
    size: int,
) -> None:
    """Step through `rows` (G, n) in batches of `size`, changing `weights` (G, L, C, D + 1)."""
    splits, fits, classes, width = weights.shape
    targets = F.one_hot(labels[rows], classes).mT[:, None].float().contiguous()  # (G, 1, C, n)
    stacked = weights.view(splits, fits * classes, width)
    gathered = inputs.new_empty(splits * size, width)
    for batch, target in zip(torch.split(rows, size, 1), torch.split(targets, size, 3), strict=True):
        index = batch.flatten()
        features = torch.index_select(inputs, 0, index, out=gathered[: len(index)]).view(splits, -1, width)
        logits = (stacked @ features.mT).view(splits, fits, classes, -1)  # (G, L, C, B)
        # The gradient of the mean cross-entropy is (softmax - target) x features / B, that of l2 is l2 x weights.
        residuals = logits.softmax(2).sub_(target).view(splits, fits * classes, -1)
        gradient = torch.mul(weights, strengths)
        gradient.view_as(stacked).baddbmm_(residuals, features, alpha=1 / batch.shape[1])
        optimiser.step(weights, gradient)


def _hits(inputs: Tensor, labels: Tensor, validation: Sequence[Tensor], weights: Tensor) -> NDArray[np.int64]:
    """How many of each split's validation rows each of its fits gets right: (G, L)."""
    fits, classes, width = weights.shape[1:]
    hits = np.empty((len(validation), fits), dtype=np.int64)
    for count, rows, own in zip(hits, validation, weights, strict=True):
        logits = (inputs[rows] @ own.view(fits * classes, width).T).view(-1, fits, classes)
        count[:] = (logits.argmax(2) == labels[rows, None]).sum(0)
    return hits
