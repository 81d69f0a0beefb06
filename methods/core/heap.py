"""The C library's heap, which batches of ever other sizes leave full of holes."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

# Bytes of holes that are left alone. To fill pages that were given back takes as long as half a step (two cores, batch
# 256); with this much room it is seldom done, and a small model never comes that far.
ROOM = 2**30
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # mallopt's parameters, as in malloc.h
_STATUS = Path("/proc/self/statm")


class Heap:
    """Gives free pages back to the system once they are many and no sooner, where it can (Linux with glibc).

    Without padding each batch has tensors of its own sizes. Freed blocks seldom fit the next ones, so that a run comes
    to hold several times what a step needs. Left to itself the library also gives each large block back at once, to ask
    for it again at the next step.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._release: Any = getattr(library, "malloc_trim", None) if _STATUS.exists() else None
        self._needed = 0  # bytes held when the heap last had no holes
        if self._release is not None:
            library.mallopt(_MMAP_MAX, 0)
            library.mallopt(_TRIM_THRESHOLD, ROOM)
            self._trim()

    def step(self) -> None:
        """A step is done, and what it held is free."""
        if self._release is not None and held() > self._needed + ROOM:
            self._trim()

    def _trim(self) -> None:
        self._release(0)
        self._needed = held()


def held() -> int:
    """Bytes of memory that this process holds; Linux alone tells."""
    return int(_STATUS.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
