"""Stage ablate: one study, that is one method trained and scored on STS in every cell of settings and seed.

A finished cell is kept in .checkpoints/cells/ under the hash of all it depends on, so that a study goes on where it
was stopped, an edited cell costs only itself, and a cell that two studies share is trained once. A cell whose training
diverges is a result like any other: no score, and the reason.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval import sts
from eval.senteval import TASKS
from pipelines import atomic, launch, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import CHECKPOINTS, DATA, STUDIES
from pipelines.train import Run, Text, execute

RECORD = ("task", "metric", "value", "status", "reason", "n")


def stage(arguments: argparse.Namespace) -> None:
    """Run what is missing of the study, then write it. A run of several processes starts them itself.

    results/ablate/<study>.csv has a row for each cell, seed, task and metric. <study>.json beside it says what the
    study was, and of each run which step was chosen and what each look on the way saw.
    """
    launch.alone_in_charge()
    settings = params.load()
    name = arguments.study
    if name not in settings.ablate:
        raise NegbenchError(f"no such study '{name}'", "ablate", nearest(name, settings.ablate))
    chosen = runs(settings, name)  # whatever is wrong with a cell is told before the first one is trained
    provenance.check_data("corpus", "senteval")
    text = Text(settings)
    results = [_cell(run, text, f"{name} {number}/{len(chosen)}") for number, (_, run) in enumerate(chosen, start=1)]
    described = [flat(run) for _, run in chosen]
    varying = varied(settings.ablate[name], described)
    atomic.write_text(STUDIES / f"{name}.csv", _table(chosen, results, varying))
    first = chosen[0][1]
    about = {
        "method": first.name,
        "label": first.method.label,
        "varied": varying,
        "fixed": {key: value for key, value in described[0].items() if key not in varying},
        "hashes": hashes(settings, chosen),
        "runs": [
            {"cell": cell, "seed": run.seed, "best_step": result["best_step"], "looks": result["looks"]}
            for (cell, run), result in zip(chosen, results, strict=True)
        ],
    }
    atomic.write_json(STUDIES / f"{name}.json", about)


def runs(settings: params.Params, name: str) -> list[tuple[int, Run]]:
    """The runs of a study, each with the number of its cell, the first is 0.

    Raises:
        NegbenchError: as `Run.resolve`, or two cells have the same settings.
    """
    study = settings.ablate[name]
    where = f"params.yaml: ablate.{name}"
    chosen = []
    numbers: dict[str, int] = {}
    for number, cell in enumerate(study.cells):
        own = {key: value for key, value in cell.items() if key != "train"}
        # On top of the method's own, which `own` must not replace. A study looks at what selects, and no further.
        recipe = {"watch": False, **study.train, **cell.get("train", {})}
        for seed in study.seeds:
            run = Run.resolve(settings, study.method, seed, method=own, train=recipe, where=where)
            same = numbers.setdefault(provenance.params_hash(run.describe()), number)
            if same != number:
                raise NegbenchError(f"cells {same} and {number} have the same settings", where, "Remove one.")
            chosen.append((number, run))
    return chosen


def hashes(settings: params.Params, chosen: Sequence[tuple[int, Run]]) -> dict[str, str]:
    """What tells a study of the present settings, code and data from others."""
    return provenance.study_hashes(settings, [run.describe() for _, run in chosen])


def flat(run: Run) -> dict[str, Any]:
    """All settings of a run, its method's and its recipe's, by name."""
    described = run.describe()
    return {**described["settings"], **described["train"]}


def varied(study: params.Study, described: Collection[Mapping[str, Any]]) -> list[str]:
    """The settings that the cells state and that differ between the runs, which `flat` describes."""
    stated = dict.fromkeys(key for cell in study.cells for key in {**cell, **cell.get("train", {})})
    return [key for key in stated if len({str(one.get(key)) for one in described}) > 1]


def _table(chosen: Sequence[tuple[int, Run]], results: Sequence[dict[str, Any]], varied: Iterable[str]) -> str:
    facts = list(dict.fromkeys(key for result in results for key in result["facts"]))
    stream = io.StringIO()
    columns = ["cell", "method", "seed", *varied, *facts, *RECORD]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for (cell, run), result in zip(chosen, results, strict=True):
        own = flat(run)
        shared = {"cell": cell, "method": run.name, "seed": run.seed, **{key: own[key] for key in varied}}
        writer.writerows({**shared, **result["facts"], **record} for record in result["records"])
    return stream.getvalue()


def _cell(run: Run, text: Text, label: str) -> dict[str, Any]:
    """The facts, records and looks of one cell and seed, from disk if it was run before."""
    kept = CHECKPOINTS / "cells" / f"{run.key()}-{provenance.file_hash(Path(__file__))}.json"
    with launch.alone(kept.with_suffix(".lock"), f"the cell {label}"):
        if not kept.is_file():
            result = _measure(run, text, label)
            atomic.write_json(kept, {"hash": provenance.params_hash(result), "result": result})
    return finished(kept)


def finished(kept: Path) -> dict[str, Any]:
    """What was kept of a finished cell.

    Raises:
        NegbenchError: the file is damaged.
    """
    try:
        stored = json.loads(kept.read_bytes())
        intact = stored["hash"] == provenance.params_hash(stored["result"])
    except (ValueError, KeyError, TypeError, RecursionError):  # not JSON, or of another shape
        intact = False
    if not intact:
        raise NegbenchError("what was kept of a finished cell is damaged", kept, "Delete it and run again.")
    found: dict[str, Any] = stored["result"]
    return found


def _measure(run: Run, text: Text, label: str) -> dict[str, Any]:
    method, history = execute(run, text, label)
    if history.failure:
        failed = {"metric": "spearman_all", "value": None, "n": 0, "status": "failed", "reason": history.failure}
        return {
            "facts": {},
            "records": [{"task": task, **failed} for task in (*TASKS, "avg")],
            "best_step": None,
            "looks": [],
        }
    return {
        "facts": method.facts(),
        "records": sts.records(sts.evaluate(method.encoder, DATA)),
        "best_step": history.best_step or None,
        "looks": history.looks,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.ablate", description=__doc__)
    parser.add_argument("--study", required=True)
    sys.exit(main.run(stage, parser))
