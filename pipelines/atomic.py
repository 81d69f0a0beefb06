"""Outputs that appear whole or not at all: written beside their place, then renamed onto it."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

_EARLIER = "earlier"  # in the hidden folder of a writer: what is being replaced
_HOST = platform.node()


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an exception.

    What was at `path` stays until then and is kept if anything fails. Only a kill between the two renames can
    leave `path` absent; the next to write there puts the earlier result back first. Of two that write at once the
    later one stays.

    Raises:
        OSError: a write failed; its `filename` says where.
    """
    with _scratch(path) as scratch:
        new = scratch / "new"
        new.mkdir()
        yield new
        while not _replaced(path, new, scratch / _EARLIER):
            shutil.rmtree(scratch / _EARLIER, ignore_errors=True)  # there may have been none


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


def remove(path: Path) -> None:
    """Remove a file, if there is one, and what killed writers of it left behind."""
    _sweep(path)
    path.unlink(missing_ok=True)


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


def _replaced(path: Path, new: Path, earlier: Path) -> bool:
    """Move `path` away to `earlier` and `new` there; False if another process put its own there in between."""
    try:
        with suppress(FileNotFoundError):
            path.rename(earlier)
        new.rename(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        with suppress(OSError):  # nothing was there before, or the new folder already is
            earlier.rename(path)
        raise
    return True


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, so on its file system, removed at the end whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    with TemporaryDirectory(prefix=f".{path.name}.{os.getpid()}@{_HOST}.", dir=path.parent) as name:
        try:
            yield Path(name)
        except OSError as error:
            if error.filename is None:  # a full disk is reported by write(), which knows no name
                error.filename = str(path)
            raise


def _sweep(path: Path) -> None:
    """Remove the hidden folders that writers to `path` left when they were killed.

    A writer on another machine that shares the file system cannot be asked whether it lives: what it left stays.
    """
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)@{re.escape(_HOST)}\.")
    for left in path.parent.glob(".*"):
        if (match := pattern.match(left.name)) and not _alive(int(match[1])):
            if not path.exists():  # killed between the two renames
                with suppress(OSError):
                    (left / _EARLIER).rename(path)
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
