"""DCLR, Debiased Contrastive Learning of Unsupervised Sentence Representations (Zhou, Zhang, Zhao and Wen, ACL 2022).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + sum_j a_ij e^{c_ij/t} + sum_k e^{cos(h_i, n_k)/t}),
a_ij = 0 if s_ij >= phi else 1: negatives that a complementary model finds close are false and left out, and Gaussian
vectors n_k, moved along the gradient of InfoNCE to where they hurt most, spread the space out.

Source: RUCAIBox/DCLR simcse/models.py and run.sh (BERT-base). The code multiplies the logits by a_ij, so that a masked
negative still counts e^0, and takes the mean binary cross-entropy over the softmax, which is nan once a probability
rounds to 1. Masks never apply to the noise (code). The ascent's steps are short against the noise's length, about
sqrt(H), and move its cosines little (code).
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import cosine_matrix, cross_entropy_gradient, diagonal, info_nce, weighted_info_nce
from methods.core.taught import TaughtMethod, TaughtSettings


class DCLRSettings(TaughtSettings):
    """BERT-base's."""

    # Deviation: mask and loss are the formula's, not the code's.
    # Deviation: run.sh keeps the checkpoint with the best mean of STS-B and SICK-R dev; ours, the best on STS-B dev.
    # Deviation: their complementary model is a trained SimCSE; ours is whichever `similarity` names, the backbone
    # unless a profile has a SimCSE to offer, and its cosines are of one embedding a sentence, not of two views. phi was
    # chosen for a SimCSE's cosines: of another teacher's all may lie below, and no negative counts as false, or above.
    phi: float = Field(0.9, description="similarity from which on a negative counts as false (run.sh)")
    noise_times: float = Field(1.0, ge=0, description="noise vectors per sentence of the batch (run.sh)")
    noise_steps: int = Field(
        1, ge=0, description="steps of gradient ascent on the noise (assumed: run.sh leaves `pgd` out)"
    )
    noise_rate: float = Field(1e-3, gt=0, description="length of such a step (models.py)")


class DCLR(TaughtMethod):
    """False negatives out, noise in."""

    label = "DCLR"
    paper = "dclr"
    Settings: ClassVar[type[DCLRSettings]] = DCLRSettings
    settings: DCLRSettings

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Cosines (B, B + M) of first views (B, H) with second views (B, H) and with M noise vectors."""
        cosines = cosine_matrix(first, second)
        return torch.cat([cosines, cosine_matrix(first, self.noise(first.detach(), cosines.detach()))], dim=1)

    def noise(self, first: Tensor, cosines: Tensor) -> Tensor:
        """Noise negatives (M, H) for anchors (B, H) with these cosines (B, B); all without gradient."""
        count = int(self.settings.noise_times * len(first))
        noise = torch.randn(count, first.shape[1], dtype=cosines.dtype, device=cosines.device)
        for _ in range(self.settings.noise_steps):
            with torch.enable_grad():
                noise.requires_grad_()
                known = torch.cat([cosines, cosine_matrix(first, noise)], dim=1)
                loss = info_nce(known, self.settings.temperature).mean()
            (gradient,) = torch.autograd.grad(loss, noise)
            noise = noise.detach() + self.settings.noise_rate * F.normalize(gradient, dim=1)
        return noise

    def weights(self, cosines: Tensor, batch: Batch) -> Tensor:
        """a_ij (B, B + M): 0 for a false negative, 1 for the positive, the others and the noise."""
        similarities = self.similarities(cosines, batch)
        weights = torch.ones_like(cosines)
        weights[:, : len(cosines)][(similarities >= self.settings.phi) & ~diagonal(similarities)] = 0
        return weights

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE over the negatives that are left, (B,)."""
        return weighted_info_nce(cosines, self.weights(cosines, batch), self.settings.temperature)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / t with P_ij = a_ij e^{c_ij/t} / Z_i, (B, B + M)."""
        t = self.settings.temperature
        return cross_entropy_gradient(cosines / t + self.weights(cosines, batch).log()) / t
