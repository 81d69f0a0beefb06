"""The mean of a backbone's last token states, without training."""

from __future__ import annotations

from methods.core.untrained import UntrainedEncoder


class Mean(UntrainedEncoder):
    """What a backbone's words mean in their context, averaged."""

    label = "Mean"
    pooling = "mean"
