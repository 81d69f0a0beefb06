"""The shape that SimCSE gave the field: two dropout views of a batch, each sentence the others' negative."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.encoder import Encoder
from methods.core.heads import initialise
from methods.core.losses import cosine_matrix, mean_negative
from methods.core.parallel import embed


class InBatchSettings(MethodSettings):
    """Settings common to the in-batch methods."""

    temperature: float = Field(0.05, gt=0, description="t, that the cosines are divided by (SimCSE's)")


class InBatchMethod(TrainedMethod):
    """Two passes of one encoder under dropout; a subclass turns their cosines into a loss.

    In training a freshly initialised Linear and Tanh sit on the pooled state, [CLS] in the paper, and are
    dropped afterwards (SimCSE's `mlp_only_train`; princeton-nlp/SimCSE@49fa580 simcse/models.py).
    """

    Settings: ClassVar[type[InBatchSettings]] = InBatchSettings
    settings: InBatchSettings

    def __init__(self, encoder: Encoder, settings: InBatchSettings, schedule: Schedule) -> None:
        super().__init__(encoder, settings, schedule)
        self.head = nn.Sequential(nn.Linear(encoder.dimension, encoder.dimension), nn.Tanh())
        initialise(self.head, encoder)

    @abstractmethod
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """The loss of every anchor, (B,), from the cosines (B, C) that `compare` gives."""

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor | None:
        """The derivative of every anchor's loss by its cosines in closed form, (B, C), where one was worked out.

        It is what pushes a negative away, by how near it is: the gradient analysis of the papers. Asked for after
        `loss`, with the same arguments.
        """
        return None

    def view(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What encoder and head say of n sentences, (n, H), from their ids and mask (n, L)."""
        rows: Tensor = self.head(self.encoder(ids, mask))
        return rows

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Cosines (B, C) of first views (B, H) with what they are contrasted to: the second views (B, H) come first."""
        return cosine_matrix(first, second)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Embed both views in one pass of 2B rows, each row under its own dropout mask."""
        views = embed(self.view, torch.cat([batch.ids] * 2), torch.cat([batch.mask] * 2))  # (2B, H)
        first, second = views.chunk(2)  # each (B, H)
        cosines = self.compare(first, second)
        return self.loss(cosines, batch).mean(), {
            "positive_similarity": cosines.diagonal().mean().detach(),
            "negative_similarity": mean_negative(cosines),
        }
