"""Stage fetch: bring data into data/ in SentEval's and BEIR's own layout, with a manifest of hashes and row counts."""

from __future__ import annotations

import argparse
import sys

from pipelines import atomic, main, params
from pipelines.paths import DATA
from pipelines.sources import generated, hub, local, manifest


def fetch(_: argparse.Namespace) -> None:
    """Fill data/ from the configured source."""
    settings = params.load().fetch
    with atomic.folder(DATA) as target:
        if settings.source == "generated":
            world = settings.generated
            generated.generate(
                target,
                seed=world.seed,
                corpus_sentences=world.corpus_sentences,
                pairs_per_subset=world.pairs_per_subset,
            )
        elif settings.source == "local":
            local.fetch(settings.path or local.source_folder(), target, settings.corpus)
        else:
            hub.fetch(target, settings.corpus)
        manifest.write(target)


if __name__ == "__main__":
    sys.exit(main.run(fetch, argparse.ArgumentParser(prog="python -m pipelines.fetch", description=__doc__)))
