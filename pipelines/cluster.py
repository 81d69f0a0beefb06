"""Stages as tasks of dask.distributed, in the order of DVC's graph, on this machine or on any Dask cluster."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import sleep
from uuid import uuid4

import cloudpickle
import dask
from distributed import Client, Future, LocalCluster, as_completed

from pipelines import clone, worker
from pipelines.errors import NegbenchError
from pipelines.graph import Stage
from pipelines.progress import Board
from pipelines.worker import CLONE, perform

# What DVC advises after every stage.
HINT = re.compile(r"\n*To track the changes with git.*?\n(Use `dvc push` [^\n]*\n)", re.DOTALL)

cloudpickle.register_pickle_by_value(worker)


@contextmanager
def connect(address: str | None, jobs: int) -> Iterator[Client]:
    """Yield a client of the cluster at `address`, or of one in this process that runs `jobs` stages at a time.

    Raises:
        NegbenchError: nothing answers at the address.
    """
    if address is None:
        # It warns of each task that an interruption stops.
        logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
        settings = {
            "distributed.scheduler.worker-ttl": None,  # a worker in this process is silent only when all of it slept
            # Dask looks after itself 50 and 100 times a second, with 5 % of a core, while the stages compute.
            "distributed.admin.tick.interval": "1s",
            "distributed.worker.profile.enabled": False,
        }
        with dask.config.set(settings):
            cluster = LocalCluster(
                n_workers=1,
                threads_per_worker=jobs,
                processes=False,  # threads are enough: each stage is a process of its own
                memory_limit=0,
                dashboard_address="127.0.0.1:0",  # cannot be left out, and is nothing for the network
                worker_dashboard_address="127.0.0.1:0",
            )
        with cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise NegbenchError(
            f"no Dask scheduler answers: {error}", address, "Start one: see docs/cluster.md."
        ) from error
    with client:
        if not client.nthreads():
            print(f"Waiting for a worker of {address}", flush=True)
            client.wait_for_workers(1)
        yield client


def own_clones(client: Client) -> bool:
    """Whether the workers have clones of their own."""
    return any(client.run(lambda name: name in os.environ, CLONE).values())


def submitter(client: Client, stages: Mapping[str, Stage], clones: bool, board: Board) -> Callable[[str], Future]:
    """A function that submits one stage.

    Args:
        client: of the cluster.
        stages: all that have to run; the first in order goes first.
        clones: the workers have clones of their own.
        board: told where each stage begins.

    Raises:
        NegbenchError: this folder is no git repository, and needs to be one for others to be compared with.
    """
    run = uuid4().hex[:8]
    state = clone.state() if clones else {}
    places = {name: place for place, name in enumerate(stages)}

    def begun(event: tuple[float, dict[str, str]]) -> None:
        board.begun(event[1]["stage"], event[1]["host"])

    def submit(name: str) -> Future:
        client.subscribe_topic(run, begun)  # each time: a scheduler that was started again knows of none
        order = clone.Order(run, [*stages[name].needs], state)
        most: dict[str, float] = {}  # that one worker has
        for facts in client.scheduler_info(n_workers=-1)["workers"].values():
            most |= {asked: max(amount, most.get(asked, 0)) for asked, amount in facts["resources"].items()}
        return client.submit(
            lambda *task: perform(*task),  # Dask ships a lambda by value, and with it what it calls
            name,
            run,
            str(Path.cwd()),
            stages[name].alone,
            ["--clone", json.dumps(asdict(order))] if clones else [],
            key=f"{name}-{uuid4().hex}",
            pure=False,
            priority=-places[name],
            # What no worker has would be waited for without end.
            resources={
                asked: min(amount, most[asked]) for asked, amount in stages[name].resources.items() if asked in most
            },
        )

    return submit


def side_by_side(
    client: Client, stages: Mapping[str, Stage], submit: Callable[[str], Future], board: Board, keep_going: bool
) -> None:
    """Submit every stage once those that it needs are done; the board holds how each ended.

    A stage whose worker is lost runs again elsewhere, which Dask sees to; when the scheduler is lost and comes back,
    those that were running are submitted again. After a failure nothing new begins, and what runs is waited for.

    Args:
        client: of the cluster.
        stages: in an order in which they could run one by one.
        submit: submits one; its future gives an exit code and what the stage printed.
        board: told of every change.
        keep_going: after a failure go on with what does not need the failed stage.

    Raises:
        NegbenchError: the scheduler was lost and did not come back.
    """
    done: set[str] = set()
    failed: set[str] = set()
    running: dict[Future, str] = {}
    ended = as_completed(raise_errors=False)
    while True:
        begun = done | failed | {*running.values()}
        ready = [n for n in stages if n not in begun and done.issuperset(stages.keys() & stages[n].needs)]
        try:
            for name in ready if keep_going or not failed else []:
                future = submit(name)
                running[future] = name
                ended.add(future)
            board.slots = sum(client.nthreads().values())
        except OSError:  # the connection broke, and the futures do not show it yet
            _wait_for_scheduler(client, board)
            continue
        if not running:
            break
        future = next(ended)
        if future not in running:  # taken back after a failure
            continue
        name = running.pop(future)
        if future.status in ("cancelled", "lost"):
            board.again(name)
            _wait_for_scheduler(client, board)
            continue
        code, printed = future.result() if future.status == "finished" else (1, f"error: {future.exception()}")
        if code:
            failed.add(name)
        else:
            done.add(name)
        skipped = any(f"Stage '{name}' {how}" in printed for how in ("is cached", "didn't change"))
        board.ended(name, "failed" if code else "cached" if skipped else "done", HINT.sub("\n", printed))
        if failed and not keep_going:
            for future in [f for f, name in running.items() if board.states[name] == "waiting"]:
                future.cancel()
                del running[future]
    board.not_run()


def _wait_for_scheduler(client: Client, board: Board) -> None:
    """Wait while the client tries to reach a lost scheduler again, as long as Dask's connection timeout."""
    sleep(0.2)  # until the client knows
    if client.status == "connecting":
        board.say(f"The Dask scheduler is lost; waiting for it at {client.scheduler.address}")
    while client.status == "connecting":
        sleep(0.2)
    if client.status != "running":
        step = "Start it again, with workers, and repeat the command: what is done is kept."
        raise NegbenchError("the Dask scheduler is lost", str(client.scheduler), step)
