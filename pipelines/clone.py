"""A worker with a clone of its own: results move through DVC's run-cache, in a DVC remote that all clones have.

Before a stage the clone repeats the stages that it needs: DVC finds their results in the run-cache and checks them
out. What no run-cache holds, such as `fetch` with its links, runs again in each clone. After the stage its results are
pushed. Nobody copies dvc.lock: each clone writes its own, and they agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dvc.exceptions import DvcException, UploadError
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.stage.cache import _get_cache_hash
from dvc.stage.serialize import to_single_stage_lockfile
from dvc_data.hashfile.hash_info import HashInfo

from pipelines import atomic, provenance
from pipelines.dvc_command import dvc
from pipelines.errors import NegbenchError
from pipelines.git import git
from pipelines.locks import alone

BROUGHT = Path(".dvc/tmp/brought.json")
# The same bytes whatever the user's git is set to.
_DIFF = (
    *("-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false"),
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index", "--binary", "-U3"),
)
GENERATED = ("dvc.lock", "results")  # tracked by git or not, they differ between clones while a run lasts


@dataclass(frozen=True)
class Order:
    """What a worker in its own clone is told beside the stage's name."""

    run: str  # of `python -m pipelines.repro`, any unique word
    needs: list[str]  # every stage that this one follows from, in order
    state: dict[str, str]  # `state()` of the folder in which the run was started


def state() -> dict[str, str]:
    """What must be the same in two clones for them to do the same: commit, settings, edits, new files, versions.

    Raises:
        NegbenchError: this is no git repository.
    """
    others = [":/", *(f":(top,exclude){path}" for path in ("params.yaml", *GENERATED))]
    unknown = git("ls-files", "--others", "--exclude-standard", "-z", "--", *others).decode().split("\0")[:-1]
    return {
        "commit": git("rev-parse", "HEAD").decode().strip()[:12],
        "params.yaml": provenance.file_hash(Path("params.yaml")),
        "edits of tracked files": hashlib.sha256(git(*_DIFF, "HEAD", "--", *others)).hexdigest()[:16],
        "files that git does not know": provenance.params_hash([(n, provenance.file_hash(Path(n))) for n in unknown]),
        "versions": provenance.params_hash(provenance.versions()),
    }


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
            with suppress(ValueError):  # a damaged one tells nothing
                last = json.loads(BROUGHT.read_text(encoding="utf-8"))
                done = last["stages"] if last["run"] == order.run else []
        missing = [name for name in order.needs if name not in done]
        if missing and dvc("--wait-for-lock", "repro", "--single-item", "--pull", *missing):
            what = "the results that the stage needs did not come"
            raise NegbenchError(what, Path.cwd(), "See above why.")
        atomic.write_json(BROUGHT, {"run": order.run, "stages": [*done, *missing]})


def share(*names: str) -> None:
    """Push what the stages made, or all that dvc.lock says, to the default remote, with what DVC needs to find it.

    `dvc push --run-cache` pushes everything that was ever made here, whatever stages are named, and leaves out what is
    not kept in the cache, so every metrics.json, without which no clone can take a stage from the run-cache. Here the
    results of these stages go first, then their entries of the run-cache.

    Raises:
        NegbenchError: there is no default remote, or it cannot be written to.
    """
    try:
        with Repo() as repo:
            _push(repo, [stage for stage in repo.index.stages if not names or stage.addressing in names])
    except (DvcException, OSError) as error:
        step = "A remote that all clones share: `dvc remote add --default NAME FOLDER_OR_URL`."
        raise NegbenchError(" ".join(str(error).split()), Path.cwd(), step) from error


def _push(repo: Repo, stages: Iterable[PipelineStage]) -> None:
    runs = repo.stage_cache
    remote = repo.cloud.get_remote_odb(None, "push", hash_name="md5-dos2unix")  # under that name it has a run-cache
    entries: list[str] = []
    objects: set[HashInfo] = set()
    for stage in stages:
        if not all(out.hash_info for out in stage.outs):  # never run here
            continue
        content = to_single_stage_lockfile(stage)
        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)  # changes what it is given
        entry = runs._get_cache_path(key, _get_cache_hash(content))
        kept = runs._create_stage(content, wdir=stage.wdir)  # whose outputs are all in the cache
        if Path(entry).is_file() and kept.outs_cached():
            entries.append(entry)
            objects.update(*kept.get_used_objs().values())
    if failed := repo.cloud.push(objects).failed:
        raise UploadError(len(failed))
    for entry in entries:
        remote.fs.put_file(entry, remote.fs.join(remote.path, *Path(entry).relative_to(repo.cache.legacy.path).parts))
