"""What MoCoSE does to word embeddings and positions, against what its released code does to them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from methods.core.augmentation import Augmentation, Strengths
from methods.core.bert import Embeddings

WIDTH, LENGTH = 20, 10  # of a vector and of the longest sentence
CONFIG: dict[str, Any] = {
    "hidden_size": WIDTH,
    "vocab_size": 30,
    "max_position_embeddings": LENGTH,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.0,
}
IDS = torch.randint(1, 30, (6, 8), generator=torch.Generator().manual_seed(0))


def embeddings() -> Embeddings:
    torch.manual_seed(0)
    return Embeddings(CONFIG).train()


def augment(layer: Embeddings, *, previous: bool = True, at_evaluation: bool = False, **strengths: Any) -> Augmentation:
    shape = (6, LENGTH, WIDTH)
    return Augmentation([layer], Strengths(**strengths), shape, previous=previous, at_evaluation=at_evaluation)


def test_fgsm_steps_along_the_gradient_before() -> None:
    words = embeddings().word_embeddings
    layer = embeddings()
    augmentation = augment(layer, fgsm_epsilon=0.1)
    assert torch.equal(layer.word_embeddings(IDS), words(IDS))  # no step before the first
    slope = torch.randn(6, 8, WIDTH)
    (layer.word_embeddings(IDS) * slope).sum().backward()
    assert torch.equal(augmentation.gradient[:, :8], slope)
    assert not augmentation.gradient[:, 8:].any()
    for row in (layer.word_embeddings(IDS[:4, :5]), layer.word_embeddings(IDS[:4, :5]).detach()):
        torch.testing.assert_close(row, words(IDS[:4, :5]) + 0.1 * slope[:4, :5].sign())


def test_of_two_views_with_a_gradient_the_first_is_remembered() -> None:
    """In the released code each view's hook overwrites one global, and the online view's fires last."""
    layer = embeddings()
    augmentation = augment(layer, fgsm_epsilon=0.1)
    online, target = layer.word_embeddings(IDS), layer.word_embeddings(IDS)
    slope = torch.randn(2, 6, 8, WIDTH)
    (online * slope[0] + target * slope[1]).sum().backward()
    assert torch.equal(augmentation.gradient[:, :8], slope[0])


def test_fgsm_can_step_along_the_present_gradient() -> None:
    words = embeddings().word_embeddings
    layer = embeddings()
    augmentation = augment(layer, previous=False, fgsm_epsilon=0.1)
    slope = torch.randn(6, 8, WIDTH)
    for sign in (1, -1):  # nothing is left of the batch before
        augmentation.look(lambda sign=sign: (layer.word_embeddings(IDS) ** 2 * slope).sum() * sign)  # type: ignore[misc]
        expected = words(IDS) + 0.1 * (sign * words(IDS) * slope).sign()
        torch.testing.assert_close(layer.word_embeddings(IDS), expected)
    assert all(parameter.grad is None for parameter in layer.parameters())


def zeros(cut: Tensor) -> Tensor:
    return cut == 0


def test_token_cutoff_empties_whole_tokens() -> None:
    """int(0.3 * 10) = 3 of the ten positions that a sentence may have, padding included: 8 of them are here."""
    layer = embeddings()
    augment(layer, token_cutoff=0.3)
    torch.manual_seed(1)
    gone = zeros(layer.word_embeddings(IDS))
    tokens = gone.all(dim=2)
    assert torch.equal(gone, tokens[:, :, None].expand_as(gone))
    assert tokens.sum(1).min() >= 1
    assert tokens.sum(1).max() == 3
    assert len({tuple(row) for row in tokens.tolist()}) > 1  # each sentence has its own


def test_feature_cutoff_empties_features_of_all_tokens() -> None:
    layer = embeddings()
    augment(layer, feature_cutoff=0.01)  # int(0.01 * 20) = 0, but at least one
    gone = zeros(layer.word_embeddings(IDS))
    features = gone.all(dim=1)
    assert torch.equal(gone, features[:, None, :].expand_as(gone))
    assert features.sum(1).tolist() == [1] * 6


@pytest.mark.parametrize("training", [False, True])
def test_positions_are_shuffled_alike_in_the_whole_batch(training: bool) -> None:
    layer = embeddings()
    augment(layer, at_evaluation=True, shuffle_positions=True)
    layer.train(training)
    with torch.no_grad():
        layer.word_embeddings.weight.zero_()
        layer.token_type_embeddings.weight.zero_()
        layer.position_embeddings.weight.copy_(torch.arange(LENGTH * WIDTH).view(LENGTH, WIDTH).sin())
    known = layer.LayerNorm(layer.position_embeddings.weight)
    seen = set()
    for _ in range(20):
        rows = layer(IDS)
        assert torch.equal(rows[0], rows[5])
        order = torch.cdist(rows[0], known).argmin(dim=1).tolist()
        assert len(set(order)) == 8  # none twice
        seen.add(tuple(order))
    assert len(seen) > 15  # drawn anew
    assert {position for order in seen for position in order} == set(range(LENGTH if training else 8))


@pytest.mark.parametrize("strength", [{"token_cutoff": 0.3}, {"feature_cutoff": 0.3}, {"shuffle_positions": True}])
@pytest.mark.parametrize("at_evaluation", [False, True])
def test_evaluation_is_left_alone_unless_asked(strength: dict[str, Any], at_evaluation: bool) -> None:
    layer = embeddings()
    augment(layer, at_evaluation=at_evaluation, **strength)
    plain = embeddings()(IDS)
    assert not torch.equal(layer(IDS), plain)
    assert torch.equal(layer.eval()(IDS), plain) != at_evaluation


def test_fgsm_rests_in_evaluation_and_nothing_hooks_in_at_zero() -> None:
    layer = embeddings()
    augment(layer, at_evaluation=True, fgsm_epsilon=0.1).gradient.fill_(1)
    assert torch.equal(layer.eval()(IDS), embeddings()(IDS))
    plain = embeddings()
    assert not list(augment(plain).buffers())
    assert not plain.word_embeddings._forward_hooks


@pytest.mark.parametrize("strength", [{"token_cutoff": 0.1}, {"shuffle_positions": True}])
def test_evaluation_takes_sentences_longer_than_training_had(strength: dict[str, Any]) -> None:
    layer = embeddings()
    augment(layer, at_evaluation=True, **strength).max_length = 4
    assert layer.eval()(IDS).shape == (6, 8, WIDTH)
