"""SoftCSE with an individual temperature for each negative (Zhuang et al., CIKM 2024, doi 10.1145/3627673.3679745).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j e^{c_ij/t_ij}), t_ij = t / w_ij. What is known and what is assumed
stands in methods/core/soft_negatives.py.
"""

from __future__ import annotations

from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import cross_entropy_gradient, tempered_info_nce
from methods.core.soft_negatives import SoftNegativesMethod


class SoftCSETemperature(SoftNegativesMethod):
    """A negative close to the anchor is compared at a higher temperature, so it is pushed away less."""

    label = "SoftCSE (temperature)"
    paper = "softcse"

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE with the logit c_ij / t_ij of every negative, (B,)."""
        return tempered_info_nce(cosines, self.weights(cosines, batch), self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t_ij with P_ij = e^{c_ij/t_ij} / Z_i, (B, B)."""
        inverse = self.weights(cosines, batch) / self.settings.temperature  # 1 / t_ij: finite where w_ij is zero
        return cross_entropy_gradient(cosines * inverse) * inverse
