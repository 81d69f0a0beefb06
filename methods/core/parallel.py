"""One run in several processes: each embeds its share of a joint batch, and all see the embeddings of all of it.

The loss, its draws, queues, moving averages and the optimiser's step are then the same in every process, so that
they stay in step by themselves. A method calls `embed` where it embeds and is written for the joint batch.
In a single process everything here does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from pipelines.seeding import seed_for


def processes() -> int:
    """How many processes share the run."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is; process 0 is the one that looks, saves and writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def embed(branch: Callable[[Tensor, Tensor], Tensor], ids: Tensor, mask: Tensor) -> Tensor:
    """What a branch says of B sentences, (B, D): this process asks it about its share.

    Each process draws its own dropout masks. In a single one this is `branch(ids, mask)`.

    Args:
        branch: from ids and mask (n, L) to rows (n, D), for any n > 0.
        ids: (B, L) token ids of the joint batch.
        mask: (B, L), as of `Batch`.
    """
    if processes() == 1:
        return branch(ids, mask)
    count = len(share(ids))
    some = slice(rank(), None, processes()) if count else slice(1)  # of too short a batch any row: encoders need one
    with _own_draws(ids.device):
        own = branch(ids[some], mask[some])
    return gather(own[:count], len(ids))


def share(rows: Tensor) -> Tensor:
    """The rows of a joint (B, ...) that are this process's, a view: every P-th, so that which they are needs no B."""
    return rows[rank() :: processes()]


def gather(own: Tensor, count: int) -> Tensor:
    """The joint (B, ...) of which `own` is this process's share, in order and with gradient; B is `count`."""
    if processes() == 1:
        return own
    joint: Tensor = _Gather.apply(own, count)  # type: ignore[no-untyped-call]
    return joint


def agree(value: int) -> bool:
    """Whether all processes hold the same number."""
    found = [value] * processes()
    if len(found) > 1:
        dist.all_gather_object(found, value)
    return len({*found}) == 1


def average_gradients(module: nn.Module) -> None:
    """Replace each gradient by its mean over the processes: that of the joint loss, see `_Gather`."""
    if processes() > 1:
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        joint = parameters_to_vector(gradients)
        dist.all_reduce(joint)
        vector_to_parameters(joint / processes(), gradients)


class _Gather(torch.autograd.Function):
    """Gathers shares; the gradient of a share is P times its part of the joint one.

    Every process has the whole joint loss, so it knows that part without asking. The factor makes the mean over the
    processes right for every weight: one before the gathering gets P times its share's gradient from each, one after
    it the whole gradient from each.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, count: int) -> Tensor:
        each = -(-count // processes())  # rows of the largest share; the collective wants all alike
        padded = own.new_zeros(each, *own.shape[1:])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in range(processes())]
        dist.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:count]  # row k of process r is row k P + r

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return share(gradient) * processes(), None


@contextmanager
def _own_draws(device: torch.device) -> Iterator[None]:
    """Random numbers of this process's own; outside all processes draw the same ones.

    So the state of the generators, which a checkpoint holds, is one and the same in all processes.
    """
    common = int(torch.randint(2**31, ()))
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed_for(common, "process", str(rank())))
        yield
