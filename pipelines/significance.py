"""Stage significance: which differences between trained methods are more than the noise of seeds and of items.

It takes the report's longest computation out of it: the report reads the result and is rebuilt in seconds.
"""

from __future__ import annotations

import argparse
import sys

from pipelines import atomic, main, params
from pipelines.expected import expected
from pipelines.paths import RESULTS, SIGNIFICANCE
from reports import differences, records


def stage(arguments: argparse.Namespace) -> None:
    """Write significance.json into the build folder: results/ holds what the stage reads, all of it."""
    settings = params.load()
    results = records.load(RESULTS, expected(settings))
    chosen = settings.significance
    found = differences.compare(results, RESULTS, chosen.reference, chosen.resamples)
    atomic.write_text(SIGNIFICANCE, found.model_dump_json(indent=1) + "\n")  # tasks in the order of their tables


if __name__ == "__main__":
    sys.exit(main.run(stage, argparse.ArgumentParser(prog="python -m pipelines.significance", description=__doc__)))
