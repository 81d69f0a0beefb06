"""MoCoSE as its slides describe it (Cao et al., Findings of ACL 2022): a momentum encoder and a queue of negatives.

L_i = -log e^{cos(q_i, k_i)/t} / (e^{cos(q_i, k_i)/t} + sum over the queue of e^{cos(q_i, k)/t}). The branches, the loss
and every switch stand in methods/core/momentum_contrast.py, which the released reading shares.
"""

from __future__ import annotations

from methods.core.momentum_contrast import MomentumContrast


class MoCoSE(MomentumContrast):
    """Negatives from the queue alone, keys without gradient, the decay's rise spread over the text."""

    # Deviation: the authors read the text with a parser that joins lines at quotation marks, 995,447 examples of its
    # million lines, and pad each to 32 word pieces; here a line is an example, and nothing is padded.

    label = "MoCoSE"
    paper = "mocose"
