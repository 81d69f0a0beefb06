"""iSogCLR, from Not All Semantics are Created Equal (Qiu, Hu, Yuan, Zhou, Zhang and Yang, ICML 2023).

Each sentence i has a temperature t_i of its own, that minimises t_i log E_j e^{h_ij/t_i} + t_i rho. At each visit of i
  s_i <- (1 - gamma) s_i + gamma mean_j e^{c_ij/t_i}                      the first visit starts it
  w_ij = e^{c_ij/t_i} / s_i,   L_i = mean_j w_ij c_ij - c_ii              w_ij are constants
  u_i <- (1 - beta_u) u_i + beta_u clip(log s_i + rho - mean_j w_ij c_ij/t_i)
  t_i <- clip(t_i - eta u_i)
L_i is no log-likelihood: only its gradient means something.

Source: zhqiu/contrastive-learning-iSogCLR unimodal_exps/losses.py (SogCLR_DRO_Loss). In the paper h_ij = c_ij - c_ii;
the code has c_ij, and we follow it. It starts s_i anew throughout epoch 0. In a run of one epoch no sentence is visited
twice, and the method is a softmax over the negatives at t_i = tau_init.
"""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from methods.core.contract import Batch, Schedule
from methods.core.encoder import Encoder
from methods.core.in_batch import InBatchMethod, InBatchSettings
from methods.core.losses import diagonal, off_diagonal


class ISogCLRSettings(InBatchSettings):
    """Defaults of the class's constructor."""

    temperature: float = Field(0.07, gt=0, description="t_i before the first visit (losses.py tau_init)")
    tau_min: float = Field(0.05, ge=0.02, description="least t_i (losses.py); below 0.02 fp32 cannot hold e^{1/t}")
    tau_max: float = Field(1.0, gt=0, description="greatest t_i (losses.py)")
    rho: float = Field(6.0, ge=0, description="rho, the greater the lower the temperatures (losses.py)")
    gamma: float = Field(0.8, gt=0, le=1, description="gamma, share of the present batch in s_i (losses.py)")
    beta_u: float = Field(0.9, gt=0, le=1, description="beta_u, share of the present gradient in u_i (losses.py)")
    eta: float = Field(0.001, ge=0, description="eta, learning rate of t_i (losses.py eta_init)")
    clip: float = Field(3.0, gt=0, description="bound of the gradient of t_i (losses.py grad_clip)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.tau_min <= self.temperature <= self.tau_max:
            raise ValueError(f"temperature {self.temperature} lies outside {self.tau_min} to {self.tau_max}")
        return self


class ISogCLR(InBatchMethod):
    """A temperature a sentence, learnt from what its negatives have been over all its visits."""

    label = "iSogCLR"
    Settings: ClassVar[type[ISogCLRSettings]] = ISogCLRSettings
    settings: ISogCLRSettings
    # Of every sentence of the training text, (sentences,). `tau` moves along `u` at the next visit, not after this one:
    # the same sequence, and what `pull` finds is what `loss` used.
    tau: Tensor  # temperature at the last visit
    s: Tensor  # moving average of the negatives' mean; 0 before the first visit
    u: Tensor  # moving average of the gradient of tau

    def __init__(self, encoder: Encoder, settings: ISogCLRSettings, schedule: Schedule) -> None:
        super().__init__(encoder, settings, schedule)
        self.register_buffer("tau", torch.full((schedule.sentences,), settings.temperature))
        self.register_buffer("s", torch.zeros(schedule.sentences))
        self.register_buffer("u", torch.zeros(schedule.sentences))

    # Deviation: in the image code both views are anchors and both are negatives, N = 2B - 2; here first views are
    # contrasted with second views, N = B - 1, as SimCSE's.
    def loss(self, cosines: Tensor, batch: Batch) -> Tensor:
        """mean_j w_ij c_ij - c_ii, (B,); visits the batch's sentences."""
        if len(cosines) > 1:
            self.visit(off_diagonal(cosines.detach()), batch.rows)
        shares = self.shares(cosines.detach(), batch)  # (B, B - 1)
        return (shares * off_diagonal(cosines)).sum(1) - cosines.diagonal()

    def visit(self, negatives: Tensor, rows: Tensor) -> None:
        """Move tau, s and u of the sentences `rows` (B,) by the cosines (B, N) of their negatives."""
        o = self.settings
        tau = (self.tau[rows] - o.eta * self.u[rows]).clamp(o.tau_min, o.tau_max)
        exponentials = (negatives / tau[:, None]).exp()  # (B, N)
        mean, before = exponentials.mean(1), self.s[rows]
        s = torch.where(before > 0, (1 - o.gamma) * before + o.gamma * mean, mean)
        slope = s.log() + o.rho - (exponentials / s[:, None] * negatives / tau[:, None]).mean(1)
        self.u[rows] = (1 - o.beta_u) * self.u[rows] + o.beta_u * slope.clamp(-o.clip, o.clip)
        self.tau[rows], self.s[rows] = tau, s

    def shares(self, cosines: Tensor, batch: Batch) -> Tensor:
        """w_ij / N, (B, N), of sentences just visited."""
        tau, s = self.tau[batch.rows, None], self.s[batch.rows, None]
        return (off_diagonal(cosines) / tau).exp() / (s * (len(cosines) - 1))

    def pull(self, cosines: Tensor, batch: Batch) -> Tensor:
        """w_ij / N, (B, B), and -1 at the positive; after `loss`, with the same arguments."""
        pull = torch.full_like(cosines, -1.0)
        pull[~diagonal(cosines)] = self.shares(cosines.detach(), batch).flatten()
        return pull
