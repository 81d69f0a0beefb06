"""A first-in first-out queue of negatives, held in buffers so that a checkpoint carries it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Queue(nn.Module):
    """The last `size` keys, newest first, behind `initial` random unit vectors at the start.

    Args:
        size: K, most rows kept.
        initial: random rows at the start, at most K. MoCoSE calls the count K_start.
        dimension: D, length of a key.
    """

    rows: Tensor  # (K, D), newest first; only the first `filled` are in use
    filled: Tensor  # () int64

    def __init__(self, size: int, initial: int, dimension: int) -> None:
        super().__init__()
        rows = torch.zeros(size, dimension)
        rows[:initial] = F.normalize(torch.randn(initial, dimension), dim=1)
        self.register_buffer("rows", rows)
        self.register_buffer("filled", torch.tensor(initial))

    def negatives(self) -> Tensor:
        """The rows in use, (filled, D), newest first."""
        return self.rows[: int(self.filled)]

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Put keys (B, D) in front; what exceeds the size leaves at the back. Call it after the loss."""
        size = len(self.rows)
        self.rows = torch.cat([keys.detach().to(self.rows.dtype), self.rows])[:size]
        self.filled.copy_((self.filled + len(keys)).clamp_max(size))
