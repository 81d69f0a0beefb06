"""Stage aggregate: from records to the report's content, and to one table of all of them."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from pipelines import atomic, main
from pipelines.measured import measured, options
from reports import document, flat, records, summary


def aggregate(arguments: argparse.Namespace) -> None:
    """Write records.csv, records.parquet and summary.json (the document) into the build folder."""
    evidence = measured(arguments)
    content = document.dump(summary.build(evidence))
    build: Path = arguments.build
    folder = arguments.results / records.STUDIES
    studies = {folder / f"{name}.csv": study.hashes for name, study in evidence.studies.items()}
    every = flat.frame(evidence.results, studies)
    parquet = io.BytesIO()
    every.to_parquet(parquet, index=False)
    atomic.write_text(build / "records.csv", every.to_csv(index=False, lineterminator="\n"))
    atomic.write_bytes(build / "records.parquet", parquet.getvalue())
    atomic.write_text(build / "summary.json", content)


if __name__ == "__main__":
    sys.exit(main.run(aggregate, options("python -m pipelines.aggregate", __doc__)))
