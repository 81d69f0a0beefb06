"""The shape that SimCSE gave the field: two dropout views of a batch, each sentence the others' negative."""

from __future__ import annotations

from abc import abstractmethod

import torch
from pydantic import Field
from torch import Tensor, nn

from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.encoder import Encoder
from methods.core.losses import cosine_matrix, mean_negative


class InBatchSettings(MethodSettings):
    """Settings common to the in-batch methods."""

    temperature: float = Field(0.05, gt=0)


class InBatchMethod(TrainedMethod):
    """Two passes of one encoder under dropout; a subclass turns their cosines into a loss.

    In training a freshly initialised Linear and Tanh sit on the pooled state, [CLS] in the paper, and are
    dropped afterwards (SimCSE's `mlp_only_train`; princeton-nlp/SimCSE@49fa580 simcse/models.py).
    """

    Settings = InBatchSettings

    def __init__(self, encoder: Encoder, settings: InBatchSettings, schedule: Schedule) -> None:
        super().__init__(encoder, settings, schedule)
        self.head = nn.Sequential(nn.Linear(encoder.dimension, encoder.dimension), nn.Tanh())

    @abstractmethod
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """The loss, a scalar, from the cosines (B, B) of first views (rows) with second views (columns)."""

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Embed both views in one pass of 2B rows, each row under its own dropout mask."""
        pooled = self.encoder(torch.cat([batch.ids] * 2), torch.cat([batch.mask] * 2))  # (2B, H)
        first, second = self.head(pooled).chunk(2)  # each (B, H)
        cosines = cosine_matrix(first, second)
        return self.loss(cosines, batch), {
            "positive_similarity": cosines.diagonal().mean().detach(),
            "negative_similarity": mean_negative(cosines),
        }
