"""The manifest of a data folder: what every file is, so that a result can say which data it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

from tqdm import tqdm

from pipelines import atomic
from pipelines.text import open_bytes

NAME = "manifest.json"
_CHUNK = 1 << 20  # bytes


class Entry(TypedDict):
    """One file: hash and size of its bytes as stored, and its lines (for .xz of the decompressed text)."""

    sha256: str
    bytes: int
    rows: int | None  # None for a file that is not text
    origin: NotRequired[str]  # "repository@commit" of what came from the hub


Manifest = dict[str, Entry]


def write(folder: Path, origins: Mapping[str, str] | None = None) -> Manifest:
    """Describe every file below `folder`, by its path relative to it, and write `folder`/manifest.json.

    Args:
        folder: the data.
        origins: "repository@commit" by the file or folder that it filled, relative to `folder`.

    Raises:
        NegbenchError: an .xz file is cut short or damaged.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / NAME)
    size = sum(path.stat().st_size for path in paths)
    manifest: Manifest = {}
    with tqdm(total=size, desc="Hashing data", unit="B", unit_scale=True, disable=None) as bar:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            manifest[name] = _describe(path)
            for place, origin in (origins or {}).items():
                if f"{name}/".startswith(f"{place}/"):
                    manifest[name]["origin"] = origin
            bar.update(path.stat().st_size)
    atomic.write_text(folder / NAME, json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False) + "\n")
    return manifest


def _describe(path: Path) -> Entry:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": sha256, "bytes": path.stat().st_size, "rows": _count_rows(path)}


def _count_rows(path: Path) -> int | None:
    """Lines, a last one without an end included; None where a NUL byte says that it is not text."""
    rows, last = 0, b"\n"
    with open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            if b"\0" in chunk:
                return None
            rows += chunk.count(b"\n")
            last = chunk[-1:]
    return rows + (last != b"\n")
