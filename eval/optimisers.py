"""Adam and RMSprop on many models at once: one stacked tensor whose leading dimension shrinks as models are done."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Adam:
    """torch.optim.Adam with its defaults, on weights whose leading dimension may shrink."""

    lr, decay, square_decay, epsilon = 1e-3, 0.9, 0.999, 1e-8

    def __init__(self, weights: Tensor) -> None:
        self.steps = 0
        self.mean = torch.zeros_like(weights)
        self.square = torch.zeros_like(weights)

    def step(self, weights: Tensor, gradient: Tensor) -> None:
        """Change `weights` by one step."""
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self.decay)
        self.square.mul_(self.square_decay).addcmul_(gradient, gradient, value=1 - self.square_decay)
        # Both bias corrections go into the two scalars: no further pass over the tensors.
        root = math.sqrt(1 - self.square_decay**self.steps)
        size = self.lr * root / (1 - self.decay**self.steps)
        weights.addcdiv_(self.mean, self.square.sqrt().add_(self.epsilon * root), value=-size)

    def keep(self, mask: Tensor) -> None:
        """Go on with the models that `mask` is true for."""
        self.mean, self.square = self.mean[mask], self.square[mask]


class RMSprop:
    """torch.optim.RMSprop with its defaults, on weights whose leading dimension may shrink."""

    lr, square_decay, epsilon = 1e-2, 0.99, 1e-8

    def __init__(self, weights: Tensor) -> None:
        self.square = torch.zeros_like(weights)

    def step(self, weights: Tensor, gradient: Tensor) -> None:
        """Change `weights` by one step."""
        self.square.mul_(self.square_decay).addcmul_(gradient, gradient, value=1 - self.square_decay)
        weights.addcdiv_(gradient, self.square.sqrt().add_(self.epsilon), value=-self.lr)

    def keep(self, mask: Tensor) -> None:
        """Go on with the models that `mask` is true for."""
        self.square = self.square[mask]


OPTIMISERS: dict[str, type[Adam | RMSprop]] = {"adam": Adam, "rmsprop": RMSprop}
