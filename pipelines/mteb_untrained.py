"""Stage mteb_untrained: retrieval and reranking with one method that takes no training."""

from __future__ import annotations

import argparse
import sys

from methods.core.contract import load_untrained
from pipelines import main, mteb, params, provenance
from pipelines.paths import BACKBONE
from pipelines.sources.corpus import read_sentences


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate the method as seed 0: without training no seed changes anything."""
    settings = params.load()
    kind = load_untrained(arguments.method)
    provenance.check_data("corpus")
    method = kind(str(BACKBONE), read_sentences(settings.corpus, settings.evaluate.fit_sentences))
    mteb.measure(settings, kind.describe(arguments.method), 0, method.encoder or method)  # an Encoder can read less


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.mteb_untrained", description=__doc__)
    parser.add_argument("--method", required=True)
    sys.exit(main.run(stage, parser))
