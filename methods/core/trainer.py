"""The training loop, one for every method: AdamW, linear decay, clipping, selection by a score on a dev set."""

from __future__ import annotations

import copy
import functools
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from methods.core import checkpoint as checkpoints
from methods.core import parallel
from methods.core.contract import Batch, TrainedMethod
from methods.core.encoder import Encoder
from methods.core.heap import Heap
from methods.core.step_log import StepLog
from methods.core.text import TokenTable
from pipelines import atomic
from pipelines.errors import NegbenchError
from pipelines.params import Train
from pipelines.seeding import seed_for

SPREAD = "spread"  # how far the embeddings of a batch lie apart at most, as a share of the largest number in them
_SAME = 1e-6  # a spread that is but float32 rounding: a few units in the last place


@dataclass
class History:
    """What a run leaves besides its weights: a row a step, what each look found, and the checkpoint that was chosen."""

    rows: list[dict[str, float]] = field(default_factory=list)
    looks: list[dict[str, float | None]] = field(default_factory=list)  # step, and what was scored at it
    best_step: int = 0
    best_score: float = -math.inf
    failure: str | None = None  # why the run has no weights to keep: it left the finite numbers

    @property
    def collapsed_at(self) -> int | None:
        """The first step at which the encoder gave all sentences of a batch one embedding; None if it never did.

        Of a batch that several processes share, the part of process 0.
        """
        return next((int(row["step"]) for row in self.rows if row.get(SPREAD, 1.0) <= _SAME), None)


def total_steps(sentences: int, settings: Train) -> int:
    """Optimiser steps of a run; the last batch of an epoch may be short, as in transformers' Trainer."""
    return math.ceil(sentences / settings.batch_size) * settings.epochs


def train(
    method: TrainedMethod,
    tokens: TokenTable,
    settings: Train,
    *,
    seed: int,
    look: Callable[[Encoder], dict[str, float | None]] | None,
    teacher: NDArray[np.float16] | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60,
    progress: str | None = None,
) -> History:
    """Train in place; at the end the encoder holds the weights with the best score, or the last ones.

    A run that diverges ends at once, with the reason as `failure`: its weights are worth nothing. One that collapses
    goes on, as it may recover, and an earlier checkpoint may be the one to keep.

    Where several processes train together, each calls this with the same arguments: process 0 looks and saves, and the
    best weights are its alone.

    Args:
        method: the objective, on the device to train on.
        tokens: the training text, N sentences.
        settings: the run's settings.
        seed: the run's seed; data order and dropout draw from separate axes of it.
        look: scores the encoder every `eval_every` steps and at the end; a score is None where undefined. The one that
            `select` names chooses the checkpoint, higher being better; without it the last weights are kept. Looking
            changes nothing of the training.
        teacher: (N, D) unit embeddings of the same sentences, for a method that needs them.
        checkpoint: file to resume from and to save the state to; removed when the run is complete. Several processes
            leave their last state there: a single one goes on from it, and finds nothing left to do.
        checkpoint_seconds: between two states.
        progress: label of the progress bar; none is shown without one.

    Raises:
        NegbenchError: the checkpoint is damaged, or not all processes see the same one.
    """
    device = next(method.parameters()).device
    steps = total_steps(len(tokens), settings)
    optimiser = torch.optim.AdamW(_decay_groups(method, settings.weight_decay), lr=settings.lr, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _lr_factor(step, steps, settings.warmup))
    history = History()
    best: dict[str, Tensor] = {}
    done = 0
    torch.manual_seed(seed_for(seed, "dropout"))
    if checkpoint is not None and (state := checkpoints.load(checkpoint, method, optimiser, schedule)):
        best, facts = state
        history, done = History(**facts["history"]), facts["done"]
    if not parallel.agree(done):
        what = "the processes of one run would go on from different steps"
        raise NegbenchError(what, checkpoint or "checkpoint", "Give all of them one and the same folder.")

    def save(path: Path, done: int) -> None:
        facts = {"history": vars(history), "done": done}
        checkpoints.save(path, method, optimiser, schedule, best, facts)

    leads = parallel.rank() == 0
    method.train()
    # Deviation: SimCSE's script has float16, which needs the loss scaled; half precision here is bfloat16.
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")
    shown = progress and leads
    bar = tqdm(range(done, steps), initial=done, total=steps, desc=progress, disable=None if shown else True)
    log = StepLog(history.rows)
    heap = Heap()
    embedded: deque[Tensor] = deque(maxlen=1)  # by the encoder, of the present batch
    watching = method.encoder.register_forward_hook(lambda _, __, output: embedded.append(output.detach()))
    saved = time.monotonic()
    for step in bar:
        log.begin()
        rows = rows_at(step, len(tokens), settings.batch_size, seed)
        batch = _batch(tokens, rows, teacher, device)
        with autocast:
            loss, logs = method(batch)
        spread = {SPREAD: _spread(embedded[0])} if embedded and len(embedded[0]) > 1 else {}
        optimiser.zero_grad()
        loss.backward()
        parallel.average_gradients(method)
        norm = nn.utils.clip_grad_norm_(method.parameters(), settings.clip_norm)
        learning_rate = schedule.get_last_lr()[0]
        optimiser.step()
        schedule.step()
        last = step + 1 == steps
        # Deviation: the papers' code looks every `eval_every` steps alone, and not at the end.
        looking = look is not None and (last or (step + 1) % settings.eval_every == 0)
        heap.step()
        values = {"loss": loss.detach(), "grad_norm": norm, **logs, **spread}
        due = time.monotonic() - saved >= checkpoint_seconds
        # Several processes fetch at the same steps, whatever their clocks: what ends one of them must end all.
        now = looking or last or (due and parallel.processes() == 1)
        history.failure = log.add(step + 1, len(rows), float(learning_rate), values, now=now)
        if history.failure:
            break
        if leads and look is not None and looking:
            with torch.random.fork_rng([device] if device.type == "cuda" else []):  # a look may draw augmentations
                scores = look(method.encoder)
            history.looks.append({"step": step + 1, **scores})
            found = scores.get(settings.select.replace("-", "_"))
            if found is not None:
                history.rows[-1]["score"] = found
            if found is not None and found > history.best_score:
                history.best_step, history.best_score = step + 1, found
                best = copy.deepcopy(method.encoder.state_dict())
        if leads and checkpoint is not None and log.complete and time.monotonic() - saved >= checkpoint_seconds:
            save(checkpoint, step + 1)
            saved = time.monotonic()
    watching.remove()
    if leads and checkpoint is not None and parallel.processes() > 1:
        save(checkpoint, steps)
    if best:
        method.encoder.load_state_dict(best)
    finite = all(weight.isfinite().all() for weight in method.encoder.parameters())
    if history.failure is None and not finite:  # the last step has no next loss
        history.failure = "the weights are not finite after the last step"
    if checkpoint is not None and parallel.processes() == 1:
        atomic.remove(checkpoint)
    return history


