"""Whitening Sentence Representations for Better Semantics and Faster Retrieval (Su et al., arXiv 2103.15316, 2021).

y = (x - mu) U L^{-1/2}, with mu the mean and U L U^T the covariance of the embeddings x of some sentences: theirs get
mean 0 and covariance I, and a cosine no longer favours the directions in which all sentences vary.

Source: bojone/BERT-whitening eng/utils.py and eng/eval.py, all dimensions kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from methods.core.contract import UntrainedMethod
from methods.core.encoder import Encoder
from pipelines import device
from pipelines.errors import NegbenchError

# A direction is one the sentences vary in if its variance is above this share of the greatest, and its standard
# deviation above what rounding leaves where they do not vary at all: two rows of a batch differ in their last digits.
RESOLVED = float(np.finfo(np.float32).eps)
ROUNDING = 64 * RESOLVED  # as a share of an embedding's length


class Whitening(UntrainedMethod):
    """The untrained backbone, its embeddings centred and made isotropic."""

    label = "BERT-whitening"
    # Deviation: the code averages the outputs of the first Transformer layer and of the last; `first_last_avg` is here
    # the embedding layer's and the last's, the reading behind the published "first-last avg." rows.
    pooling = "first_last_avg"

    # Deviation: eng/utils.py cuts a text at 64 word pieces, we where every other method here does, at what the backbone
    # can read. And the paper fits on NLI or on the sentences of the set that is then scored; we fit on the training
    # text, which every other method sees too.
    def __init__(self, backbone: str, sentences: Sequence[str]) -> None:
        self._encoder = Encoder.load(backbone, self.pooling).to(device.best())
        embeddings = self._encoder.encode(sentences, progress="encode").astype(np.float64)  # (N, H)
        self._mean = embeddings.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(embeddings.T))  # (H,), (H, H)
        # Fewer sentences than dimensions, or dimensions that LayerNorm ties together, leave some without variance.
        length = np.sqrt((embeddings**2).sum(axis=1).mean())
        kept = variances > max(RESOLVED * variances.max(), (ROUNDING * length) ** 2)
        if not kept.any():
            raise NegbenchError("all sentences have one embedding", "whitening", "Give different sentences to fit to.")
        self._kernel = directions[:, kept] / np.sqrt(variances[kept])  # (H, D)

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Embed N sentences: (N, D), D <= H the directions the fitted sentences vary in; not normalised."""
        return self._whitened(self._encoder.encode(sentences, progress="encode"))

    def limited(self, length: int) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """`encode`, reading at most `length` word pieces of a text."""
        read = self._encoder.limited(length)
        return lambda sentences: self._whitened(read(sentences))

    def _whitened(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, H) to (N, D)."""
        whitened: NDArray[np.float64] = (embeddings.astype(np.float64) - self._mean) @ self._kernel
        return whitened.astype(np.float32)
