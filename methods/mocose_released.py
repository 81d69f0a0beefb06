"""MoCoSE as its released code runs (xbdxwyh/mocose@45cbc81 mocose.py, mocose_tools.py), where that is not the paper.

In-batch negatives count too; gradient reaches the embeddings and the target projector through the keys; the decay
follows a cosine over 15,000 steps whatever the run's length; the queue starts with twice the random rows; cut-offs and
shuffling stay on at evaluation; the checkpoint with the best average on the STS *test* sets is kept. Each is one
switch of methods/core/momentum_contrast.py.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from methods.core.momentum_contrast import MoCoSESettings, MomentumContrast


class ReleasedSettings(MoCoSESettings):
    """MoCoSE's, read as the code."""

    fidelity: Literal["paper", "released"] = Field("released", description="whose defaults: the slides' or the code's")


class MoCoSEReleased(MomentumContrast):
    """Selected on the test sets: its scores are no fair comparison, they are the protocol under test."""

    label = "MoCoSE (released)"
    paper = "mocose"
    Settings: ClassVar[type[MoCoSESettings]] = ReleasedSettings
