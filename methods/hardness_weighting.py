"""LLaVE: Large Language and Vision Embedding Models with Hardness-Weighted Contrastive Learning (Lan et al., 2025).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j w_ij e^{c_ij/t}),  w_ij = e^{a sg(c_ij)}: the nearer the negative, the more
it counts, the opposite of SoftCSE.

Source: arXiv 2503.04812 through third parties: chaxjli/U-MARVEL models/LLaVELoss.py (a = 9, t = 0.05),
and `hardness_strength` of MultipleNegativesRankingLoss in huggingface/sentence-transformers.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import cross_entropy_gradient, diagonal, weighted_info_nce


class HardnessSettings(InBatchSettings):
    """The paper's a, as third parties give it; the temperature is SimCSE's."""

    alpha: float = Field(9.0, ge=0, description="a, how much hardness counts (LLaVELoss.py)")


class HardnessWeighting(InBatchMethod):
    """A weight on every negative that grows with its own cosine, and carries no gradient."""

    label = "Hardness weighting"
    Settings: ClassVar[type[HardnessSettings]] = HardnessSettings
    settings: HardnessSettings

    def weights(self, cosines: Tensor) -> Tensor:
        """w_ij (B, B), ones on the diagonal."""
        return (self.settings.alpha * cosines.detach()).exp().masked_fill(diagonal(cosines), 1.0)

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE with the margin a c_ij on every negative, (B,)."""
        return weighted_info_nce(cosines, self.weights(cosines), self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t with P_ij = w_ij e^{c_ij/t} / Z_i, (B, B)."""
        t = self.settings.temperature
        return cross_entropy_gradient(cosines / t + self.weights(cosines).log()) / t
