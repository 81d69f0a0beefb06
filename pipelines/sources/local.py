"""Data from a folder on this machine that already has the canonical tree: linked, never copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.errors import NegbenchError
from pipelines.sources.published import check_sets, find_corpus

VARIABLE = "NEGBENCH_DATA"


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
    found = files(source, corpus)
    check_sets(source, required)
    for file in found:
        link = target / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def files(source: Path, corpus: str) -> list[Path]:
    """Every file of `source` that `fetch` links.

    Raises:
        NegbenchError: the source or the corpus is missing, or the corpus is empty.
    """
    if not source.is_dir():
        raise NegbenchError("the data folder does not exist", source, f"Set {VARIABLE} to a folder with the data.")
    corpus_file = find_corpus(source / "corpus", corpus)
    return [*(file for part in ("senteval", "beir", "models") for file in _below(source / part)), corpus_file]


def _below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`; folders that are links themselves are followed."""
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            yield Path(parent, name)
