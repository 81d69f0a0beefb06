"""What every method must do, whichever files methods/ holds."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from methods.__main__ import describe
from methods.core.contract import Batch, Schedule, TrainedMethod, UntrainedMethod, load_method
from methods.core.encoder import POOLINGS, Encoder
from methods.core.text import TokenTable
from methods.core.untrained import UntrainedEncoder
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
    method = kind(encoder, kind.Settings(), Schedule(20, batch_size, 16, 40))
    return method.train()


def batch_of(encoder: Encoder, sentences: list[str]) -> Batch:
    ids, mask = TokenTable(sentences, encoder.tokenizer, 16).batch(np.arange(len(sentences)))
    teacher = torch.randn(len(sentences), 8, generator=torch.Generator().manual_seed(1))
    rows = torch.arange(len(sentences))
    return Batch(ids, mask, rows, torch.nn.functional.normalize(teacher, dim=1).half())


LONGEST = " ".join(["abcdefgh"] * 9)  # more letters than a batch has room for


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "sentences",
    [SENTENCES, SENTENCES[:2], SENTENCES[:1], ["same"] * 4, ["a", "b"], [LONGEST, "a"], [LONGEST] * 2],
    ids=["eight", "two", "one", "duplicates", "one token", "longest and shortest", "longest"],
)
def test_one_step_is_finite_and_reaches_the_encoder(
    name: str, precision: str, sentences: list[str], tiny_encoder: Encoder
) -> None:
    method = build(name, tiny_encoder)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss, logs = method(batch_of(tiny_encoder, sentences))
    assert loss.shape == ()
    assert loss.dtype == torch.float32  # similarities and softmax, whatever the autocast
    assert torch.isfinite(loss)
    assert all(value.shape == () and not value.requires_grad for value in logs.values())
    loss.backward()
    gradients = [p.grad for p in tiny_encoder.backbone.encoder.parameters()]  # type: ignore[union-attr]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    if len(sentences) > 2:
        assert any(bool((g != 0).any()) for g in gradients if g is not None)


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_reach_what_should_learn_and_nothing_else(name: str, tiny_encoder: Encoder) -> None:
    """Every weight that the optimiser is given moves the loss, but for BERT's own pooler, which no method asks."""
    method = build(name, tiny_encoder)
    loss, _ = method(batch_of(tiny_encoder, SENTENCES))
    loss.backward()
    for key, value in method.named_parameters():
        if not value.requires_grad:
            assert value.grad is None, key
        elif "backbone.pooler" not in key:
            assert value.grad is not None, key
            assert value.grad.any() or "key.bias" in key, key  # softmax does not see what all keys share


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
def test_a_saved_state_continues_bit_for_bit(name: str, tiny_encoder: Encoder) -> None:
    """Two steps, saved and loaded into a new method and optimiser, then two more: as four in one go."""

    def steps(method: TrainedMethod, optimiser: torch.optim.Optimizer, first: int) -> None:
        for step in (first, first + 1):
            torch.manual_seed(step)
            loss, _ = method(batch_of(tiny_encoder, SENTENCES[step:]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def start() -> tuple[TrainedMethod, torch.optim.Optimizer]:
        method = build(name, copy.deepcopy(tiny_encoder))
        return method, torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=1e-2)

    method, optimiser = start()
    steps(method, optimiser, 0)
    twin, twins = start()
    twin.load_state_dict(method.state_dict())
    twins.load_state_dict(copy.deepcopy(optimiser.state_dict()))  # loading shares its tensors
    steps(method, optimiser, 2)
    steps(twin, twins, 2)
    expected = method.state_dict()
    assert len(expected) == len(twin.state_dict())
    for key, value in twin.state_dict().items():
        assert torch.equal(value, expected[key]), key


@pytest.mark.parametrize("name", TRAINED)
def test_every_switch_is_documented_in_one_line(name: str) -> None:
    kind = KINDS[name]
    assert issubclass(kind, TrainedMethod)
    for key, field in kind.Settings.model_fields.items():
        assert field.description, f"{name}.{key} says nothing of itself"
        assert "\n" not in field.description
    assert all(f"    {key}: " in describe(name) for key in kind.Settings.model_fields)


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
    embeddings = kind(str(tiny_encoder_folder), SENTENCES).encode(SENTENCES)
    assert len(embeddings) == len(SENTENCES)
    assert np.isfinite(embeddings).all()
    assert not np.allclose(embeddings[0], embeddings[1])
    alone = [kind(str(tiny_encoder_folder), SENTENCES).encode([sentence])[0] for sentence in SENTENCES]
    np.testing.assert_allclose(embeddings, np.stack(alone), atol=1e-5)  # evaluation embeds in chunks of any make-up


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_retrieval_takes_for_the_bare_backbone_is_that(name: str) -> None:
    """Stage mteb_untrained embeds by the backbone in place of an `UntrainedEncoder`: one must add nothing to it."""
    kind = KINDS[name]
    if issubclass(kind, UntrainedEncoder):
        assert (kind.__init__, kind.encode) == (UntrainedEncoder.__init__, UntrainedEncoder.encode)


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
