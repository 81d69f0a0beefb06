"""The training loop: its schedule, its choice of a checkpoint, its resumption and its refusals."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from methods.core import bert, text, trainer
from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.mocose_released import MoCoSEReleased
from methods.simcse import SimCSE
from pipelines.errors import NegbenchError
from pipelines.params import Train

SENTENCES = [f"{a} {b} {c}" for a in ("man", "dog", "cat") for b in ("eats", "rides") for c in ("a", "big", "the")]
RECIPE = Train(sentences=len(SENTENCES), batch_size=4, epochs=2, lr=1e-3, eval_every=2)
STEPS = 10  # ceil(18 / 4) * 2


def simcse(encoder: Encoder) -> SimCSE:
    torch.manual_seed(0)
    return SimCSE(encoder, SimCSE.Settings(), Schedule(STEPS, 4, 32, 40))


def table(encoder: Encoder) -> TokenTable:
    return TokenTable(SENTENCES, encoder.tokenizer, 12)


def weights(method: TrainedMethod) -> list[Tensor]:
    return [value.clone() for value in method.encoder.state_dict().values()]


def test_token_table_cuts_the_batches_the_tokenizer_would(tiny_encoder: Encoder) -> None:
    rows = np.array([4, 0, 17])
    ids, mask = table(tiny_encoder).batch(rows)
    expected = tiny_encoder.tokenizer(
        [SENTENCES[i] for i in rows], truncation=True, max_length=12, padding=True, return_tensors="pt"
    )
    assert torch.equal(ids, expected["input_ids"])
    assert torch.equal(mask, expected["attention_mask"])


def test_token_table_needs_no_list_and_two_bytes_a_piece(
    tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = table(tiny_encoder)
    monkeypatch.setattr(text, "_CHUNK", 5)
    streamed = TokenTable((sentence for sentence in SENTENCES), tiny_encoder.tokenizer, 12)
    assert np.array_equal(streamed.ids, whole.ids)
    assert np.array_equal(streamed.offsets, whole.offsets)
    tiny_encoder.tokenizer.add_tokens([f"new{n}" for n in range(400)])
    wider = TokenTable(["new399 a"], tiny_encoder.tokenizer, 12)
    assert (whole.ids.itemsize, wider.ids.itemsize) == (1, 2)
    assert wider.batch(np.array([0]))[0].tolist() == [tiny_encoder.tokenizer("new399 a")["input_ids"]]


def test_every_epoch_visits_every_sentence_once_in_its_own_order() -> None:
    steps = trainer.total_steps(18, RECIPE)
    assert steps == STEPS
    visited = [trainer.rows_at(step, 18, 4, seed=3) for step in range(steps)]
    first, second = np.concatenate(visited[:5]), np.concatenate(visited[5:])
    assert sorted(first) == sorted(second) == list(range(18))
    assert list(first) != list(second)
    assert [len(rows) for rows in visited] == [4, 4, 4, 4, 2] * 2


@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_learning_rate_is_that_of_transformers(warmup: float) -> None:
    from transformers import get_linear_schedule_with_warmup

    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = get_linear_schedule_with_warmup(optimiser, num_warmup_steps=round(warmup * 20), num_training_steps=20)
    for step in range(20):
        ours = trainer._lr_factor(step, 20, warmup)
        if warmup == 0 or step >= warmup * 20:
            assert ours == pytest.approx(reference.get_last_lr()[0])
        else:  # theirs starts at 0 and wastes a step; ours rises to the same peak one step's height higher
            assert ours == pytest.approx((step + 1) / (warmup * 20 + 1))
        optimiser.step()
        reference.step()


def test_a_run_may_rise_to_its_end() -> None:
    """One step at any warm-up: the scheduler asks for the rate of a step after the last, too."""
    assert [trainer._lr_factor(step, 1, 0.3) for step in range(2)] == [0.5, 0]


def test_biases_and_layer_norms_are_not_decayed(tiny_encoder: Encoder) -> None:
    method = simcse(tiny_encoder)
    decayed, plain = (group["params"] for group in trainer._decay_groups(method, 0.1))
    names = {parameter: name for name, parameter in method.named_parameters()}
    assert all("bias" in names[p] or "LayerNorm" in names[p] for p in plain)
    assert not any("bias" in names[p] or "LayerNorm" in names[p] for p in decayed)
    assert len(decayed) + len(plain) == len(names)


@pytest.mark.parametrize(("select", "best"), [("stsb-dev", 4), ("sts-test", 6), ("last", 0)])
def test_the_look_that_selects_is_what_remains(tiny_encoder: Encoder, select: Any, best: int) -> None:
    method = simcse(tiny_encoder)
    devs = [1.0, 3.0, None, 3.0, 2.0]  # a tie goes to the first, an undefined score is passed over
    tests = [0.0, 1.0, 5.0, 4.0, None]
    seen: list[list[Tensor]] = []

    def look(encoder: Encoder) -> dict[str, float | None]:
        seen.append([value.clone() for value in encoder.state_dict().values()])
        return {"stsb_dev": devs[len(seen) - 1], "sts_test": tests[len(seen) - 1]}

    recipe = RECIPE.model_copy(update={"select": select})
    history = trainer.train(method, table(tiny_encoder), recipe, seed=0, look=look)
    assert history.best_step == best
    assert history.looks == [
        {"step": step, "stsb_dev": dev, "sts_test": test}
        for step, dev, test in zip((2, 4, 6, 8, 10), devs, tests, strict=True)
    ]
    selecting = {"stsb-dev": devs, "sts-test": tests, "last": []}[select]
    shown = [step for step, score in zip((2, 4, 6, 8, 10), selecting, strict=False) if score is not None]
    assert [row["step"] for row in history.rows if "score" in row] == shown
    kept = seen[best // 2 - 1]
    assert all(torch.equal(a, b) for a, b in zip(weights(method), kept, strict=True))
    assert best == 0 or not all(torch.equal(a, b) for a, b in zip(weights(method), seen[-1], strict=True))


class _Drawing:
    """A look that draws random numbers itself, beside those that an augmented encoder draws."""

    def __call__(self, encoder: Encoder) -> dict[str, float | None]:
        encoder.encode(SENTENCES)
        return {"stsb_dev": float(torch.rand(())), "sts_test": float(torch.rand(7).mean())}


def released(encoder: Encoder) -> MoCoSEReleased:
    settings = {"token_cutoff": 0.1, "shuffle_positions": True, "queue_size": 8, "initial_fill": 4}
    torch.manual_seed(0)
    return MoCoSEReleased(encoder, MoCoSEReleased.Settings(**settings), Schedule(STEPS, 4, 12, 40))


@pytest.mark.parametrize("make", [simcse, released])  # the second augments at evaluation, too
def test_looking_changes_nothing_of_the_training(
    tiny_encoder: Encoder, make: Callable[[Encoder], TrainedMethod]
) -> None:
    recipe = RECIPE.model_copy(update={"select": "last"})
    ends, losses = [], []
    for look in (None, _Drawing()):
        method = make(copy.deepcopy(tiny_encoder))
        history = trainer.train(method, table(tiny_encoder), recipe, seed=0, look=look)
        ends.append([value.clone() for value in method.state_dict().values()])
        losses.append([row["loss"] for row in history.rows])
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_same_seed_same_weights_other_seed_others(tiny_encoder: Encoder) -> None:
    runs = []
    for seed in (0, 0, 1):
        method = simcse(copy.deepcopy(tiny_encoder))
        trainer.train(method, table(tiny_encoder), RECIPE, seed=seed, look=None)
        runs.append(weights(method))
    assert all(torch.equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(runs[0], runs[2], strict=True))


class Stopped(Exception):
    pass


def test_a_stopped_run_ends_where_an_unbroken_one_does(tiny_encoder: Encoder, tmp_path: Path) -> None:
    checkpoint = tmp_path / "state.safetensors"
    whole = simcse(copy.deepcopy(tiny_encoder))
    calls = 0

    def look(encoder: Encoder) -> dict[str, float | None]:
        size = sum(p.detach().abs().sum().item() for p in encoder.parameters())
        return {"stsb_dev": size, "sts_test": size / 7}

    expected = trainer.train(whole, table(tiny_encoder), RECIPE, seed=0, look=look)

    def dying(encoder: Encoder) -> dict[str, float | None]:
        nonlocal calls
        calls += 1
        if calls == 4:  # at step 8, after the checkpoint of step 7
            raise Stopped
        return look(encoder)

    with pytest.raises(Stopped):
        trainer.train(
            simcse(copy.deepcopy(tiny_encoder)),
            table(tiny_encoder),
            RECIPE,
            seed=0,
            look=dying,
            checkpoint=checkpoint,
            checkpoint_seconds=0,
        )
    assert checkpoint.is_file()
    resumed = simcse(copy.deepcopy(tiny_encoder))
    history = trainer.train(resumed, table(tiny_encoder), RECIPE, seed=0, look=look, checkpoint=checkpoint)
    assert not checkpoint.exists()
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(whole), strict=True))
    assert (history.best_step, history.best_score) == (expected.best_step, expected.best_score)
    assert history.looks == expected.looks
    losses = [[row["loss"] for row in h.rows] for h in (history, expected)]
    assert losses[0] == losses[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_resumed_on_a_gpu_draws_the_masks_that_were_left(tiny_encoder: Encoder, tmp_path: Path) -> None:
    calls = 0

    def dying(_: Encoder) -> dict[str, float | None]:
        nonlocal calls
        calls += 1
        if calls == 4:  # at step 8, after the checkpoint of step 7
            raise Stopped
        return {"stsb_dev": 0.0}

    def run(look: Callable[[Encoder], dict[str, float | None]] | None) -> list[float]:
        method = simcse(copy.deepcopy(tiny_encoder)).to("cuda")
        checkpoint = tmp_path / "state.safetensors" if look or (tmp_path / "state.safetensors").is_file() else None
        history = trainer.train(
            method, table(tiny_encoder), RECIPE, seed=0, look=look, checkpoint=checkpoint, checkpoint_seconds=0
        )
        return [row["loss"] for row in history.rows]

    whole = run(None)
    with pytest.raises(Stopped):
        run(dying)
    assert run(None) == pytest.approx(whole, rel=1e-3)  # sums on a GPU come in any order


class Diverging(TrainedMethod):
    label = "diverging"

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.encoder(batch.ids, batch.mask).sum() * torch.nan, {}


def test_a_loss_that_is_not_finite_ends_the_run(tiny_encoder: Encoder) -> None:
    method = Diverging(tiny_encoder, MethodSettings(), Schedule(STEPS, 4, 12, 40))
    history = trainer.train(method, table(tiny_encoder), RECIPE, seed=0, look=None)
    assert (history.failure, history.rows) == ("loss is nan at step 1", [])


class DivergingLater(TrainedMethod):
    label = "diverging at the fifth step"
    steps = 0

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        self.steps += 1
        loss = (self.encoder(batch.ids, batch.mask) ** 2).mean()
        return loss * (torch.inf if self.steps == 5 else 1.0), {}


def test_a_diverged_run_is_neither_looked_at_nor_saved(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """The loss is fetched a few steps late, but before anything comes of it."""
    method = DivergingLater(tiny_encoder, MethodSettings(), Schedule(STEPS, 4, 12, 40))
    state, seen = tmp_path / "state.safetensors", []
    recipe = RECIPE.model_copy(update={"eval_every": 6})
    history = trainer.train(method, table(tiny_encoder), recipe, seed=0, look=seen.append, checkpoint=state)
    assert history.failure == "loss is inf at step 5"
    assert len(history.rows) == 4
    assert method.steps == 6
    assert not seen
    assert not state.exists()


class Fetches(TorchDispatchMode):
    """Counts what makes the host wait for the device: a number fetched, a shape that depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: object, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.equal):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


