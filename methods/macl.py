"""MACL, Model-Aware Contrastive Learning: Towards Escaping the Dilemmas (Huang et al., ICML 2023).

L_i = -sg(1 / (1 - P_ii)) log P_ii,  P_ij = e^{c_ij/t} / sum_k e^{c_ik/t},  t = t0 (1 + a (A - A0)),  A = sg(mean c_ii):
the better the model aligns its positives, the higher its temperature; the weight keeps the gradient from vanishing as
P_ii nears 1.

Source: chenhaoxing/MACL macl.py, class MACLb, which leaves A0 out. We follow it: A0 is no parameter of its own, since
t0 (1 + a (A - A0)) = t0 (1 - a A0) (1 + a / (1 - a A0) A). We ask for a <= 1 in this form, which keeps t positive
for A > -1. The settings of its sentence experiments are not released.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import cross_entropy_gradient, off_diagonal


class MACLSettings(InBatchSettings):
    """Those of class MACLb."""

    temperature: float = Field(0.1, gt=0, description="t0, the temperature at A = 0 (macl.py tau_init)")
    alpha: float = Field(1.0, ge=0, le=1, description="a, how much alignment raises it (macl.py beta)")


class MACL(InBatchMethod):
    """One temperature a batch, set by how well its positives are aligned, and anchors reweighted."""

    label = "MACL"
    paper = "macl"
    Settings: ClassVar[type[MACLSettings]] = MACLSettings
    settings: MACLSettings

    def temperature(self, cosines: Tensor) -> Tensor:
        """The batch's t, (), a constant."""
        alignment = cosines.detach().diagonal().mean()
        return self.settings.temperature * (1 + self.settings.alpha * alignment)

    def odds(self, cosines: Tensor) -> Tensor:
        """The log of (1 - P_ii) / P_ii, (B,): the negatives' partition sum against the positive."""
        logits = cosines / self.temperature(cosines)
        return torch.logsumexp(off_diagonal(logits), dim=1) - logits.diagonal()

    def weights(self, cosines: Tensor) -> Tensor:
        """1 / (1 - P_ii) = 1 + P_ii / (1 - P_ii), (B,), constants; bounded, for fp32 and a batch without negatives."""
        return 1 + (-self.odds(cosines.detach())).clamp_max(80).exp()

    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """-log P_ii over 1 - P_ii, (B,)."""
        return self.weights(cosines) * F.softplus(self.odds(cosines), threshold=80)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / (t (1 - P_ii)), (B, B): the softmax over the negatives alone, whatever the positive."""
        t = self.temperature(cosines)
        return self.weights(cosines)[:, None] * cross_entropy_gradient(cosines / t) / t
