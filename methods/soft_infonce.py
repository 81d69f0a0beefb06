"""Soft-InfoNCE, from Rethinking Negative Pairs in Code Search (Li, Zhou, Luu and Miao, EMNLP 2023).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j w_ij e^{c_ij/t}),  w_ij = max( (beta - alpha s_ij) / (beta - alpha/N), 0.1 )
with s_ij the softmax over the N negatives of a similarity that is given. alpha = 0 is InfoNCE; alpha = beta = 1 without
the clip is the weight of SoftCSE.

Source: Alex-HaochenLi/Soft-InfoNCE CodeBERT/models.py (`softinfonce`). The clip is the code's, which we follow.
"""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import cross_entropy_gradient, diagonal, weighted_info_nce
from methods.core.taught import TaughtMethod, TaughtSettings

LEAST = 0.1  # the code's clip


class SoftInfoNCESettings(TaughtSettings):
    """The argument parser's; who teaches is ours (theirs: BM25, SimCSE or a trained model)."""

    # Deviation: the similarities here are cosines, and BM25's at least are not confined to [-1, 1]: over cosines a
    # softmax with the code's temperature of 1 is nearly uniform, and the method nearly InfoNCE.
    alpha: float = Field(1.0, ge=0, description="weight of the similarity (--weight_kl); at most beta")
    beta: float = Field(1.0, gt=0, description="weight of uniformity (--weight_unif)")
    sharpness: float = Field(1.0, gt=0, description="temperature of the softmax over similarities (--t)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.alpha > self.beta:  # beyond beta N the weights turn round, and the last batch may have few negatives
            raise ValueError(f"alpha {self.alpha} exceeds beta {self.beta}")
        return self


class SoftInfoNCE(TaughtMethod):
    """A negative that is said to be similar counts less in the partition sum, but never less than a tenth."""

    label = "Soft-InfoNCE"
    Settings: ClassVar[type[SoftInfoNCESettings]] = SoftInfoNCESettings
    settings: SoftInfoNCESettings

    def weights(self, cosines: Tensor, batch: Batch) -> Tensor:
        """w_ij (B, B), ones on the diagonal; one negative alone has s = 1 and w = 1."""
        alpha, beta = self.settings.alpha, self.settings.beta
        negatives = len(cosines) - 1
        if negatives < 2:
            return torch.ones_like(cosines)
        similarities = self.similarities(cosines, batch)
        positive = diagonal(similarities)
        s = torch.softmax((similarities / self.settings.sharpness).masked_fill(positive, -torch.inf), dim=1)
        return ((beta - alpha * s) / (beta - alpha / negatives)).clamp_min(LEAST).masked_fill(positive, 1.0)

    # Deviation: the code's logits are raw dot products; ours are cosines over a temperature, as every method's here, so
    # that it differs from SimCSE in the weights alone.
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE with the margin log w_ij on every negative, (B,)."""
        return weighted_info_nce(cosines, self.weights(cosines, batch), self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t with P_ij = w_ij e^{c_ij/t} / Z_i, (B, B)."""
        t = self.settings.temperature
        return cross_entropy_gradient(cosines / t + self.weights(cosines, batch).log()) / t
