"""The neighbours of SoftCSE and MoCoSE against loops in plain Python, closed forms and the identities between them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods.core import losses
from methods.core.contract import Batch, Schedule, UntrainedMethod, load_method
from methods.core.encoder import Encoder
from methods.core.in_batch import InBatchMethod
from pipelines import params
from pipelines.errors import NegbenchError

Matrix = list[list[float]]

IN_BATCH = [name for name in params.method_names() if issubclass(load_method(name), InBatchMethod)]


def build(name: str, encoder: Encoder, dtype: torch.dtype = torch.float64, **settings: Any) -> Any:
    kind: Any = load_method(name)
    torch.manual_seed(0)
    return kind(copy.deepcopy(encoder), kind.Settings(**settings), Schedule(20, 8, 16, 40)).to(dtype).train()


def vectors(size: int, width: int = 6, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(size, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def views(size: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Two views (B, 6): the second is the first with noise, so that positives are near and some negatives too."""
    first = vectors(size, seed=seed, dtype=dtype)
    return first, first + 0.7 * vectors(size, seed=seed + 1, dtype=dtype)


def cosines_of(size: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return losses.cosine_matrix(*views(size, seed, dtype))


def batch_of(size: int, dtype: torch.dtype = torch.float64, first_row: int = 0) -> Batch:
    """A batch of which the losses read the rows and the teacher alone."""
    teacher = torch.nn.functional.normalize(vectors(size, 4, 9, dtype), dim=1)
    ids = torch.zeros(size, 1, dtype=torch.long)
    return Batch(ids, ids, torch.arange(first_row, first_row + size), teacher)


def similarities_of(batch: Batch) -> Matrix:
    assert batch.teacher is not None
    rows = batch.teacher.tolist()
    lengths = [math.sqrt(sum(x * x for x in row)) for row in rows]
    return [
        [sum(x * y for x, y in zip(a, b, strict=True)) / (m * n) for b, n in zip(rows, lengths, strict=True)]
        for a, m in zip(rows, lengths, strict=True)
    ]


# Every loss as its formula reads, one anchor at a time: c the anchor's cosines, s its similarities, i its number.


def negatives_of(row: list[float], i: int) -> list[float]:
    return row[:i] + row[i + 1 :]


def weighted(row: list[float], i: int, weights: list[float], t: float) -> float:
    total = sum(w * math.exp(c / t) for w, c in zip(weights, negatives_of(row, i), strict=True))
    return -math.log(math.exp(row[i] / t) / (math.exp(row[i] / t) + total))


def naive_hcl(c: list[float], s: list[float], i: int, temperature: float, tau_plus: float, beta: float = 0) -> float:
    positive, negatives = math.exp(c[i] / temperature), [math.exp(x / temperature) for x in negatives_of(c, i)]
    count = len(negatives)
    mean = sum(x**beta for x in negatives) / count
    total = sum(x**beta / mean * x for x in negatives)
    estimate = max((total - tau_plus * count * positive) / (1 - tau_plus), count * math.exp(-1 / temperature))
    return -math.log(positive / (positive + estimate))


def naive_soft_infonce(
    c: list[float], s: list[float], i: int, alpha: float = 1, beta: float = 1, sharpness: float = 1
) -> float:
    likes = [math.exp(x / sharpness) for x in negatives_of(s, i)]
    count = len(likes)
    if count == 1:
        return weighted(c, i, [1], 0.05)
    weights = [max((beta - alpha * x / sum(likes)) / (beta - alpha / count), 0.1) for x in likes]
    return weighted(c, i, weights, 0.05)


def naive_focal_infonce(c: list[float], s: list[float], i: int, margin: float, temperature: float = 0.05) -> float:
    positive = math.exp(c[i] * c[i] / temperature)
    total = sum(math.exp(x * (x + margin) / temperature) for x in negatives_of(c, i))
    return -math.log(positive / (positive + total))


def naive_dclr(c: list[float], s: list[float], i: int, phi: float) -> float:
    weights = [0.0 if j < len(s) and s[j] >= phi else 1.0 for j in range(len(c)) if j != i]
    return weighted(c, i, weights, 0.05)


def naive_hardness(c: list[float], s: list[float], i: int, alpha: float = 9) -> float:
    return weighted(c, i, [math.exp(alpha * x) for x in negatives_of(c, i)], 0.05)


def naive_isogclr(c: list[float], s: list[float], i: int, temperature: float = 0.07) -> float:
    """At the first visit, when s_i is the mean over the present negatives."""
    negatives = negatives_of(c, i)
    mean = sum(math.exp(x / temperature) for x in negatives) / len(negatives)
    return sum(math.exp(x / temperature) / mean * x for x in negatives) / len(negatives) - c[i]


CASES: list[tuple[str, Callable[..., float], dict[str, float]]] = [
    ("dcl", naive_hcl, {"temperature": 0.5, "tau_plus": 0.1}),
    ("dcl", naive_hcl, {"temperature": 0.05, "tau_plus": 0.01}),
    ("hcl", naive_hcl, {"temperature": 0.5, "tau_plus": 0.1, "beta": 1.0}),
    ("hcl", naive_hcl, {"temperature": 0.05, "tau_plus": 0.01, "beta": 0.5}),
    ("soft_infonce", naive_soft_infonce, {}),
    ("soft_infonce", naive_soft_infonce, {"alpha": 0.8, "beta": 1.3, "sharpness": 0.1}),
    ("focal_infonce", naive_focal_infonce, {"margin": 0.3}),
    ("dclr", naive_dclr, {"phi": 0.2}),
    ("hardness_weighting", naive_hardness, {}),
    ("hardness_weighting", naive_hardness, {"alpha": 2.5}),
    ("isogclr", naive_isogclr, {"temperature": 0.0625}),  # a power of two: the memory is in float32
]


@pytest.mark.parametrize(("name", "naive", "settings"), CASES)
@pytest.mark.parametrize("size", [2, 3, 8, 17])
@pytest.mark.parametrize(("dtype", "accuracy"), [(torch.float64, 1e-10), (torch.float32, 2e-5)])
def test_a_loss_equals_its_formula(
    name: str,
    naive: Callable[..., float],
    settings: dict[str, float],
    size: int,
    dtype: torch.dtype,
    accuracy: float,
    tiny_encoder: Encoder,
) -> None:
    method, batch = build(name, tiny_encoder, dtype, **settings), batch_of(size, dtype)
    cosines = method.compare(*views(size, dtype=dtype))
    known = similarities_of(batch)
    expected = [naive(row, known[i], i, **settings) for i, row in enumerate(cosines.tolist())]
    found = method.loss(cosines, batch)
    assert found.dtype == dtype
    assert found.tolist() == pytest.approx(expected, rel=accuracy, abs=accuracy)


@pytest.mark.parametrize("size", [2, 3, 8, 17])
@pytest.mark.parametrize(("dtype", "accuracy"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_macl_equals_its_formula(size: int, dtype: torch.dtype, accuracy: float, tiny_encoder: Encoder) -> None:
    cosines = cosines_of(size, dtype=dtype)
    rows = cosines.tolist()
    t = 0.1 * (1 + sum(rows[i][i] for i in range(size)) / size)
    expected = []
    for i, row in enumerate(rows):
        p = math.exp(row[i] / t) / sum(math.exp(c / t) for c in row)
        expected.append(-math.log(p) / (1 - p))
    found = build("macl", tiny_encoder, dtype).loss(cosines, batch_of(size, dtype))
    assert found.tolist() == pytest.approx(expected, rel=accuracy)


@pytest.mark.parametrize("name", IN_BATCH)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_pull_is_the_derivative_of_the_loss(name: str, size: int, tiny_encoder: Encoder) -> None:
    method, batch = build(name, tiny_encoder), batch_of(size)
    cosines = method.compare(*views(size)).detach().requires_grad_()
    (expected,) = torch.autograd.grad(method.loss(cosines, batch).sum(), cosines)
    pull = method.pull(cosines, batch)
    assert pull is not None
    torch.testing.assert_close(pull.detach(), expected, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("settings", [{"temperature": 0.05, "tau_plus": 0.01}, {"temperature": 0.5, "tau_plus": 0.4}])
@pytest.mark.parametrize("name", ["dcl", "hcl"])
def test_pull_of_the_debiased_losses_knows_the_floor(
    name: str, settings: dict[str, float], tiny_encoder: Encoder
) -> None:
    method, batch = build(name, tiny_encoder, **settings), batch_of(12)
    cosines = cosines_of(12).requires_grad_()
    (expected,) = torch.autograd.grad(method.loss(cosines, batch).sum(), cosines)
    at_floor = (expected[~losses.diagonal(cosines)].view(12, 11) == 0).all(dim=1)
    assert 0 < at_floor.sum() < 12  # anchors of both kinds are there
    torch.testing.assert_close(method.pull(cosines, batch).detach(), expected, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("name", IN_BATCH)
def test_the_order_of_the_batch_does_not_matter(name: str, tiny_encoder: Encoder) -> None:
    size = 9
    batch, order = batch_of(size), torch.randperm(size, generator=torch.Generator().manual_seed(3))
    assert batch.teacher is not None
    shuffled = Batch(batch.ids, batch.mask, batch.rows[order], batch.teacher[order])
    cosines = build(name, tiny_encoder).compare(*views(size))
    columns = torch.cat([order, torch.arange(size, cosines.shape[1])])  # noise, where there is any, stays
    expected = build(name, tiny_encoder).loss(cosines, batch)[order]
    found = build(name, tiny_encoder).loss(cosines[order][:, columns], shuffled)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    assert expected.std() > 0


@pytest.mark.parametrize("name", IN_BATCH)
@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(("positive", "negative"), [(1.0, -1.0), (-0.98, 1.0), (1.0, 1.0), (0.99, 0.2)])
def test_float32_holds_at_the_extremes(
    name: str, size: int, positive: float, negative: float, tiny_encoder: Encoder
) -> None:
    method, batch = build(name, tiny_encoder, torch.float32, temperature=0.05), batch_of(size, torch.float32)
    cosines = torch.full((size, size), negative).fill_diagonal_(positive).requires_grad_()
    loss = method.loss(cosines, batch)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert cosines.grad is not None
    assert torch.isfinite(cosines.grad).all()
    assert torch.isfinite(method.pull(cosines, batch)).all()


SAME_AS_INFO_NCE: list[tuple[str, dict[str, float]]] = [
    ("dcl", {"tau_plus": 0.0, "temperature": 0.05}),
    ("hcl", {"tau_plus": 0.0, "beta": 0.0, "temperature": 0.05}),
    ("soft_infonce", {"alpha": 0.0}),
    ("hardness_weighting", {"alpha": 0.0}),
    ("dclr", {"phi": 1.1, "noise_times": 0.0}),
]


@pytest.mark.parametrize(("name", "settings"), SAME_AS_INFO_NCE)
def test_without_its_idea_a_method_is_info_nce(name: str, settings: dict[str, float], tiny_encoder: Encoder) -> None:
    method = build(name, tiny_encoder, **settings)
    cosines = method.compare(*views(8))
    torch.testing.assert_close(method.loss(cosines, batch_of(8)), losses.info_nce(cosines_of(8), 0.05))


def test_hcl_without_hardness_is_dcl(tiny_encoder: Encoder) -> None:
    cosines, batch = cosines_of(8), batch_of(8)
    dcl, hcl = build("dcl", tiny_encoder), build("hcl", tiny_encoder, beta=0.0)
    torch.testing.assert_close(hcl.loss(cosines, batch), dcl.loss(cosines, batch))
    assert not torch.allclose(build("hcl", tiny_encoder).loss(cosines, batch), dcl.loss(cosines, batch))


@pytest.mark.parametrize("t", [0.5, 0.05, 0.01])
def test_the_debiased_losses_at_their_ends(t: float, tiny_encoder: Encoder) -> None:
    """Positives at 1 and N negatives at -1 reach the floor; the other way round it is 2/t and the estimate's log."""
    batch, size = batch_of(5, torch.float32), 5
    method = build("dcl", tiny_encoder, torch.float32, temperature=t)
    best = torch.full((size, size), -1.0).fill_diagonal_(1.0)
    floor = math.log1p(4 * math.exp(-2 / t))
    assert method.loss(best, batch).tolist() == pytest.approx([floor] * size, abs=1e-6)
    estimate = 4 * (1 - 0.1 * math.exp(-2 / t)) / 0.9  # over e^{1/t}
    worst = 2 / t + math.log(math.exp(-2 / t) + estimate)
    assert method.loss(-best, batch).tolist() == pytest.approx([worst] * size, rel=1e-5)


def test_soft_infonce_is_softcse_while_nothing_is_clipped(tiny_encoder: Encoder) -> None:
    cosines, batch = cosines_of(8), batch_of(8)
    softcse = build("softcse_weight", tiny_encoder, sharpness=1.0)
    soft_infonce = build("soft_infonce", tiny_encoder)
    torch.testing.assert_close(soft_infonce.loss(cosines, batch), softcse.loss(cosines, batch))
    sharp = build("soft_infonce", tiny_encoder, sharpness=0.01).weights(cosines, batch)
    assert sharp.min().item() == pytest.approx(0.1)  # where SoftCSE's weight is 0


def test_focal_info_nce_without_margin_is_info_nce_of_squares(tiny_encoder: Encoder) -> None:
    cosines = cosines_of(8)
    method = build("focal_infonce", tiny_encoder, margin=0.0)
    torch.testing.assert_close(method.loss(cosines, batch_of(8)), losses.info_nce(cosines**2, 0.05))


def test_hardness_weighting_equals_sentence_transformers(tiny_encoder: Encoder) -> None:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model: Any = None  # it is asked for the loss of embeddings alone
    theirs = MultipleNegativesRankingLoss(model, hardness_mode="in_batch_negatives", hardness_strength=9.0)
    first, second = views(8)
    expected = theirs.compute_loss_from_embeddings([first, second], torch.empty(0))
    ours = build("hardness_weighting", tiny_encoder).loss(losses.cosine_matrix(first, second), batch_of(8))
    torch.testing.assert_close(ours.mean(), expected)


@pytest.mark.parametrize(("alignment", "alpha", "expected"), [(0.6, 1.0, 0.16), (0.0, 1.0, 0.1), (0.9, 0.5, 0.145)])
def test_macls_temperature_follows_alignment(
    alignment: float, alpha: float, expected: float, tiny_encoder: Encoder
) -> None:
    cosines = cosines_of(4).fill_diagonal_(alignment)
    found = build("macl", tiny_encoder, alpha=alpha).temperature(cosines.requires_grad_())
    assert not found.requires_grad
    assert found.item() == pytest.approx(expected)


def test_macl_pulls_by_the_softmax_over_negatives_alone(tiny_encoder: Encoder) -> None:
    cosines, batch = cosines_of(6), batch_of(6)
    method = build("macl", tiny_encoder, alpha=0.0)
    expected = torch.softmax(losses.off_diagonal(cosines) / 0.1, dim=1) / 0.1
    pull = method.pull(cosines, batch)
    torch.testing.assert_close(losses.off_diagonal(pull), expected)
    torch.testing.assert_close(pull.diagonal(), torch.full((6,), -10.0, dtype=torch.float64))


def test_isogclr_remembers_a_sentence(tiny_encoder: Encoder) -> None:
    """Three visits of the same sentences, and the memory after each, against a loop over the update's lines."""
    size, first_row = 5, 7
    gamma, beta_u, eta, rho, clip = 0.8, 0.6, 0.01, 0.9, 0.5
    method = build("isogclr", tiny_encoder, gamma=gamma, beta_u=beta_u, eta=eta, rho=rho, clip=clip)
    batch = batch_of(size, first_row=first_row)
    tau, s, u = [0.07] * size, [0.0] * size, [0.0] * size
    clipped = 0
    for visit in range(3):
        cosines = cosines_of(size, seed=10 + visit)
        expected = []
        for i, row in enumerate(cosines.tolist()):
            negatives = negatives_of(row, i)
            e = [math.exp(c / tau[i]) for c in negatives]
            mean = sum(e) / len(e)
            s[i] = mean if visit == 0 else (1 - gamma) * s[i] + gamma * mean
            w = [x / s[i] for x in e]
            expected.append(sum(a * c for a, c in zip(w, negatives, strict=True)) / len(w) - row[i])
            slope = math.log(s[i]) + rho - sum(a * c / tau[i] for a, c in zip(w, negatives, strict=True)) / len(w)
            clipped += abs(slope) > clip
            u[i] = (1 - beta_u) * u[i] + beta_u * max(-clip, min(clip, slope))
            tau[i] = max(0.05, min(1.0, tau[i] - eta * u[i]))
        assert method.loss(cosines, batch).tolist() == pytest.approx(expected, rel=1e-6)
        rows = slice(first_row, first_row + size)
        assert method.s[rows].tolist() == pytest.approx(s, rel=1e-6)
        assert method.u[rows].tolist() == pytest.approx(u, rel=1e-6)
        to_come = (method.tau - eta * method.u).clamp(0.05, 1.0)[rows]  # the temperature moves at the next visit
        assert to_come.tolist() == pytest.approx(tau, rel=1e-6)
    assert 0 < clipped < 3 * size
    assert len(set(tau)) > 1
    untouched = torch.ones(40, dtype=torch.bool)
    untouched[first_row : first_row + size] = False
    assert (method.s[untouched] == 0).all()
    assert (method.u[untouched] == 0).all()


def test_dclr_draws_noise_from_torchs_generator(tiny_encoder: Encoder) -> None:
    method = build("dclr", tiny_encoder, noise_times=2.5)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(method.compare(*views(4)))
    assert found[0].shape == (4, 4 + 10)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0][:, :4], found[2][:, :4])
    assert not torch.isclose(found[0][:, 4:], found[2][:, 4:]).any()
    torch.manual_seed(1)
    noise = method.noise(views(4)[0], cosines_of(4))
    torch.testing.assert_close(found[0][:, 4:], losses.cosine_matrix(views(4)[0], noise))


def test_dclrs_noise_climbs_the_loss(tiny_encoder: Encoder) -> None:
    first, second = views(6)
    cosines = losses.cosine_matrix(first, second)
    drawn, moved, far = (
        build("dclr", tiny_encoder, noise_steps=steps, noise_rate=0.05).noise(first, cosines) for steps in (0, 1, 40)
    )
    torch.testing.assert_close((moved - drawn).norm(dim=1), torch.full((6,), 0.05, dtype=torch.float64))
    values = [
        losses.info_nce(torch.cat([cosines, losses.cosine_matrix(first, noise)], dim=1), 0.05).mean().item()
        for noise in (drawn, moved, far)
    ]
    assert values == sorted(values)
    assert values[0] < values[1]


def test_dclrs_ascent_leaves_no_gradient_behind(tiny_encoder: Encoder) -> None:
    method = build("dclr", tiny_encoder, noise_steps=3)
    first = method.head(vectors(4, tiny_encoder.dimension))  # (B, H), with a graph behind it
    second = first.detach().clone().requires_grad_()
    cosines = method.compare(first, second)
    assert all(parameter.grad is None for parameter in method.parameters())
    assert second.grad is None
    cosines[:, 4:].sum().backward()  # the anchors are pushed from the noise, the noise is a constant
    assert second.grad is None or not second.grad.any()
    assert method.head[0].weight.grad.abs().sum() > 0
    with torch.no_grad():
        assert not method.compare(first, second).requires_grad


def test_dclr_leaves_false_negatives_out_and_keeps_noise(tiny_encoder: Encoder) -> None:
    batch = batch_of(6)
    assert batch.teacher is not None
    batch.teacher[3] = batch.teacher[0]
    method = build("dclr", tiny_encoder)
    weights = method.weights(method.compare(*views(6)), batch)
    expected = torch.ones(6, 12, dtype=torch.float64)
    expected[0, 3] = expected[3, 0] = 0
    assert torch.equal(weights, expected)


def sentences_of(count: int) -> list[str]:
    chance = np.random.default_rng(0)
    return [" ".join(chance.choice(list("abcdefghij"), size=chance.integers(2, 9))) for _ in range(count)]


def whitening(folder: Path, sentences: list[str]) -> UntrainedMethod:
    kind: Any = load_method("whitening")
    method: UntrainedMethod = kind(str(folder), sentences)
    return method


@pytest.mark.parametrize(("count", "dimensions"), [(300, 15), (17, 15), (9, 8), (2, 1)])
def test_whitened_sentences_have_covariance_one(count: int, dimensions: int, tiny_encoder_folder: Path) -> None:
    """N sentences vary in at most N - 1 directions, and LayerNorm, which centres, leaves 15 of 16 dimensions."""
    sentences = sentences_of(count)
    found = whitening(tiny_encoder_folder, sentences).encode(sentences).astype(np.float64)
    assert found.shape == (count, dimensions)
    np.testing.assert_allclose(np.atleast_2d(np.cov(found.T)), np.eye(dimensions), atol=1e-4)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)


def test_whitened_distances_are_mahalanobis(tiny_encoder_folder: Path) -> None:
    fitted, others = sentences_of(200), ["a k", "z y x w", "b b b b b b"]
    plain = Encoder.load(tiny_encoder_folder, "first_last_avg")
    inverse = np.linalg.pinv(np.cov(plain.encode(fitted).astype(np.float64).T), rcond=1e-6, hermitian=True)
    raw, white = plain.encode(others).astype(np.float64), whitening(tiny_encoder_folder, fitted).encode(others)
    for a in range(3):
        for b in range(3):
            step = raw[a] - raw[b]
            assert ((white[a] - white[b]) ** 2).sum() == pytest.approx(step @ inverse @ step, rel=1e-3, abs=1e-9)


def test_one_sentence_cannot_be_whitened(tiny_encoder_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, noise = Encoder.encode, np.random.default_rng(0)

    def rounded(encoder: Encoder, sentences: Sequence[str], **options: Any) -> NDArray[np.float32]:
        """What another machine's arithmetic gives: the same up to a few units in the last place."""
        found = exact(encoder, sentences, **options)
        return found * (1 + noise.integers(-4, 5, found.shape) * np.finfo(np.float32).eps).astype(np.float32)

    monkeypatch.setattr(Encoder, "encode", rounded)
    with pytest.raises(NegbenchError, match="one embedding"):
        whitening(tiny_encoder_folder, ["the same"] * 5)
