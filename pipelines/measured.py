"""What the stages after `evaluate` share: their options, and the runs that the settings name."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines import params
from pipelines.expected import expected
from pipelines.paths import BUILD, REPORTED, RESULTS
from reports import records, study


def measured(arguments: argparse.Namespace) -> tuple[records.Results, list[study.Cell]]:
    """The runs and the study that the settings name; what an earlier profile left behind does not count."""
    if arguments.params is None:
        return records.load(arguments.results), study.load(arguments.results)
    settings = params.load(arguments.params)
    cells = study.load(arguments.results) if study.QUEUE_DISTANCE in settings.ablate else []
    return records.load(arguments.results, expected(settings)), cells


def options(prog: str, description: str | None) -> argparse.ArgumentParser:
    """The options that the stages after `evaluate` share."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="records, <method>/<seed>/ (default: %(default)s)"
    )
    parser.add_argument("--paper", type=Path, default=REPORTED, help="reported numbers (default: %(default)s)")
    parser.add_argument(
        "--params", type=Path, default=params.PARAMS, help="settings that name the runs (default: %(default)s)"
    )
    parser.add_argument("--build", type=Path, default=BUILD, help="where to write (default: %(default)s)")
    return parser
