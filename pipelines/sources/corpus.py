"""Reading a training corpus: one sentence a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import NegbenchError
from pipelines.text import read_lines


def read_sentences(path: Path, limit: int | None = None) -> list[str]:
    """The sentences that `stream` gives, all at once."""
    return [*stream(path, limit)]


def stream(path: Path, limit: int | None = None) -> Iterator[str]:
    """Yield the first `limit` sentences of a .txt or .txt.xz file, or all; blank lines are skipped.

    Raises:
        NegbenchError: as `read_lines`; or, once all are read, the file held no sentence, or fewer than `limit`.
    """
    found = 0
    for line in read_lines(path):
        if found == limit:
            break
        if line.strip():
            found += 1
            yield line
    if not found:
        raise NegbenchError("the corpus is empty", path, "Name a file with one sentence a line.")
    if limit is not None and found < limit:
        what = f"{limit} sentences are wanted and the corpus has {found}"
        raise NegbenchError(what, path, "Lower the number or name a larger corpus.")
