"""Contrastive losses as functions of a cosine matrix, in float32 whatever the autocast.

Notation: anchor i, candidate j, c_ij their cosine, the positive on the diagonal, N = B - 1 negatives an anchor.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cosine_matrix(anchors: Tensor, candidates: Tensor) -> Tensor:
    """Cosines (B, C) of anchors (B, D) with candidates (C, D), in float32 or better."""
    anchors, candidates = (x if x.dtype == torch.float64 else x.float() for x in (anchors, candidates))
    with torch.autocast(anchors.device.type, enabled=False):
        return F.normalize(anchors, dim=-1) @ F.normalize(candidates, dim=-1).T


def info_nce(cosines: Tensor, temperature: float) -> Tensor:
    """InfoNCE, mean over anchors: -log e^{c_ii/t} / sum_j e^{c_ij/t}.

    Args:
        cosines: (B, C) with C >= B; column i is the positive of row i, every other column a negative.
        temperature: t > 0.
    """
    return F.cross_entropy(cosines / temperature, torch.arange(len(cosines), device=cosines.device))


def negative_weights(similarities: Tensor, sharpness: float) -> Tensor:
    """SoftCSE's weight of every negative, w_ij = (1 - s_ij) / (1 - 1/N): the nearer the negative, the smaller.

    s_ij is a softmax of the similarities over the negatives of anchor i, so that the weights of an anchor's
    negatives have mean 1. A single negative leaves the quotient 0/0; mean 1 then asks for w = 1.

    Args:
        similarities: (B, B) of sentence i with sentence j, from a teacher; the diagonal is ignored.
        sharpness: temperature T_s of that softmax; the smaller, the more the nearest negative is spared.

    Returns:
        (B, B) weights >= 0 with ones on the diagonal: the positive is not weighted.
    """
    negatives = len(similarities) - 1
    if negatives < 2:
        return torch.ones_like(similarities)
    diagonal = torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)
    s = torch.softmax((similarities / sharpness).masked_fill(diagonal, -torch.inf), dim=1)
    return ((1 - s) / (1 - 1 / negatives)).clamp_min(0).masked_fill(diagonal, 1.0)


def weighted_info_nce(cosines: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """SoftCSE with a weight for each negative: -log e^{c_ii/t} / (e^{c_ii/t} + sum_j w_ij e^{c_ij/t}).

    Written as InfoNCE with logits c_ij/t + log w_ij, which cannot overflow; w = 0 removes the negative.

    Args:
        cosines: (B, B) between the two views.
        weights: (B, B), ones on the diagonal; constants, so no gradient flows into them.
        temperature: t > 0.
    """
    logits = cosines / temperature + weights.detach().log()
    return F.cross_entropy(logits, torch.arange(len(cosines), device=cosines.device))


def tempered_info_nce(cosines: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """SoftCSE with a temperature for each negative, t_ij = t / w_ij, so that the logit is c_ij w_ij / t.

    Args:
        cosines: (B, B) between the two views.
        weights: (B, B), ones on the diagonal; constants, so no gradient flows into them.
        temperature: t > 0, the positive's.
    """
    logits = cosines * weights.detach() / temperature
    return F.cross_entropy(logits, torch.arange(len(cosines), device=cosines.device))


def mean_negative(cosines: Tensor) -> Tensor:
    """Mean cosine of the anchors with their negatives, for the log; nan where there is no negative."""
    total = cosines.sum() - cosines.diagonal().sum()
    return (total / (cosines.numel() - len(cosines))).detach()
