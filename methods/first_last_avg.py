"""The average of a backbone's first and last token states, without training."""

from __future__ import annotations

from methods.core.untrained import UntrainedEncoder


class FirstLastAverage(UntrainedEncoder):
    """The usual untrained baseline ("BERT first-last avg" of the papers' tables; see `pool` for which first)."""

    label = "First-last avg."
    pooling = "first_last_avg"
