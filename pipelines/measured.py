"""What the stages after `evaluate` share: their options, and the evidence that the settings name."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines import params
from pipelines.expected import expected, expected_studies
from pipelines.paths import BACKBONE, BUILD, REPORTED, RESULTS, SCALE, SIGNIFICANCE
from reports import evidence
from reports.evidence import Evidence


def measured(arguments: argparse.Namespace) -> Evidence:
    """The runs and the studies that the settings name; what an earlier profile left behind does not count."""
    tested = arguments.build / SIGNIFICANCE.name
    if arguments.params is None:
        return evidence.load(arguments.results, arguments.paper, significance=tested)
    settings = params.load(arguments.params)
    return evidence.load(
        arguments.results,
        arguments.paper,
        expected(settings),
        expected_studies(settings),
        significance=tested,
        pretrained=BACKBONE.parent,
        measured=SCALE,
    )


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
    parser.add_argument("--build", type=Path, default=BUILD, help="folder of the report (default: %(default)s)")
    return parser
