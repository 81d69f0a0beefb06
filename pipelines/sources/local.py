"""Data from a folder on this machine that already has the canonical tree: linked, never copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval import transfer_sets
from eval.senteval import SPLITS, load_sts
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest

VARIABLE = "NEGBENCH_DATA"

# Scored pairs as published: SemEval's task papers of 2012 to 2016 for the subsets SentEval uses, Cer et al.
# 2017 (STS-B) and Marelli et al. 2014 (SICK). STS15 and STS16 hold more lines: most carry no score. Then the examples
# of the transfer sets that every run is scored on.
EXPECTED_ROWS = {
    "STS12": {"test": 3108},
    "STS13": {"test": 1500},
    "STS14": {"test": 3750},
    "STS15": {"test": 3000},
    "STS16": {"test": 1186},
    "STSB": {"train": 5749, "dev": 1500, "test": 1379},
    "SICKR": {"train": 4500, "dev": 500, "test": 4927},
} | {task: transfer_sets.PUBLISHED[task] for task in transfer_sets.TASKS}


def source_folder() -> Path:
    """The folder that the environment variable NEGBENCH_DATA names.

    Raises:
        NegbenchError: the variable is not set.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        raise NegbenchError(
            "no data folder is set",
            VARIABLE,
            f"export {VARIABLE}=FOLDER, one that holds senteval/ and corpus/.",
        )
    return Path(name)


def fetch(source: Path, target: Path, corpus: str, required: Sequence[str] | None = None) -> None:
    """Link the data below `source` into `target`: senteval/, beir/, models/ and one corpus.

    Folders become real folders and files become symbolic links: nothing is copied, and a file added to the
    target does not land in the source.

    Args:
        source: a folder with the canonical tree; beir/ and models/ may be absent.
        target: an empty folder.
        corpus: the name of a file in `source`/corpus.
        required: STS and transfer tasks that must be there with their published numbers of rows; None for all.

    Raises:
        NegbenchError: the source, a required set or the corpus is missing, or the set's rows are not the
            published ones. Nothing is linked then.
    """
    if not source.is_dir():
        raise NegbenchError("the data folder does not exist", source, f"Set {VARIABLE} to a folder with the data.")
    for task in EXPECTED_ROWS if required is None else required:
        _check_rows(source, task)
    corpus_file = _find_corpus(source / "corpus", corpus)
    files = [file for part in ("senteval", "beir", "models") for file in _files(source / part)]
    for file in (*files, corpus_file):
        link = target / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def _check_rows(source: Path, task: str) -> None:
    if task in SPLITS:
        found = {split: _scored_pairs(source, task, split) for split in SPLITS[task]}
    else:
        found = transfer_sets.load(source, task).sizes
    for split, expected in EXPECTED_ROWS[task].items():
        if found[split] != expected:
            what = f"{task} {split} has {found[split]} scored examples and the published set {expected}"
            raise NegbenchError(what, source, "Replace the set by SentEval's own files.")


def _scored_pairs(source: Path, task: str, split: str) -> int:
    try:
        return sum(len(subset.gold) for subset in load_sts(source, task, split))
    except NegbenchError as error:
        raise NegbenchError(f"{task} {split}: {error.what}", error.where, error.next_step) from error


def _find_corpus(folder: Path, name: str) -> Path:
    names = [path.name for path in folder.glob("*.txt*")]
    if name not in names:
        next_step = nearest(name, names) if names else "Put a text file with one sentence a line there."
        raise NegbenchError(f"there is no corpus '{name}'", folder, next_step)
    if not (folder / name).stat().st_size:
        raise NegbenchError("the corpus is empty", folder / name, "Put one sentence a line into it.")
    return folder / name


def _files(folder: Path) -> Iterator[Path]:
    """Every file below `folder`; folders that are links themselves are followed."""
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            yield Path(parent, name)
