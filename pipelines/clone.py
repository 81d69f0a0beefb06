"""A worker with a clone of its own: results move through DVC's run-cache, in a DVC remote that all clones have.

Before a stage the clone repeats the stages that it needs: DVC finds their results in the run-cache and checks them
out. What no run-cache holds, such as `fetch` with its links, runs again in each clone. After the stage its results are
pushed. Nobody copies dvc.lock: each clone writes its own, and they agree.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage.cache import RunCacheNotSupported

from pipelines import atomic
from pipelines.dvc_command import dvc
from pipelines.errors import NegbenchError
from pipelines.locks import alone

BROUGHT = Path(".dvc/tmp/brought.json")
GENERATED = ("dvc.lock", "results")  # tracked by git or not, they differ between clones while a run lasts


@dataclass(frozen=True)
class Order:
    """What a worker in its own clone is told beside the stage's name."""

    run: str  # of `python -m pipelines.repro`, any unique word
    needs: list[str]  # every stage that this one follows from, in order
    state: dict[str, str]  # `state()` of the folder in which the run was started


def state() -> dict[str, str]:
    """What must be the same in two clones for them to do the same: commit, params.yaml and edits of tracked files.

    Raises:
        NegbenchError: this is no git repository.
    """
    edits = [":/", ":(top,exclude)params.yaml", *(f":(top,exclude){path}" for path in GENERATED)]
    return {
        "commit": _git("rev-parse", "HEAD").decode().strip()[:12],
        "params.yaml": hashlib.sha256(Path("params.yaml").read_bytes()).hexdigest()[:12],
        "edits of tracked files": hashlib.sha256(_git("diff", "HEAD", "--", *edits)).hexdigest()[:12],
    }


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        raise NegbenchError(done.stderr.decode().strip(), Path.cwd(), "Each worker needs a clone of the repository.")
    return done.stdout


def check(order: Order) -> None:
    """Raise a NegbenchError unless this clone is what the run was started with."""
    own = state()
    for what, value in order.state.items():
        if own[what] != value:
            told = f"{what} differs between this clone ({own[what]}) and the folder of the run ({value})"
            raise NegbenchError(told, Path.cwd(), "Bring the clone to the same state, then run again.")


def bring(order: Order, give_up: Callable[[], bool] = lambda: False) -> None:
    """Check out the results of all stages that the ordered one needs.

    What this run already brought here is left alone: another stage may be reading it.

    Raises:
        NegbenchError: a stage among them failed.
    """
    with alone(BROUGHT.with_suffix(".lock"), f"bringing results to {Path.cwd()}", give_up):
        done: list[str] = []
        if BROUGHT.exists():
            last = json.loads(BROUGHT.read_text(encoding="utf-8"))
            done = last["stages"] if last["run"] == order.run else []
        missing = [name for name in order.needs if name not in done]
        if missing and dvc("--wait-for-lock", "repro", "--single-item", "--pull", *missing):
            what = "the results that the stage needs did not come"
            raise NegbenchError(what, Path.cwd(), "See above why.")
        atomic.write_json(BROUGHT, {"run": order.run, "stages": [*done, *missing]})


def share(*names: str) -> None:
    """Push what the stages made, or everything in dvc.lock, to the default remote, with what DVC needs to find it.

    `dvc push --run-cache` leaves out what is not kept in the cache, so every metrics.json, without which no clone can
    take a stage from the run-cache: their copies in the run-cache are pushed one by one.

    Raises:
        NegbenchError: there is no default remote, or it cannot be written to.
    """
    try:
        with Repo(_wait_for_lock=True) as repo:
            repo.push(targets=[*names], run_cache=False)
            with suppress(RunCacheNotSupported), repo.lock:
                entries = repo.stage_cache.push(None)
                for objects in repo.stage_cache.get_used_objs(entries).values():
                    repo.cloud.push(objects)
    except DvcException as error:
        step = "A remote that all clones share: `dvc remote add --default NAME FOLDER_OR_URL`."
        raise NegbenchError(" ".join(str(error).split()), Path.cwd(), step) from error
