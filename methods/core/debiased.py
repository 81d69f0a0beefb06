"""The debiased estimator that DCL and HCL share: what the negatives weigh once the false ones among them are taken out.

L_i = -log e^{c_ii/t} / (e^{c_ii/t} + N_i),
N_i = max( (sum_j w_ij e^{c_ij/t} - tau+ N e^{c_ii/t}) / (1 - tau+), N e^{-1/t} )

over the N negatives of anchor i, of which a share tau+ is taken to be of the anchor's own class; the floor is the least
that N cosines can give. w_ij = e^{b c_ij/t} / mean_k e^{b c_ik/t} for HCL, 1 (b = 0) for DCL. Sources: chingyaoc/DCL
main.py, joshr17/HCL image/main.py; which call the floor optional, apply it, and stop no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from methods.core.losses import diagonal, off_diagonal


def debiased_info_nce(cosines: Tensor, temperature: float, tau_plus: float, beta: float = 0.0) -> Tensor:
    """InfoNCE with the debiased estimator in place of the sum over negatives, (B,); 0 where there is no negative.

    Args:
        cosines: (B, B), the positives on the diagonal.
        temperature: t > 0.
        tau_plus: share of false negatives, 0 <= tau+ < 1.
        beta: concentration on hard negatives, b >= 0.
    """
    positive, _, weighted, floor = _terms(cosines, temperature, beta)
    estimate = torch.maximum(_debias(positive, weighted, tau_plus), floor)
    return (positive.exp() + estimate).log() - positive


def debiased_gradient(cosines: Tensor, temperature: float, tau_plus: float, beta: float = 0.0) -> Tensor:
    """The derivative of each term of `debiased_info_nce` by its cosines, (B, B); arguments as there.

    A negative pulls with ((1 + b) w_ij e^{c_ij/t} - b q_ij sum_k w_ik e^{c_ik/t}) / (t (1 - tau+) (e^{c_ii/t} + N_i)),
    q_ij = w_ij / N, and not at all where the floor holds.
    """
    positive, shares, weighted, floor = _terms(cosines, temperature, beta)
    estimate = _debias(positive, weighted, tau_plus)
    above = (estimate > floor).to(cosines.dtype)
    total = positive.exp() + torch.maximum(estimate, floor)  # (B,)
    scale = above / (1 - tau_plus)
    of_negatives = (1 + beta) * weighted - beta * shares * weighted.sum(1, keepdim=True)  # (B, N)
    gradient = torch.empty_like(cosines)
    gradient[diagonal(cosines)] = positive.exp() * (1 - scale * tau_plus * weighted.shape[1]) / total - 1
    gradient[~diagonal(cosines)] = ((scale / total)[:, None] * of_negatives).flatten()
    return gradient / temperature


def _debias(positive: Tensor, weighted: Tensor, tau_plus: float) -> Tensor:
    """The estimator (B,) before its floor."""
    return (weighted.sum(1) - tau_plus * weighted.shape[1] * positive.exp()) / (1 - tau_plus)


def _terms(cosines: Tensor, temperature: float, beta: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The positives' logits (B,), and of the negatives q (B, N), w e^z (B, N) and the floor (B,).

    All less the row's greatest logit, which leaves the loss as it is and lets no exponential overflow.
    """
    logits = cosines / temperature
    top = logits.detach().amax(dim=1, keepdim=True)  # (B, 1)
    negatives = off_diagonal(logits)  # (B, N)
    count = negatives.shape[1]
    shares = torch.softmax(beta * negatives, dim=1)
    weighted = count * shares * (negatives - top).exp()
    floor = count * (-1 / temperature - top[:, 0]).exp()
    return logits.diagonal() - top[:, 0], shares, weighted, floor
