"""Contrastive losses as functions of a cosine matrix, in float32 whatever the autocast.

Notation: anchor i, candidate j, c_ij their cosine, the positive on the diagonal, N negatives an anchor. A loss is given
as its terms, one an anchor: their mean is what is minimised.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cosine_matrix(anchors: Tensor, candidates: Tensor) -> Tensor:
    """Cosines (B, C) of anchors (B, D) with candidates (C, D), in float32 or better."""
    with torch.autocast(anchors.device.type, enabled=False):
        return unit(anchors) @ unit(candidates).T


def unit(rows: Tensor) -> Tensor:
    """Rows (N, D) at length one, in float32 or better."""
    return F.normalize(rows if rows.dtype == torch.float64 else rows.float(), dim=-1)


def diagonal(matrix: Tensor) -> Tensor:
    """Where the positives are: (B, C) of booleans for a matrix of that shape."""
    return torch.eye(*matrix.shape, dtype=torch.bool, device=matrix.device)


def off_diagonal(matrix: Tensor) -> Tensor:
    """A square matrix (B, B) without its diagonal, (B, B - 1): the negatives where the positives stand there."""
    size = len(matrix)
    return matrix.flatten()[1:].view(size - 1, size + 1)[:, :-1].reshape(size, size - 1)


def cross_entropy(logits: Tensor) -> Tensor:
    """-log softmax at the diagonal, (B,).

    Args:
        logits: (B, C) with C >= B; column i is the positive of row i, every other column a negative.
    """
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device), reduction="none")


def cross_entropy_gradient(logits: Tensor) -> Tensor:
    """The derivative of each term of `cross_entropy` by its logits, (B, C): P_ij, and at the positive P_ii - 1.

    P_ij = e^{z_ij} / sum_k e^{z_ik}. A loss whose logit is a function of one cosine pulls on it with P_ij dz_ij/dc_ij:
    for z = c/t Wang and Liu's analysis (arXiv 2012.09740).
    """
    return torch.softmax(logits, dim=1) - diagonal(logits).to(logits.dtype)


def info_nce(cosines: Tensor, temperature: float) -> Tensor:
    """InfoNCE: -log e^{c_ii/t} / sum_j e^{c_ij/t}, (B,).

    Args:
        cosines: (B, C) with C >= B; column i is the positive of row i, every other column a negative.
        temperature: t > 0.
    """
    return cross_entropy(cosines / temperature)


def negative_weights(similarities: Tensor, sharpness: float | None) -> Tensor:
    """SoftCSE's weight of every negative, w_ij = (1 - s_ij) / (1 - 1/N): the nearer the negative, the smaller.

    Args:
        similarities: (B, B) of sentence i with sentence j; the diagonal is ignored.
        sharpness: s_ij is a softmax of the similarities over the negatives of anchor i at this temperature T_s, so
            that the weights of an anchor's negatives have mean 1; the smaller T_s, the more the nearest negative is
            spared. With None s_ij is the similarity itself, and the mean of the weights is whatever it is.

    Returns:
        (B, B) weights >= 0 with ones on the diagonal: the positive is not weighted. A single negative leaves the
        quotient 0/0; mean 1 then asks for w = 1.
    """
    negatives = len(similarities) - 1
    if negatives < 2:
        return torch.ones_like(similarities)
    positive = diagonal(similarities)
    s = similarities
    if sharpness is not None:
        s = torch.softmax((similarities / sharpness).masked_fill(positive, -torch.inf), dim=1)
    return ((1 - s) / (1 - 1 / negatives)).clamp_min(0).masked_fill(positive, 1.0)


def weighted_info_nce(cosines: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """InfoNCE with a weight for each negative: -log e^{c_ii/t} / (e^{c_ii/t} + sum_j w_ij e^{c_ij/t}), (B,).

    Written as InfoNCE with logits c_ij/t + log w_ij, which cannot overflow; w = 0 removes the negative.

    Args:
        cosines: (B, C), the positives on the diagonal.
        weights: (B, C), ones on the diagonal; constants, so no gradient flows into them.
        temperature: t > 0.
    """
    return cross_entropy(cosines / temperature + weights.detach().log())


def tempered_info_nce(cosines: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """InfoNCE with a temperature for each negative, t_ij = t / w_ij, so that the logit is c_ij w_ij / t: (B,).

    Args: as of `weighted_info_nce`; the positive has t.
    """
    return cross_entropy(cosines * weights.detach() / temperature)


def mean_negative(cosines: Tensor) -> Tensor:
    """Mean cosine of the anchors with their negatives, for the log; nan where there is no negative."""
    total = cosines.sum() - cosines.diagonal().sum()
    return (total / (cosines.numel() - len(cosines))).detach()
