"""What runs on a Dask worker: one process per stage, in the folder that all share or in the worker's own clone.

The function travels with the task, so that `dask worker` can be started anywhere; it may therefore use nothing of the
repository, only the standard library and Dask.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dask.system import CPU_COUNT
from distributed import get_worker

CLONE = "NEGBENCH_CLONE"  # environment variable: the worker's own clone


def perform(stage: str, topic: str, folder: str, alone: bool, arguments: Sequence[str]) -> tuple[int, str]:
    """Run `pipelines.single` for a stage and wait for it; stop it when nobody wants it any more.

    Args:
        stage: a stage of dvc.yaml.
        topic: of the Dask event that tells that the stage begins, and where.
        folder: the repository in which the run was started.
        alone: the stage may compute with every core; otherwise it has its share.
        arguments: more of `pipelines.single`; with `--clone` the stage runs in the worker's own clone.

    Returns:
        The exit code, and what the stage printed.
    """
    worker, own = get_worker(), os.environ.get(CLONE)
    task = worker.get_current_task()
    worker.log_event(topic, {"stage": stage, "host": platform.node()})
    if bool(own) != ("--clone" in arguments):
        return 1, f"error: of two workers one has a clone of its own and one has none ({CLONE}). Set it on all or none."
    place = Path(own or folder)
    if not (place / "dvc.yaml").is_file():
        return 1, f"error: no repository on {platform.node()} ({place}). Share the folder, or make a clone there."
    # CPU_COUNT: those that this process may use, which a container limits.
    threads = CPU_COUNT if alone else max(1, CPU_COUNT // worker.state.nthreads)
    # Stages are `python -m ...`: this Python, also where the worker was started without its environment's PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, "PATH": path}
    command = [sys.executable, "-m", "pipelines.single", stage, *arguments]
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command,
            cwd=place,
            env=environment,
            stdin=subprocess.PIPE,  # closes when this process dies, and the child stops
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert child.stdin is not None
        while child.poll() is None:
            try:
                child.wait(0.2)
            except subprocess.TimeoutExpired:
                known = worker.state.tasks.get(task)
                if known is None or known.state != "executing" or worker.status.name != "running":
                    child.stdin.close()
        child.stdin.close()
        output.seek(0)
        return child.returncode, output.read().decode(errors="replace")
