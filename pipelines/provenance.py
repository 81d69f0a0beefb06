"""What a result depends on, as hashes: settings, code, data and library versions."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.paths import DATA

LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "scipy")


def params_hash(values: Any) -> str:
    """Hash of JSON-like settings; the order of keys does not matter."""
    return _short(json.dumps(values, sort_keys=True, default=str).encode())


def code_hash(*paths: Path) -> str:
    """Hash of source files; a folder counts with every .py in it."""
    files = sorted(file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path]))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Hash of one file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def data_hash() -> str:
    """Hash of the data that stage fetch brought, by its manifest."""
    return file_hash(DATA / "manifest.json")


def versions() -> dict[str, str]:
    """Python and the libraries that numbers can depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
