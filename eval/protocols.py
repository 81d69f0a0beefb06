"""One encoder under other protocols than the papers' headline: what a protocol alone is worth.

A record's metric names the protocol behind an "@":

    spearman_all@<pooling>   the same weights, the states pooled otherwise
    spearman_all@distinct    STS-B's test pairs, each once, without those that its train or dev part holds
    spearman_all@unshared    those without the ones in STS12 to STS16's test sets, which STS-B was drawn from
    dev_pairs_in_tests       of STS-B's dev pairs, which select checkpoints, the per cent that some STS test set holds
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eval import sts
from eval.embeddings import Known
from eval.senteval import TASKS, YEARS, Subset, load_sts
from eval.sts import Score, TaskResult

if TYPE_CHECKING:
    from methods.core.encoder import Encoder
    from pipelines.params import Pooling

HEADLINE = "spearman_all"
DISTINCT, UNSHARED = f"{HEADLINE}@distinct", f"{HEADLINE}@unshared"
DEV_IN_TESTS = "dev_pairs_in_tests"
NO_POOLING = "not a backbone's states under a pooling"

Pair = tuple[str, str]  # in the order of the alphabet: which sentence comes first is no difference


def records(
    headline: Mapping[str, TaskResult], encoder: Encoder | None, data: Path, poolings: Sequence[Pooling]
) -> list[dict[str, Any]]:
    """The encoder's scores under the other protocols, as flat records.

    Args:
        headline: its results on all STS tasks under its own pooling.
        encoder: what they are of, where a pooling of a backbone's states made them; else None.
        data: the folder that holds senteval/.
        poolings: those to score under. One that the encoder lacks is skipped, with the reason.

    Raises:
        NegbenchError: as `load_sts`.
    """
    rows = [
        (task, f"{HEADLINE}@{pooling}", score)
        for pooling, scores in _pooled(headline, encoder, poolings).items()
        for task, score in scores.items()
    ]
    rows += [("STSB", metric, score) for metric, score in repeats(headline["STSB"], data).items()]
    return [{"task": task, "metric": metric, **vars(score)} for task, metric, score in rows]


def repeats(stsb: TaskResult, data: Path) -> dict[str, Score]:
    """STS-B's score without the pairs that stand elsewhere too, and how many of its dev part do.

    Args:
        stsb: the result on the test part.
        data: the folder that holds senteval/.

    Returns:
        The scores by metric.

    Raises:
        NegbenchError: as `load_sts`.
    """
    (subset,), (similarities,) = stsb.subsets, stsb.similarities
    test, dev = _pairs([subset]), _pairs(load_sts(data, "STSB", "dev"))
    years = {*chain.from_iterable(_pairs(load_sts(data, year)) for year in YEARS)}
    others = years | {*test} | {*_pairs(load_sts(data, "SICKR"))}
    distinct = [*_first_seen(test, [*_pairs(load_sts(data, "STSB", "train")), *dev])]
    unshared = [new and pair not in years for new, pair in zip(distinct, test, strict=True)]
    return {
        DISTINCT: _kept(similarities, subset, distinct),
        UNSHARED: _kept(similarities, subset, unshared),
        DEV_IN_TESTS: Score(100 * sum(pair in others for pair in dev) / len(dev), len(dev)),
    }


def _pooled(
    headline: Mapping[str, TaskResult], encoder: Encoder | None, poolings: Sequence[Pooling]
) -> dict[Pooling, dict[str, Score]]:
    """Scores by pooling and task, the average last."""
    lacking = {pooling: NO_POOLING if encoder is None else encoder.lacks(pooling) for pooling in poolings}
    found: dict[Pooling, dict[str, Score]] = {}
    results: dict[Pooling, Mapping[str, TaskResult]] = {}
    if encoder is not None:
        others = [pooling for pooling in poolings if pooling != encoder.pooling and not lacking[pooling]]
        results = {encoder.pooling: headline, **_scored(encoder, headline, others)}
    for pooling in poolings:
        reason = lacking[pooling]
        if reason:
            sizes = {task: result.scores["all"].n for task, result in headline.items()}
            skipped = {task: Score(None, n, "skipped", reason) for task, n in sizes.items()}
            found[pooling] = {**skipped, "avg": Score(None, sum(sizes.values()), "skipped", reason)}
        else:
            scores = {task: result.scores["all"] for task, result in results[pooling].items()}
            found[pooling] = {**scores, "avg": sts.mean_score(scores, TASKS)}
    return found


def _scored(
    encoder: Encoder, headline: Mapping[str, TaskResult], poolings: Sequence[Pooling]
) -> dict[Pooling, dict[str, TaskResult]]:
    """The headline's tasks under each pooling, from one pass over their sentences."""
    if not poolings:
        return {}
    tasks = {task: result.subsets for task, result in headline.items()}
    sentences = [*dict.fromkeys(sts.sentences_of(chain.from_iterable(tasks.values())))]
    rows = {sentence: row for row, sentence in enumerate(sentences)}
    embedded = encoder.embed(encoder.tokenise(sentences), poolings, progress="embed")
    return {pooling: sts.score(Known(rows, matrix), tasks) for pooling, matrix in zip(poolings, embedded, strict=True)}


def _pairs(subsets: Iterable[Subset]) -> list[Pair]:
    return [(min(a, b), max(a, b)) for subset in subsets for a, b in zip(subset.first, subset.second, strict=True)]


def _first_seen(pairs: Iterable[Pair], before: Iterable[Pair]) -> Iterator[bool]:
    """Of each pair, whether neither `before` nor the pairs ahead of it hold it."""
    seen = {*before}
    for pair in pairs:
        yield pair not in seen
        seen.add(pair)


def _kept(similarities: NDArray[np.float32], subset: Subset, kept: Sequence[bool]) -> Score:
    chosen = np.asarray(kept)
    if (n := int(chosen.sum())) < 2:
        return Score(None, n, "skipped", f"{n} of {len(chosen)} pairs are left, and a correlation needs at least 2")
    return sts.spearman(similarities[chosen], subset.gold[chosen])
