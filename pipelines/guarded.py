"""DVC in a process that ends with its parent, however that dies: stdin is a pipe that closes then.

    python -m pipelines.guarded repro

The command that runs is stopped; DVC, which may be writing, is left to come to its end.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress
from time import sleep

import psutil

from pipelines.dvc_command import dvc

GRACE = 10  # seconds that a command has to clean up


def guarded(*arguments: str) -> int:
    """What `dvc *arguments` does, in such a process; returns its exit code."""
    command = [sys.executable, "-m", "pipelines.guarded", *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert child.stdin is not None
    try:
        return child.wait()
    finally:
        child.stdin.close()
        child.wait()


def end_with_parent() -> threading.Event:
    """Watch stdin from now on; the event is set when it closes, and from then on every command is stopped."""
    gone = threading.Event()
    threading.Thread(target=_watch, args=(gone,), daemon=True).start()
    return gone


def _watch(gone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        continue
    gone.set()
    logging.disable()  # DVC would call the command that we stop a failure
    while True:  # a command may be about to start
        children = psutil.Process().children(recursive=True)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        for child in psutil.wait_procs(children, timeout=GRACE)[1]:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        sleep(0.2)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(dvc(*sys.argv[1:]))
