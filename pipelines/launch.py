"""The processes of one training run: started here, or joined where torchrun has started them."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from multiprocessing import SimpleQueue, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException, start_processes

from pipelines import device, locks
from pipelines.errors import NegbenchError

_PATIENCE = timedelta(hours=6)  # the others wait while process 0 looks at its encoder
_WHERE = "train.processes"
_AGAIN = "Run again: it goes on from the last checkpoint."


def check(processes: int) -> None:
    """Raise a NegbenchError if torchrun has started another number of processes: each would train the run alone."""
    if dist.is_torchelastic_launched() and (started := int(os.environ["WORLD_SIZE"])) != processes:
        what = f"torchrun has started {started} processes and the run takes {processes}"
        raise NegbenchError(what, _WHERE, "Make both numbers the same.")


def alone_in_charge() -> None:
    """Raise a NegbenchError under torchrun: each of its processes would take up whichever run it finds unfinished."""
    if dist.is_torchelastic_launched():
        what = "torchrun can join one training run, not the many of a study"
        raise NegbenchError(what, "torchrun", "Start the stage without it.")


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold a lock as `locks.alone` does; of torchrun's processes the first alone: the others are its helpers."""
    helper = dist.is_torchelastic_launched() and os.environ["RANK"] != "0"
    with nullcontext() if helper else locks.alone(path, what):
        yield


def together(processes: int, work: Callable[..., object], *arguments: Any) -> None:
    """Let several processes do `work(*arguments)` as one group of torch.distributed; return when all have done it.

    Under torchrun this process is one of them; process 0 alone returns, and the others end.

    Raises:
        NegbenchError: one of them raised it; one was killed; or there are fewer GPUs here than processes.
    """
    if not dist.is_torchelastic_launched():
        _check_gpus(processes)
        _start(processes, work, arguments)
        return
    _check_gpus(int(os.environ["LOCAL_WORLD_SIZE"]))
    place = int(os.environ["RANK"])
    _join(int(os.environ["LOCAL_RANK"]))
    work(*arguments)
    dist.destroy_process_group()
    if place:
        sys.exit(0)
    del os.environ["TORCHELASTIC_RUN_ID"]  # its processes served this run; another one starts its own


def _check_gpus(processes: int) -> None:
    if device.best().type == "cuda" and (gpus := torch.cuda.device_count()) < processes:
        raise NegbenchError(f"{processes} processes and {gpus} GPU{'s' * (gpus != 1)}", _WHERE, "Lower the number.")


def _start(processes: int, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """Start the processes, wait for them, and end them all when one fails."""
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # says whom it ends, before we say why
    errors: SimpleQueue[NegbenchError] = get_context("spawn").SimpleQueue()
    threads = max(1, torch.get_num_threads() // processes)
    with TemporaryDirectory() as scratch:
        group = (processes, f"file://{Path(scratch) / 'store'}", threads, errors)
        members: Any = start_processes(  # type: ignore[no-untyped-call]
            _member, (group, work, arguments), processes, join=False, daemon=True
        )
        try:
            while not members.join():
                pass
        except ProcessException as error:
            if not errors.empty():  # an expected error of one, which may have ended another in its own way
                raise errors.get() from None
            if not isinstance(error, ProcessExitedException):
                raise
            ended = f"was ended by {error.signal_name}" if error.signal_name else f"ended with code {error.exit_code}"
            what = f"process {error.error_index + 1} of {processes} {ended}"
            raise NegbenchError(what, _WHERE, _AGAIN) from None


def _member(place: int, group: tuple[int, str, int, Any], work: Callable[..., object], arguments: Any) -> None:
    """One process: an expected error is told to the one that started us, whose line it becomes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that nothing half-written stays
    processes, store, threads, errors = group
    torch.set_num_threads(threads)
    try:
        _join(place, init_method=store, rank=place, world_size=processes)
        work(*arguments)
        dist.destroy_process_group()
    except NegbenchError as error:
        errors.put(error)
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are ending


def _join(gpu: int, **group: Any) -> None:
    """Join the group, that of torchrun's variables by default, on a GPU of our own or on the CPU."""
    cuda = device.best().type == "cuda"
    if cuda:
        torch.cuda.set_device(gpu)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=_PATIENCE, **group)
