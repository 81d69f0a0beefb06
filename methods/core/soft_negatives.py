"""What SoftCSE's two forms share: the weight of each negative by a teacher's similarity with the anchor.

What is known, and how surely (no official code; the paper's text was not available to us):
- The weight w_ij = (1 - s_ij) / (1 - 1/N) and the temperature t_ij = t / w_ij: third-party implementations agree
  (certainty B; chaxjli/U-MARVEL models/SoftCSELoss.py), and the mean of w over negatives is 1 only if s_ij sums to 1.
- That s_ij is a softmax over the negatives of a supervising similarity: a third party's documentation (B).
- Which model supervises, and the softmax's temperature T_s (`sharpness`): unknown. They are settings here. At T_s = 1
  the weights are nearly uniform whatever the teacher says, so the default is sharp.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import cosine_matrix, negative_weights


class SoftNegativesSettings(InBatchSettings):
    """Settings of both forms."""

    sharpness: float = Field(0.1, gt=0)  # T_s; assumed, see above


class SoftNegativesMethod(InBatchMethod):
    """An in-batch method whose negatives are individualised by teacher similarity."""

    Settings = SoftNegativesSettings
    needs_teacher: ClassVar[bool] = True

    def weights(self, batch: Batch) -> Tensor:
        """w_ij (B, B) from the teacher's cosines; rows of the batch are anchors, columns candidates."""
        assert batch.teacher is not None  # needs_teacher: the trainer looks the rows up
        return negative_weights(cosine_matrix(batch.teacher, batch.teacher), self.settings.sharpness)
