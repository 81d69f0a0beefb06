"""A collapsed encoder, one vector for every text: what is scored of it is chance or the order of the files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REASON = "all embeddings are the same"


def collapsed(embeddings: NDArray[np.float32]) -> bool:
    """Whether (N, H) finite embeddings of N different texts are all the same, save for rounding noise."""
    if len(embeddings) < 2:
        return False
    return float(np.ptp(embeddings, axis=0).max()) <= 1e-6 * float(np.abs(embeddings).max())
