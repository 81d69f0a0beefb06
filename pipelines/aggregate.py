"""Stage aggregate: from records to the report's content and its tables."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path

from pipelines import atomic, main
from pipelines.measured import measured, options
from reports import document, records, summary, tables
from reports.records import Record

_FLAT = ["profile", "method", "label", "seed", *Record.model_fields, "params_hash", "code_hash", "data_hash"]


def aggregate(arguments: argparse.Namespace) -> None:
    """Write records.csv, summary.json (the document) and tables/ into the build folder."""
    evidence = measured(arguments)
    content = summary.build(evidence)
    names = document.names(content)
    build: Path = arguments.build
    with atomic.folder(build / "tables") as folder:
        for table in content.tables:
            for suffix, render in (("md", tables.to_markdown), ("csv", tables.to_csv), ("tex", tables.to_latex)):
                (folder / f"{table.id}.{suffix}").write_text(render(table, names), encoding="utf-8")
    atomic.write_text(build / "records.csv", flat(evidence.results))
    atomic.write_text(build / "summary.json", document.dump(content))


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
