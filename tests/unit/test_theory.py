"""The theory of weighted InfoNCE: identities, gradients, the optimal critic. What the losses claim, one test a claim.

Throughout c_ij are cosines, t the temperature, w_ij the weights, N the number of negatives, and
P_ij = w_ij e^(c_ij/t) / Z_i (weight form) or e^(c_ij/t_ij) / Z_i (temperature form).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from methods.core import losses
from methods.core.contract import Batch
from methods.core.in_batch import InBatchMethod
from methods.core.soft_negatives import SoftNegativesMethod
from methods.simcse import SimCSE
from methods.softcse_temperature import SoftCSETemperature
from methods.softcse_weight import SoftCSEWeight
from pipelines import theory

METHODS = [SimCSE, SoftCSEWeight, SoftCSETemperature]
FORMS = [SoftCSEWeight, SoftCSETemperature]
FUNCTIONS = [losses.weighted_info_nce, losses.tempered_info_nce]
Loss = Callable[[Tensor, Tensor, float], Tensor]

seeds = st.integers(0, 10_000)
sizes = st.integers(3, 12)  # sentences in a batch, so that N is at least 2
temperatures = st.floats(0.03, 2)
quick = settings(max_examples=40)


def rows(size: int, seed: int, width: int = 7) -> Tensor:
    return torch.randn(size, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosines_of(size: int, seed: int) -> Tensor:
    return losses.cosine_matrix(rows(size, seed), rows(size, seed + 1))


def weights_of(size: int, seed: int) -> Tensor:
    """Positive weights that follow from nothing, ones on the diagonal."""
    free = torch.rand(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (0.05 + 2 * free).masked_fill(losses.diagonal(free), 1)


def batch_of(size: int, seed: int) -> Batch:
    ids = torch.zeros(size, 1, dtype=torch.long)
    return Batch(ids, torch.ones_like(ids), torch.arange(size), normalize(rows(size, seed)))


def off(matrix: Tensor) -> Tensor:
    """The negatives of each anchor, (B, N)."""
    return matrix[~torch.eye(len(matrix), dtype=torch.bool)].view(len(matrix), -1)


def derivative(loss: Callable[[Tensor], Tensor], cosines: Tensor) -> Tensor:
    """Of each anchor's loss by its cosines, (B, C), by automatic differentiation."""
    cosines = cosines.clone().requires_grad_()
    return torch.autograd.grad(loss(cosines).sum(), cosines)[0]


def softmax_similarities(batch: Batch, sharpness: float) -> Tensor:
    """s_ij of SoftCSE from its definition: a distribution over the negatives of each anchor."""
    assert batch.teacher is not None
    raised = (batch.teacher @ batch.teacher.T / sharpness).exp().fill_diagonal_(0)
    return raised / raised.sum(1, keepdim=True)


# Forms of one loss


@given(size=sizes, seed=seeds, t=temperatures)
@quick
@pytest.mark.parametrize("function", FUNCTIONS)
def test_weights_of_one_give_info_nce(function: Loss, size: int, seed: int, t: float) -> None:
    cosines = cosines_of(size, seed)
    torch.testing.assert_close(function(cosines, torch.ones_like(cosines), t), losses.info_nce(cosines, t))


@given(size=sizes, seed=seeds, t=temperatures)
@quick
def test_the_temperature_form_is_info_nce_with_a_temperature_for_each_pair(size: int, seed: int, t: float) -> None:
    cosines, weights = cosines_of(size, seed), weights_of(size, seed)
    temperature = t / weights  # t_ij; t itself for the positives
    expected = (cosines / temperature).logsumexp(1) - cosines.diagonal() / t
    torch.testing.assert_close(losses.tempered_info_nce(cosines, weights, t), expected)


@given(size=sizes, seed=seeds)
@quick
def test_softcse_temperatures_are_those_of_its_formula(size: int, seed: int) -> None:
    """t_ij = (N - 1) t / [N (1 - s_ij)]."""
    method, cosines, batch = theory.fresh(SoftCSETemperature), cosines_of(size, seed), batch_of(size, seed + 2)
    n, t = size - 1, method.settings.temperature
    temperature = (n - 1) * t / (n * (1 - softmax_similarities(batch, method.settings.sharpness)))
    temperature.fill_diagonal_(t)
    expected = (cosines / temperature).logsumexp(1) - cosines.diagonal() / t
    torch.testing.assert_close(method.loss(cosines, batch), expected, rtol=1e-9, atol=1e-9)


