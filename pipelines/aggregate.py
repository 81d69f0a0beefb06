"""Stage aggregate: from records to the report's content, and to one table of all of them."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from pipelines import atomic, main, params
from pipelines.measured import measured, options
from reports import document, flat, records, summary


def aggregate(arguments: argparse.Namespace) -> None:
    """Write records.csv, records.parquet and summary.json (the document) into the build folder."""
    evidence = measured(arguments)
    content = document.dump(summary.build(evidence))
    build: Path = arguments.build
    every = flat.frame(evidence.results, studies(arguments))
    parquet = io.BytesIO()
    every.to_parquet(parquet, index=False)
    atomic.write_text(build / "records.csv", every.to_csv(index=False, lineterminator="\n"))
    atomic.write_bytes(build / "records.parquet", parquet.getvalue())
    atomic.write_text(build / "summary.json", content)


def studies(arguments: argparse.Namespace) -> list[Path]:
    """The files of the studies that the settings name, as far as they have been run."""
    files = sorted((arguments.results / records.STUDIES).glob("*.csv"))
    named = params.load(arguments.params).ablate if arguments.params else [file.stem for file in files]
    return [file for file in files if file.stem in named]


if __name__ == "__main__":
    sys.exit(main.run(aggregate, options("python -m pipelines.aggregate", __doc__)))
