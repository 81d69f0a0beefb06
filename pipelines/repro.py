"""`dvc repro`, with independent stages side by side.

    python -m pipelines.repro --jobs 2

DVC runs one stage at a time. Here each stage that has to run is a `dvc repro --single-item` of its own, started when
the stages it needs are done, in the order of DVC's own graph; DVC's locks keep them apart. A plain `dvc repro` has the
last word: it finds nothing left to do, or does it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from tqdm import tqdm

from pipelines import main
from pipelines.errors import NegbenchError

DVC = (sys.executable, "-m", "dvc")


def repro(arguments: argparse.Namespace) -> None:
    """Reproduce everything that has changed, `arguments.jobs` stages at a time."""
    if arguments.jobs > 1:
        threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
        environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
        waiting = changed()
        with tqdm(total=len(waiting), desc="stages", unit="stage", disable=None if waiting else True) as bar:

            def show(done: int, running: Iterable[str]) -> None:
                bar.set_postfix_str(", ".join(running))
                bar.update(done - bar.n)

            side_by_side(waiting, lambda stage: run(stage, environment), arguments.jobs, show)
    if code := subprocess.call([*DVC, "repro"]):
        raise NegbenchError(f"dvc repro ended with {code}", "dvc.yaml", "See above what failed.")


def changed() -> dict[str, set[str]]:
    """The stages that have changed and all that follow from them, each with those among them that it needs.

    None where DVC cannot tell: `dvc repro` then says why.
    """
    import networkx as nx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            names = {stage: stage.addressing for stage in repo.index.graph}
            graph = nx.relabel_nodes(repo.index.graph, names)  # an edge leads from a stage to one that it needs
            found = {name.removeprefix("dvc.yaml:") for name in repo.status()}
    except DvcException:
        return {}
    found |= {follower for name in found for follower in nx.ancestors(graph, name)}
    ordered = reversed([*nx.topological_sort(graph)])
    return {name: found & nx.descendants(graph, name) for name in ordered if name in found}


def side_by_side(
    needs: Mapping[str, set[str]],
    work: Callable[[str], None],
    jobs: int,
    show: Callable[[int, Iterable[str]], None] = lambda done, running: None,
) -> None:
    """Do `work` for every stage once those that it needs are done, the first in order first.

    Args:
        needs: stages in an order in which they could run one by one, each with those that must be done before it.
        work: runs one stage; raises if it fails.
        jobs: how many at a time.
        show: told how many stages are done and which are running, whenever that changes.

    Raises:
        Exception: the first that `work` raised. What runs then is waited for, and nothing new is begun.
    """
    done: set[str] = set()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        while len(done) < len(needs):
            begun = done | {*running.values()}
            ready = [stage for stage, needed in needs.items() if stage not in begun and needed <= done]
            for stage in ready[: jobs - len(running)]:
                running[pool.submit(work, stage)] = stage
            show(len(done), running.values())
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(future)
                future.result()
                done.add(stage)
    show(len(done), ())


def run(stage: str, environment: Mapping[str, str]) -> None:
    """Let DVC run one stage, and print what it printed when it is done.

    Raises:
        NegbenchError: the stage failed.
    """
    command = [*DVC, "--wait-for-lock", "repro", "--single-item", stage]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False
    )
    tqdm.write(done.stdout.rstrip(), file=sys.stdout)
    if done.returncode:
        raise NegbenchError(f"stage '{stage}' failed", "dvc.yaml", "See above why; what is done is kept.")


def parser() -> argparse.ArgumentParser:
    """The options of `python -m pipelines.repro`."""
    options = argparse.ArgumentParser("python -m pipelines.repro", description=__doc__.split("\n")[0])
    options.add_argument("--jobs", type=int, default=2, help="stages at a time (default: 2)")
    return options


if __name__ == "__main__":
    sys.exit(main.run(repro, parser()))
