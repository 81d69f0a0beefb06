"""Transfer to classification tasks as SimCSE's fork of SentEval scores it.

    python -m eval.transfer --model FOLDER --data FOLDER

A linear classifier is trained on the frozen sentence embeddings of a task. Its test accuracy ("acc", what SimCSE
reports) and the accuracy by which its l2 strength was chosen ("devacc", what MoCoSE reports), in per cent.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from eval.collapse import REASON, collapsed
from eval.command import chosen_tasks, load_encoder, note_sizes, options, print_records, refuse_without_score
from eval.embeddings import EmbeddedOnce
from eval.senteval import check_task
from eval.sts import Embedder, Score, mean_score, table
from eval.transfer_sets import ALL_TASKS, PUBLISHED, TASKS, Part, TransferSet, load
from pipelines.main import run

METRICS = ("acc", "devacc", "f1")
FOLDS = {"full": 10, "fast": 5}
TOO_LARGE = 1e18  # the optimisers square gradients of this size, in float32

Setting = Literal["full", "fast"]


@dataclass(frozen=True)
class TransferResult:
    """What one task came to.

    Args:
        scores: by metric: "acc" and "devacc", for MRPC "f1" too; in per cent, rounded as SentEval rounds them.
        l2: the chosen strength, one for each outer fold of MR, CR, SUBJ and MPQA; empty without a score.
        correct: (n,) which test examples are classified rightly, in the order of the set; None without a score.
    """

    task: str
    scores: dict[str, Score]
    l2: list[float]
    correct: NDArray[np.bool_] | None


def evaluate(
    encoder: Embedder,
    data: Path,
    tasks: Sequence[str] = TASKS,
    setting: Setting = "full",
    *,
    progress: str | None = None,
) -> dict[str, TransferResult]:
    """Score `encoder` on transfer tasks.

    The classifiers are trained on the CPU, wherever the encoder is: equal embeddings give equal scores on one machine.

    Args:
        encoder: asked for each part of each task; `EmbeddedOnce` spares it the sentences that repeat.
        data: the folder that holds senteval/.
        tasks: any of MR, CR, SUBJ, MPQA, SST2, TREC, MRPC and SST5.
        setting: "full" as in SimCSE's tables, or "fast" as in its development mode.
        progress: label of a bar that counts classifiers, shown on a terminal; none without one.

    Raises:
        NegbenchError: as `load`, or a set is too small for its folds.
    """
    from eval import selection  # imports torch and scikit-learn, which --help need not wait for

    sets = [load(data, task) for task in tasks]
    for task in sets:
        selection.check(task, FOLDS[setting])
    total = sum(selection.fits_of(task.parts, FOLDS[setting]) for task in sets)
    with tqdm(total=total, desc=progress, unit="fit", disable=None if progress else True) as bar:
        return {task.task: _score(task, encoder, setting, bar.update) for task in sets}


def sentences(data: Path, tasks: Sequence[str] = TASKS) -> list[str]:
    """All sentences that `evaluate` embeds, repeats included; raises as `load`."""
    return [*chain.from_iterable(load(data, task).sentences() for task in tasks)]


def features(encoder: Embedder, part: Part) -> NDArray[np.float32]:
    """What a classifier sees of N examples, (N, D): the embedding; |u - v| beside u * v of a pair."""
    first = encoder.encode(part.first)
    if part.second is None:
        return first
    second = encoder.encode(part.second)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is counted later
        return np.concatenate([np.abs(first - second), first * second], axis=1)


def average(results: Mapping[str, TransferResult], metric: str) -> Score:
    """The mean of "acc" or "devacc" over the seven tasks of the papers' tables; None where one has no score."""
    return mean_score({task: results[task].scores[metric] for task in TASKS if task in results}, TASKS)


def records(results: Mapping[str, TransferResult]) -> list[dict[str, Any]]:
    """The scores as flat records: task, metric ("acc", "devacc", "f1"), value, status, reason and n."""
    return [
        {"task": task, "metric": metric, **vars(score)}
        for task, scores in _rows(results).items()
        for metric, score in scores.items()
    ]


def _score(task: TransferSet, encoder: Embedder, setting: Setting, on_fits: Callable[[int], object]) -> TransferResult:
    from torch import from_numpy  # here: --help need not wait for it

    from eval.classifier import TRAINING
    from eval.selection import select

    inputs = {name: features(encoder, part) for name, part in task.parts.items()}
    labels = {name: part.labels for name, part in task.parts.items()}
    count = sum(map(len, labels.values()))
    if bad := sum(int(np.sum(~(np.abs(own) < TOO_LARGE).all(1))) for own in inputs.values()):  # NaN counts, too
        return _failed(task, f"{bad} of {count} examples have an embedding that is not finite or above {TOO_LARGE:g}")
    # Deviation: SentEval prints a score at the level of chance.
    if all(map(collapsed, inputs.values())):
        return _failed(task, REASON)
    tensors = {name: from_numpy(own) for name, own in inputs.items()}
    outcome = select(tensors, labels, task.classes, TRAINING[setting], FOLDS[setting], on_fits)
    gold = labels.get("test", labels.get("all"))
    values = {"acc": outcome.acc, "devacc": outcome.devacc}
    if "f1" in _sizes(task):
        from sklearn.metrics import f1_score

        values["f1"] = round(100 * float(f1_score(gold, outcome.predicted)), 2)
    scores = {metric: Score(values[metric], n) for metric, n in _sizes(task).items()}
    return TransferResult(task.task, scores, outcome.l2, outcome.predicted == gold)


def _failed(task: TransferSet, reason: str) -> TransferResult:
    scores = {metric: Score(None, n, "failed", reason) for metric, n in _sizes(task).items()}
    return TransferResult(task.task, scores, [], None)


def _sizes(task: TransferSet) -> dict[str, int]:
    """The metrics of a task, and how many examples each is over."""
    n = task.sizes
    test = n.get("test", n.get("all", 0))
    sizes = {"acc": test, "devacc": n.get("dev", n.get("train", test))}
    return sizes | {"f1": test} if task.task == "MRPC" else sizes


def _rows(results: Mapping[str, TransferResult]) -> dict[str, Mapping[str, Score]]:
    rows: dict[str, Mapping[str, Score]] = {task: result.scores for task, result in results.items()}
    return rows | {"avg": {metric: average(results, metric) for metric in ("acc", "devacc")}}


def parser() -> ArgumentParser:
    """The options of `python -m eval.transfer`."""
    what = "Score a sentence encoder on transfer tasks."
    parser = options("python -m eval.transfer", what, f"of {' '.join(ALL_TASKS)} (default: all but SST5)")
    parser.add_argument("--fast", action="store_true", help="SimCSE's development mode: 5 folds, RMSprop, few epochs")
    return parser


def main(arguments: Namespace) -> None:
    """Score a model folder and print a table, or records as JSON."""
    tasks = [check_task(task, ALL_TASKS) for task in chosen_tasks(arguments, TASKS)]
    encoder = load_encoder(arguments)
    note_sizes({task: load(arguments.data, task).sizes for task in tasks}, PUBLISHED)
    setting: Setting = "fast" if arguments.fast else "full"
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "embeddings"
        once = EmbeddedOnce(encoder, sentences(arguments.data, tasks), file, progress="Embedding")
        results = evaluate(once, arguments.data, tasks, setting, progress="Fitting")
    rows = records(results)
    if arguments.json:
        print_records(rows)
    else:
        print(table(_rows(results), METRICS))
    refuse_without_score(rows, arguments.model)


if __name__ == "__main__":
    sys.exit(run(main, parser()))
