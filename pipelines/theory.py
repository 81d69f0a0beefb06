"""Stage theory: how hard each in-batch loss pushes a negative away, by how near it is. No data, no training.

One anchor among N negatives: its positive and all negatives but one keep their cosines, and one moves from far to
near. The pull on it is dL/dc, the derivative of the anchor's loss by their cosine: in closed form where the method
has worked one out, and by automatic differentiation beside it. Every method of methods/ that is an `InBatchMethod`
takes part, at its default settings and in the state it has before its first step.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from methods.core.bert import Bert
from methods.core.contract import Batch, Schedule, load_method
from methods.core.encoder import Encoder
from methods.core.in_batch import InBatchMethod
from pipelines import atomic, main, params
from pipelines.paths import THEORY

NEGATIVES = 63  # of a batch of 64, as the papers' recipe has it
POSITIVE = 0.8  # the anchor's cosine with its positive
BACKGROUND = (-0.2, 0.4)  # its cosines with the other negatives, evenly spread between these
MOVING = np.linspace(-0.5, 1, 151)  # its cosine with the negative that moves

_SIZE = 1 + NEGATIVES
_WIDTH = 1 + 2 * _SIZE  # dimensions of the embeddings: the anchor's, and one of its own for every other view


def stage(arguments: argparse.Namespace) -> None:
    """Write results/theory.json."""
    atomic.write_json(THEORY, record())


def record() -> dict[str, Any]:
    """The set-up, and of every in-batch method the pulls on the moving negative and on the positive at each cosine."""
    return {
        "positive": POSITIVE,
        "background": BACKGROUND,
        "negatives": NEGATIVES,
        "similarities": MOVING.tolist(),
        "methods": [
            {"method": name, "label": kind.label, **_over_cosines(kind)} for name, kind in in_batch_methods().items()
        ],
    }


def in_batch_methods() -> dict[str, type[InBatchMethod]]:
    """The methods that the analysis covers, by name: those whose loss is a function of cosines within the batch."""
    found = {name: load_method(name) for name in params.method_names()}
    return {name: kind for name, kind in found.items() if issubclass(kind, InBatchMethod)}


def fresh(kind: type[InBatchMethod]) -> InBatchMethod:
    """The method at its defaults in float64, around an encoder that is as small as it can be and never asked."""
    config = {
        "hidden_size": _WIDTH, "num_attention_heads": 1, "num_hidden_layers": 1, "intermediate_size": 1,
        "vocab_size": 1, "type_vocab_size": 1, "max_position_embeddings": 1, "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.02,
    }  # fmt: skip
    encoder = Encoder(Bert(config, pooler=True), None, "cls_before_pooler", 1)
    return kind(encoder, kind.Settings(), Schedule(1, _SIZE, 1, _SIZE)).double()


def views(similarity: float) -> tuple[Tensor, Tensor]:
    """Unit embeddings of both views of the batch, (B, H) each; the anchor is row 0 and the moving negative row 1.

    The anchor's cosines are the set-up's, exactly. Every other sentence has its own positive at the same cosine.
    """
    cosines = torch.tensor([POSITIVE, similarity, *np.linspace(*BACKGROUND, NEGATIVES - 1)], dtype=torch.float64)
    anchor, *own = torch.eye(_WIDTH, dtype=torch.float64)  # orthogonal: the first is the anchor
    residual = (1 - cosines**2).sqrt()
    second = cosines[:, None] * anchor + residual[:, None] * torch.stack(own[:_SIZE])  # (B, H)
    first = POSITIVE * second + (1 - POSITIVE**2) ** 0.5 * torch.stack(own[_SIZE:])
    first[0] = anchor
    return first, second


def pulls(kind: type[InBatchMethod], similarity: float) -> tuple[Tensor, Tensor | None]:
    """dL/dc of the anchor's loss by each of its cosines, (C,): by automatic differentiation, and in closed form.

    Column 0 is the positive, column 1 the moving negative, then the others, then what a method's `compare` adds. A
    teacher, where the method asks for one, sees the anchor's cosines as they are.
    """
    first, second = views(similarity)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # a method may draw negatives of its own
        method = fresh(kind)
        taught = torch.cat([first[:1], second[1:]]) if method.settings.teacher else None  # (B, H)
        nothing = torch.zeros(_SIZE, 1, dtype=torch.long)
        batch = Batch(nothing, torch.ones_like(nothing), torch.arange(_SIZE), taught)
        cosines = method.compare(first, second).detach().requires_grad_()  # (B, C)
        (gradient,) = torch.autograd.grad(method.loss(cosines, batch)[0], cosines)
        closed = method.pull(cosines.detach(), batch)
    return gradient[0], None if closed is None else closed[0]


def _over_cosines(kind: type[InBatchMethod]) -> dict[str, Any]:
    found = [pulls(kind, similarity) for similarity in MOVING]
    closed = [pull for _, pull in found if pull is not None]
    return {"autograd": _ends([pull for pull, _ in found]), "closed_form": _ends(closed) if closed else None}


def _ends(rows: list[Tensor]) -> dict[str, list[float]]:
    table = torch.stack(rows)  # (cosines, C)
    return {"positive": table[:, 0].tolist(), "negative": table[:, 1].tolist()}


if __name__ == "__main__":
    sys.exit(main.run(stage, argparse.ArgumentParser(prog="python -m pipelines.theory", description=__doc__)))
