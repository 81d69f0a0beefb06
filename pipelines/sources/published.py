"""What every run needs of its data, whichever source they come from: the published sets in full."""

from __future__ import annotations

from pathlib import Path

from eval import senteval, transfer_sets
from eval.senteval import SPLITS, load_sts
from pipelines.errors import NegbenchError

EXPECTED_ROWS = senteval.PUBLISHED | {task: transfer_sets.PUBLISHED[task] for task in transfer_sets.TASKS}


def check_sets(data: Path) -> None:
    """Refuse STS and transfer sets below `data`/senteval that have other numbers of rows than the published ones.

    Args:
        data: holds senteval/.

    Raises:
        NegbenchError: a file is missing or breaks the format, or the numbers differ.
    """
    for task in EXPECTED_ROWS:
        _check_rows(data, task)


def _check_rows(data: Path, task: str) -> None:
    if task in SPLITS:
        found = {split: _scored_pairs(data, task, split) for split in SPLITS[task]}
    else:
        found = transfer_sets.load(data, task).sizes
    for split, expected in EXPECTED_ROWS[task].items():
        if found[split] != expected:
            what = f"{task} {split} has {found[split]} scored examples and the published set {expected}"
            raise NegbenchError(what, data, "Replace the set by SentEval's own files.")


def _scored_pairs(data: Path, task: str, split: str) -> int:
    try:
        return sum(len(subset.gold) for subset in load_sts(data, task, split))
    except NegbenchError as error:
        raise NegbenchError(f"{task} {split}: {error.what}", error.where, error.next_step) from error
