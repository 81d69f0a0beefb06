"""DVC's command line inside this process, with four repairs.

- dvc.lock and the list of who reads and writes what are written whole or not at all: DVC rewrites both in place around
  every stage, and a kill at that moment leaves half a file, after which no result is seen, or nothing runs.
- A stage whose inputs were edited while it ran fails: DVC hashes them when it has ended, and would keep the result of
  the old code as that of the new.
- A command that was killed, as the system does where memory runs out, is called killed and not "exited with -9".
- dvc.lock is not parsed with comments and layout, which nobody put there, for half the time that a stage costs DVC. The
  bytes written are those that DVC would write.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc import dvcfile, rwlock
from dvc.cli import main
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.stage import Stage
from dvc.stage import run as stage_run
from dvc.stage.exceptions import StageCmdFailedError
from dvc.utils.serialize import dumps_yaml, load_yaml
from voluptuous import Invalid

from pipelines import atomic

_run = stage_run.cmd_run
_KILLED = ("-9", "137")  # SIGKILL, told by the command itself or by a shell around it


def dvc(*arguments: str) -> int:
    """What `dvc *arguments` does; returns its exit code."""
    dvcfile.modify_yaml = modify_yaml
    rwlock._edit_rwlock = edit_rwlock
    stage_run.cmd_run = run_unchanged
    code: int = main([*arguments])
    return code


@contextmanager
def modify_yaml(path: str, fs: Any = None) -> Iterator[dict[str, Any]]:
    """Yield the content of `path`, {} where there is no such file, and write it back as the block left it."""
    content = load_yaml(path, fs=fs) if Path(path).exists() else {}
    yield content
    atomic.write_text(Path(path), dumps_yaml(content))


@contextmanager
def edit_rwlock(folder: str, _: Any, hardlink: bool) -> Iterator[dict[str, Any]]:
    """Yield who reads ("read") and writes ("write") which path, and write it back as the block left it.

    Left out is what a process with our own command line, which locks of ours run one at a time, left when it was
    killed: DVC asks whether its number is taken, and on another machine or in a container it may be. Half a file, left
    by a plain `dvc` that was killed, says nothing.
    """
    path = Path(folder) / rwlock.RWLOCK_FILE
    with make_lock(str(Path(folder) / rwlock.RWLOCK_LOCK), tmp_dir=folder, hardlink_lock=hardlink):
        try:
            found = rwlock.SCHEMA(json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, Invalid):
            found = rwlock.SCHEMA({})
        read = {file: [one for one in holders if not _dead(one)] for file, holders in found["read"].items()}
        write = {file: holder for file, holder in found["write"].items() if not _dead(holder)}
        lock = {"read": defaultdict(list, {f: h for f, h in read.items() if h}), "write": defaultdict(dict, write)}
        yield lock
        atomic.write_text(path, json.dumps(lock))


def _dead(holder: dict[str, Any]) -> bool:
    ours: bool = holder["cmd"] == " ".join(sys.argv)
    return ours and holder["pid"] != os.getpid()


def run_unchanged(stage: Stage, *arguments: Any, **options: Any) -> None:
    """Run a stage's command, and fail if what it depends on is no longer what it was.

    Raises:
        DvcException: a file or a setting changed meanwhile, or the command failed.
    """
    before = _inputs(stage)
    try:
        _run(stage, *arguments, **options)
    except StageCmdFailedError as error:
        if not str(error).endswith(_KILLED):
            raise
        what = "it was killed, by the system if memory ran out; run fewer stages at a time, such as JOBS=1"
        raise DvcException(f"{error}: {what}") from None  # DVC would say the first part twice
    after = _inputs(stage)
    if changed := [name for name in before if after[name] != before[name]]:
        what = f"{', '.join(changed)} changed while '{stage.addressing}' ran"
        raise DvcException(f"{what}, so that its result belongs to neither state; run it again")


def _inputs(stage: Stage) -> dict[str, Any]:
    return {str(dep): dep.get_hash() for dep in stage.deps}
