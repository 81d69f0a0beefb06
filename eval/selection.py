"""How SentEval chooses the l2 strength of a task's classifier, and what it then scores.

Three ways (senteval/tools/validation.py): a set without a split is cross-validated within cross-validation, one
with train and test parts is cross-validated on train, one with a dev part too is validated on that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

from eval.classifier import HELD_OUT, SEED, Split, Training, fit, initial_weights, predict
from eval.transfer_sets import TransferSet
from pipelines.errors import NegbenchError

STRENGTHS = np.array([1e-5, 1e-4, 1e-3, 1e-2])

Labels = NDArray[np.int64]
Folds = Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]  # rows to train on, rows held out


@dataclass(frozen=True)
class Outcome:
    """What the chosen classifiers give.

    Args:
        acc: accuracy on the test examples in per cent, rounded where SentEval rounds.
        devacc: accuracy by which the strength was chosen, likewise.
        l2: the chosen strength, one for each outer fold where there are outer folds.
        predicted: (n,) the class given to each test example.
    """

    acc: float
    devacc: float
    l2: list[float]
    predicted: Labels


def check(task: TransferSet, folds: int) -> None:
    """Refuse a set that lacks a class or is too small for its protocol.

    Raises:
        NegbenchError: a part has no example of a class; or a class has fewer examples than folds, so that some fold
            would lack it; or there are too few examples to hold any out.
    """
    for name, part in task.parts.items():
        if absent := {*range(task.classes)} - {*part.labels.tolist()}:
            found = f"no example of class {min(absent)}"
            raise NegbenchError(found, f"{task.task}, part {name}", "Fetch the data again.")
    if "dev" in task.parts:
        return
    where = f"{task.task}, {folds} folds"
    labels = task.parts["all" if "all" in task.parts else "train"].labels
    counts = np.bincount(labels, minlength=task.classes)
    # Where folds lie within folds, each class must have an example for every inner fold.
    left = counts - -(-counts // folds) if "all" in task.parts else counts
    rows = len(labels) - -(-len(labels) // folds) if "all" in task.parts else len(labels)
    if left.min() < folds:
        rarest = int(left.argmin())
        found = f"class {rarest} has {counts[rarest]} examples, too few to be in every fold"
        raise NegbenchError(found, where, "Fetch the data again; the fast setting takes fewer folds.")
    if int(HELD_OUT * rows) == 0:
        found = f"{rows} examples to train on, and {HELD_OUT:.0%} of them to hold out is none"
        raise NegbenchError(found, where, "Fetch the data again.")


def fits_of(parts: Collection[str], folds: int) -> int:
    """How many classifiers `select` trains on a set of such parts."""
    if "all" in parts:
        return folds * folds * len(STRENGTHS) + folds
    return len(STRENGTHS) if "dev" in parts else folds * len(STRENGTHS) + 1


def select(
    features: Mapping[str, Tensor],
    labels: Mapping[str, Labels],
    classes: int,
    training: Training,
    folds: int,
    on_fits: Callable[[int], object] = lambda count: None,
) -> Outcome:
    """Choose l2 strengths by SentEval's protocol, train with them and classify the test examples.

    Args:
        features: (N, D) float32 by part: "all", or "train" and "test", with "dev" or without.
        labels: (N,) by part, each from 0 to `classes` - 1.
        classes: C.
        training: how each classifier is trained.
        folds: of every cross-validation.
        on_fits: told each time how many more classifiers are trained.
    """
    width = next(iter(features.values())).shape[1]
    # A column that is empty in all parts, of which word counts have many, changes no prediction: leave it out.
    used = torch.stack([own.any(dim=0) for own in features.values()]).any(dim=0)  # (D,)
    start = initial_weights(width, classes)[:, [*used.nonzero()[:, 0], -1]]
    features = {part: own[:, used] for part, own in features.items()}
    task = _Task(start, training, folds, on_fits)
    if "all" in features:
        return task.nested(features["all"], labels["all"])
    if "dev" in features:
        return task.validated(features, labels)
    return task.cross_validated(features, labels)


@dataclass(frozen=True)
class _Task:
    start: Tensor  # (C, D + 1)
    training: Training
    folds: int
    on_fits: Callable[[int], object]

    def nested(self, features: Tensor, labels: Labels) -> Outcome:
        outer = [*self._folds(labels)]
        inner = [
            Split(train[kept], train[held_out]) for train, _ in outer for kept, held_out in self._folds(labels[train])
        ]
        _, accuracy = self._fit(features, labels, inner, np.tile(STRENGTHS, (len(inner), 1)))
        chosen = [_best(own) for own in accuracy.reshape(self.folds, self.folds, -1)]
        strengths = STRENGTHS[[index for index, _ in chosen]]
        weights, _ = self._fit(features, labels, [Split(train) for train, _ in outer], strengths[:, None])
        predicted = np.empty_like(labels)
        for (_, test), own in zip(outer, weights, strict=True):
            predicted[test] = _classify(features[test], own[0])
        acc = _mean([_per_cent(predicted[test] == labels[test]) for _, test in outer])
        devacc = _mean([score for _, score in chosen])
        return Outcome(acc, devacc, strengths.tolist(), predicted)

    def cross_validated(self, features: Mapping[str, Tensor], labels: Mapping[str, Labels]) -> Outcome:
        splits = [Split(kept, held_out) for kept, held_out in self._folds(labels["train"])]
        _, accuracy = self._fit(features["train"], labels["train"], splits, np.tile(STRENGTHS, (len(splits), 1)))
        chosen, devacc = _best(accuracy)
        everything = Split(np.arange(len(labels["train"])))
        weights, _ = self._fit(features["train"], labels["train"], [everything], STRENGTHS[None, [chosen]])
        return self._tested(features, labels, weights[0, 0], chosen, devacc)

    def validated(self, features: Mapping[str, Tensor], labels: Mapping[str, Labels]) -> Outcome:
        size = len(labels["train"])
        split = Split(np.arange(size), np.arange(size, size + len(labels["dev"])))
        weights, accuracy = self._fit(
            torch.cat([features["train"], features["dev"]]),
            np.concatenate([labels["train"], labels["dev"]]),
            [split],
            STRENGTHS[None],
        )
        chosen, devacc = _best(accuracy)
        # SentEval trains once more with the chosen strength: from the same seed, so to the same weights.
        return self._tested(features, labels, weights[0, chosen], chosen, devacc)

    def _tested(
        self,
        features: Mapping[str, Tensor],
        labels: Mapping[str, Labels],
        weights: Tensor,
        chosen: int,
        devacc: float,
    ) -> Outcome:
        predicted = _classify(features["test"], weights)
        acc = _per_cent(predicted == labels["test"])
        return Outcome(acc, devacc, [float(STRENGTHS[chosen])], predicted)

    def _folds(self, labels: Labels) -> Folds:
        folds: Folds = StratifiedKFold(self.folds, shuffle=True, random_state=SEED).split(labels, labels)
        return folds

    def _fit(
        self, features: Tensor, labels: Labels, splits: list[Split], strengths: NDArray[np.float64]
    ) -> tuple[Tensor, NDArray[np.float64]]:
        fits = fit(features, torch.from_numpy(labels), self.start, splits, strengths, self.training, self.on_fits)
        return fits.weights, fits.accuracy


def _best(accuracy: NDArray[np.float64]) -> tuple[int, float]:
    """The strength with the best mean of (folds, L) accuracies, the first of equals, and that mean in per cent."""
    scores = [_mean(100 * own) for own in accuracy.T]
    return int(np.argmax(scores)), max(scores)


def _mean(scores: Sequence[float] | NDArray[np.float64]) -> float:
    """Rounded as SentEval rounds means: by numpy, which takes a 5 after the second decimal to the even one."""
    return float(np.round(np.mean(scores), 2))


def _per_cent(right: NDArray[np.bool_]) -> float:
    """Rounded as SentEval rounds an accuracy: by Python, to what is nearer in binary."""
    return round(100 * float(np.mean(right)), 2)


def _classify(features: Tensor, weights: Tensor) -> Labels:
    return np.asarray(predict(features, weights))
