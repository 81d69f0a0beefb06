"""SentEval's transfer protocol the plain way: one classifier after the other, by torch's own layers and optimisers.

The reference that eval/classifier.py and eval/selection.py are measured and tested against.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn

from eval.classifier import Training

L2 = [10**power for power in range(-5, -1)]
OPTIMISERS = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}

Labels = NDArray[np.int64]
Scores = tuple[float, float, Labels]  # acc and devacc in per cent, the class given to each test example


class Classifier:
    """One linear layer on D features; seeds numpy and torch when it is made."""

    def __init__(self, dimensions: int, classes: int, l2: float, training: Training) -> None:
        np.random.seed(1111)  # noqa: NPY002 the global generator is the point
        torch.manual_seed(1111)
        self.training = training
        self.layer = nn.Linear(dimensions, classes)
        self.optimiser = OPTIMISERS[training.optimiser](self.layer.parameters(), weight_decay=l2)

    def fit(self, x: Tensor, y: Tensor, validation: tuple[Tensor, Tensor] | None = None) -> float:
        """Train on rows `x` (N, D) with classes `y` (N,) until stopped; returns the best validation accuracy."""
        if validation is None:
            order = np.random.permutation(len(x))  # noqa: NPY002
            held_out, kept = np.split(order, [int(0.05 * len(x))])
            validation, x, y = (x[held_out], y[held_out]), x[kept], y[kept]
        best, best_state, failures, epochs = -1.0, self.layer.state_dict(), 0, 0
        while epochs <= 200:
            for _ in range(self.training.epoch_size):
                self._epoch(x, y)
            epochs += self.training.epoch_size
            accuracy = float((self.predict(validation[0]) == validation[1]).double().mean())
            if accuracy > best:
                best, best_state = accuracy, copy.deepcopy(self.layer.state_dict())
            else:
                failures += 1
                if failures > self.training.tenacity:
                    break
        self.layer.load_state_dict(best_state)
        return best

    def _epoch(self, x: Tensor, y: Tensor) -> None:
        order = torch.from_numpy(np.random.permutation(len(x)))  # noqa: NPY002
        for batch in torch.split(order, self.training.batch):
            loss = nn.functional.cross_entropy(self.layer(x[batch]), y[batch])
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The class (N,) of each row of (N, D)."""
        return torch.as_tensor(self.layer(x)).argmax(1)


class Task:
    """The three protocols; `on_fit` is called after every fit."""

    def __init__(
        self, classes: int, training: Training, folds: int, on_fit: Callable[[], object] = lambda: None
    ) -> None:
        self.classes = classes
        self.training = training
        self.folds = StratifiedKFold(folds, shuffle=True, random_state=1111)
        self.on_fit = on_fit

    def run(self, x: Mapping[str, Tensor], y: Mapping[str, Labels]) -> Scores:
        """By what parts there are: "all"; "train" and "test"; or "train", "dev" and "test"."""
        if "all" in x:
            return self.nested(x["all"], y["all"])
        parts = {part: (x[part], y[part]) for part in x}
        return self.validated(**parts) if "dev" in x else self.cross_validated(**parts)

    def nested(self, x: Tensor, y: Labels) -> Scores:
        """Folds within folds of a set without a split."""
        dev, test, predicted = [], [], np.empty_like(y)
        for train, held_out in self.folds.split(y, y):
            score, l2 = self._cross_validate(x[train], y[train])
            predicted[held_out] = self._fit(l2, x[train], y[train])[0].predict(x[held_out]).numpy()
            dev.append(score)
            test.append(round(100 * float(np.mean(predicted[held_out] == y[held_out])), 2))
        return float(round(np.mean(test), 2)), float(round(np.mean(dev), 2)), predicted

    def cross_validated(self, train: tuple[Tensor, Labels], test: tuple[Tensor, Labels]) -> Scores:
        """Folds of the training part."""
        dev, l2 = self._cross_validate(*train)
        predicted = self._fit(l2, *train)[0].predict(test[0]).numpy()
        return round(100 * float(np.mean(predicted == test[1])), 2), dev, predicted

    def validated(
        self, train: tuple[Tensor, Labels], dev: tuple[Tensor, Labels], test: tuple[Tensor, Labels]
    ) -> Scores:
        """A development part."""
        scores = [round(100 * self._fit(l2, *train, dev)[1], 2) for l2 in L2]
        best = int(np.argmax(scores))
        predicted = self._fit(L2[best], *train, dev)[0].predict(test[0]).numpy()
        return round(100 * float(np.mean(predicted == test[1])), 2), scores[best], predicted

    def _cross_validate(self, x: Tensor, y: Labels) -> tuple[float, float]:
        scores = []
        for l2 in L2:
            parts = self.folds.split(y, y)
            found = [self._fit(l2, x[a], y[a], (x[b], y[b]))[1] for a, b in parts]
            scores.append(float(round(100 * np.mean(found), 2)))
        best = int(np.argmax(scores))
        return scores[best], L2[best]

    def _fit(
        self, l2: float, x: Tensor, y: Labels, validation: tuple[Tensor, Labels] | None = None
    ) -> tuple[Classifier, float]:
        classifier = Classifier(x.shape[1], self.classes, l2, self.training)
        held_out = (validation[0], torch.from_numpy(validation[1])) if validation else None
        accuracy = classifier.fit(x, torch.from_numpy(y), held_out)
        self.on_fit()
        return classifier, accuracy