def test_a_gpu_is_not_waited_for_between_two_steps(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bert, "fixed_shapes", lambda mask: True)  # as on a GPU
    counts = []
    for epochs in (1, 2):
        recipe = RECIPE.model_copy(update={"epochs": epochs, "select": "last"})
        with Fetches() as fetches:
            trainer.train(simcse(tiny_encoder), table(tiny_encoder), recipe, seed=0, look=None)
        counts.append(len(fetches.found))
    assert counts[0] == counts[1]  # those of a run's end, whatever its steps


def test_the_log_holds_what_each_step_gave(tiny_encoder: Encoder) -> None:
    """Against the numbers fetched one by one, at once."""
    method, given = simcse(tiny_encoder), []
    method.register_forward_hook(lambda *call: given.append({"loss": call[-1][0].item(), **call[-1][1]}))
    recipe = RECIPE.model_copy(update={"epochs": 5})  # 25 steps: two full fetches and a rest
    rows = trainer.train(method, table(tiny_encoder), recipe, seed=0, look=None).rows
    assert [row["step"] for row in rows] == list(range(1, 26))
    for row, expected in zip(rows, given, strict=True):
        assert {name: row[name] for name in expected} == {name: float(value) for name, value in expected.items()}
        assert row["sentences_per_second"] > 0


