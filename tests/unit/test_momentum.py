"""The queue, the moving average and the perturbation of MoCoSE, against lists and closed forms."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from methods.core.ema import cosine_decay, ema_update
from methods.core.perturbation import Perturbation
from methods.core.queue import Queue


@given(
    size=st.integers(0, 12),
    share=st.floats(0, 1),
    batches=st.lists(st.integers(1, 5), max_size=8),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=60, deadline=None)
def test_queue_is_a_list_with_new_keys_in_front(size: int, share: float, batches: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    queue = Queue(size, int(share * size), 3)
    oracle = queue.negatives().tolist()
    assert len(oracle) == int(share * size)
    for count in batches:
        keys = torch.randn(count, 3)
        queue.enqueue(keys)
        oracle = (keys.tolist() + oracle)[:size]
        assert queue.negatives().tolist() == oracle


def test_initial_rows_are_unit_vectors() -> None:
    torch.testing.assert_close(Queue(8, 5, 16).negatives().norm(dim=1), torch.ones(5))


def test_queue_survives_a_checkpoint() -> None:
    queue, other = Queue(8, 2, 4), Queue(8, 5, 4)
    queue.enqueue(torch.randn(3, 4))
    other.load_state_dict(queue.state_dict())
    assert torch.equal(other.negatives(), queue.negatives())
    assert len(other.negatives()) == 5


def test_queue_keeps_no_gradient() -> None:
    queue = Queue(4, 0, 2)
    queue.enqueue(torch.randn(2, 2, requires_grad=True) * 2)
    assert not queue.negatives().requires_grad


@pytest.mark.parametrize("decay", [0.0, 0.85, 1.0])
def test_ema_is_the_weighted_mean(decay: float) -> None:
    online, target = nn.Linear(3, 2), nn.Linear(3, 2)
    before = copy.deepcopy(target)
    ema_update(target, online, decay)
    for new, old, source in zip(target.parameters(), before.parameters(), online.parameters(), strict=True):
        torch.testing.assert_close(new, decay * old + (1 - decay) * source)


def test_ema_leaves_shared_parameters_alone() -> None:
    online = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    target = nn.Sequential(online[0], nn.Linear(2, 2))
    before = copy.deepcopy(online[0])
    ema_update(target, online, 0.5)
    for new, old in zip(online[0].parameters(), before.parameters(), strict=True):
        assert torch.equal(new, old)


@pytest.mark.parametrize("eta", [0.0, 0.75, 0.85])
def test_cosine_decay_rises_from_eta_to_one(eta: float) -> None:
    values = [cosine_decay(eta, step, 100) for step in range(120)]
    assert values[0] == pytest.approx(eta)
    assert values[50] == pytest.approx((1 + eta) / 2)
    assert values[100:] == [1.0] * 20
    assert values == sorted(values)


def test_cosine_decay_of_the_released_run_has_the_known_mean() -> None:
    """15,554 steps over a schedule of 15,000, eta 0.85: mean 0.928, end 1 (reports/paper, MoCoSE, derived)."""
    values = [cosine_decay(0.85, step, 15_000) for step in range(15_554)]
    assert math.fsum(values) / len(values) == pytest.approx(0.928, abs=5e-4)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids)  # type: ignore[no-any-return]


def test_perturbation_adds_the_sign_of_the_gradient_before() -> None:
    layer = Layer()
    perturbation = Perturbation(layer, 0.1, (3, 5, 4))
    first, second = torch.randint(10, (3, 5)), torch.randint(10, (2, 3))
    plain = layer.embedding(first)
    torch.testing.assert_close(layer(first), plain)  # no step before the first

    slope = torch.randn(3, 5, 4)
    (layer(first) * slope).sum().backward()
    torch.testing.assert_close(perturbation.previous, slope)
    torch.testing.assert_close(layer(second), layer.embedding(second) + 0.1 * slope[:2, :3].sign())
    with torch.no_grad():  # the target view is perturbed too, and remembers nothing
        torch.testing.assert_close(layer(second), layer.embedding(second) + 0.1 * slope[:2, :3].sign())


def test_perturbation_rests_in_evaluation_and_at_epsilon_zero() -> None:
    layer = Layer()
    Perturbation(layer, 0.1, (1, 2, 4)).previous.fill_(1)
    ids = torch.tensor([[1, 2]])
    layer.eval()
    assert torch.equal(layer(ids), layer.embedding(ids))
    assert not list(Perturbation(Layer(), 0.0, (1, 2, 4)).buffers())
