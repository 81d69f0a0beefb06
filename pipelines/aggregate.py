"""Stage aggregate: from records to the report's tables and content."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from pathlib import Path

from pipelines import atomic, main
from pipelines.measured import measured, options
from reports import geometry, negatives, paper, records, summary, tables, theory, verdicts
from reports.families import families
from reports.records import Record

_FLAT = ["profile", "method", "label", "seed", *Record.model_fields, "params_hash", "code_hash", "data_hash"]


def aggregate(arguments: argparse.Namespace) -> None:
    """Write records.csv, summary.json and tables/ into the build folder."""
    results, cells = measured(arguments)
    papers = paper.load_all(arguments.paper)
    built = {family.name: table for family in families(results) if (table := tables.build(results, papers, family))}
    content = summary.build(
        results,
        papers,
        built,
        verdicts.compare(results, papers),
        negatives.pool(results),
        cells,
        geometry.shapes(results),
        theory.load(arguments.results),
    )
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    build: Path = arguments.build
    with atomic.folder(build / "tables") as folder:
        for name, table in built.items():
            for suffix, render in (("md", tables.to_markdown), ("csv", tables.to_csv), ("tex", tables.to_latex)):
                (folder / f"{name}.{suffix}").write_text(render(table), encoding="utf-8")
    atomic.write_text(build / "records.csv", flat(results))
    atomic.write_text(build / "summary.json", text + "\n")


def flat(results: records.Results) -> str:
    """Every record as one line of CSV, unrounded; an empty value has its reason beside it."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _FLAT, lineterminator="\n")
    writer.writeheader()
    for method in results.methods:
        for run in method.runs:
            shared = {
                "method": run.method,
                "label": run.info.label,
                "seed": run.seed,
                **run.provenance.model_dump(),
            }
            for record in run.records:
                line = {**shared, **record.model_dump()}
                writer.writerow({name: line[name] for name in _FLAT})
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main.run(aggregate, options("python -m pipelines.aggregate", __doc__)))
