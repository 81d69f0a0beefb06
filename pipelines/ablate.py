"""Stage ablate: one study, that is one method trained and scored on STS in every cell of settings and seed.

A finished cell is kept in .checkpoints/cells/ under the hash of all it depends on, so that a study goes on where it
was stopped and a new cell costs only itself.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from typing import Any

from eval import sts
from pipelines import atomic, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import CHECKPOINTS, DATA, STUDIES
from pipelines.train import Run, Text, execute


def stage(arguments: argparse.Namespace) -> None:
    """Run what is missing of the study and write results/ablate/<study>.csv, a row a cell, seed and task."""
    settings = params.load()
    if arguments.study not in settings.ablate:
        raise NegbenchError(f"no such study '{arguments.study}'", "ablate", nearest(arguments.study, settings.ablate))
    study = settings.ablate[arguments.study]
    text = Text(settings)
    chosen = runs(settings, arguments.study)
    rows: list[dict[str, Any]] = []
    for done, (number, run) in enumerate(chosen):
        label = f"{arguments.study} {done + 1}/{len(chosen)}"
        result = _cell(run, text, label)
        facts = {
            "cell": number,
            "method": run.name,
            "seed": run.seed,
            **_varied(study, run),
            "batch_size": run.recipe.batch_size,
        }
        rows += [{**facts, **result["facts"], **record} for record in result["records"]]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_text(STUDIES / f"{arguments.study}.csv", table.getvalue())


def runs(settings: params.Params, name: str) -> list[tuple[int, Run]]:
    """The runs of a study, each with the number of its cell; raises as `Run.resolve`."""
    study = settings.ablate[name]
    where = f"params.yaml: ablate.{name}"
    chosen = []
    for number, cell in enumerate(study.cells):
        own = {key: value for key, value in cell.items() if key != "train"}
        recipe = {**study.train, **_recipe(cell)}  # on top of the method's own, which `own` must not replace
        for seed in study.seeds:
            run = Run.resolve(settings, study.method, seed, method=own, train=recipe, where=where)
            chosen.append((number, run))
    return chosen


def _recipe(cell: dict[str, Any]) -> dict[str, Any]:
    return cell.get("train") or {}


def _varied(study: params.Study, run: Run) -> dict[str, Any]:
    """What the run has of the settings that any cell of the study states."""
    settings = {key: getattr(run.settings, key) for cell in study.cells for key in cell if key != "train"}
    recipe = {key: getattr(run.recipe, key) for cell in study.cells for key in _recipe(cell)}
    return settings | recipe


def _cell(run: Run, text: Text, label: str) -> dict[str, Any]:
    """The derived constants and the records of one cell, from disk if it was run before."""
    code = provenance.code_hash(params.ROOT / "eval")
    kept = CHECKPOINTS / "cells" / f"{run.key()}-{code}.json"
    if not kept.is_file():
        method, _ = execute(run, text, label)
        records = [r for r in sts.records(sts.evaluate(method.encoder, DATA)) if r["metric"] == "spearman_all"]
        content = json.dumps({"facts": method.facts(), "records": records}, allow_nan=False)
        atomic.write_text(kept, content)
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.ablate", description=__doc__)
    parser.add_argument("--study", required=True)
    sys.exit(main.run(stage, parser))
