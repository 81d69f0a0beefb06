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
    runs = [
        (number, Run.resolve(settings, study.method, seed, method=cell, train=study.train))
        for number, cell in enumerate(study.cells)
        for seed in study.seeds
    ]
    rows: list[dict[str, Any]] = []
    for done, (number, run) in enumerate(runs):
        varied = {key: getattr(run.settings, key) for cell in study.cells for key in cell}
        label = f"{arguments.study} {done + 1}/{len(runs)}"
        result = _cell(run, text, label)
        facts = {
            "cell": number,
            "method": run.name,
            "seed": run.seed,
            **varied,
            "batch_size": run.recipe.batch_size,
        }
        rows += [{**facts, **result["facts"], **record} for record in result["records"]]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_text(STUDIES / f"{arguments.study}.csv", table.getvalue())


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
