"""HCL, Contrastive Learning with Hard Negative Samples (Robinson, Chuang, Sra and Jegelka, ICLR 2021).

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + N_i): DCL's estimate, in which a negative counts the more the nearer it is,
w_ij = e^{b c_ij/t} / mean_k e^{b c_ik/t}; formula in methods/core/debiased.py. b = 0 is DCL.

Source: joshr17/HCL image/main.py (`criterion`, estimator "hard"), which agrees with the formula and lets the gradient
through the weights, as we do. On the temperature see methods/dcl.py.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.debiased import debiased_gradient, debiased_info_nce
from methods.core.in_batch import InBatchMethod, InBatchSettings


class HCLSettings(InBatchSettings):
    """The image code's."""

    temperature: float = Field(0.5, gt=0, description="t (image/main.py --temperature)")
    tau_plus: float = Field(0.1, ge=0, lt=1, description="tau+, share of false negatives (image/main.py --tau_plus)")
    beta: float = Field(1.0, ge=0, description="b, concentration on hard negatives (image/main.py --beta)")


class HCL(InBatchMethod):
    """Hard negatives count more, and the positive's own weight is taken off their sum."""

    label = "HCL"
    Settings: ClassVar[type[HCLSettings]] = HCLSettings
    settings: HCLSettings

    # Deviation: the image code's negatives are both views of the other images, N = 2B - 2, and either view is an
    # anchor; ours are the second views alone, N = B - 1, as SimCSE's.
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """InfoNCE over the debiased estimate of the hard negatives, (B,)."""
        s = self.settings
        return debiased_info_nce(cosines, s.temperature, s.tau_plus, s.beta)

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """Formula at `debiased_gradient`: the easiest negatives may be drawn near; (B, B)."""
        s = self.settings
        return debiased_gradient(cosines, s.temperature, s.tau_plus, s.beta)
