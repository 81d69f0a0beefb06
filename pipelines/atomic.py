"""Outputs that appear whole or not at all: written beside their place, then renamed onto it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an exception.

    What was at `path` stays until then and is kept if anything fails. Only a kill between the two renames can
    leave `path` absent; the earlier result is then in the hidden folder beside it.

    Raises:
        OSError: a write failed; its `filename` says where.
    """
    with _scratch(path) as scratch:
        new, old = scratch / "new", scratch / "old"
        new.mkdir()
        yield new
        try:
            with suppress(FileNotFoundError):
                path.rename(old)
            new.rename(path)
        except BaseException:
            with suppress(OSError):  # nothing was there before, or the new folder already is
                old.rename(path)
            raise


@contextmanager
def entries(path: Path) -> Iterator[Path]:
    """Yield an empty folder whose entries move into `path`, over those of the same name, as `folder` does with one.

    For a folder that several stages write to: what others left in `path` stays. Each entry appears whole or not at
    all; a kill between two of them can leave new ones beside old ones.

    Raises:
        OSError: a write failed; its `filename` says where.
    """
    with _scratch(path / "new") as scratch:
        new = scratch / "new"
        new.mkdir()
        yield new
        for entry in sorted(new.iterdir()):
            entry.replace(path / entry.name)


@contextmanager
def file(path: Path) -> Iterator[BinaryIO]:
    """Yield an open file that takes the place of `path` when the block ends without an exception."""
    with _scratch(path) as scratch:
        new = scratch / "new"
        with new.open("wb") as opened:
            yield opened
        new.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`; on any failure the earlier file stays as it was."""
    with file(path) as opened:
        opened.write(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8; on any failure the earlier file stays as it was."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys to `path`, as `write_text` does; NaN is refused with a ValueError."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, so on its file system, removed at the end whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as name:
        try:
            yield Path(name)
        except OSError as error:
            if error.filename is None:  # a full disk is reported by write(), which knows no name
                error.filename = str(path)
            raise
