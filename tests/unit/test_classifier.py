"""The batched classifiers against one torch.nn.Linear after the other, and against another library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from benchmarks.naive_senteval import L2, Classifier
from eval import classifier
from eval.classifier import TRAINING, Split, Training, fit, initial_weights, predict

SETTINGS = sorted(TRAINING)


def clouds(rows: int, dimensions: int, classes: int, spread: float = 2.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Overlapping Gaussian classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    centres = rng.standard_normal((classes, dimensions))
    features = centres[labels] + spread * rng.standard_normal((rows, dimensions))
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(labels)


def random_splits(rows: int, sizes: list[tuple[int, int]], seed: int = 1) -> list[Split]:
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(rows) for _ in sizes]
    return [Split(order[:n], order[n : n + m] if m else None) for order, (n, m) in zip(orders, sizes, strict=True)]


def naive(
    x: Tensor, y: Tensor, classes: int, split: Split, l2: float, training: Training
) -> tuple[Tensor, float, Classifier]:
    one = Classifier(x.shape[1], classes, l2, training)
    rows = split.validation
    best = one.fit(x[split.train], y[split.train], None if rows is None else (x[rows], y[rows]))
    return torch.cat([one.layer.weight, one.layer.bias[:, None]], 1).detach(), best, one


def strengths(splits: list[Split]) -> NDArray[np.float64]:
    return np.tile(L2, (len(splits), 1))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("classes", [2, 6])
def test_every_fit_equals_one_trained_alone(setting: str, classes: int) -> None:
    x, y = clouds(260, 10, classes)
    # Equal and unequal sizes, a last batch of one row (129 = 2 x 64 + 1 = 128 + 1), and none held out.
    splits = random_splits(260, [(200, 60), (129, 60), (200, 50), (128, 60), (260, 0), (260, 0)])
    fits = fit(x, y, initial_weights(x.shape[1], classes), splits, strengths(splits), TRAINING[setting])
    assert fits.weights.shape == (6, 4, classes, 11)
    for i, split in enumerate(splits):
        for j, l2 in enumerate(L2):
            weights, best, one = naive(x, y, classes, split, l2, TRAINING[setting])
            torch.testing.assert_close(fits.weights[i, j], weights, rtol=0, atol=1e-4)
            assert fits.accuracy[i, j] == pytest.approx(best, abs=1e-12)
            assert torch.equal(predict(x, fits.weights[i, j]), one.predict(x))


def test_each_split_has_its_own_strengths() -> None:
    x, y = clouds(120, 5, 2)
    splits = random_splits(120, [(90, 30)] * 3)
    own = np.array([[1e-2], [0.0], [1.0]])
    fits = fit(x, y, initial_weights(x.shape[1], 2), splits, own, TRAINING["full"])
    for i, split in enumerate(splits):
        weights, _, _ = naive(x, y, 2, split, float(own[i, 0]), TRAINING["full"])
        torch.testing.assert_close(fits.weights[i, 0], weights, rtol=0, atol=1e-4)


@pytest.mark.parametrize("setting", SETTINGS)
def test_tiny_gradients_meet_the_optimisers_epsilon(setting: str) -> None:
    x, y = clouds(120, 5, 2)
    splits = random_splits(120, [(90, 30)])
    fits = fit(x * 1e-7, y, initial_weights(x.shape[1], 2), splits, np.array([[0.0]]), TRAINING[setting])
    weights, _, _ = naive(x * 1e-7, y, 2, splits[0], 0.0, TRAINING[setting])
    torch.testing.assert_close(fits.weights[0, 0], weights, rtol=0, atol=1e-4)


def test_more_splits_than_step_together(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = clouds(80, 4, 3)
    splits = random_splits(80, [(60, 20)] * 5)
    whole = fit(x, y, initial_weights(x.shape[1], 3), splits, strengths(splits), TRAINING["fast"])
    monkeypatch.setattr(classifier, "TOGETHER", 2)
    parts = fit(x, y, initial_weights(x.shape[1], 3), splits, strengths(splits), TRAINING["fast"])
    torch.testing.assert_close(parts.weights, whole.weights, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(parts.accuracy, whole.accuracy)


@settings(max_examples=10)
@given(
    st.integers(0, 2**16),
    st.integers(20, 70),
    st.integers(1, 9),
    st.integers(2, 4),
    st.sampled_from(SETTINGS),
    st.integers(1, 80),
    st.integers(0, 3),
    st.integers(1, 60),
)
def test_any_shape_equals_the_plain_loop(
    seed: int, rows: int, dimensions: int, classes: int, setting: str, batch: int, tenacity: int, epoch_size: int
) -> None:
    training = Training(TRAINING[setting].optimiser, batch, tenacity, epoch_size)
    x, y = clouds(rows, dimensions, classes, seed=seed)
    (split,) = random_splits(rows, [(rows, 0)], seed)
    fits = fit(x, y, initial_weights(x.shape[1], classes), [split], np.array([[1e-3]]), training)
    _, best, _ = naive(x, y, classes, split, 1e-3, training)
    held_out = int(0.05 * rows)
    assert abs(fits.accuracy[0, 0] - best) <= 1 / held_out + 1e-9  # one example, where the order of sums flips it


def test_a_fit_that_never_stops_early_ends_after_the_last_round() -> None:
    x, y = clouds(40, 3, 2)
    rounds: list[int] = []
    unstoppable = Training("adam", 64, tenacity=1000, epoch_size=4)
    splits = random_splits(40, [(30, 10)] * 2)
    fits = fit(x, y, initial_weights(x.shape[1], 2), splits, strengths(splits), unstoppable, rounds.append)
    assert len(rounds) == 51 + 1  # epochs 4, 8, ..., 204, and those that are left at the end
    assert sum(rounds) == rounds[-1] == 8
    torch.testing.assert_close(fits.weights[1, 2], naive(x, y, 2, splits[1], L2[2], unstoppable)[0], rtol=0, atol=1e-4)


def test_the_global_generators_are_left_alone() -> None:
    x, y = clouds(40, 3, 2)
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # type: ignore[index] # noqa: NPY002
    fit(x, y, initial_weights(x.shape[1], 2), random_splits(40, [(40, 0)]), np.array([[0.0]]), TRAINING["fast"])
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # type: ignore[index] # noqa: NPY002


def test_weak_l2_comes_close_to_scikit_learns_optimum() -> None:
    x, y = clouds(2000, 8, 3, spread=1.5)
    splits = random_splits(2000, [(1500, 500)])
    fits = fit(x, y, initial_weights(x.shape[1], 3), splits, np.array([[1e-5]]), TRAINING["full"])
    train, held_out = splits[0].train, splits[0].validation
    other = LogisticRegression(C=1e5 / 1500, max_iter=1000).fit(x[train], y[train])
    assert fits.accuracy[0, 0] >= other.score(x[held_out], y[held_out]) - 0.01
    assert (
        nn.functional.cross_entropy(x[train] @ fits.weights[0, 0, :, :-1].T + fits.weights[0, 0, :, -1], y[train])
        >= nn.functional.cross_entropy(torch.from_numpy(other.decision_function(x[train])), y[train]) - 1e-3
    )


def test_threads_share_out_the_splits_and_torchs_number_of_them_comes_back() -> None:
    x, y = clouds(80, 4, 3)
    splits = random_splits(80, [(60 - i, 20) for i in range(5)])
    alone = fit(x, y, initial_weights(x.shape[1], 3), splits, strengths(splits), TRAINING["fast"])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        shared = fit(x, y, initial_weights(x.shape[1], 3), splits, strengths(splits), TRAINING["fast"])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(shared.weights, alone.weights)
    np.testing.assert_array_equal(shared.accuracy, alone.accuracy)
