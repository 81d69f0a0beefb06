"""Stage fetch: bring data into data/ in SentEval's and BEIR's own layout, with a manifest of hashes and row counts."""

from __future__ import annotations

import argparse
import sys

from pipelines import atomic, main, params
from pipelines.errors import NegbenchError
from pipelines.paths import DATA
from pipelines.sources import asked, generated, hub, local, manifest, pins, plan, published

_WHERE_FROM = {  # the next step, by source
    "generated": "Correct the setting: generated are corpus/generated.txt and the sets.",
    "local": f"Put it under the same name into the folder of {local.VARIABLE}, or correct the setting.",
    "hub": "Name its repository in fetch.hub.models, or correct the setting.",
}


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
        for setting, name in settings.data_files():
            if not (target / name).exists():
                what = f"{setting} names it and it did not come"
                raise NegbenchError(what, DATA / name, _WHERE_FROM[settings.fetch.source])
        published.check_text(target / "corpus" / settings.fetch.corpus, dict(settings.sentences()))
        manifest.write(target, origins)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.fetch", description=__doc__)
    parser.add_argument("--plan", action="store_true", help="say what would be fetched and fetch nothing")
    sys.exit(main.run(fetch, parser))
