"""The fast gradient sign perturbation of embeddings, by the gradient of the step before."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Perturbation(nn.Module):
    """Adds epsilon * sign(g) to what an embedding layer gives in training, g its gradient one step earlier.

    MoCoSE's released code keeps the previous batch's gradient in a global variable and applies it to both views
    (xbdxwyh/mocose@45cbc81 mocose.py). Here it is a buffer, which a checkpoint carries.

    Args:
        embeddings: the layer to perturb; its output is (B, L, H) and is left alone in evaluation mode.
        epsilon: size of the step; 0 attaches nothing.
        shape: (B, L, H) of the largest batch.
    """

    previous: Tensor  # (B, L, H), zero where the batch before had no token

    def __init__(self, embeddings: nn.Module, epsilon: float, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.epsilon = epsilon
        if epsilon:
            self.register_buffer("previous", torch.zeros(shape))
            embeddings.register_forward_hook(self._perturb)

    def _perturb(self, embeddings: nn.Module, _: object, output: Tensor) -> Tensor:
        if not embeddings.training:
            return output
        rows, length = output.shape[:2]
        delta = self.epsilon * self.previous[:rows, :length].sign().to(output.dtype)
        if output.requires_grad:  # the online view: the target view runs without gradients
            output.register_hook(self._remember)  # type: ignore[no-untyped-call]
        return output + delta

    def _remember(self, gradient: Tensor) -> None:
        self.previous.zero_()
        self.previous[: gradient.shape[0], : gradient.shape[1]] = gradient
