"""A server that runs stages in forked children and kills them at a given line of our code, as `kill -9` does.

It imports torch once for all children. A line of JSON on stdin is a run: the folder, the stage, its arguments, and the
line to die at, counted from 1 over the lines that the watched files execute; 0 for none. The answer on stdout is the
exit status, negative for a signal, and how many lines were executed in all.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent.parent
WATCHED = {  # where state, results and their order are decided
    str(ROOT / name)
    for name in (
        *(f"methods/core/{name}.py" for name in ("checkpoint", "trainer")),
        *(f"pipelines/{name}.py" for name in ("ablate", "atomic", "evaluate", "log", "train")),
    )
}


IMPORTED = (  # what a stage imports late, by the time it takes
    *(f"pipelines.{name}" for name in ("ablate", "evaluate", "train")),
    *("torch._dynamo", "scipy.stats", "sklearn.model_selection", "sklearn.metrics", "eval.selection"),
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.tokenization_bert",
)


class Killer:
    """The server, as the tests use it."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def run(self, folder: Path, stage: str, *arguments: str, kill_at: int = 0) -> tuple[int, int]:
        """Exit status and executed lines of one run."""
        assert self._server.stdin and self._server.stdout
        print(json.dumps([str(folder), stage, arguments, kill_at]), file=self._server.stdin, flush=True)
        status, lines = json.loads(self._server.stdout.readline())
        return status, lines


def _serve() -> None:
    for module in IMPORTED:
        importlib.import_module(module)

    for request in sys.stdin:
        with tempfile.TemporaryFile() as counted:
            child = os.fork()
            if child == 0:
                _child(*json.loads(request), counted.fileno())
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            counted.seek(0)
            print(json.dumps([status, int(counted.read() or 0)]), flush=True)


def _child(folder: str, stage: str, arguments: list[str], kill_at: int, counted: int) -> None:
    lines = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return step

    def enter(frame: FrameType, _: str, __: Any) -> Any:
        return step if frame.f_code.co_filename in WATCHED else None

    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # stdout is the server's
        os.chdir(folder)
        sys.argv = [f"pipelines.{stage}", *arguments]
        warnings.simplefilter("ignore", RuntimeWarning)  # that the module is already imported
        sys.settrace(enter)
        runpy.run_module(f"pipelines.{stage}", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.settrace(None)
        os.write(counted, str(lines).encode())
        os._exit(status)


if __name__ == "__main__":
    _serve()