def _lr_factor(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up over the first share `warmup` of the steps, then linear decay to zero."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return (steps - step) / max(1, steps - rising)  # in a short run all steps may rise


def rows_at(step: int, sentences: int, batch_size: int, seed: int) -> NDArray[np.int64]:
    """Rows of the batch at `step`: each epoch is a fresh permutation, recomputable from the step alone."""
    epoch, batch = divmod(step, math.ceil(sentences / batch_size))
    order = _permutation(sentences, seed_for(seed, "data_order", str(epoch)))
    return order[batch * batch_size : (batch + 1) * batch_size]


@functools.lru_cache(maxsize=1)  # one epoch's order serves all its steps
def _permutation(sentences: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(sentences)


def _batch(
    tokens: TokenTable, rows: NDArray[np.int64], teacher: NDArray[np.float16] | None, device: torch.device
) -> Batch:
    ids, mask, numbers = (x.to(device) for x in (*tokens.batch(rows), torch.from_numpy(rows)))
    known = None if teacher is None else torch.from_numpy(np.asarray(teacher[rows])).to(device)
    return Batch(ids, mask, numbers, known)


def _spread(embeddings: Tensor) -> Tensor:
    """The widest range of a dimension over (B, H) embeddings, by the largest number in them: 0 for a single point."""
    widest = (embeddings.amax(dim=0) - embeddings.amin(dim=0)).max()
    return widest / embeddings.abs().max().clamp_min(torch.finfo(embeddings.dtype).tiny)


def _decay_groups(method: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two parameter groups: biases and LayerNorm take no decay, as in transformers' Trainer."""
    decayed: dict[Tensor, None] = {}  # as ordered sets: a weight that two modules share must come once
    plain: dict[Tensor, None] = {}
    for module in method.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                group = plain if name == "bias" or isinstance(module, nn.LayerNorm) else decayed
                group[parameter] = None
    return [
        {"params": list(decayed), "weight_decay": weight_decay},
        {"params": list(plain), "weight_decay": 0.0},
    ]
