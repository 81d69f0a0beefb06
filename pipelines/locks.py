"""Doing something alone: whoever comes second waits, and says for whom."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import IO

from pipelines.errors import NegbenchError


@contextmanager
def alone(path: Path, what: str, give_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold the lock `path` for the block; the system frees it however the process ends, and nothing is left of it.

    Args:
        path: a file that holds, while locked, who locked it.
        what: what is done, told to those who wait.
        give_up: asked while waiting.

    Raises:
        InterruptedError: `give_up` said yes.
        NegbenchError: the file system knows no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        with path.open("a+", encoding="utf-8") as file:
            if _lock(file):
                if not _is(file, path):  # whoever held it has removed it, and somebody else may hold the next
                    continue
                file.truncate(0)
                since = f"{datetime.now():%H:%M:%S}"
                file.write(f"{what}, process {os.getpid()} on {platform.node()}, since {since}\n")
                file.flush()
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
            if not told:
                file.seek(0)
                print(f"Waiting for {file.read().strip() or 'another process'}", flush=True)
                told = True
        if give_up():
            raise InterruptedError(f"interrupted while waiting to do: {what}")
        sleep(0.2)


def holder(path: Path) -> str:
    """Who holds the lock `path` and since when, as they wrote it; "" where nobody does."""
    with suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
        if not _lock(file):
            return file.read().strip()
    return ""


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno == errno.ESTALE:  # over a network: its holder has removed it
            return False
        step = "Mount it with locks (NFS: without `nolock`), or work on a local disk."
        raise NegbenchError(f"this file system has no locks: {error.strerror}", file.name, step) from error
    return True


def _is(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
