"""The losses against a double loop in plain Python; what theory says of them is in test_theory.py."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.core import losses


def rows(count: int, width: int = 7, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def naive_cosine(a: Tensor, b: Tensor) -> float:
    dot = sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    return dot / math.sqrt(sum(x * x for x in a.tolist()) * sum(y * y for y in b.tolist()))


def naive_weights(similarities: list[list[float]], sharpness: float) -> list[list[float]]:
    size = len(similarities)
    weights = [[1.0] * size for _ in range(size)]
    for i in range(size):
        total = sum(math.exp(similarities[i][j] / sharpness) for j in range(size) if j != i)
        for j in range(size):
            if j != i:
                s = math.exp(similarities[i][j] / sharpness) / total
                weights[i][j] = (1 - s) / (1 - 1 / (size - 1))
    return weights


def naive_loss(cosines: list[list[float]], t: float, term: list[list[float]], kind: str) -> float:
    """Mean over anchors of the loss, written as in the paper, with `term` = w_ij."""
    total = 0.0
    for i, row in enumerate(cosines):
        positive = math.exp(row[i] / t)
        partition = positive
        for j, c in enumerate(row):
            if j != i:
                w = 1.0 if j >= len(term) else term[i][j]
                partition += w * math.exp(c / t) if kind == "weight" else math.exp(c * w / t)
        total -= math.log(positive / partition)
    return total / len(cosines)


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cosines_equal_a_double_loop(size: int, dtype: torch.dtype) -> None:
    a, b = rows(size, seed=1, dtype=dtype), rows(size + 2, seed=2, dtype=dtype)
    found = losses.cosine_matrix(a, b)
    assert found.shape == (size, size + 2)
    expected = torch.tensor([[naive_cosine(x, y) for y in b] for x in a], dtype=dtype)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_cosines_are_float32_under_autocast() -> None:
    a = rows(4, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = losses.cosine_matrix(a.bfloat16(), a.bfloat16())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.diagonal(), torch.ones(4), atol=1e-6, rtol=0)


@pytest.mark.parametrize("extra", [0, 5])
def test_info_nce_equals_a_double_loop(extra: int) -> None:
    cosines = losses.cosine_matrix(rows(4, seed=1), rows(4 + extra, seed=2))
    ones = [[1.0] * 4 for _ in range(4)]
    expected = naive_loss(cosines.tolist(), 0.05, ones, "weight")
    assert losses.info_nce(cosines, 0.05).mean().item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [3, 8, 17])
@pytest.mark.parametrize("sharpness", [0.05, 0.1, 1.0])
def test_weights_equal_a_double_loop(size: int, sharpness: float) -> None:
    similarities = losses.cosine_matrix(rows(size), rows(size))
    expected = torch.tensor(naive_weights(similarities.tolist(), sharpness), dtype=torch.float64)
    torch.testing.assert_close(losses.negative_weights(similarities, sharpness), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [3, 8])
@pytest.mark.parametrize("kind", ["weight", "temperature"])
def test_softcse_equals_a_double_loop(size: int, kind: str) -> None:
    cosines = losses.cosine_matrix(rows(size, seed=1), rows(size, seed=2))
    weights = losses.negative_weights(losses.cosine_matrix(rows(size, seed=3), rows(size, seed=3)), 0.1)
    function = losses.weighted_info_nce if kind == "weight" else losses.tempered_info_nce
    expected = naive_loss(cosines.tolist(), 0.05, weights.tolist(), kind)
    assert function(cosines, weights, 0.05).mean().item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("size", [1, 2])
def test_fewer_than_two_negatives_are_not_weighted(size: int) -> None:
    assert torch.equal(losses.negative_weights(torch.rand(size, size), 0.1), torch.ones(size, size))


def test_a_weight_of_zero_removes_the_negative() -> None:
    cosines = losses.cosine_matrix(rows(4, seed=1), rows(4, seed=2)).requires_grad_()
    weights = torch.ones(4, 4, dtype=torch.float64)
    weights[0, 3] = 0
    losses.weighted_info_nce(cosines, weights, 0.05).mean().backward()
    assert cosines.grad is not None
    assert cosines.grad[0, 3] == 0
    assert torch.isfinite(cosines.grad).all()
    without = naive_loss([row[:3] + row[3:] for row in cosines.tolist()], 0.05, weights.tolist(), "weight")
    assert losses.weighted_info_nce(cosines, weights, 0.05).mean().item() == pytest.approx(without, rel=1e-10)


def test_no_gradient_reaches_the_weights() -> None:
    cosines = losses.cosine_matrix(rows(5, seed=1), rows(5, seed=2)).requires_grad_()
    weights = torch.rand(5, 5, dtype=torch.float64).requires_grad_()
    for function in (losses.weighted_info_nce, losses.tempered_info_nce):
        function(cosines, weights, 0.05).mean().backward()
    assert weights.grad is None


def test_mean_negative_leaves_the_diagonal_out() -> None:
    cosines = torch.tensor([[9.0, 1.0, 3.0], [2.0, 9.0, 4.0]])
    assert losses.mean_negative(cosines).item() == pytest.approx((1 + 3 + 2 + 4) / 4)
