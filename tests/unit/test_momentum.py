"""The queue and the moving average of MoCoSE, against lists and closed forms."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from methods.core.contract import Schedule
from methods.core.ema import cosine_decay, ema_update
from methods.core.encoder import Encoder
from methods.core.queue import Queue, Slice, centroids
from methods.mocose import MoCoSE


@given(
    size=st.integers(0, 12),
    share=st.floats(0, 1),
    batches=st.lists(st.integers(1, 5), max_size=8),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=60)
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


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ("all", range(16)),
        ("newest", range(8)),
        ("middle", range(4, 12)),
        ("oldest", range(8, 16)),
        ("without_middle", [*range(4), *range(12, 16)]),
    ],
)
def test_a_slice_is_of_the_full_queue(part: Slice, kept: Sequence[int]) -> None:
    """Table 8: 0-512, 256-768, 512-1024 and what is not 256-768, of a queue of 1,024; index 0 is the newest."""
    queue = Queue(16, 2, 1)
    queue.enqueue(torch.arange(13.0)[:, None])
    assert torch.equal(queue.negatives(part), queue.negatives())  # 15 of 16: not full yet
    queue.enqueue(torch.tensor([[-1.0]]))
    ages = queue.negatives()[:, 0].tolist()
    assert queue.negatives(part)[:, 0].tolist() == [ages[row] for row in kept]


def test_centroids_of_separate_groups_are_their_means() -> None:
    torch.manual_seed(0)
    directions = torch.eye(3)[torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])]  # the first, fourth and last start the groups
    rows = torch.nn.functional.normalize(directions + 0.1 * torch.randn(8, 3), dim=1)
    found = centroids(rows, 3)
    for axis in range(3):
        mean = torch.nn.functional.normalize(rows[directions[:, axis] == 1].sum(0), dim=0)
        assert (found @ mean).max().item() == pytest.approx(1, abs=1e-6)


def test_one_centroid_is_the_mean_and_as_many_as_rows_are_the_rows() -> None:
    rows = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    torch.testing.assert_close(centroids(rows, 1)[0], torch.nn.functional.normalize(rows.mean(0), dim=0))
    torch.testing.assert_close(centroids(rows, 9), rows)


def test_centroids_are_the_same_under_autocast() -> None:
    torch.manual_seed(0)
    rows = torch.nn.functional.normalize(1 + 0.02 * torch.randn(200, 8), dim=1)  # cosines that bf16 takes for equal
    with torch.autocast("cpu", torch.bfloat16):
        found = centroids(rows, 5)
    assert torch.equal(found, centroids(rows, 5))


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
def test_cosine_decay_rises_from_eta_to_one_and_comes_down_again(eta: float) -> None:
    values = [cosine_decay(eta, step, 100) for step in range(151)]
    assert values[0] == pytest.approx(eta)
    assert [values[50], values[150]] == pytest.approx([(1 + eta) / 2] * 2)
    assert values[100] == 1
    assert values[:101] == sorted(values[:101])


def test_cosine_decay_of_the_released_run_has_the_known_mean() -> None:
    """15,554 steps over a schedule of 15,000, eta 0.85: mean 0.928, end 1 (reports/paper, MoCoSE, derived)."""
    values = [cosine_decay(0.85, step, 15_000) for step in range(15_554)]
    assert math.fsum(values) / len(values) == pytest.approx(0.928, abs=5e-4)


@pytest.mark.parametrize(("batch_size", "end"), [(32, 1.0), (64, 1.0), (128, 0.925), (256, 0.87197)])
def test_the_rise_takes_an_epoch_in_batches_of_64(tiny_encoder: Encoder, batch_size: int, end: float) -> None:
    """All, a half and a quarter of half a cosine from 0.85: about as far as the released code comes."""
    steps = 1_000_000 // batch_size
    method = MoCoSE(tiny_encoder, MoCoSE.Settings(), Schedule(steps, batch_size, 32, 1_000_000))
    method.step.fill_(steps)
    assert method.decay() == pytest.approx(end, abs=1e-5)
    if batch_size > 32:
        assert method.decay() == pytest.approx(cosine_decay(0.85, steps, 15_000), abs=6e-3)
