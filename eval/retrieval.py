"""What is measured of retrieval and reranking, as records, as arrays to keep and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.sts import Score, mean_score

# MAP is over the first 1,000 documents: MTEB's main score of reranking since 2.0, in place of the `map` of 1.x.
METRICS = {"ndcg_at_10": "nDCG@10", "map_at_1000": "MAP", "mrr_at_10": "MRR@10", "recall_at_100": "Recall@100"}
# What is kept of every query, and what pytrec_eval calls it.
PER_QUERY = {"ndcg_at_10": "ndcg_cut_10", "map_at_1000": "map_cut_1000", "recall_at_100": "recall_100"}


@dataclass(frozen=True)
class RetrievalResult:
    """The scores of one task, and those of every query.

    Attributes:
        task: MTEB's name of it, or that of a folder of our own.
        kind: "retrieval" or "reranking".
        main: the metric that MTEB reports the task by: one of METRICS, or one that comes on top of them.
        scores: by metric, times 100; `n` is the number of queries that it is a mean over.
        queries: ids of the Q queries, sorted.
        per_query: a (Q,) array for each metric of PER_QUERY, from 0 to 1; none where there is no score.
        merged: where `main` is over queries that were asked in parts, its value by query, from 0 to 1; else empty.
    """

    task: str
    kind: str
    main: str
    scores: dict[str, Score]
    queries: list[str]
    per_query: dict[str, NDArray[np.float64]]
    merged: dict[str, float] = field(default_factory=dict)


def without_score(task: str, kind: str, main: str, score: Score) -> RetrievalResult:
    """The result of a task for which every metric has the same reason to have no value."""
    return RetrievalResult(task, kind, main, dict.fromkeys([*METRICS, main], score), [], {})


def records(results: Mapping[str, RetrievalResult]) -> list[dict[str, Any]]:
    """The scores as flat records: task, metric, value, status, reason and n.

    What MTEB reports a task by stands once more under "retrieval_main_score" or "reranking_main_score", whatever
    metric it is; task "avg" is the mean of that over the tasks of the kind.
    """
    scores = {(task, metric): score for task, result in results.items() for metric, score in result.scores.items()}
    for kind in sorted({result.kind for result in results.values()}):
        mains = {task: result.scores[result.main] for task, result in results.items() if result.kind == kind}
        mains["avg"] = mean_score(mains, [*mains])
        scores |= {(task, f"{kind}_main_score"): score for task, score in mains.items()}
    return [{"task": task, "metric": metric, **vars(score)} for (task, metric), score in scores.items()]


def arrays(results: Mapping[str, RetrievalResult]) -> dict[str, NDArray[Any]]:
    """The scores of every query by what to save them as: `<task>/queries` (ids) and `<task>/<metric>`.

    Of queries that were asked in parts these are the parts; their own are `<task>/merged` and `<task>/main`.
    """
    kept: dict[str, NDArray[Any]] = {}
    for task, result in results.items():
        if result.queries:
            kept[f"{task}/queries"] = np.array(result.queries)
            kept.update({f"{task}/{metric}": values for metric, values in result.per_query.items()})
        if result.merged:
            kept[f"{task}/merged"] = np.array([*result.merged])
            kept[f"{task}/main"] = np.array([*result.merged.values()])
    return kept


def table(results: Mapping[str, RetrievalResult]) -> str:
    """The scores as an aligned table, with a line for each task that has none; MTEB reports a task by `main score`."""
    width = max([len("task"), *map(len, results)])
    names = [*METRICS.values(), "main score"]
    lines = [f"{'task':<{width}}" + "".join(f"{name:>12}" for name in names) + f"{'n':>8}"]
    for task, result in results.items():
        scores = [result.scores[metric] for metric in [*METRICS, result.main]]
        cells = ("—" if score.value is None else f"{score.value:.2f}" for score in scores)
        lines.append(f"{task:<{width}}" + "".join(f"{cell:>12}" for cell in cells) + f"{scores[0].n:>8}")
    return "\n".join([*lines, *_notes(results)])


def _notes(results: Mapping[str, RetrievalResult]) -> Iterable[str]:
    reasons = {task: result.scores[result.main].reason for task, result in results.items()}
    return (f"— {task}: {reason}" for task, reason in reasons.items() if reason)
