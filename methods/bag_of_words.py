"""Bag of words: what a sentence says about its meaning by its words alone, the floor for every encoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from methods.core.contract import UntrainedMethod

_WORD = re.compile(r"\w+")


class BagOfWords(UntrainedMethod):
    """Counts of lower-cased words, one column a word.

    Words beyond `WIDTH` share columns under alternating signs, so that the matrix stays small on real text and a
    collision does not bias the cosine; up to `WIDTH` distinct words the counts are exact.
    """

    label = "Bag of words"
    WIDTH: ClassVar[int] = 8_192

    def __init__(self, backbone: str) -> None:
        pass  # words need no backbone

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Count the words of N sentences: (N, min(distinct words, WIDTH))."""
        columns: dict[str, int] = {}
        rows = [[columns.setdefault(word, len(columns)) for word in _WORD.findall(s.lower())] for s in sentences]
        counts = np.zeros((len(rows), min(len(columns), self.WIDTH)), dtype=np.float32)
        for row, words in enumerate(rows):
            for index in words:
                fold, column = divmod(index, self.WIDTH)
                counts[row, column] += 1 if fold % 2 == 0 else -1
        return counts
