"""Stage untrained: every measurement of one method that takes no training."""

from __future__ import annotations

import argparse
import sys

from methods.core.contract import load_untrained
from pipelines import atomic, main, params
from pipelines.evaluate import measure
from pipelines.paths import BACKBONE, results_of
from pipelines.sources.corpus import read_sentences


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate the method into results/<method>/0/: without training no seed changes anything."""
    settings = params.load()
    kind = load_untrained(arguments.method)
    described = kind.describe(arguments.method)
    with atomic.entries(results_of(arguments.method, 0)) as out:
        sentences = read_sentences(settings.corpus, settings.evaluate.fit_sentences)
        method = kind(str(BACKBONE), sentences)
        measure(method, out, settings, described, method.encoder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.untrained", description=__doc__)
    parser.add_argument("--method", required=True)
    sys.exit(main.run(stage, parser))
