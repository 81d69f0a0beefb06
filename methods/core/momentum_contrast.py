"""MoCoSE, in all the forms that its tables and its released code take; the two readings are files of their own.

Online branch:  q = predictor(projector(pooler(encoder(e(x)))))                      e: the embedding layer
Target branch:  k = projector'(pooler'(encoder'(e(x')))),  theta' <- d theta' + (1 - d) theta before each pass
Loss:           -log e^{cos(q_i, k_i)/t} / sum over k of e^{cos(q_i, k)/t}, k from k_i, the queue and, as released, the
                batch's other keys
Then the batch's keys enter the queue, and its oldest leave.

Sources: the authors' slides (with page) and code, xbdxwyh/mocose@45cbc81 mocose.py ("released"). Defaults are the base
model's by the slides; RELEASED holds what the code does otherwise. Test embedding: the pooled state of the online
encoder, [CLS] before the pooler in the paper.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from methods.core.augmentation import Augmentation, Strengths
from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.ema import cosine_decay, ema_update
from methods.core.encoder import Encoder
from methods.core.heads import block, initialise
from methods.core.losses import cosine_matrix, off_diagonal, unit
from methods.core.parallel import embed
from methods.core.queue import Queue, Slice, centroids

# Where the released code departs from what the slides say or show.
RELEASED: Mapping[str, Any] = {
    "ema_schedule": "cosine_15000",
    "double_initial_fill": True,
    "in_batch_negatives": True,
    "detach_keys": False,
    # Deviation: a model folder carries no augmentation, so that this reaches the scores that select the checkpoint and
    # those of studies; stage evaluate reads the folder.
    "augment_at_evaluation": True,
}
RELEASED_TRAIN: Mapping[str, Any] = {"select": "sts-test"}  # mocose_tools.py selects on the STS test average


class MoCoSESettings(MethodSettings):
    """Every switch of the method; `fidelity` chooses the defaults of those on which paper and code differ."""

    fidelity: Literal["paper", "released"] = Field("paper", description="whose defaults: the slides' or the code's")
    temperature: float = Field(0.05, gt=0, description="t (code)")
    queue_size: int = Field(512, ge=0, description="K (slide 4; Table 7)")
    initial_fill: int = Field(
        128, ge=0, description="K_start: random rows in the queue at the start (slide 4; Table 7)"
    )
    double_initial_fill: bool = Field(False, description="count those rows twice, as the released code does")
    queue_slice: Slice = Field("all", description="part of the full queue that is contrasted with (Table 8)")
    queue_clusters: int = Field(
        0, ge=0, description="contrast with this many k-means centres of the queue; 0: none (slide 9)"
    )
    ema_decay: float = Field(0.85, ge=0, lt=1, description='eta; "0.75~0.95" on slide 4, best of Table 3')
    ema_schedule: Literal["cosine", "cosine_15000", "constant"] = Field(
        "cosine",
        description="how the decay rises from eta to 1: over the run in batches of 64, over 15,000 steps or not",
    )
    projector_layers: int = Field(1, ge=0, description="blocks of the projector, online and target (Table 4)")
    predictor_layers: int = Field(
        2, ge=0, description="layers of the predictor, online alone (Table 4); 0: none (Figure 5)"
    )
    projector_dimension: int | None = Field(
        None, ge=1, description="length of queries and keys; null: the encoder's (Figure 10)"
    )
    embedding_dropout: float = Field(0.1, ge=0, lt=1, description="after the embedding layer (notebook)")
    fgsm_epsilon: float = Field(5e-9, ge=0, description="step along the gradient's sign; 0: none (Table 9)")
    fgsm_gradient: Literal["previous", "present"] = Field(
        "previous", description="whose: of the batch before, as released, or of the batch itself, at twice the cost"
    )
    token_cutoff: float = Field(0.0, ge=0, lt=1, description="share of tokens zeroed (augmentation table)")
    feature_cutoff: float = Field(0.0, ge=0, lt=1, description="share of features zeroed (augmentation table)")
    shuffle_positions: bool = Field(False, description="one random order of positions a batch (augmentation table)")
    augment_at_evaluation: bool = Field(
        False, description="cut and shuffle in evaluation too, as the released code does"
    )
    in_batch_negatives: bool = Field(
        False, description="contrast with the batch's other keys too (code; slide 4 shows the queue alone)"
    )
    detach_keys: bool = Field(
        True, description="stop the gradient at the keys (architecture figure; the code does not)"
    )
    target_dropout: bool = Field(True, description="dropout and augmentation in the target branch (code)")
    shared_embeddings: bool = Field(
        True, description="one embedding layer for both branches (code), not an average of its own"
    )

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("fidelity", cls.model_fields["fidelity"].default) == "paper":
            return values
        train = values.get("train", {})
        if not isinstance(train, Mapping):
            return values  # refused right after
        return {**RELEASED, **values, "train": {**RELEASED_TRAIN, **train}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.initial_fill > self.queue_size:
            raise ValueError(f"initial_fill {self.initial_fill} exceeds queue_size {self.queue_size}")
        if self.projector_dimension is not None and not self.projector_layers:
            raise ValueError("projector_dimension needs at least one projector layer")
        if not (self.queue_size or self.in_batch_negatives):
            raise ValueError("without a queue (queue_size 0) in_batch_negatives must be on: there is no other negative")
        if self.queue_slice != "all" and self.queue_size < 4:
            raise ValueError(f"queue_slice '{self.queue_slice}' needs a queue of at least 4, not {self.queue_size}")
        if self.queue_clusters > self.queue_size:
            raise ValueError(f"queue_clusters {self.queue_clusters} exceeds queue_size {self.queue_size}")
        return self

    @property
    def random_rows(self) -> int:
        """Random rows that the queue starts with."""
        return min(self.initial_fill * (2 if self.double_initial_fill else 1), self.queue_size)


class MomentumContrast(TrainedMethod):
    """A query of the online branch against keys of the target branch, in the queue and in the batch."""

    Settings: ClassVar[type[MoCoSESettings]] = MoCoSESettings
    settings: MoCoSESettings
    step: Tensor  # () int64, training steps begun

    def __init__(self, encoder: Encoder, settings: MoCoSESettings, schedule: Schedule) -> None:
        super().__init__(encoder, settings, schedule)
        backbone: Any = encoder.backbone
        width = encoder.dimension
        out = settings.projector_dimension or width
        embeddings = backbone.embeddings
        embeddings.dropout.p = settings.embedding_dropout
        # The backbone's pooler without its Tanh: one linear layer.
        own = getattr(backbone, "pooler", None)
        self.pooler = nn.Linear(width, width)
        # Deviation: deeper projectors put such layers of the encoder's width before the last; the released class refers
        # to an attribute that does not exist and crashes beyond one layer, so what Table 4 ran is not known.
        widths = [width] * settings.projector_layers + [out]
        self.projector = nn.Sequential(*(block(*pair, encoder) for pair in pairwise(widths)))
        hidden = (block(out, out, encoder) for _ in range(settings.predictor_layers - 1))
        last = [nn.Linear(out, out), nn.Tanh()] if settings.predictor_layers else []
        self.predictor = nn.Sequential(*hidden, *last)
        for head in (self.pooler, self.projector, self.predictor):
            initialise(head, encoder)
        if own is not None:
            self.pooler.load_state_dict(own.dense.state_dict())

        self.target = Encoder(copy.deepcopy(backbone), encoder.tokenizer, encoder.pooling, encoder.max_length)
        self.target.requires_grad_(False)
        averaged: Any = self.target.backbone
        if settings.shared_embeddings:
            averaged.embeddings = embeddings
        self.target_pooler = copy.deepcopy(self.pooler).requires_grad_(False)
        # Where the released code lets the gradient into the keys it also lets the optimiser into their projector.
        self.target_projector = copy.deepcopy(self.projector).requires_grad_(not settings.detach_keys)

        # Deviation: the code's buffer begins with K rows and is cut back once K_start and the keys exceed K. Until then
        # some steps contrast with as many as 2 K - K_start rows; ours never with more than K.
        self.queue = Queue(settings.queue_size, settings.random_rows, out)
        self.augmentation = Augmentation(
            [embeddings] if settings.shared_embeddings else [embeddings, averaged.embeddings],
            Strengths(
                settings.fgsm_epsilon, settings.token_cutoff, settings.feature_cutoff, settings.shuffle_positions
            ),
            (schedule.batch_size, schedule.max_length, width),
            previous=settings.fgsm_gradient == "previous",
            at_evaluation=settings.augment_at_evaluation,
        )
        self.register_buffer("step", torch.tensor(0))

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Move the target, contrast queries with keys and the queue, then enqueue the keys."""
        self.step += 1
        decay = self.decay()
        for online, target in self.averages():
            ema_update(target, online, decay)
        if self.settings.fgsm_epsilon and self.settings.fgsm_gradient == "present":
            self.augmentation.look(lambda: self.loss(*self.contrast(self.queries(batch), self.keys(batch))))
        queries, keys = self.queries(batch), self.keys(batch)
        positive, negatives = self.contrast(queries, keys)
        loss = self.loss(positive, negatives)
        self.queue.enqueue(keys)
        return loss, {
            "positive_similarity": positive.mean().detach(),
            "negative_similarity": negatives.mean().detach(),
            "ema_decay": torch.tensor(decay),
            "queue_filled": self.queue.filled.clone(),
        }

    def queries(self, batch: Batch) -> Tensor:
        """What the online branch says of B sentences, (B, D)."""
        online = nn.Sequential(self.pooler, self.projector, self.predictor)
        return embed(lambda ids, mask: online(self.encoder(ids, mask)), batch.ids, batch.mask)

    def keys(self, batch: Batch) -> Tensor:
        """The target branch's unit vectors of B sentences, (B, D)."""
        heads = nn.Sequential(self.target_pooler, self.target_projector)
        for module in (self.target, heads) if not self.settings.target_dropout else ():
            module.eval()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.settings.detach_keys):
            keys = embed(lambda ids, mask: heads(self.target(ids, mask)), batch.ids, batch.mask)
        self.encoder.train(self.training)  # its embeddings may be the target's too
        return unit(keys)

    def contrast(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines of queries (B, D) with their own keys, (B,), and with their N negatives, (B, N)."""
        negatives = self.queue.negatives(self.settings.queue_slice)
        if self.settings.queue_clusters and len(negatives):
            negatives = centroids(negatives, self.settings.queue_clusters)
        of_queue, of_batch = cosine_matrix(queries, negatives), cosine_matrix(queries, keys)
        if self.settings.in_batch_negatives:
            return of_batch.diagonal(), torch.cat([off_diagonal(of_batch), of_queue], dim=1)
        return of_batch.diagonal(), of_queue

    def loss(self, positive: Tensor, negatives: Tensor) -> Tensor:
        """-log e^{p/t} / (e^{p/t} + sum of e^{n/t}), mean over the batch."""
        logits = torch.cat([positive[:, None], negatives], dim=1) / self.settings.temperature
        return (torch.logsumexp(logits, dim=1) - logits[:, 0]).mean()

    def averages(self) -> list[tuple[nn.Module, nn.Module]]:
        """Online modules, each with the target module that follows it by EMA."""
        online, target = self.encoder.backbone, self.target.backbone
        pairs: Any = [
            (online.encoder, target.encoder),
            (self.pooler, self.target_pooler),
            (self.projector, self.target_projector),
        ]
        if not self.settings.shared_embeddings:
            pairs.append((online.embeddings, target.embeddings))
        return pairs  # type: ignore[no-any-return]

    def decay(self) -> float:
        """The decay of the present step."""
        eta, schedule = self.settings.ema_decay, self.settings.ema_schedule
        if schedule == "constant":
            return float(eta)
        if schedule == "cosine_15000":
            return cosine_decay(eta, int(self.step), 15_000)
        # Deviation: the code takes 15,000 steps whatever the run, an epoch of its text in batches of 64; ours takes our
        # run in such batches. A run on less text sees the whole rise; one in larger batches, as theirs, its beginning;
        # and in smaller ones, where theirs comes down again, the rise takes the run.
        whole = self.schedule.steps * max(self.schedule.batch_size / 64, 1)
        return cosine_decay(eta, int(self.step), whole)

    def facts(self) -> dict[str, float]:
        """The maximum traceable distance d_trace = 1 / (1 - eta) + K / B, in update steps (slide 8)."""
        return {"d_trace": traceable_distance(self.settings, self.schedule.batch_size)}


def traceable_distance(settings: MoCoSESettings, batch_size: int) -> float:
    """d_trace = 1 / (1 - eta) + K / B: steps between the online branch and the oldest negative (slide 8)."""
    return 1 / (1 - settings.ema_decay) + settings.queue_size / batch_size
