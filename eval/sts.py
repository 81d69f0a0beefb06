"""Semantic textual similarity as SimCSE's fork of SentEval scores it.

    python -m eval.sts --model FOLDER --data FOLDER

The cosine of two sentence embeddings against people's judgements, as Spearman's rho times 100: over all
pairs of a task ("all", what the papers report), and as plain and size-weighted mean over its subsets ("mean",
"wmean").
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from eval.command import chosen_tasks, load_encoder, note_sizes, options, print_records, refuse_without_score
from eval.senteval import PUBLISHED, TASKS, Subset, check_task, load_sts
from pipelines.main import run

if TYPE_CHECKING:
    from methods.core.encoder import Encoder

METRICS = ("all", "mean", "wmean")
Status = Literal["ok", "failed", "skipped"]


class Embedder(Protocol):
    """What is evaluated."""

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        """Embed N sentences: (N, H), of any length."""


@dataclass(frozen=True)
class Score:
    """One number of a table, or None and the reason why there is none; `n` is its number of pairs."""

    value: float | None
    n: int
    status: Status = "ok"
    reason: str | None = None


@dataclass(frozen=True)
class TaskResult:
    """The scores of one task by metric ("all", "mean", "wmean"), and the cosine of every pair."""

    task: str
    subsets: list[Subset]
    similarities: list[NDArray[np.float32]]  # one array a subset, in the order of its pairs
    scores: dict[str, Score]


def evaluate(encoder: Embedder, data: Path, tasks: Sequence[str] = TASKS) -> dict[str, TaskResult]:
    """Score `encoder` on the test parts of STS tasks, embedding every distinct sentence once.

    Args:
        encoder: has `encode`.
        data: the folder that holds senteval/.
        tasks: any of STS12 to STS16, STSB, SICKR.

    Raises:
        NegbenchError: as `load_sts`.
    """
    return score(encoder, load(data, tasks))


def load(data: Path, tasks: Sequence[str] = TASKS) -> dict[str, list[Subset]]:
    """The test parts of STS tasks; raises as `load_sts`."""
    return {task: load_sts(data, task) for task in tasks}


def score(encoder: Embedder, tasks: Mapping[str, list[Subset]]) -> dict[str, TaskResult]:
    """Score `encoder` on tasks that are loaded, embedding every distinct sentence once."""
    similarities = iter(_similarities(encoder, [*chain.from_iterable(tasks.values())]))
    return {task: _score(task, subsets, [next(similarities) for _ in subsets]) for task, subsets in tasks.items()}


def sentences(data: Path, tasks: Sequence[str] = TASKS) -> list[str]:
    """All sentences that `evaluate` embeds, repeats included; raises as `load_sts`."""
    return sentences_of(chain.from_iterable(load(data, tasks).values()))


def sentences_of(subsets: Iterable[Subset]) -> list[str]:
    """The first sentences of each subset and then its second ones, repeats included."""
    return [*chain.from_iterable(chain(subset.first, subset.second) for subset in subsets)]


def numbered(results: Mapping[str, TaskResult]) -> dict[str, NDArray[np.int32]]:
    """Which two sentences each pair is of: (N, 2) by `<task>/<subset>`, equal numbers for equal sentences."""
    numbers: dict[str, int] = {}
    return {
        f"{task}/{subset.name}": np.array(
            [
                [numbers.setdefault(sentence, len(numbers)) for sentence in pair]
                for pair in zip(subset.first, subset.second, strict=True)
            ],
            dtype=np.int32,
        )
        for task, result in results.items()
        for subset in result.subsets
    }


def average(results: Mapping[str, TaskResult], metric: str = "all") -> Score:
    """The mean over all seven tasks; None where one is missing or has no score."""
    # Deviation: SimCSE's evaluation.py averages values rounded to two decimals; we average unrounded ones.
    return mean_score({task: result.scores[metric] for task, result in results.items()}, TASKS)


def mean_score(scores: Mapping[str, Score], tasks: Sequence[str]) -> Score:
    """The mean over all of `tasks`; None where one is missing or has no score. `n` counts what is there.

    A mean that lacks skipped scores alone is skipped itself.
    """
    n = sum(score.n for score in scores.values())
    if absent := [task for task in tasks if task not in scores]:
        return Score(None, n, "skipped", f"not evaluated: {', '.join(absent)}")
    lacking = [task for task in tasks if scores[task].value is None]
    if lacking:
        status: Status = "failed" if any(scores[task].status == "failed" for task in lacking) else "skipped"
        return Score(None, n, status, f"no score: {', '.join(lacking)}")
    known = [value for task in tasks if (value := scores[task].value) is not None]
    return Score(float(np.mean(known)), n)


def records(results: Mapping[str, TaskResult]) -> list[dict[str, Any]]:
    """The scores as flat records: task, metric ("spearman_all", ...), value, status, reason and n."""
    rows = [(task, metric, result.scores[metric]) for task, result in results.items() for metric in METRICS]
    rows += [("avg", metric, average(results, metric)) for metric in METRICS]
    return [{"task": task, "metric": f"spearman_{metric}", **vars(score)} for task, metric, score in rows]


def cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each pair of rows of two (N, H) arrays: (N,). A zero vector gives 0, as in SentEval."""

    # Deviation: SentEval computes in float32 and turns every NaN into 0. We sum in float64 and round after, so that the
    # rounding noise of equal cosines (of identical or collapsed embeddings, of counts) gets no rank, and keep the NaN
    # of an infinite or NaN embedding, which `spearman` refuses: a diverged encoder must not look like a bad one.
    def dots(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.einsum("nh,nh->n", a, b, dtype=np.float64))  # no float64 copy of either

    with np.errstate(invalid="ignore"):
        lengths = np.sqrt(dots(first, first) * dots(second, second))
        quotients = np.divide(dots(first, second), lengths, out=np.zeros(len(first)), where=lengths != 0)
    return quotients.astype(np.float32)