class DivergingAtLast(TrainedMethod):
    label = "diverging with the last step"

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (self.encoder(batch.ids, batch.mask) ** 2).sum()
        loss.register_hook(lambda gradient: gradient * torch.nan)
        return loss, {}


def test_weights_that_are_not_finite_are_not_kept(tiny_encoder: Encoder) -> None:
    method = DivergingAtLast(tiny_encoder, MethodSettings(), Schedule(1, 40, 12, 40))
    recipe = RECIPE.model_copy(update={"batch_size": 1000, "epochs": 1})
    history = trainer.train(method, table(tiny_encoder), recipe, seed=0, look=None)
    assert history.failure == "the weights are not finite after the last step"


@pytest.mark.parametrize("at", [1, 4])
def test_weights_that_become_infinite_are_seen_at_the_next_step(tiny_encoder: Encoder, tmp_path: Path, at: int) -> None:
    def look(encoder: Encoder) -> dict[str, float | None]:
        calls.append(1)
        if len(calls) == at:
            with torch.no_grad():
                next(encoder.parameters()).fill_(torch.inf)
        return {"stsb_dev": 1.0}

    calls: list[int] = []
    recipe = RECIPE.model_copy(update={"eval_every": 1})
    state: dict[str, Any] = {"checkpoint": tmp_path / "state", "checkpoint_seconds": 0}
    history = trainer.train(simcse(tiny_encoder), table(tiny_encoder), recipe, seed=0, look=look, **state)
    assert history.failure == f"loss is nan at step {at + 1}"
    assert len(history.rows) == at
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("at", [1, 3, None])
def test_a_collapse_is_seen_at_the_step_it_is_there(tiny_encoder: Encoder, at: int | None) -> None:
    """All sentences at one point, as a last LayerNorm that passes on nothing but its bias puts them."""

    def look(encoder: Any) -> dict[str, float | None]:
        calls.append(1)
        if len(calls) == at:
            last = encoder.backbone.encoder.layer[-1].output.LayerNorm
            torch.nn.init.zeros_(last.weight).requires_grad_(False)
            torch.nn.init.ones_(last.bias)
        return {"stsb_dev": None}

    calls: list[int] = []
    recipe = RECIPE.model_copy(update={"eval_every": 1})
    history = trainer.train(simcse(tiny_encoder), table(tiny_encoder), recipe, seed=0, look=look)
    assert history.failure is None
    assert history.collapsed_at == (at and at + 1)
    assert len(history.rows) == STEPS


def test_a_damaged_checkpoint_says_what_to_do(tiny_encoder: Encoder, tmp_path: Path) -> None:
    checkpoint = tmp_path / "state.safetensors"
    checkpoint.write_bytes(b"PK half a file")
    with pytest.raises(NegbenchError, match=r"the checkpoint is damaged .*Delete it and run again"):
        trainer.train(simcse(tiny_encoder), table(tiny_encoder), RECIPE, seed=0, look=None, checkpoint=checkpoint)