@given(size=sizes, seed=seeds, t=temperatures)
@quick
def test_a_weight_is_a_margin_of_its_logarithm_on_the_logit(size: int, seed: int, t: float) -> None:
    cosines, weights = cosines_of(size, seed), weights_of(size, seed)
    moved = cosines + t * weights.log()  # in units of the cosine
    torch.testing.assert_close(losses.weighted_info_nce(cosines, weights, t), losses.info_nce(moved, t))


# Gradients


@given(size=sizes, seed=seeds, t=temperatures)
@quick
@pytest.mark.parametrize("kind", METHODS)
def test_pulls_are_those_of_the_analysis(kind: type[InBatchMethod], size: int, seed: int, t: float) -> None:
    """On a negative P_ij / t_ij, on the positive (P_ii - 1) / t, where t_ij is t in all but the temperature form."""
    method, cosines, batch = theory.fresh(kind), cosines_of(size, seed), batch_of(size, seed + 2)
    method.settings = kind.Settings(temperature=t)
    weights = method.weights(cosines, batch) if isinstance(method, SoftNegativesMethod) else torch.ones_like(cosines)
    if kind is SoftCSETemperature:
        inverse, unscaled = weights / t, (cosines * weights / t).exp()
    else:
        inverse, unscaled = torch.full_like(weights, 1 / t), weights * (cosines / t).exp()
    p = unscaled / unscaled.sum(1, keepdim=True)
    expected = (p * inverse).diagonal_scatter((p.diagonal() - 1) / t)
    closed = method.pull(cosines, batch)
    assert closed is not None
    torch.testing.assert_close(closed, expected, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(derivative(lambda c: method.loss(c, batch), cosines), expected, rtol=1e-8, atol=1e-10)


@given(size=sizes, seed=seeds, t=temperatures)
@quick
def test_what_pushes_the_negatives_pulls_the_positive(size: int, seed: int, t: float) -> None:
    """Weight form: the pulls of an anchor sum to zero. Temperature form: only once each is multiplied by t_ij."""
    cosines, weights = cosines_of(size, seed), weights_of(size, seed)
    zero = torch.zeros(size, dtype=torch.float64)
    weighted = derivative(lambda c: losses.weighted_info_nce(c, weights, t), cosines)
    tempered = derivative(lambda c: losses.tempered_info_nce(c, weights, t), cosines)
    torch.testing.assert_close(weighted.sum(1), zero, rtol=0, atol=1e-12 / t)
    torch.testing.assert_close((tempered * t / weights).sum(1), zero, rtol=0, atol=1e-12)


def test_in_the_temperature_form_the_pulls_do_not_sum_to_zero() -> None:
    weights = torch.tensor([[1, 0.5, 0.5]], dtype=torch.float64)
    pulls = derivative(lambda c: losses.tempered_info_nce(c, weights, 1.0), torch.zeros(1, 3, dtype=torch.float64))
    torch.testing.assert_close(pulls, torch.tensor([[-2 / 3, 1 / 6, 1 / 6]], dtype=torch.float64))


# The optimal critic: x and y finite, negatives drawn from p(y)


def joint(seed: int, xs: int = 3, ys: int = 4) -> tuple[Tensor, Tensor]:
    """p(x, y) and a weight of every pair, (X, Y) each."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(xs * ys, 4.0)).reshape(xs, ys)
    return torch.from_numpy(p), torch.from_numpy(rng.uniform(0.2, 2, (xs, ys)))


def minimiser(population_loss: Callable[[Tensor], Tensor], shape: torch.Size) -> Tensor:
    """The critic f(x, y), (X, Y), with mean zero for each x: the loss does not see a constant of x. It is convex."""
    critic = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [critic], max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = population_loss(critic)
        loss.backward()
        return loss

    optimiser.step(closure)
    return centred(critic.detach())


def centred(table: Tensor) -> Tensor:
    return table - table.mean(1, keepdim=True)


def rowwise(loss: Loss, critic: Tensor, weights: Tensor, t: float) -> Tensor:
    """One loss a row of (R, 1 + N), the positive in column 0."""
    return torch.vmap(lambda c, w: loss(c[None], w[None], t)[0])(critic, weights)


def over_draws(critic: Tensor, p: Tensor, weights: Tensor, n: int, t: float) -> Tensor:
    """Expected weighted InfoNCE, over pairs from p(x, y) and all draws of N negatives from p(y)."""
    draws = torch.tensor(list(itertools.product(range(p.shape[1]), repeat=n)))  # (D, N)
    chance = p.sum(0)[draws].prod(1)  # (D,)
    total = critic.new_zeros(())
    for x, y in itertools.product(*map(range, p.shape)):
        columns = torch.cat([torch.full((len(draws), 1), y), draws], 1)  # (D, 1 + N)
        w = torch.cat([torch.ones(len(draws), 1, dtype=p.dtype), weights[x][draws]], 1)
        total = total + p[x, y] * (chance * rowwise(losses.weighted_info_nce, critic[x][columns], w, t)).sum()
    return total


def of_many(critic: Tensor, p: Tensor, weights: Tensor, n: float, t: float) -> Tensor:
    """Expected weighted InfoNCE where each y is N p(y) times among the negatives, as it is for N without bound."""
    total = critic.new_zeros(())
    for x, y in itertools.product(*map(range, p.shape)):
        row = torch.cat([critic[x, y : y + 1], critic[x]])[None]  # (1, 1 + Y)
        w = torch.cat([torch.ones(1, dtype=p.dtype), n * p.sum(0) * weights[x]])[None]
        total = total + p[x, y] * losses.weighted_info_nce(row, w, t)[0]
    return total


def log_density_ratio(p: Tensor) -> Tensor:
    """The density ratio p(y|x) / p(y), in logarithms."""
    return (p / p.sum(1, keepdim=True) / p.sum(0)).log()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("t", [1.0, 0.5])
def test_without_weights_the_optimal_critic_is_the_log_density_ratio(n: int, t: float) -> None:
    p, _ = joint(seed=n)
    found = minimiser(lambda f: over_draws(f, p, torch.ones_like(p), n, t), p.shape)
    torch.testing.assert_close(found / t, centred(log_density_ratio(p)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("t", [1.0, 0.5])
def test_weights_shift_the_optimal_critic_by_minus_their_logarithm(seed: int, t: float) -> None:
    p, weights = joint(seed)
    found = minimiser(lambda f: of_many(f, p, weights, 1e9, t), p.shape)
    torch.testing.assert_close(found / t, centred(log_density_ratio(p) - weights.log()), rtol=0, atol=1e-6)


def test_with_few_negatives_the_shift_is_smaller_and_its_error_falls_as_their_number() -> None:
    """The positive carries no weight, which shows as long as it is one term among few."""
    p, weights = joint(seed=5)
    limit = centred(log_density_ratio(p) - weights.log())
    error = {n: (minimiser(lambda f, n=n: of_many(f, p, weights, n, 1), p.shape) - limit).norm() for n in (100, 1000)}
    assert error[100] > 1e-3
    assert error[100] / error[1000] == pytest.approx(10, rel=0.1)
    few = minimiser(lambda f: over_draws(f, p, weights, 2, 1), p.shape)
    unweighted = centred(log_density_ratio(p))
    assert 0.1 < (few - unweighted).norm() / (limit - unweighted).norm() < 0.9


# SoftCSE's weights


@given(size=sizes, seed=seeds, total=st.floats(-2, 2))
@quick
def test_the_mean_weight_is_one_exactly_if_the_similarities_sum_to_one(size: int, seed: int, total: float) -> None:
    """The mean over N negatives of (1 - s_ij) / (1 - 1/N) is (N - S) / (N - 1), S their sum: 1 + (1 - S) / (N - 1)."""
    n = size - 1
    raw = torch.rand(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for s in (total, 1.0):
        sums = off(raw).sum(1)[:, None]
        similarities = raw * s / sums  # off the diagonal each row sums to s; none exceeds 1
        if off(similarities).max() > 1:
            continue
        mean = off(losses.negative_weights(similarities, None)).mean(1)
        torch.testing.assert_close(mean, torch.full_like(mean, (n - s) / (n - 1)))
        assert torch.allclose(mean, torch.ones_like(mean), rtol=0, atol=1e-12) == (abs(1 - s) < 1e-12 * (n - 1))


@given(size=st.integers(3, 20), seed=seeds, sharpness=st.floats(0.02, 5))
@quick
def test_a_softmax_gives_an_anchors_negatives_mean_weight_one(size: int, seed: int, sharpness: float) -> None:
    weights = off(losses.negative_weights(losses.cosine_matrix(rows(size, seed), rows(size, seed)), sharpness))
    torch.testing.assert_close(weights.mean(1), torch.ones(size, dtype=torch.float64), atol=1e-9, rtol=0)
    assert (weights >= 0).all()


@given(size=sizes, seed=seeds, cosine=st.floats(0, 0.95))
@quick
@pytest.mark.parametrize("kind", FORMS)
def test_the_more_similar_negative_is_pulled_less(
    kind: type[SoftNegativesMethod], size: int, seed: int, cosine: float
) -> None:
    """Smaller weight, higher temperature, smaller pull; and where w < 1 a smaller pull than under InfoNCE."""
    method, batch = theory.fresh(kind), batch_of(size, seed)
    cosines = torch.full((size, size), cosine, dtype=torch.float64).fill_diagonal_(0.9)  # equally near to the model
    weights = method.weights(cosines, batch)
    pull, plain = method.pull(cosines, batch), theory.fresh(SimCSE).pull(cosines, batch)
    assert batch.teacher is not None
    assert pull is not None
    assert plain is not None
    order = off(batch.teacher @ batch.teacher.T).argsort(1)
    for values in (off(weights), off(pull), -method.settings.temperature / off(weights)):
        assert (values.gather(1, order).diff(dim=1) <= 1e-12).all()
    spared = off(weights) < 1 - 1e-9
    assert spared.any()
    assert (off(pull)[spared] < off(plain)[spared]).all()


def test_below_zero_a_higher_temperature_pulls_more() -> None:
    """Where c < 0 a higher temperature raises the logit c/t_ij: only the weight form spares such a negative."""
    weights = torch.tensor([[1, 0.5, 1.5]], dtype=torch.float64)
    cosines = torch.tensor([[0.8, -0.4, -0.4]], dtype=torch.float64)
    weighted = derivative(lambda c: losses.weighted_info_nce(c, weights, 0.05), cosines)[0]
    tempered = derivative(lambda c: losses.tempered_info_nce(c, weights, 0.05), cosines)[0]
    assert weighted[1] < weighted[2]
    assert tempered[1] > tempered[2]


# Batches, and the analysis of Wang and Liu (arXiv 2012.09740)


@given(size=sizes, seed=seeds, data=st.data())
@quick
@pytest.mark.parametrize("kind", METHODS)
def test_permuting_the_batch_permutes_the_terms(
    kind: type[InBatchMethod], size: int, seed: int, data: st.DataObject
) -> None:
    method, cosines, batch = theory.fresh(kind), cosines_of(size, seed), batch_of(size, seed + 2)
    order = torch.tensor(data.draw(st.permutations(range(size))))
    assert batch.teacher is not None
    moved = Batch(batch.ids[order], batch.mask[order], batch.rows[order], batch.teacher[order])
    found = method.loss(cosines[order][:, order], moved)
    torch.testing.assert_close(found, method.loss(cosines, batch)[order])


@given(size=sizes, seed=seeds, t=temperatures)
@quick
def test_pulls_relative_to_the_positives_are_a_softmax_over_the_negatives(size: int, seed: int, t: float) -> None:
    """Wang and Liu's relative penalty, r_ij = e^(c_ij/t) / sum over k != i of e^(c_ik/t): it sums to one."""
    cosines = cosines_of(size, seed)
    cosines.fill_diagonal_(0.1)  # an easy positive leaves a pull on it that is lost in rounding: 1 - P_ii
    pulls = derivative(lambda c: losses.info_nce(c, t), cosines)
    relative = off(pulls) / -pulls.diagonal()[:, None]
    raised = off((cosines / t).exp())
    torch.testing.assert_close(relative, raised / raised.sum(1, keepdim=True), rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(relative.sum(1), torch.ones(size, dtype=torch.float64), rtol=0, atol=1e-6)


@given(size=sizes, seed=seeds, t=temperatures, factor=st.floats(1.05, 10))
@quick
def test_a_lower_temperature_sharpens_the_relative_penalty(size: int, seed: int, t: float, factor: float) -> None:
    cosines = cosines_of(size, seed)

    def entropy(temperature: float) -> Tensor:
        pulls = off(derivative(lambda c: losses.info_nce(c, temperature), cosines))
        share = pulls / pulls.sum(1, keepdim=True)
        return torch.special.entr(share).sum(1)

    assert (entropy(t) < entropy(factor * t)).all()
