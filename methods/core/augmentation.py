"""What MoCoSE does to a sentence between its word pieces and the encoder (xbdxwyh/mocose@45cbc81 mocose.py).

All act on the word embeddings, before positions are added, in this order: a step along the sign of the loss's gradient
(FGSM), whole tokens cut, features cut. Positions may be shuffled as well. Each view draws anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from methods.core.parallel import gather, share


@dataclass(frozen=True)
class Strengths:
    """How much of each: FGSM's step, the shares of tokens and of features cut, and whether positions are shuffled."""

    fgsm_epsilon: float = 0.0
    token_cutoff: float = 0.0
    feature_cutoff: float = 0.0
    shuffle_positions: bool = False


class Augmentation(nn.Module):
    """Augments what embedding layers give, by hooks on them.

    Args:
        embeddings: embedding layers with `word_embeddings` and `position_embeddings`, as BERT's.
        strengths: what is done; zero does nothing.
        shape: (B, L, H) of the largest batch in training.
        previous: step along the gradient of the step before, as released; else `look` finds that of the present batch.
        at_evaluation: cut and shuffle in evaluation mode as well; FGSM needs gradients and never does.
    """

    gradient: Tensor  # (B, L, H) of the loss by the first view's word embeddings; zero where there was no token

    def __init__(
        self,
        embeddings: Sequence[nn.Module],
        strengths: Strengths,
        shape: tuple[int, int, int],
        *,
        previous: bool,
        at_evaluation: bool,
    ) -> None:
        super().__init__()
        self.strengths, self.max_length = strengths, shape[1]
        self.previous, self.at_evaluation = previous, at_evaluation
        self.watched: Tensor | None = None  # word embeddings of the first view since `look` began
        if strengths.fgsm_epsilon:
            self.register_buffer("gradient", torch.zeros(shape))
        for layer in embeddings:
            parts: Any = layer
            if strengths.fgsm_epsilon:
                parts.word_embeddings.register_forward_hook(self._step_along_gradient)
            if strengths.token_cutoff or strengths.feature_cutoff:
                parts.word_embeddings.register_forward_hook(self._cut)
            if strengths.shuffle_positions:
                parts.position_embeddings.register_forward_pre_hook(self._shuffle)

    def look(self, loss: Callable[[], Tensor]) -> None:
        """Find the gradient to step along from a loss of the present batch, computed without a step."""
        self.gradient.zero_()
        self.watched = None
        value = loss()
        assert self.watched is not None
        (gradient,) = torch.autograd.grad(value, self.watched)
        self._remember(gradient)

    def _remember(self, gradient: Tensor) -> None:
        own = share(self.gradient)
        own.zero_()
        own[: gradient.shape[0], : gradient.shape[1]] = gradient
        self.gradient.copy_(gather(own, len(self.gradient)))

    def _step_along_gradient(self, layer: nn.Module, _: object, words: Tensor) -> Tensor:
        if not layer.training:
            return words
        if words.requires_grad:
            if self.previous:  # of two views with a gradient the first has the last word, as in the released code
                words.register_hook(self._remember)  # type: ignore[no-untyped-call]
            elif self.watched is None:
                self.watched = words
        rows, length = words.shape[:2]
        step: Tensor = self.strengths.fgsm_epsilon * share(self.gradient)[:rows, :length].sign().to(words.dtype)
        return words + step

    def _cut(self, layer: nn.Module, _: object, words: Tensor) -> Tensor:
        if not (layer.training or self.at_evaluation):
            return words
        rows, length, width = words.shape
        if fraction := self.strengths.token_cutoff:  # of all positions, padding and [CLS] included
            kept = ~_chosen(rows, self._positions(layer, length), fraction, words.device)[:, :length]
            words = words * kept[:, :, None]
        if fraction := self.strengths.feature_cutoff:
            words = words * ~_chosen(rows, width, fraction, words.device)[:, None, :]
        return words

    def _shuffle(self, layer: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor] | None:
        if not (layer.training or self.at_evaluation):
            return None
        # (L,) or (1, L): one order for the whole batch, as released; of several processes each draws one for its share.
        (positions,) = arguments
        length = positions.shape[-1]
        order = torch.randperm(self._positions(layer, length), device=positions.device)
        return (order[:length].view_as(positions),)

    def _positions(self, layer: nn.Module, length: int) -> int:
        """Of a batch of `length` as the code has it: padded in training to the longest allowed, else as far as ours."""
        return self.max_length if layer.training else length


def _chosen(rows: int, columns: int, fraction: float, device: torch.device) -> Tensor:
    """In each row the same number of columns, at least one, drawn at random: (rows, columns) of booleans."""
    count = max(1, int(columns * fraction))
    drawn = torch.rand(rows, columns, device=device).topk(count, dim=1).indices
    return torch.zeros(rows, columns, dtype=torch.bool, device=device).scatter_(1, drawn, True)
