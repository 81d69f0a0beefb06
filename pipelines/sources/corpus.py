"""Reading a training corpus: one sentence a line."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import NegbenchError
from pipelines.text import read_lines


def read_sentences(path: Path, limit: int | None = None) -> list[str]:
    """Read the first `limit` sentences of a .txt or .txt.xz file, or all; blank lines are skipped.

    Raises:
        NegbenchError: as `read_lines`; or the file holds no sentence, or fewer than `limit`.
    """
    sentences: list[str] = []
    for line in read_lines(path):
        if len(sentences) == limit:
            break
        if line.strip():
            sentences.append(line)
    if not sentences:
        raise NegbenchError("the corpus is empty", path, "Name a file with one sentence a line.")
    if limit is not None and len(sentences) < limit:
        found = f"{limit} sentences are wanted and the corpus has {len(sentences)}"
        raise NegbenchError(found, path, "Lower the number or name a larger corpus.")
    return sentences
