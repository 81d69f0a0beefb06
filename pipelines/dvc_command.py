"""DVC's command line inside this process, with one repair: dvc.lock is written whole or not at all.

DVC rewrites dvc.lock after every stage, in place: a kill at that moment leaves half a file, and every result is lost
from sight. It also parses the file with comments and layout, which nobody put there, for half the time that a stage
costs DVC. The bytes written are those that DVC would write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc import dvcfile
from dvc.cli import main
from dvc.utils.serialize import dumps_yaml, load_yaml

from pipelines import atomic


def dvc(*arguments: str) -> int:
    """What `dvc *arguments` does; returns its exit code."""
    dvcfile.modify_yaml = modify_yaml
    code: int = main([*arguments])
    return code


@contextmanager
def modify_yaml(path: str, fs: Any = None) -> Iterator[dict[str, Any]]:
    """Yield the content of `path`, {} where there is no such file, and write it back as the block left it."""
    content = load_yaml(path, fs=fs) if Path(path).exists() else {}
    yield content
    atomic.write_text(Path(path), dumps_yaml(content))
