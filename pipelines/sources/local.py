"""Data from a folder on this machine that already has the canonical tree: linked, never copied."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eval.mteb_sets import folder_name
from pipelines.errors import NegbenchError
from pipelines.params import Fetch
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
            f"export {VARIABLE}=FOLDER, one that holds senteval/, corpus/, beir/ and models/.",
        )
    return Path(name)


def fetch(source: Path, target: Path, corpus: str | None) -> None:
    """Link the data below `source` into `target`: senteval/, beir/, models/ and one corpus.

    Folders become real folders and files become symbolic links: nothing is copied, and a file added to the
    target does not land in the source.

    Args:
        source: a folder with the canonical tree; beir/ and models/ may be absent.
        target: an empty folder.
        corpus: the name of a file in `source`/corpus; None for no text.

    Raises:
        NegbenchError: the source, a set or the corpus is missing, or a set's rows are not the published ones. Nothing
            is linked then.
    """
    found = files(source, corpus)
    check_sets(source)
    _link(found, source, target)


def asked(settings: Fetch, tasks: Sequence[str]) -> tuple[str | None, list[str]]:
    """The text and the sets that the source has to bring: those that `fetch.add` has come from there."""
    own = settings.add
    if own is None:
        return settings.corpus, [*tasks]
    text = None if (own / "corpus" / settings.corpus).is_file() else settings.corpus
    beir = own / "beir"
    return text, [task for task in tasks if not ((beir / task).is_dir() or (beir / folder_name(task)).is_dir())]


def add(source: Path, target: Path) -> None:
    """Link what is below `source`/corpus and `source`/beir into `target`, beside what a source brought there.

    Raises:
        NegbenchError: neither folder holds a file, or one of them is in `target` already. Nothing is linked then.
    """
    found = added(source)
    for file in found:
        if (target / file.relative_to(source)).exists():
            raise NegbenchError("the source has a file of this name too", file, "Rename yours.")
    _link(found, source, target)


def added(source: Path) -> list[Path]:
    """Every file of `source` that `add` links.

    Raises:
        NegbenchError: there is none.
    """
    if found := [file for part in ("corpus", "beir") for file in _below(source / part)]:
        return found
    raise NegbenchError("nothing to add: no corpus/ and no beir/ here", source, "Correct fetch.add.")


def _link(found: Iterable[Path], source: Path, target: Path) -> None:
    for file in found:
        link = target / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def files(source: Path, corpus: str | None) -> list[Path]:
    """Every file of `source` that `fetch` links, no text without a name of one.

    Raises:
        NegbenchError: the source or the corpus is missing, or the corpus is empty.
    """
    if not source.is_dir():
        raise NegbenchError("the data folder does not exist", source, f"Set {VARIABLE} to a folder with the data.")
    text = [find_corpus(source / "corpus", corpus)] if corpus else []
    return [*(file for part in ("senteval", "beir", "models") for file in _below(source / part)), *text]


def _below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`; folders that are links themselves are followed."""
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            yield Path(parent, name)
