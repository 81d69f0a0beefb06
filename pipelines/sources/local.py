"""Data from a folder on this machine that already has the canonical tree: linked, never copied."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.errors import NegbenchError
from pipelines.params import Fetch
from pipelines.sources.published import check_searched, check_sets

VARIABLE = "NEGBENCH_DATA"


def folder(settings: Fetch) -> Path:
    """The folder of source local: `fetch.path`, or else the one that the environment variable NEGBENCH_DATA names.

    Raises:
        NegbenchError: neither is set, or there is no such folder.
    """
    found = settings.path or os.environ.get(VARIABLE)
    if not found:
        next_step = f"export {VARIABLE}=FOLDER, one that holds senteval/, corpus/, beir/ and models/."
        raise NegbenchError("no data folder is set", VARIABLE, next_step)
    if not Path(found).is_dir():
        setting = "Correct fetch.path" if settings.path else f"Set {VARIABLE} to a folder with the data"
        problem = "is a file" if Path(found).exists() else "does not exist"
        raise NegbenchError(f"the data folder {problem}", found, f"{setting}.")
    return Path(found)


def texts(source: Path) -> list[str]:
    """The names of the texts that `source` has to train on."""
    return sorted(path.name for path in (source / "corpus").glob("*.txt*") if path.is_file())


def sets(source: Path) -> set[str]:
    """The names of the folders of `source` that hold a retrieval or reranking set."""
    return {path.parent.name for path in (source / "beir").glob("*/corpus.jsonl")}


def fetch(source: Path, target: Path, corpus: str | None) -> None:
    """Link the data below `source` into `target`: senteval/, beir/, models/ and one corpus.

    Folders become real folders and files become symbolic links: nothing is copied, and a file added to the
    target does not land in the source.

    Args:
        source: a folder with the canonical tree; beir/ and models/ may be absent.
        target: an empty folder.
        corpus: the name of one of its texts; None for no text.

    Raises:
        NegbenchError: a set is missing, it or one of BEIR's is not as published, or a link leads nowhere. Nothing is
            linked then.
    """
    found = files(source, corpus)
    check_sets(source)
    check_searched(source)
    _link(found, source, target)


def add(source: Path, target: Path, corpus: str) -> None:
    """Link the text and the sets that `source` has into `target`, beside what a source brought there.

    Args:
        source: may have a folder corpus/ and a folder beir/.
        target: a data folder.
        corpus: the name of the one text that is trained on.

    Raises:
        NegbenchError: as `added`, a set of BEIR's is not as published, or one of the files is in `target` already.
            Nothing is linked then.
    """
    found = added(source, corpus)
    check_searched(source)
    for file in found:
        if (target / file.relative_to(source)).exists():
            raise NegbenchError("the source has a file of this name too", file, "Rename yours.")
    _link(found, source, target)


def added(source: Path, corpus: str) -> list[Path]:
    """Every file of `source` that `add` links.

    Raises:
        NegbenchError: there is none, or a link leads nowhere.
    """
    text = source / "corpus" / corpus
    if found := [*([text] if text.is_file() else []), *_below(source / "beir")]:
        return found
    what = f"nothing to add: no corpus/{corpus} and no beir/ here"
    raise NegbenchError(what, source, "Correct fetch.add, or fetch.corpus.")


def _link(found: Iterable[Path], source: Path, target: Path) -> None:
    for file in found:
        link = target / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def files(source: Path, corpus: str | None) -> list[Path]:
    """Every file of `source` that `fetch` links, no text without a name of one.

    Raises:
        NegbenchError: a link leads nowhere.
    """
    text = [source / "corpus" / corpus] if corpus else []
    return [*(file for part in ("senteval", "beir", "models") for file in _below(source / part)), *text]


def _below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`; folders that are links are followed, and a link to nothing is refused."""
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            file = Path(parent, name)
            if not file.exists():
                raise NegbenchError("a link leads nowhere", file, "Mend the link, or remove it.")
            yield file
