"""`dvc repro`, with independent stages side by side, on this machine or on any Dask cluster.

    python -m pipelines.repro --jobs 2
    python -m pipelines.repro --scheduler tcp://host:8786

DVC runs one stage at a time. Here each stage that has to run is a `dvc repro --single-item` of its own, started when
the stages it needs are done, in the order of DVC's own graph. A plain `dvc repro` has the last word: it finds nothing
left to do, or does it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from dvc.exceptions import DvcException

from pipelines import graph, main, params
from pipelines.dvc_command import dvc
from pipelines.errors import NegbenchError
from pipelines.guarded import guarded
from pipelines.locks import alone
from pipelines.paths import DATA, REPRO_LOCK
from pipelines.progress import Board
from pipelines.sources import asked, manifest


def repro(arguments: argparse.Namespace) -> None:
    """Reproduce what has changed: everything, or the stages that are named and what they need."""
    if arguments.jobs < 1:
        raise NegbenchError(f"{arguments.jobs} stages at a time", "--jobs", "Give 1 or more.")
    settings = params.load()  # DVC would tell a mistake as one of dvc.yaml, or not at all
    check_links()
    if not arguments.scheduler:
        tell_of_imitation(settings)
    with alone(REPRO_LOCK, "`make repro` in this folder"):
        last, run = ["repro", *arguments.targets], guarded
        if arguments.scheduler or arguments.jobs > 1:
            try:
                stages = graph.changed(arguments.targets)
            except DvcException:  # it cannot read the project: `dvc repro` says why
                stages = {}
            if "fetch" not in stages and (DATA / manifest.NAME).is_file():
                asked.check(settings, DATA)  # settings that have changed since the fetch
            if stages and on_cluster(stages, arguments):
                last.append("--pull")
            run = dvc  # at hand, and with nothing left to do
        elif arguments.keep_going:
            last.append("--keep-going")
        if code := run(*last):
            raise NegbenchError(f"dvc repro ended with {code}", "dvc.yaml", "See above what failed.")


def check_links() -> None:
    """Refuse a link in data/ that leads nowhere, which DVC cannot hash: the hub's cache or the local folder is gone.

    Raises:
        NegbenchError: with the first such link.
    """
    for file in sorted(DATA.rglob("*")):
        if not file.exists():
            what = "what a file of data/ is a link to is gone"
            raise NegbenchError(what, file, "Run `dvc repro --force fetch`, which brings the data again.")


def tell_of_imitation(settings: params.Params) -> None:
    """Say where this machine only imitates the precision that the settings ask for."""
    if '"precision":"bf16"' not in settings.model_dump_json():
        return
    from pipelines import device  # imports torch, for two seconds

    if not device.has_bf16():
        print(
            "This machine only imitates bfloat16, several times slower than it computes in float32: "
            "set each `precision: bf16` of params.yaml to fp32.",
            file=sys.stderr,
        )


def on_cluster(stages: Mapping[str, graph.Stage], arguments: argparse.Namespace) -> bool:
    """Run the stages as tasks of Dask.

    Returns:
        Whether the results are in a DVC remote, not yet here: the workers had clones of their own.

    Raises:
        NegbenchError: a stage failed, or Dask is not there.
    """
    try:
        from pipelines import clone, cluster
    except ModuleNotFoundError as error:
        what, step = f"no module '{error.name}'", "Run `pip install -e '.[cluster]'`, or one stage at a time: JOBS=1."
        raise NegbenchError(what, "dask.distributed", step) from error
    with cluster.connect(arguments.scheduler, arguments.jobs) as client, Board(stages) as board:
        clones = cluster.own_clones(client)
        if clones:
            clone.share()
        submit = cluster.submitter(client, stages, clones, board)
        cluster.side_by_side(client, stages, submit, board, arguments.keep_going)
    if failed := board.in_state("failed"):
        left = board.in_state("not run")
        what = f"failed: {', '.join(failed)}" + (f"; not run: {', '.join(left)}" if left else "")
        raise NegbenchError(what, "dvc.yaml", "See above why; what is done is kept.")
    return clones


def parser() -> argparse.ArgumentParser:
    """The options of `python -m pipelines.repro`."""
    options = argparse.ArgumentParser("python -m pipelines.repro", description=__doc__.split("\n")[0])
    options.add_argument("targets", nargs="*", metavar="STAGE", help="stages, with what they need (default: all)")
    options.add_argument("--jobs", type=int, default=2, help="stages at a time (default: 2)")
    options.add_argument("--scheduler", help="address of a Dask scheduler, whose workers take the place of --jobs")
    options.add_argument("-k", "--keep-going", action="store_true", help="run what does not need a failed stage")
    return options


if __name__ == "__main__":
    sys.exit(main.run(repro, parser()))
