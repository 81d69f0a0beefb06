"""SoftCSE with an individual weight for each negative (Zhuang et al., CIKM 2024, doi 10.1145/3627673.3679745).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j w_ij e^{c_ij/t}). What is known and what is assumed stands in
methods/core/soft_negatives.py.
"""

from __future__ import annotations

from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import cross_entropy_gradient, weighted_info_nce
from methods.core.soft_negatives import SoftNegativesMethod


class SoftCSEWeight(SoftNegativesMethod):
    """A negative close to the anchor counts less in the partition sum."""

    label = "SoftCSE (weight)"
    paper = "softcse"

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE with the margin log w_ij on every negative, (B,)."""
        return weighted_info_nce(cosines, self.weights(cosines, batch), self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t with P_ij = w_ij e^{c_ij/t} / Z_i, (B, B)."""
        t = self.settings.temperature
        return cross_entropy_gradient(cosines / t + self.weights(cosines, batch).log()) / t
