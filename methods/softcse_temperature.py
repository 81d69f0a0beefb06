"""SoftCSE with an individual temperature for each negative (Zhuang et al., CIKM 2024, doi 10.1145/3627673.3679745).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j e^{c_ij/t_ij}), t_ij = t / w_ij. What is known and what is assumed
stands in methods/core/soft_negatives.py.
"""

from __future__ import annotations

from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import tempered_info_nce
from methods.core.soft_negatives import SoftNegativesMethod


class SoftCSETemperature(SoftNegativesMethod):
    """A negative close to the anchor is compared at a higher temperature, so it is pushed away less."""

    label = "SoftCSE (temperature)"
    paper = "softcse"

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE with the logit c_ij w_ij / t of every negative."""
        return tempered_info_nce(cosines, self.weights(batch), self.settings.temperature)
