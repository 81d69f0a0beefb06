"""One embedding pass: every distinct sentence of many tasks is embedded once, into a file that all of them read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from eval.sts import Embedder
from pipelines.errors import NegbenchError

_CHUNK = 8192  # sentences handed to the encoder at a time: what it holds in memory does not grow with the tasks


class Known:
    """An embedder that looks up what another one has embedded.

    Args:
        rows: the row of each sentence.
        matrix: (N, H) embeddings.
    """

    def __init__(self, rows: Mapping[str, int], matrix: NDArray[np.float32]) -> None:
        self._rows = rows
        self._matrix = matrix

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        """Embeddings (N, H) of known sentences.

        Raises:
            KeyError: one is not.
        """
        return np.asarray(self._matrix[[self._rows[sentence] for sentence in sentences]])


class EmbeddedOnce(Known):
    """Embeds sentences into a file, and looks them up there.

    Args:
        encoder: embeds the sentences, once.
        sentences: all that will be asked for; repeats cost nothing.
        file: where the (N, H) float32 matrix goes, memory-mapped; the caller's to delete.
        progress: label of a progress bar, shown on a terminal; none without one.

    Raises:
        NegbenchError: the file cannot be written.
    """

    def __init__(self, encoder: Embedder, sentences: Iterable[str], file: Path, *, progress: str | None = None) -> None:
        # Sentences of like length side by side, or an encoder that pads would pad more.
        ordered = sorted(dict.fromkeys(sentences), key=len)
        width = 0
        file.unlink(missing_ok=True)
        with tqdm(
            total=len(ordered), desc=progress, disable=None if progress else True, unit="sentence", unit_scale=True
        ) as bar:
            for start in range(0, len(ordered), _CHUNK):
                chunk = encoder.encode(ordered[start : start + _CHUNK])
                width = chunk.shape[1]
                _append(chunk, file)
                bar.update(len(chunk))
        empty = np.empty((0, width), np.float32)  # what has no bytes cannot be mapped
        matrix = np.memmap(file, np.float32, "r", shape=(len(ordered), width)) if ordered else empty
        super().__init__({sentence: row for row, sentence in enumerate(ordered)}, matrix)


def _append(rows: NDArray[np.float32], file: Path) -> None:
    # Writes, where a map to store into would be less code: on a full disk a store kills the program without a word.
    try:
        with file.open("ab") as out:
            out.write(rows.astype(np.float32, copy=False).tobytes())
    except OSError as error:
        what = f"cannot write the embeddings: {error.strerror}"
        raise NegbenchError(what, file, "Free some space and run again.") from error
