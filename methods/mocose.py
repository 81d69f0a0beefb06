"""MoCoSE (Cao et al., Findings of ACL 2022): a momentum encoder and a queue of negatives.

Read from the authors' slides and code, xbdxwyh/mocose@45cbc81 mocose.py; defaults are the base model's (slide 4).
The online branch is embeddings -> encoder -> pooler -> projector -> predictor; the target branch shares the
embeddings, follows the other three by EMA, and has no predictor. Test embedding: [CLS] before the pooler.
"""

from __future__ import annotations

import copy
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.ema import cosine_decay, ema_update
from methods.core.encoder import Encoder
from methods.core.losses import cosine_matrix, info_nce, mean_negative
from methods.core.perturbation import Perturbation
from methods.core.queue import Queue


class MoCoSESettings(MethodSettings):
    """Switches of the method, with the published base model's values."""

    temperature: float = Field(0.05, gt=0)
    queue_size: int = Field(512, ge=0)  # K
    initial_fill: int = Field(128, ge=0)  # K_start: random rows in the queue at the start
    ema_decay: float = Field(0.85, ge=0, le=1)  # eta; "0.75~0.95" on slide 4, 0.85 is best in Table 3
    ema_schedule: Literal["cosine", "cosine_15000", "constant"] = "cosine"
    projector_layers: int = Field(1, ge=0)
    predictor_layers: int = Field(2, ge=1)
    embedding_dropout: float = Field(0.1, ge=0, lt=1)
    fgsm_epsilon: float = Field(5e-9, ge=0)  # 0 switches the perturbation off

    @model_validator(mode="after")
    def _fill_fits(self) -> Self:
        if self.initial_fill > self.queue_size:
            raise ValueError(f"initial_fill {self.initial_fill} exceeds queue_size {self.queue_size}")
        return self


class MoCoSE(TrainedMethod):
    """A query of the online branch against keys of the target branch, in the batch and in the queue."""

    label = "MoCoSE"
    paper = "mocose"
    Settings = MoCoSESettings
    step: Tensor  # () int64, training steps taken

    def __init__(self, encoder: Encoder, settings: MoCoSESettings, schedule: Schedule) -> None:
        super().__init__(encoder, settings, schedule)
        backbone, width = encoder.backbone, encoder.dimension
        embeddings: Any = backbone.embeddings
        embeddings.dropout.p = settings.embedding_dropout
        # The backbone's pooler without its Tanh: one linear layer on [CLS].
        own = getattr(backbone, "pooler", None)
        self.pooler = copy.deepcopy(own.dense) if own is not None else nn.Linear(width, width)
        self.projector = nn.Sequential(*(_block(width) for _ in range(settings.projector_layers)))
        self.predictor = nn.Sequential(
            *(_block(width) for _ in range(settings.predictor_layers - 1)), nn.Linear(width, width), nn.Tanh()
        )
        self.target = Encoder(copy.deepcopy(backbone), encoder.tokenizer, encoder.pooling, encoder.max_length)
        self.target.backbone.embeddings = embeddings  # shared, not averaged
        self.target_pooler = copy.deepcopy(self.pooler)
        self.target_projector = copy.deepcopy(self.projector)
        for module in (self.target.backbone.encoder, self.target_pooler, self.target_projector):
            module.requires_grad_(False)
        self.queue = Queue(settings.queue_size, settings.initial_fill, width)
        shape = (schedule.batch_size, schedule.max_length, width)
        self.perturbation = Perturbation(embeddings, settings.fgsm_epsilon, shape)
        self.register_buffer("step", torch.tensor(0))

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """EMA step, then the loss of queries against this batch's keys and the queue, then enqueue."""
        decay = self.decay()
        ema_update(self.target.backbone.encoder, self.encoder.backbone.encoder, decay)  # type: ignore[arg-type]
        ema_update(self.target_pooler, self.pooler, decay)
        ema_update(self.target_projector, self.projector, decay)
        self.step += 1

        queries = self.predictor(self.projector(self.pooler(self.encoder(batch.ids, batch.mask))))  # (B, H)
        # Deviation: keys carry no gradient, as the architecture figure's stop-gradient says; in the released code
        # it reaches the target projector and, through the target path, the shared embeddings.
        with torch.no_grad():  # dropout stays on in the target branch, as in the released code
            keys = self.target_projector(self.target_pooler(self.target(batch.ids, batch.mask)))
            keys = F.normalize(keys.float(), dim=1)  # (B, H)

        # In-batch negatives count too: the slide's equation shows only the queue's, the code uses both.
        cosines = cosine_matrix(queries, torch.cat([keys, self.queue.negatives()]))  # (B, B + filled)
        loss = info_nce(cosines, self.settings.temperature)
        self.queue.enqueue(keys)
        return loss, {
            "positive_similarity": cosines.diagonal().mean().detach(),
            "negative_similarity": mean_negative(cosines),
            "ema_decay": torch.tensor(decay),
            "queue_filled": self.queue.filled.clone(),
        }

    def decay(self) -> float:
        """The decay of the coming step."""
        eta, schedule = self.settings.ema_decay, self.settings.ema_schedule
        if schedule == "constant":
            return float(eta)
        return cosine_decay(eta, int(self.step), 15_000 if schedule == "cosine_15000" else self.schedule.steps)

    def facts(self) -> dict[str, float]:
        """The maximum traceable distance d_trace = 1 / (1 - eta) + K / B, in update steps (slide 8)."""
        return {"d_trace": traceable_distance(self.settings, self.schedule.batch_size)}


def traceable_distance(settings: MoCoSESettings, batch_size: int) -> float:
    """d_trace = 1 / (1 - eta) + K / B: steps between the online branch and the oldest negative (slide 8)."""
    memory = 1 / (1 - settings.ema_decay) if settings.ema_decay < 1 else float("inf")
    return memory + settings.queue_size / batch_size


def _block(width: int) -> nn.Sequential:
    # Deviation: deeper projectors repeat this block; the released class refers to an attribute that does not exist
    # and crashes beyond one layer, so what Table 4 ran for two and three layers is not known.
    return nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.Dropout(0.1))
