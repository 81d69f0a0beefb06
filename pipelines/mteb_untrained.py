"""Stage mteb_untrained: retrieval and reranking with one method that takes no training."""

from __future__ import annotations

import argparse
import sys

from eval.sts import Embedder
from methods.core.contract import load_untrained
from methods.core.encoder import Encoder
from methods.core.untrained import UntrainedEncoder
from pipelines import device, main, mteb, params, provenance
from pipelines.paths import BACKBONE
from pipelines.sources.corpus import read_sentences


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate the method as seed 0: without training no seed changes anything."""
    settings = params.load()
    method = load_untrained(arguments.method)
    encoder: Embedder
    if issubclass(method, UntrainedEncoder):  # the backbone under some pooling: as an Encoder it has limits of length
        encoder = Encoder.load(BACKBONE, method.pooling).to(device.best())
    else:
        provenance.check_data("corpus")
        encoder = method(str(BACKBONE), read_sentences(settings.corpus, settings.evaluate.fit_sentences))
    mteb.measure(settings, method.describe(arguments.method), 0, encoder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.mteb_untrained", description=__doc__)
    parser.add_argument("--method", required=True)
    sys.exit(main.run(stage, parser))
