"""Methods whose negatives are treated by how similar they are to the anchor in somebody's eyes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import cosine_matrix

SELF = "self"


class TaughtSettings(InBatchSettings):
    """Settings common to the methods that ask for a similarity of two sentences."""

    similarity: str = Field(
        "backbone",
        description="who says how near two sentences are: an entry of `teacher`, or `self`, the model as it is",
    )

    @property
    def teacher(self) -> str | None:
        """The entry of the section `teacher`, none for `self`."""
        return None if self.similarity == SELF else self.similarity


class TaughtMethod(InBatchMethod):
    """An in-batch method with a similarity (B, B) beside the cosines."""

    Settings: ClassVar[type[TaughtSettings]] = TaughtSettings
    settings: TaughtSettings

    def similarities(self, cosines: Tensor, batch: Batch) -> Tensor:
        """Similarities (B, B) of the anchors with the batch's sentences, without gradient."""
        if batch.teacher is None:
            return cosines[:, : len(cosines)].detach()
        return cosine_matrix(batch.teacher, batch.teacher)
