"""The C library's heap, which batches of ever other sizes leave full of holes."""

from __future__ import annotations

import ctypes

EVERY = 100  # steps: filling the pages again takes as long as some steps


def trim() -> None:
    """Give free pages back to the system, where the C library can (glibc).

    Without padding each batch has tensors of its own sizes. Freed blocks seldom fit the next ones, so that a run over a
    million sentences would come to hold several times what a step needs.
    """
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)
