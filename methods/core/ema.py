"""The exponential moving average that a momentum encoder is, and the schedule of its decay."""

from __future__ import annotations

import math

import torch
from torch import nn


@torch.no_grad()
def ema_update(target: nn.Module, online: nn.Module, decay: float) -> None:
    """Move every parameter of `target` towards `online`: target = decay * target + (1 - decay) * online.

    Parameters that both modules share are left alone.
    """
    for average, source in zip(target.parameters(), online.parameters(), strict=True):
        if average is not source:
            average.lerp_(source, 1 - decay)


def cosine_decay(initial: float, step: int, total: float) -> float:
    """Decay that rises from `initial` at step 0 to 1 at `total` along half a cosine, and comes down again after it.

    decay_t = 1 - (1 - initial) (cos(pi t / total) + 1) / 2 (xbdxwyh/mocose@45cbc81 mocose.py, whose runs of 15,554
    steps pass its total of 15,000).
    """
    return 1 - (1 - initial) * (math.cos(math.pi * step / total) + 1) / 2
