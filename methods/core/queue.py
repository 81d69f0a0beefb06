"""A first-in first-out queue of negatives, held in buffers so that a checkpoint carries it."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.core.losses import cosine_matrix

Slice = Literal["all", "newest", "middle", "oldest", "without_middle"]


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

    def negatives(self, part: Slice = "all") -> Tensor:
        """The rows in use, (filled, D), newest first; of a full queue the given part."""
        rows = self.rows[: int(self.filled)]
        if part == "all" or len(rows) < len(self.rows):
            return rows
        quarter = len(rows) // 4
        first, inner, last = rows[:quarter], rows[quarter:-quarter], rows[-quarter:]
        half = len(inner) // 2
        return {
            "newest": torch.cat([first, inner[:half]]),
            "middle": inner,
            "oldest": torch.cat([inner[half:], last]),
            "without_middle": torch.cat([first, last]),
        }[part]

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Put keys (B, D) in front; what exceeds the size leaves at the back. Call it after the loss."""
        size = len(self.rows)
        self.rows = torch.cat([keys.detach().to(self.rows.dtype), self.rows])[:size]
        self.filled.copy_((self.filled + len(keys)).clamp_max(size))


@torch.no_grad()
def centroids(rows: Tensor, clusters: int, rounds: int = 10) -> Tensor:
    """Unit means (k, D) of `clusters` groups of unit rows (N, D) by cosine: k-means on the sphere; k <= N.

    Starts from rows spread evenly over the N, so that it draws no random number. A group left empty keeps its centre.
    """
    centres = rows[torch.linspace(0, len(rows) - 1, min(clusters, len(rows)), device=rows.device).long()]
    for _ in range(rounds):
        group = cosine_matrix(rows, centres).argmax(dim=1)  # (N,); in float32 under autocast too
        sums = torch.zeros_like(centres).index_add_(0, group, rows)
        empty = torch.bincount(group, minlength=len(centres)) == 0
        centres = F.normalize(torch.where(empty[:, None], centres, sums), dim=1)
    return centres
