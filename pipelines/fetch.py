"""Stage fetch: bring data into data/ in SentEval's and BEIR's own layout, with a manifest of hashes and row counts."""

from __future__ import annotations

import argparse
import sys

from pipelines import atomic, main, params
from pipelines.paths import DATA
from pipelines.sources import asked, generated, hub, local, manifest, pins, plan


def fetch(arguments: argparse.Namespace) -> None:
    """Fill data/ from the configured source, or say what that would bring."""
    settings = params.load()
    if arguments.plan:
        print(plan.table(plan.rows(settings.fetch, settings.mteb.tasks, pins.read())))
        return
    origins: dict[str, str] = {}
    corpus, tasks = asked.corpus(settings.fetch), asked.tasks(settings.fetch, settings.mteb.tasks)
    with atomic.folder(DATA) as target:
        if settings.fetch.source == "generated":
            world = settings.fetch.generated
            generated.generate(
                target,
                seed=world.seed,
                corpus_sentences=world.corpus_sentences,
                pairs_per_subset=world.pairs_per_subset,
            )
        elif settings.fetch.source == "local":
            local.fetch(local.folder(settings.fetch), target, corpus)
        else:
            origins = hub.fetch(target, settings.fetch.hub, corpus, tasks, pins.read())
            pins.add(origins)
        if settings.fetch.add is not None:
            local.add(settings.fetch.add, target, settings.fetch.corpus)
        asked.text(settings.fetch, target / "corpus" / settings.fetch.corpus)
        manifest.write(target, origins)
        asked.check(settings, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.fetch", description=__doc__)
    parser.add_argument("--plan", action="store_true", help="say what would be fetched and fetch nothing")
    sys.exit(main.run(fetch, parser))
