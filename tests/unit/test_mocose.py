"""MoCoSE's step in both readings, against straight-line re-derivations on tiny tensors in float64."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from methods.core.contract import Batch, Schedule
from methods.core.encoder import Encoder
from methods.core.momentum_contrast import RELEASED, MoCoSESettings, MomentumContrast, traceable_distance
from methods.mocose import MoCoSE
from methods.mocose_released import MoCoSEReleased

STEPS, RATE, T, ETA, EPSILON, K, FILL = 4, 0.05, 0.05, 0.7, 0.02, 7, 2
SETTINGS: dict[str, Any] = {
    "temperature": T,
    "ema_decay": ETA,
    "fgsm_epsilon": EPSILON,
    "queue_size": K,
    "initial_fill": FILL,
    "embedding_dropout": 0.0,
}


def batches() -> list[Tensor]:
    """Three sentences of five pieces, another three at each step."""
    chance = torch.Generator().manual_seed(3)
    return [torch.randint(5, 31, (3, 5), generator=chance) for _ in range(STEPS)]


def build(kind: type[MomentumContrast], encoder: Encoder, **settings: Any) -> MomentumContrast:
    """The method in float64 without dropout, so that a plain derivation can follow it."""
    encoder.pooling = "cls_before_pooler"
    torch.manual_seed(0)
    method = kind(encoder, kind.Settings(**{**SETTINGS, **settings}), Schedule(STEPS, 3, 5, 12)).double().train()
    for module in method.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "heads"):  # attention keeps its share of dropout as a number
            module.dropout = 0.0
    return method


def batch_of(ids: Tensor) -> Batch:
    return Batch(ids, torch.ones_like(ids), torch.arange(len(ids)))


def our_losses(method: MomentumContrast) -> list[float]:
    """Train by plain gradient descent."""
    losses = []
    learnt = [p for p in method.parameters() if p.requires_grad]
    for ids in batches():
        loss, _ = method(batch_of(ids))
        gradients = torch.autograd.grad(loss, learnt, allow_unused=True, retain_graph=True)
        method.zero_grad()
        loss.backward()  # feeds the hook of the perturbation
        with torch.no_grad():
            for parameter, gradient in zip(learnt, gradients, strict=True):
                if gradient is not None:
                    parameter -= RATE * gradient
        losses.append(loss.item())
    return losses


class ByHand:
    """The same weights, moved by hand: every step of the forward pass in the order of the released code."""

    def __init__(self, method: MomentumContrast) -> None:
        parts = copy.deepcopy(method)
        backbone: Any = parts.encoder.backbone
        self.embeddings, self.encoder = backbone.embeddings, backbone.encoder
        for hooks in (self.embeddings.word_embeddings._forward_hooks,):
            hooks.clear()
        self.pooler, self.projector, self.predictor = parts.pooler, parts.projector, parts.predictor
        self.target_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.target_pooler = copy.deepcopy(self.pooler).requires_grad_(False)
        self.target_projector = copy.deepcopy(self.projector)
        self.queue = [*parts.queue.rows[: int(parts.queue.filled)]]  # newest first
        self.gradient: Tensor | None = None  # of the batch before, by the online view's words

    def move_target(self, decay: float) -> None:
        pairs = (
            (self.encoder, self.target_encoder),
            (self.pooler, self.target_pooler),
            (self.projector, self.target_projector),
        )
        with torch.no_grad():
            for online, target in pairs:
                for new, old in zip(online.parameters(), target.parameters(), strict=True):
                    old.copy_(decay * old + (1 - decay) * new)

    def embed(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        words = self.embeddings.word_embeddings.weight[ids]  # (3, 5, H)
        stepped = words if self.gradient is None else words + EPSILON * self.gradient.sign()
        positions = self.embeddings.position_embeddings.weight[: ids.shape[1]]
        types = self.embeddings.token_type_embeddings.weight[0]
        return self.embeddings.LayerNorm(stepped + positions + types), words

    def online(self, embedded: Tensor) -> Tensor:
        states = self.encoder(embedded, torch.ones(embedded.shape[:2], dtype=torch.bool))
        return self.predictor(self.projector(self.pooler(states[:, 0])))  # type: ignore[no-any-return]

    def target(self, embedded: Tensor) -> Tensor:
        states = self.target_encoder(embedded, torch.ones(embedded.shape[:2], dtype=torch.bool))
        return self.target_projector(self.target_pooler(states[:, 0]))  # type: ignore[no-any-return]

    def descend(self, loss: Tensor, words: Tensor, *learnt: torch.nn.Module) -> None:
        parameters = [p for module in learnt for p in module.parameters()]
        *gradients, self.gradient = torch.autograd.grad(loss, [*parameters, words])
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= RATE * gradient

    def enqueue(self, keys: Tensor) -> None:
        self.queue = [*(key / key.norm() for key in keys.detach()), *self.queue][:K]


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return a @ b / (a.norm() * b.norm())


def released_by_hand(state: ByHand) -> list[float]:
    losses = []
    for t, ids in enumerate(batches(), start=1):
        state.move_target(1 - (1 - ETA) * (math.cos(math.pi * t / 15_000) + 1) / 2)
        embedded, words = state.embed(ids)
        queries = state.online(embedded)
        keys = state.target(state.embed(ids)[0])  # gradient flows through the frozen encoder to the embeddings
        loss = torch.zeros((), dtype=torch.float64)
        for i, query in enumerate(queries):
            of_batch = [cosine(query, key) / T for key in keys]
            of_queue = [cosine(query, key) / T for key in state.queue]
            loss = loss - of_batch[i] + torch.stack([*of_batch, *of_queue]).exp().sum().log()
        loss = loss / len(queries)
        learnt = (state.embeddings, state.encoder, state.pooler, state.projector, state.predictor)
        state.descend(loss, words, *learnt, state.target_projector)
        state.enqueue(keys)
        losses.append(loss.item())
    return losses


def paper_by_hand(state: ByHand) -> list[float]:
    losses = []
    for t, ids in enumerate(batches(), start=1):
        state.move_target(1 - (1 - ETA) * (math.cos(math.pi * t / STEPS) + 1) / 2)
        embedded, words = state.embed(ids)
        queries = state.online(embedded)
        with torch.no_grad():
            keys = state.target(state.embed(ids)[0])
        loss = torch.zeros((), dtype=torch.float64)
        for query, key in zip(queries, keys, strict=True):
            positive = (cosine(query, key) / T).exp()
            negatives = [(cosine(query, old) / T).exp() for old in state.queue]
            loss = loss - (positive / (positive + sum(negatives))).log()
        loss = loss / len(queries)
        state.descend(loss, words, state.embeddings, state.encoder, state.pooler, state.projector, state.predictor)
        state.enqueue(keys)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("kind", "by_hand"), [(MoCoSE, paper_by_hand), (MoCoSEReleased, released_by_hand)])
def test_four_steps_equal_the_derivation_by_hand(
    kind: type[MomentumContrast], by_hand: Callable[[ByHand], list[float]], tiny_encoder: Encoder
) -> None:
    """Order of the EMA step and of the queue, which negatives count, and what has a gradient."""
    method = build(kind, tiny_encoder)
    state = ByHand(method)
    expected = by_hand(state)
    assert our_losses(method) == pytest.approx(expected, rel=1e-9)
    assert len(set(expected)) == STEPS
    for ours, theirs in ((method.target_projector, state.target_projector), (method.predictor, state.predictor)):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert method.queue.negatives().tolist() == [pytest.approx(row.tolist(), rel=1e-9) for row in state.queue]


def test_the_readings_differ_in_the_switches_of_released_alone() -> None:
    paper, released = MoCoSE.Settings(), MoCoSEReleased.Settings()
    differing = {name for name in type(paper).model_fields if getattr(paper, name) != getattr(released, name)}
    assert differing == {"fidelity", "train", *RELEASED}
    assert {name: getattr(released, name) for name in RELEASED} == RELEASED
    assert released.train == {"select": "sts-test"}
    assert MoCoSESettings(fidelity="released") == MoCoSESettings(**vars(released))


def test_a_switch_said_outright_wins_over_the_reading() -> None:
    settings = MoCoSEReleased.Settings(detach_keys=True, train={"lr": 0.1})
    assert settings.detach_keys
    assert settings.double_initial_fill
    assert settings.train == {"select": "sts-test", "lr": 0.1}
    assert MoCoSEReleased.Settings(train={"select": "last"}).train == {"select": "last"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"queue_size": 64}, "initial_fill 128 exceeds queue_size 64"),
        ({"projector_layers": 0, "projector_dimension": 8}, "at least one projector layer"),
        ({"queue_size": 0, "initial_fill": 0}, "no other negative"),
        ({"ema_decay": 1.0}, "less than 1"),
        ({"queue_clusters": 513}, "queue_clusters 513 exceeds queue_size 512"),
        ({"queue_size": 3, "initial_fill": 0, "queue_slice": "middle"}, "needs a queue of at least 4"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MoCoSESettings(**settings)


@pytest.mark.parametrize(("fill", "size", "rows"), [(128, 512, 256), (128, 192, 192), (0, 8, 0)])
def test_the_released_queue_starts_with_twice_the_random_rows(fill: int, size: int, rows: int) -> None:
    """`queue[:, : queue_size + K_start]` with queue_size = K_start, out of K random columns."""
    assert MoCoSEReleased.Settings(initial_fill=fill, queue_size=size).random_rows == rows
    assert MoCoSE.Settings(initial_fill=fill, queue_size=size).random_rows == fill


def test_target_dropout_off_gives_the_same_keys_twice(tiny_encoder: Encoder) -> None:
    for on in (False, True):
        encoder = copy.deepcopy(tiny_encoder)
        settings = MoCoSE.Settings(target_dropout=on, embedding_dropout=0.5, fgsm_epsilon=0)
        method = MoCoSE(encoder, settings, Schedule(4, 3, 5, 12)).train()
        batch = batch_of(batches()[0])
        first, second = method.keys(batch), method.keys(batch)
        assert torch.equal(first, second) != on
        assert not torch.equal(method.queries(batch), method.queries(batch))  # the online branch keeps its own


def test_embeddings_of_their_own_follow_by_ema(tiny_encoder: Encoder) -> None:
    method = build(MoCoSE, tiny_encoder, shared_embeddings=False, ema_schedule="constant")
    online, target = (m.word_embeddings.weight for m in _embeddings(method))
    before = target.detach().clone()
    our_losses(method)
    assert not torch.equal(target, before)
    assert not torch.equal(target, online)
    shared_online, shared_target = _embeddings(build(MoCoSE, copy.deepcopy(tiny_encoder)))
    assert shared_online is shared_target


def _embeddings(method: MomentumContrast) -> tuple[Any, Any]:
    online, target = method.encoder.backbone.embeddings, method.target.backbone.embeddings
    return online, target


def test_clusters_stand_in_for_the_queue(tiny_encoder: Encoder) -> None:
    method = build(MoCoSE, tiny_encoder, queue_clusters=2)
    keys = method.keys(batch_of(batches()[0]))
    method.queue.enqueue(keys)
    assert method.contrast(keys, keys)[1].shape == (3, 2)


def test_the_projector_sets_the_length_of_queries_keys_and_queue(tiny_encoder: Encoder) -> None:
    method = build(MoCoSE, tiny_encoder, projector_dimension=6, projector_layers=3)
    batch = batch_of(batches()[0])
    assert method.queries(batch).shape == method.keys(batch).shape == (3, 6)
    assert method.queue.rows.shape == (K, 6)
    assert math.isfinite(our_losses(method)[-1])


def test_the_present_gradient_moves_what_the_previous_one_does_not(tiny_encoder: Encoder) -> None:
    """At the first step there is no batch before; the present one's gradient raises the loss it was taken of."""
    losses = {}
    for whose in ("previous", "present"):
        method = build(MoCoSE, copy.deepcopy(tiny_encoder), fgsm_gradient=whose)
        losses[whose] = our_losses(method)[0]
    assert losses["present"] > losses["previous"]


def test_traceable_distance_of_the_papers_peak() -> None:
    """Slide 8: eta 0.85, K 512, batch 64 give 6.667 + 8."""
    assert traceable_distance(MoCoSESettings(), 64) == pytest.approx(14.667, abs=1e-3)
