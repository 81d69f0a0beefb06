"""What SoftCSE's two forms share: the weight of each negative by its similarity with the anchor.

What is known, and how surely (no official code; the paper's text was not available to us):
- That the weight or the temperature of each negative follows from its similarity with the anchor: the abstract (A).
- The weight w_ij = (1 - s_ij) / (1 - 1/N): two third-party implementations (certainty B; chaxjli/U-MARVEL
  models/SoftCSELoss.py, yama11235/EmpiricalCircumplexModel). Its mean over negatives is 1 if s_ij sums to 1; the second
  code scales 1 - s_ij to that mean whatever the sum.
- The temperature t_ij = t / w_ij: the first of the two alone.
- That s_ij is a softmax over the negatives of a supervising similarity: a third party's documentation (B;
  yama11235/EmpiricalCircumplexModel). Third-party codes take the cosine as it is (`normalisation: raw`), one of them
  the model's own (`similarity: self`).
Assumed:
- Which model supervises, and the softmax's temperature T_s (`sharpness`). At T_s = 1 the weights are nearly uniform
  whatever the teacher says. At the default they spare a negative whose cosine lies far above those of the others, and
  most batches have none such: with all-MiniLM-L6-v2 on batches of 64 Wikipedia sentences the nearest keeps 0.91 of its
  weight (median; 0.71 at T_s = 0.05, 0.26 at 0.02). Study softcse_sharpness asks what that is worth.
- That the weights are constants: no gradient flows into them. One third-party code lets it.
- The temperature t and the recipe, which are SimCSE's. One third-party code has t = 0.1, as 0.05 gave NaN there.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.losses import negative_weights
from methods.core.taught import TaughtMethod, TaughtSettings


class SoftNegativesSettings(TaughtSettings):
    """Settings of both forms."""

    normalisation: Literal["softmax", "raw"] = Field(
        "softmax", description="what makes s_ij of the similarities (certainty B)"
    )
    sharpness: float = Field(
        0.1, gt=0, description="T_s, that softmax's temperature (assumed); .inf: all alike, SimCSE"
    )


class SoftNegativesMethod(TaughtMethod):
    """An in-batch method whose negatives are individualised by similarity."""

    Settings: ClassVar[type[SoftNegativesSettings]] = SoftNegativesSettings
    settings: SoftNegativesSettings

    def weights(self, cosines: Tensor, batch: Batch) -> Tensor:
        """w_ij (B, B): rows of the batch are anchors, columns candidates."""
        sharpness = self.settings.sharpness if self.settings.normalisation == "softmax" else None
        return negative_weights(self.similarities(cosines, batch), sharpness)
