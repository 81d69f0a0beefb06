"""What every run needs of its data, whichever source they come from: the published sets in full."""

from __future__ import annotations

from pathlib import Path

from eval import beir, senteval, transfer_sets
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


def check_searched(data: Path) -> None:
    """Refuse sets below `data`/beir under the name of one of BEIR's that have other sizes: MTEB's name would be theirs.

    Args:
        data: may hold beir/.

    Raises:
        NegbenchError: one breaks the layout (as `load_collection`), or the numbers differ.
    """
    for name, expected in beir.PUBLISHED.items():
        folder = data / "beir" / name
        if not folder.is_dir():
            continue
        found = beir.load_collection(folder).sizes
        if found != expected:
            what = f"{_sizes(found)}, and the published set has {_sizes(expected)}"
            raise NegbenchError(what, folder, "Replace the set by BEIR's own files, or give the folder another name.")


def _sizes(sizes: tuple[int, int, int]) -> str:
    return "{:,} documents, {:,} queries and {:,} relevant judgements".format(*sizes)


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
