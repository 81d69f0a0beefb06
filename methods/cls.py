"""The backbone's own [CLS] state, before any pooler and without training."""

from __future__ import annotations

from methods.core.untrained import UntrainedEncoder


class CLS(UntrainedEncoder):
    """Where every trained method that is evaluated on [CLS] starts from."""

    label = "[CLS]"
    pooling = "cls_before_pooler"
