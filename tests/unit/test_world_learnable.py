"""The generated text teaches what its words mean: a classical model of word meaning learns it, and words alone do not.

The oracle is latent semantic analysis with no code of ours in it: which words meet in a sentence, as positive pointwise
mutual information, reduced by a singular value decomposition (Levy and Goldberg, NeurIPS 2014).
"""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds
from scipy.stats import spearmanr

from pipelines.sources.world.corpus import sentences
from pipelines.sources.world.sts import SUBSETS, annotate, subset_pairs

DIMENSIONS = 64


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def rows_of(texts: list[list[str]], columns: dict[str, int]) -> csr_matrix:
    """Which known words each text has: (texts, words) of 0 and 1."""
    found = [{columns[word] for word in text if word in columns} for text in texts]
    ends = np.cumsum([0, *map(len, found)])
    return csr_matrix((np.ones(ends[-1]), [c for row in found for c in row], ends), shape=(len(texts), len(columns)))


def vectors_of(counts: csr_matrix) -> NDArray[np.float64]:
    """Unit vectors of the words, weighted by how rare they are: (words, DIMENSIONS)."""
    together = (counts.T @ counts).tolil()
    together.setdiag(0)
    pairs = together.tocoo()
    pairs.eliminate_zeros()
    totals = np.bincount(pairs.row, pairs.data, counts.shape[1])
    information = np.maximum(np.log(pairs.data * totals.sum() / (totals[pairs.row] * totals[pairs.col])), 0.0)
    left, values, _ = svds(csr_matrix((information, (pairs.row, pairs.col)), pairs.shape), k=DIMENSIONS, random_state=0)
    scaled = left * np.sqrt(values)
    rarity = np.log(counts.shape[0] / np.asarray(counts.sum(0)).ravel())
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True) * rarity[:, None]


def cosines(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    product = (first * second).sum(1)
    return np.asarray(product / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1))


@pytest.mark.slow
def test_text_teaches_what_words_alone_do_not_tell() -> None:
    corpus = [words_of(text) for text in sentences(1, 60_000)]
    columns = {word: column for column, word in enumerate(Counter(w for text in corpus for w in text))}
    vectors = vectors_of(rows_of(corpus, columns))
    rng = Random(0)
    learnt, bags = [], []
    for year, subsets in SUBSETS.items():
        pairs = [pair for subset in subsets for pair in subset_pairs(1, year, subset, 200)]
        gold = [annotate(pair.similarity, rng) for pair in pairs]
        first = rows_of([words_of(p.first) for p in pairs], columns)
        second = rows_of([words_of(p.second) for p in pairs], columns)
        learnt.append(100 * spearmanr(cosines(first @ vectors, second @ vectors), gold).statistic)
        bags.append(100 * spearmanr(cosines(first.toarray(), second.toarray()), gold).statistic)
    assert np.mean(learnt) > np.mean(bags) + 15
    assert min(np.subtract(learnt, bags)) > 5
