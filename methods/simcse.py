"""SimCSE, unsupervised (Gao, Yao and Chen, EMNLP 2021): two dropout views, in-batch InfoNCE.

Source: princeton-nlp/SimCSE@49fa580, simcse/models.py and run_unsup_example.sh.
"""

from __future__ import annotations

from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod
from methods.core.losses import cross_entropy_gradient, info_nce


class SimCSE(InBatchMethod):
    """Every other sentence of the batch is a negative of the same weight and temperature."""

    label = "SimCSE"
    paper = "simcse"

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE at one temperature, (B,)."""
        return info_nce(cosines, self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t, (B, B)."""
        return cross_entropy_gradient(cosines / self.settings.temperature) / self.settings.temperature
