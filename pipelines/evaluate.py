"""Stage evaluate: every measurement of one trained encoder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval import geometry, negatives, protocols, sts, transfer
from eval.diverged import Diverged, because
from eval.embeddings import EmbeddedOnce
from eval.sts import Embedder
from methods.core.encoder import Encoder
from pipelines import atomic, device, main, params, provenance
from pipelines.paths import BACKBONE, DATA, results_of, run_of
from pipelines.sources.corpus import read_sentences


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate runs/<method>/<seed>/model into results/<method>/<seed>/; of a run that diverged, say so."""
    settings = params.load()
    run = run_of(arguments.method, arguments.seed)
    described = provenance.described(run)
    with atomic.entries(results_of(arguments.method, arguments.seed)) as out:
        if described["status"] == "failed":
            atomic.write_json(out / "negatives.json", None)
            measure(Diverged(), out, settings, described, None)
            return
        encoder = Encoder.load(run / "model").to(device.best())
        backbone = Encoder.load(BACKBONE, encoder.pooling).to(device.best())
        sample = [*dict.fromkeys(read_sentences(settings.corpus, settings.evaluate.histogram_sentences))]
        histogram = negatives.histogram(before=backbone.encode(sample), after=encoder.encode(sample))
        atomic.write_json(out / "negatives.json", histogram)
        measure(encoder, out, settings, described, encoder)


def measure(
    encoder: Embedder, out: Path, settings: params.Params, described: Mapping[str, Any], pooled: Encoder | None
) -> None:
    """Write what every evaluated method has: scores, what they are made of, and what the run was.

    records.json and metrics.json hold the scores; pairs.npz the cosine of every STS pair and its gold score,
    correct.npz whether each test example of a transfer task is classified rightly, spectrum.json the singular values.
    A task without a score is left out of the two.

    Args:
        encoder: what is evaluated; each distinct sentence of all tasks is embedded once.
        out: an existing folder.
        settings: the profile's.
        described: what the run was; goes into run.json and the hashes.
        pooled: the same encoder, where it is a backbone under a pooling, so that there are other poolings.
    """
    provenance.check_data("corpus", "senteval")
    with TemporaryDirectory(dir=out) as scratch:
        sentences = chain(sts.sentences(DATA), transfer.sentences(DATA), geometry.sentences(DATA))
        once = EmbeddedOnce(encoder, sentences, Path(scratch) / "embeddings", progress="embed")
        similarity, shape = sts.evaluate(once, DATA), geometry.evaluate(once, DATA)
        classified = transfer.evaluate(once, DATA, setting=settings.evaluate.transfer, progress="fit")
    others = protocols.records(similarity, pooled, DATA, settings.evaluate.poolings)
    records = [*sts.records(similarity), *others, *transfer.records(classified), *geometry.records(shape)]
    records = because(records, described.get("reason"))
    origin = provenance.origin(settings, described, settings.evaluate)
    atomic.write_json(out / "records.json", {"provenance": origin, "records": records})
    atomic.write_json(out / "run.json", described)
    atomic.write_json(out / "spectrum.json", {"singular_values": shape.singular_values})
    shown = {record["task"]: record["value"] for record in records if record["metric"] == "spearman_all"}
    atomic.write_json(out / "metrics.json", {task: None if v is None else round(v, 4) for task, v in shown.items()})
    scored = {task: result for task, result in similarity.items() if result.scores["all"].value is not None}
    pairs = {
        f"{task}/{subset.name}": similarities
        for task, result in scored.items()
        for subset, similarities in zip(result.subsets, result.similarities, strict=True)
    }
    gold = {f"gold/{task}/{subset.name}": subset.gold for task in scored for subset in scored[task].subsets}
    sentences_of = {f"sentences/{name}": own for name, own in sts.numbered(similarity).items()}  # of failed tasks too
    np.savez_compressed(out / "pairs.npz", **pairs, **gold, **sentences_of)  # type: ignore[arg-type]
    correct = {task: result.correct for task, result in classified.items() if result.correct is not None}
    np.savez_compressed(out / "correct.npz", **correct)  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.evaluate", description=__doc__)
    parser.add_argument("--method", required=True)
    parser.add_argument("--seed", type=int, required=True)
    sys.exit(main.run(stage, parser))
