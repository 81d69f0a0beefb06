"""Embeddings of queries and passages, each distinct text embedded once under its limit of length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from eval.sts import Embedder

TOO_LARGE = 1e15  # beyond, squares come near what a float32 sum of them can hold; past that a cosine would be 0


@dataclass(frozen=True)
class Lengths:
    """Most word pieces of a query and of a passage, special tokens included; a model's own limit may be lower."""

    query: int = 512
    passage: int = 512


@runtime_checkable
class Limitable(Protocol):
    """What reads word pieces, and can be told how many at most."""

    def limited(self, length: int, /) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Its `encode`, reading at most `length` word pieces of a text."""


class NoScoreError(Exception):
    """Embeddings that no score can be made of: some are not finite or too large, or all documents have the same."""


class Vectors:
    """Embeddings by text; what one task taught serves the next.

    Args:
        embed: (N, H) embeddings of N texts.
    """

    def __init__(self, embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
        self.embed = embed
        self.known: dict[str, NDArray[np.float32]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Embed the texts that are new, in one call.

        Raises:
            NoScoreError: an embedding of `texts` is not finite or above `TOO_LARGE`.
        """
        distinct = dict.fromkeys(texts)
        new = [text for text in distinct if text not in self.known]
        if new:
            self.known.update(zip(new, self.embed(new), strict=True))
        if bad := sum(not (np.abs(self.known[text]) < TOO_LARGE).all() for text in distinct):  # NaN counts, too
            raise NoScoreError(
                f"{bad} of {len(distinct)} texts have an embedding that is not finite or above {TOO_LARGE:g}"
            )

    def of(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """The embeddings of N texts that were learnt: (N, H)."""
        return np.stack([self.known[text] for text in texts])


def vectors(encoder: Embedder, lengths: Lengths) -> tuple[Vectors, Vectors]:
    """Those of queries and those of passages; one object where nothing sets them apart.

    `lengths` apply to what can be `limited`: any other, such as a bag of words, reads whole texts.
    """
    if not isinstance(encoder, Limitable):
        both = Vectors(encoder.encode)
        return both, both
    queries = Vectors(encoder.limited(lengths.query))
    return queries, queries if lengths.query == lengths.passage else Vectors(encoder.limited(lengths.passage))
