"""The state on disk: what is saved comes back to the bit, and what a disk spoiled is refused."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from methods.core import checkpoint
from methods.core.contract import Batch, Schedule, load_trained
from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError

FACTS = {"done": 3, "history": {"rows": [{"step": 1, "loss": 0.1 + 0.2}], "best_score": -np.inf}}


class Trained:
    """A method, its optimiser and schedule, some steps into a run on the tiny encoder."""

    def __init__(self, encoder: Encoder, name: str, steps: int) -> None:
        kind, settings = load_trained(name, {"queue_size": 8, "initial_fill": 4} if name == "mocose" else {}, "here")
        torch.manual_seed(1)
        self.method = kind(copy.deepcopy(encoder), settings, Schedule(10, 4, 6, 40))
        self.optimiser = torch.optim.AdamW(self.method.parameters(), lr=0.01, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: 1 - step / 10)
        self.step(steps)

    def step(self, steps: int) -> list[float]:
        losses = []
        for _ in range(steps):
            batch = Batch(torch.randint(5, 30, (4, 6)), torch.ones(4, 6, dtype=torch.long), torch.arange(4))
            loss, _ = self.method(batch)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            losses.append(loss.item())
        return losses

    def save(self, path: Path, best: dict[str, Tensor]) -> None:
        checkpoint.save(path, self.method, self.optimiser, self.schedule, best, FACTS)

    def load(self, path: Path) -> Any:
        return checkpoint.load(path, self.method, self.optimiser, self.schedule)


@pytest.mark.parametrize("name", ["simcse", "mocose"])  # the second has a queue, an average and a shared layer
def test_a_run_goes_on_from_the_file_as_if_never_stopped(name: str, tiny_encoder: Encoder, tmp_path: Path) -> None:
    first = Trained(tiny_encoder, name, steps=3)
    best = {"half": torch.randn(3, 2).bfloat16(), "count": torch.tensor(7), "none": torch.zeros(0, 4)}
    first.save(tmp_path / "state", best)
    expected = first.step(3)
    second = Trained(tiny_encoder, name, steps=0)
    kept, facts = second.load(tmp_path / "state")
    assert facts == FACTS
    assert {key: value.dtype for key, value in kept.items()} == {key: value.dtype for key, value in best.items()}
    assert all(torch.equal(kept[key], value) for key, value in best.items())
    assert second.step(3) == expected
    ends = [trained.method.state_dict() for trained in (first, second)]
    assert all(torch.equal(a, b) for a, b in zip(*(end.values() for end in ends), strict=True))


def test_every_flipped_bit_and_every_cut_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """At 200 places of the file, of which the first, the header's length, is where a careless reader would crash."""
    trained = Trained(tiny_encoder, "simcse", steps=1)
    path = tmp_path / "state"
    trained.save(path, {})
    whole = path.read_bytes()
    chance = random.Random(0)
    places = [*range(8), *chance.sample(range(8, len(whole)), 192)]
    before = copy.deepcopy(trained.method.state_dict())
    for place in places:
        spoiled = bytearray(whole)
        spoiled[place] ^= 1 << chance.randrange(8)
        for content in (bytes(spoiled), whole[:place]):
            path.write_bytes(content)
            with pytest.raises(NegbenchError, match=r"the checkpoint is damaged .*Delete it and run again\.$"):
                trained.load(path)
    assert all(torch.equal(a, b) for a, b in zip(before.values(), trained.method.state_dict().values(), strict=True))
    path.write_bytes(whole)
    assert trained.load(path) == ({}, FACTS)


def test_a_checkpoint_of_another_method_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    Trained(tiny_encoder, "simcse", steps=1).save(tmp_path / "state", {})
    with pytest.raises(NegbenchError, match="of another method or device"):
        Trained(tiny_encoder, "mocose", steps=0).load(tmp_path / "state")


def test_without_a_file_there_is_nothing_to_go_on_from(tiny_encoder: Encoder, tmp_path: Path) -> None:
    assert Trained(tiny_encoder, "simcse", steps=0).load(tmp_path / "state") is None


def test_a_weight_that_two_modules_share_is_written_once(tmp_path: Path) -> None:
    def pair() -> nn.Module:
        both = nn.ModuleList([nn.Linear(100, 100, bias=False), nn.Linear(100, 100, bias=False)])
        both[1].weight = both[0].weight
        return both

    first, second = pair(), pair()
    for method, use in ((first, checkpoint.save), (second, checkpoint.load)):
        optimiser = torch.optim.AdamW(method.parameters())
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
        use(tmp_path / "state", method, optimiser, schedule, *([{}, {}] if use is checkpoint.save else []))
    assert torch.equal(second[0].weight, first[1].weight)
    assert second[0].weight is second[1].weight
    assert (tmp_path / "state").stat().st_size < 1.5 * first[0].weight.nbytes
