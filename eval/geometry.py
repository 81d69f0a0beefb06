"""Where an encoder puts sentences on the unit sphere: alignment, uniformity, anisotropy and spectrum.

Measured on the whole of STS-B, as the two papers do: all 8,628 pairs of train, dev and test, of which the 1,491 with a
score above 4 are the positives (facts of MoCoSE's notebook and of SimCSE's appendix). Every embedding is
L2-normalised first; one that is zero stays zero. Uniformity is of the first sentences of the pairs, repeats included;
mean cosine and spectrum are of all distinct sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.senteval import TABLES, load_sts
from eval.sts import Embedder, Score

POSITIVE = 4.0  # a pair above this score is a positive
BATCH = 64  # of MoCoSE's notebook
_CHUNK = 1024  # rows of a similarity matrix held at a time
Unit = NDArray[np.float32]  # (N, H), rows of length one


@dataclass(frozen=True)
class Geometry:
    """Scores by metric, and the singular values that `spectrum` gives."""

    scores: dict[str, Score]
    singular_values: list[float]


def sentences(data: Path) -> list[str]:
    """All sentences of STS-B, the first of each pair and then the second: 2 N of them.

    Raises:
        NegbenchError: as `load_sts`.
    """
    first, second, _ = _pairs(data)
    # Deviation: MoCoSE's notebook cuts them at 32 word pieces; here they are whole, as in STS.
    return first + second


def evaluate(encoder: Embedder, data: Path) -> Geometry:
    """Measure `encoder` on the whole of STS-B.

    Raises:
        NegbenchError: as `load_sts`.
    """
    first, second, gold = _pairs(data)
    embeddings = encoder.encode(first + second)
    if bad := int(np.sum(~np.isfinite(embeddings).all(axis=1))):
        return _failed(len(gold), f"{bad} of {len(embeddings)} embeddings are not finite")
    if not embeddings.any():
        return _failed(len(gold), "all embeddings are zero, so that none is on the sphere")
    unit = normalise(embeddings)
    x, y = np.split(unit, 2)  # (N, H) each
    positive = gold > POSITIVE
    distinct = unit[[*{sentence: row for row, sentence in enumerate(first + second)}.values()]]
    singular_values = spectrum(distinct)
    values = {
        # Deviation: MoCoSE's notebook leaves out what is short of a whole batch of 64 here too, 0.6 and 1.3 % of pairs.
        "alignment_all": (alignment(x, y), len(x)),
        "alignment_positive": (alignment(x[positive], y[positive]), int(positive.sum())),
        "uniformity_all": (uniformity(x), len(x)),
        "uniformity_all_batches": (uniformity_of_batches(x), _whole(len(x))),
        "uniformity_positive": (uniformity(x[positive]), int(positive.sum())),
        "uniformity_positive_batches": (uniformity_of_batches(x[positive]), _whole(int(positive.sum()))),
        "mean_cosine": (mean_cosine(distinct), len(distinct)),
        "effective_rank": (effective_rank(singular_values), len(distinct)),
    }
    assert values.keys() == set(METRICS)
    scores = {
        metric: Score(value, n) if value is not None else Score(None, n, "failed", f"{n} sentences are too few")
        for metric, (value, n) in values.items()
    }
    return Geometry(scores, [round(float(value), 6) for value in singular_values])


METRICS = (
    "alignment_all",
    "alignment_positive",
    "uniformity_all",
    "uniformity_all_batches",
    "uniformity_positive",
    "uniformity_positive_batches",
    "mean_cosine",
    "effective_rank",
)


def records(geometry: Geometry) -> list[dict[str, Any]]:
    """The scores as flat records: task "geometry", metric, value, status, reason and n."""
    return [{"task": "geometry", "metric": metric, **vars(score)} for metric, score in geometry.scores.items()]


def normalise(embeddings: NDArray[np.float32]) -> Unit:
    """Rows of (N, H) divided by their lengths."""
    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    return (embeddings / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def alignment(x: Unit, y: Unit) -> float | None:
    """Mean squared distance of N pairs (Wang & Isola, ICML 2020, alpha = 2): lower is closer. None without a pair."""
    return float(((x - y) ** 2).sum(axis=1, dtype=np.float64).mean()) if len(x) else None


def uniformity(x: Unit) -> float | None:
    """Logarithm of the mean of exp(-2 d^2) over all pairs of N rows (Wang & Isola, t = 2): lower is more even.

    None for fewer than two rows.
    """
    if len(x) < 2:
        return None
    total = 0.0
    for start in range(0, len(x), _CHUNK):
        # |x - y|^2 = 2 - 2 x.y on the sphere; only rows below the diagonal, so that each pair counts once.
        rows = x[start : start + _CHUNK]
        squared = _squares(rows)[:, None] + _squares(x[: start + len(rows)]) - 2 * (rows @ x[: start + len(rows)].T)
        kernel = np.exp(-2 * np.maximum(squared, 0))
        total += float(np.tril(kernel, start - 1).sum(dtype=np.float64))
    return float(np.log(total / (len(x) * (len(x) - 1) / 2)))


def uniformity_of_batches(x: Unit) -> float | None:
    """The mean of `uniformity` over whole batches of consecutive rows, as MoCoSE's notebook computes it.

    The logarithm of a mean over 64 rows is biased, so that this value and `uniformity` differ a little. None for
    fewer rows than a batch.
    """
    values = [uniformity(x[i : i + BATCH]) for i in range(0, len(x) - BATCH + 1, BATCH)]
    return float(np.mean([value for value in values if value is not None])) if values else None


def mean_cosine(x: Unit) -> float | None:
    """Mean cosine of all pairs of different rows: the anisotropy of Ethayarajh (EMNLP 2019). None below two rows."""
    if len(x) < 2:
        return None
    total = x.sum(axis=0, dtype=np.float64)  # (H,); its squared length is the sum of all N^2 cosines
    return float((total @ total - _squares(x).sum(dtype=np.float64)) / (len(x) * (len(x) - 1)))


def spectrum(x: Unit) -> NDArray[np.float64]:
    """Singular values (min(N, H),) of the rows, divided by sqrt(N): their squares sum to one."""
    found = np.zeros(min(x.shape))
    x = x[:, x.any(axis=0)]  # an empty column, of which word counts have many, adds nothing but a zero
    # Of the smaller Gram matrix: the same values at a fraction of an SVD's cost.
    narrow = (x if x.shape[0] < x.shape[1] else x.T).astype(np.float64)
    values = np.linalg.eigvalsh(narrow @ narrow.T / len(x))[::-1]
    found[: len(values)] = np.sqrt(np.maximum(values, 0))
    return found


def effective_rank(singular_values: NDArray[np.float64]) -> float | None:
    """Exponential of the entropy of the normalised singular values (Roy & Vetterli, 2007); None if all are 0."""
    total = singular_values.sum()
    if not total:
        return None
    shares = singular_values[singular_values > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _whole(n: int) -> int:
    """How many of n rows make whole batches; all, where they make none."""
    return n // BATCH * BATCH or n


def _squares(x: Unit) -> NDArray[np.float32]:
    return np.asarray((x * x).sum(axis=1))


def _failed(n: int, reason: str) -> Geometry:
    return Geometry(dict.fromkeys(METRICS, Score(None, n, "failed", reason)), [])


def _pairs(data: Path) -> tuple[list[str], list[str], NDArray[np.float64]]:
    subsets = [subset for split in TABLES["STSB"].files for subset in load_sts(data, "STSB", split)]
    first = [sentence for subset in subsets for sentence in subset.first]
    second = [sentence for subset in subsets for sentence in subset.second]
    return first, second, np.concatenate([subset.gold for subset in subsets])