def spearman(similarities: NDArray[np.float32], gold: NDArray[np.float64]) -> Score:
    """Spearman's rho times 100 of N similarities with N gold scores; ties share their mean rank."""
    from scipy.stats import spearmanr  # takes half a second to import, which --help need not wait for

    n = len(gold)
    if bad := int(np.sum(~np.isfinite(similarities))):
        return Score(None, n, "failed", f"{bad} of {n} pairs have an embedding that is not finite")
    if np.ptp(similarities) == 0:
        return Score(None, n, "failed", "all pairs have the same cosine")
    if np.ptp(gold) == 0:
        return Score(None, n, "failed", "all pairs have the same gold score")
    return Score(100 * float(spearmanr(similarities, gold).statistic), n)


def _similarities(encoder: Embedder, subsets: Sequence[Subset]) -> list[NDArray[np.float32]]:
    sentences = [*dict.fromkeys(sentences_of(subsets))]
    embeddings = encoder.encode(sentences)  # (N, H)
    row = {sentence: index for index, sentence in enumerate(sentences)}
    return [
        cosine(embeddings[[row[s] for s in subset.first]], embeddings[[row[s] for s in subset.second]])
        for subset in subsets
    ]


def _score(task: str, subsets: list[Subset], similarities: list[NDArray[np.float32]]) -> TaskResult:
    parts = [spearman(found, subset.gold) for subset, found in zip(subsets, similarities, strict=True)]
    sizes = [part.n for part in parts]
    whole = spearman(np.concatenate(similarities), np.concatenate([subset.gold for subset in subsets]))
    values = [part.value for part in parts if part.value is not None]
    if len(values) < len(parts):
        reasons = (f"{s.name}: {part.reason}" for s, part in zip(subsets, parts, strict=True) if part.reason)
        mean = wmean = Score(None, sum(sizes), "failed", "; ".join(reasons))
    else:
        mean = Score(float(np.mean(values)), sum(sizes))
        wmean = Score(float(np.average(values, weights=sizes)), sum(sizes))
    return TaskResult(task, subsets, similarities, {"all": whole, "mean": mean, "wmean": wmean})


def table(rows: Mapping[str, Mapping[str, Score]], metrics: Sequence[str]) -> str:
    """An aligned table, a task a line and a metric a column, and the reasons below it."""
    lines = [f"{'task':<6}" + "".join(f"{metric:>8}" for metric in metrics) + f"{'n':>8}"]
    for task, scores in rows.items():
        cells = [_cell(scores.get(metric)) for metric in metrics]
        lines.append(f"{task:<6}" + "".join(f"{cell:>8}" for cell in cells) + f"{scores[metrics[0]].n:>8}")
    return "\n".join([*lines, *_notes(rows)])


def _cell(score: Score | None) -> str:
    if score is None:  # not a metric of this task
        return ""
    return "—" if score.value is None else f"{score.value:.2f}"


def _notes(rows: Mapping[str, Mapping[str, Score]]) -> Iterable[str]:
    reasons = dict.fromkeys((task, score.reason) for task in rows for score in rows[task].values())
    return (f"— {task}: {reason}" for task, reason in reasons if reason)


@dataclass(frozen=True)
class WithProgress:
    """An encoder that shows a progress bar on a terminal."""

    encoder: Encoder

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        """Embed N sentences: (N, H)."""
        return self.encoder.encode(sentences, progress="Embedding")


def parser() -> ArgumentParser:
    """The options of `python -m eval.sts`."""
    what = "Score a sentence encoder on STS tasks."
    return options("python -m eval.sts", what, f"of {' '.join(TASKS)} (default: all)")


def main(arguments: Namespace) -> None:
    """Score a model folder and print a table, or records as JSON."""
    tasks = [check_task(task) for task in chosen_tasks(arguments, TASKS)]
    encoder = load_encoder(arguments)
    sets = load(arguments.data, tasks)
    note_sizes({task: {"test": sum(len(subset.gold) for subset in sets[task])} for task in tasks}, PUBLISHED)
    results = score(WithProgress(encoder), sets)
    found = records(results)
    if arguments.json:
        print_records(found)
    else:
        rows = {task: result.scores for task, result in results.items()}
        print(table(rows | {"avg": {metric: average(results, metric) for metric in METRICS}}, METRICS))
    refuse_without_score(found, arguments.model)


if __name__ == "__main__":
    sys.exit(run(main, parser()))
