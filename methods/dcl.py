"""DCL, Debiased Contrastive Learning (Chuang, Robinson, Lin, Torralba and Jegelka, NeurIPS 2020).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + N_i), with N_i the estimate of what the true negatives weigh if a share tau+ of
the batch is of the anchor's class; formula in methods/core/debiased.py.

Source: chingyaoc/DCL main.py (images). Its temperature belongs to its tau+: the estimate falls to its floor, and the
anchor no longer pushes anything, once c_ii leads t log mean_j e^{c_ij/t} by t log(1/tau+), 0.12 at SimCSE's 0.05.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.debiased import debiased_gradient, debiased_info_nce
from methods.core.in_batch import InBatchMethod, InBatchSettings


class DCLSettings(InBatchSettings):
    """The image code's."""

    temperature: float = Field(0.5, gt=0, description="t (main.py --temperature)")
    tau_plus: float = Field(0.1, ge=0, lt=1, description="tau+, share of false negatives (main.py --tau_plus)")


class DCL(InBatchMethod):
    """Every negative may be a positive in truth: the positive's own weight is taken off their sum."""

    label = "DCL"
    Settings: ClassVar[type[DCLSettings]] = DCLSettings
    settings: DCLSettings

    # Deviation: the image code's negatives are both views of the other images, N = 2B - 2, and either view is an
    # anchor; ours are the second views alone, N = B - 1, as SimCSE's.
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE over the debiased estimate, (B,)."""
        return debiased_info_nce(cosines, self.settings.temperature, self.settings.tau_plus)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """P_ij / (t (1 - tau+)) with P_ij = e^{c_ij/t} / (e^{c_ii/t} + N_i), 0 at the floor; (B, B)."""
        return debiased_gradient(cosines, self.settings.temperature, self.settings.tau_plus)
