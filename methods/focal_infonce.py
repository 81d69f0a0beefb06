"""Improving Contrastive Learning of Sentence Embeddings with Focal-InfoNCE (Hou and Li, Findings of EMNLP 2023).

L_i = -log e^{c_ii^2/t} / (e^{c_ii^2/t} + sum_j e^{c_ij (c_ij + m)/t}): each similarity is scaled by itself, a
negative's raised by the margin m, so that hard negatives weigh more and a poor positive less.

Source: puerrrr/Focal-InfoNCE focalNCE/models.py (`sp_logits`), which agrees with the formula; the gradient flows
through both factors there, and here.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import cross_entropy, cross_entropy_gradient, diagonal


class FocalInfoNCESettings(InBatchSettings):
    """The authors'."""

    margin: float = Field(0.3, description="m, added to a negative's factor (their README)")


class FocalInfoNCE(InBatchMethod):
    """The logit is quadratic in the cosine: the pull on a negative grows with its similarity."""

    label = "Focal-InfoNCE"
    paper = "focal_infonce"
    Settings: ClassVar[type[FocalInfoNCESettings]] = FocalInfoNCESettings
    settings: FocalInfoNCESettings

    def logits(self, cosines: Tensor) -> Tensor:
        """Logits c (c + m) / t, (B, B), m = 0 for the positive."""
        return cosines * (cosines + self.margins(cosines)) / self.settings.temperature

    def margins(self, cosines: Tensor) -> Tensor:
        """The margin m of every negative, (B, B), 0 on the diagonal."""
        return self.settings.margin * (~diagonal(cosines)).to(cosines.dtype)

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the quadratic logits, (B,)."""
        return cross_entropy(self.logits(cosines))

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij (2 c_ij + m) / t, (B, B)."""
        slope = (2 * cosines + self.margins(cosines)) / self.settings.temperature
        return cross_entropy_gradient(self.logits(cosines)) * slope
