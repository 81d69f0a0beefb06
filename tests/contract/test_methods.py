"""What every method must do, whichever files methods/ holds."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from methods.core.contract import Batch, Schedule, TrainedMethod, UntrainedMethod, load_method
from methods.core.encoder import POOLINGS, Encoder
from methods.core.text import TokenTable
from pipelines import params

SENTENCES = [
    "a man plays",
    "the dog eats",
    "a big cat",
    "two men ride",
    "the flute",
    "women in a car",
    "it",
    "x y z",
]
KINDS = {name: load_method(name) for name in params.method_names()}
TRAINED = [name for name, kind in KINDS.items() if issubclass(kind, TrainedMethod)]
UNTRAINED = [name for name, kind in KINDS.items() if issubclass(kind, UntrainedMethod)]


def build(name: str, encoder: Encoder, batch_size: int = 8) -> TrainedMethod:
    kind = KINDS[name]
    assert issubclass(kind, TrainedMethod)
    torch.manual_seed(0)
    method = kind(encoder, kind.Settings(), Schedule(20, batch_size, 16))
    return method.train()


def batch_of(encoder: Encoder, sentences: list[str]) -> Batch:
    ids, mask = TokenTable(sentences, encoder.tokenizer, 16).batch(np.arange(len(sentences)))
    teacher = torch.randn(len(sentences), 8, generator=torch.Generator().manual_seed(1))
    return Batch(ids, mask, torch.nn.functional.normalize(teacher, dim=1).half())


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("sentences", [SENTENCES, SENTENCES[:2], SENTENCES[:1], ["same"] * 4])
def test_one_step_is_finite_and_reaches_the_encoder(name: str, sentences: list[str], tiny_encoder: Encoder) -> None:
    method = build(name, tiny_encoder)
    loss, logs = method(batch_of(tiny_encoder, sentences))
    assert loss.shape == ()
    assert torch.isfinite(loss)
    assert all(value.shape == () and not value.requires_grad for value in logs.values())
    loss.backward()
    gradients = [p.grad for p in tiny_encoder.backbone.encoder.parameters()]  # type: ignore[union-attr]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    if len(sentences) > 2:
        assert any(bool((g != 0).any()) for g in gradients if g is not None)


@pytest.mark.parametrize("name", TRAINED)
def test_twenty_steps_lower_the_loss(name: str, tiny_encoder: Encoder) -> None:
    """On one batch under one dropout mask; what does not learn (queue, moving averages) is held still."""
    method = build(name, tiny_encoder)
    batch = batch_of(tiny_encoder, SENTENCES)
    learning = {key for key, value in method.named_parameters() if value.requires_grad}
    held = {key: value.clone() for key, value in method.state_dict().items() if key not in learning}
    optimiser = torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(20):
        method.load_state_dict(held, strict=False)
        torch.manual_seed(7)
        loss, _ = method(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("name", TRAINED)
def test_state_survives_a_checkpoint(name: str, tiny_encoder: Encoder) -> None:
    method = build(name, copy.deepcopy(tiny_encoder))
    batch = batch_of(tiny_encoder, SENTENCES)
    method(batch)[0].backward()
    twin = build(name, copy.deepcopy(tiny_encoder))
    twin.load_state_dict(method.state_dict())
    losses = []
    for each in (method, twin):
        torch.manual_seed(7)
        losses.append(each(batch)[0].item())
    assert losses[0] == losses[1]


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_saved_is_what_is_evaluated(name: str, tiny_encoder: Encoder, tmp_path: Path) -> None:
    """AutoModel and SentenceTransformer load the folder without complaint and give the method's own embeddings."""
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel

    tiny_encoder.pooling = "cls_before_pooler"
    method = build(name, tiny_encoder)
    method(batch_of(tiny_encoder, SENTENCES))[0].backward()
    method.encoder.save(tmp_path / "model")
    ours = method.encoder.encode(SENTENCES)
    _, info = AutoModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    np.testing.assert_allclose(Encoder.load(tmp_path / "model").encode(SENTENCES), ours, atol=1e-6)
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


@pytest.mark.parametrize("name", UNTRAINED)
def test_untrained_methods_encode(name: str, tiny_encoder_folder: Path) -> None:
    kind = KINDS[name]
    assert issubclass(kind, UntrainedMethod)
    embeddings = kind(str(tiny_encoder_folder)).encode(SENTENCES)
    assert len(embeddings) == len(SENTENCES)
    assert np.isfinite(embeddings).all()
    assert not np.allclose(embeddings[0], embeddings[1])
    alone = [kind(str(tiny_encoder_folder)).encode([sentence])[0] for sentence in SENTENCES]
    np.testing.assert_allclose(embeddings, np.stack(alone), atol=1e-5)  # evaluation embeds in chunks of any make-up


def test_nothing_but_its_file_names_a_method() -> None:
    """No program, evaluator or report knows a method by name."""
    sources = [
        path
        for folder in ("pipelines", "eval", "reports", "methods/core")
        for path in (params.ROOT / folder).rglob("*.py")
    ]
    assert len(sources) > 20
    for name in set(params.method_names()) - set(POOLINGS):  # a pooling may share its name with its baseline
        for path in sources:
            text = path.read_text(encoding="utf-8")
            assert f'"{name}"' not in text, f"{path} names the method {name}"
