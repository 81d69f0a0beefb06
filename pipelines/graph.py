"""DVC's own graph of the stages, and what of it has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import sleep

import networkx as nx
from dvc.lock import LockError
from dvc.repo import Repo


@dataclass(frozen=True)
class Stage:
    """One stage that has to run."""

    needs: tuple[str, ...]  # every stage that it follows from, changed or not, in an order in which they could run
    resources: Mapping[str, float]  # what it asks of a worker beside a thread: `meta: {resources: ...}` in dvc.yaml
    alone: bool = False  # what comes after waits for it, so that no core need be left to others: `meta: {alone: true}`


def changed(targets: Collection[str] = ()) -> dict[str, Stage]:
    """The stages that have changed and all that follow from them, in an order in which they could run one by one.

    While another DVC command works in this folder it is waited for.

    Args:
        targets: only these stages, or those of these groups, and what they need; all stages by default.

    Raises:
        DvcException: DVC cannot read the project.
    """
    told = False
    while True:
        try:
            return _changed(targets)
        except LockError as error:
            if not told:
                print(f"Waiting for another DVC command: {' '.join(str(error).split())}", flush=True)
            told = True
            sleep(1)


def _changed(targets: Collection[str]) -> dict[str, Stage]:
    with Repo(_wait_for_lock=True) as repo:
        graph = repo.index.graph  # an edge leads from a stage to one that it needs
        meta = {stage.addressing: stage.meta or {} for stage in graph}
        graph = nx.relabel_nodes(graph, {stage: stage.addressing for stage in graph})
        found = {name.removeprefix("dvc.yaml:") for name in repo.status()}
    found |= {follower for name in found for follower in nx.ancestors(graph, name)}
    if targets:
        wanted = {name for name in graph if not {name, name.split("@")[0]}.isdisjoint(targets)}
        found &= wanted.union(*(nx.descendants(graph, name) for name in wanted))
    order = [*reversed([*nx.topological_sort(graph)])]
    needed = {name: nx.descendants(graph, name) for name in found}
    return {
        name: Stage(
            tuple(other for other in order if other in needed[name]),
            meta[name].get("resources", {}),
            meta[name].get("alone", False),
        )
        for name in order
        if name in found
    }
