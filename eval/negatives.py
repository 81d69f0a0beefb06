"""How similar the negatives are: cosines between different sentences of the training text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import NegbenchError

EDGES = np.linspace(-1, 1, 101)  # 100 bins of 0.02


def histogram(before: NDArray[np.float32], after: NDArray[np.float32]) -> dict[str, Any] | None:
    """Histograms of the cosines of all pairs of different rows, before and after training.

    Args:
        before: (N, H) embeddings of N different sentences by the backbone, N >= 2.
        after: (N, D) embeddings of the same sentences by the trained encoder.

    Returns:
        Bin edges, counts, mean and standard deviation of each, and the number of pairs, N (N - 1) / 2. None if an
        embedding after training is not finite, so that its cosines are undefined.

    Raises:
        NegbenchError: one before training is not finite: the backbone is broken.
    """
    result: dict[str, Any] = {"edges": [round(float(edge), 2) for edge in EDGES]}
    if bad := int(np.sum(~np.isfinite(before).all(axis=1))):
        what = f"{bad} of {len(before)} embeddings are not finite"
        raise NegbenchError(what, "the backbone", "Run `dvc repro -f backbone`.")
    if not np.isfinite(after).all():
        return None
    for name, embeddings in (("before", before), ("after", after)):
        cosines = _pairwise(embeddings)
        result[name] = np.histogram(cosines, EDGES)[0].tolist()
        result[f"mean_{name}"] = round(float(cosines.mean()), 6)
        result[f"std_{name}"] = round(float(cosines.std()), 6)
        result["n"] = len(cosines)
    return result


def _pairwise(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosines of the N (N - 1) / 2 pairs of rows, clipped to [-1, 1] against rounding."""
    rows = embeddings.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    upper = np.triu_indices(len(rows), 1)
    return np.clip((rows @ rows.T)[upper], -1, 1)
