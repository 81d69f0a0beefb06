"""Stage mteb: retrieval and reranking with one trained encoder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from eval import mteb, retrieval
from eval.diverged import Diverged, because
from eval.sts import Embedder
from eval.vectors import Lengths
from methods.core.encoder import Encoder
from pipelines import atomic, device, main, params, provenance
from pipelines.paths import DATA, results_of, run_of


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate runs/<method>/<seed>/model; of a run that diverged, say so."""
    settings = params.load()
    run = run_of(arguments.method, arguments.seed)
    described = provenance.described(run)
    failed = described["status"] == "failed"
    encoder = Diverged() if failed else Encoder.load(run / "model").to(device.best())
    measure(settings, described, arguments.seed, encoder)


def measure(settings: params.Params, described: Mapping[str, Any], seed: int, encoder: Embedder) -> None:
    """Write results/<method>/<seed>/mteb/ and, for MTEB's own tools, runs/<method>/<seed>/mteb/.

    MTEB's files hold the time of day, so they lie where no other stage looks.

    Args:
        settings: the profile's.
        described: what the run was; goes into the hashes.
        seed: of the run.
        encoder: what is evaluated.
    """
    provenance.check_data("beir")
    method = described["method"]
    origin = provenance.origin(settings, described, settings.mteb)
    revision = provenance.revision(settings, described, settings.mteb)  # to MTEB the seeds are runs of one model
    lengths = Lengths(settings.mteb.query_length, settings.mteb.passage_length)
    with (
        atomic.folder(run_of(method, seed) / "mteb") as theirs,
        atomic.folder(results_of(method, seed) / "mteb") as out,
    ):
        files = mteb.ResultFiles(theirs, f"negbench/{method}", revision, seed)
        results = mteb.evaluate(encoder, DATA, settings.mteb.tasks, lengths, files)
        records = because(retrieval.records(results), described.get("reason"))
        atomic.write_json(out / "records.json", {"provenance": origin, "records": records})
        np.savez_compressed(out / "queries.npz", **retrieval.arrays(results))  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.mteb", description=__doc__)
    parser.add_argument("--method", required=True)
    parser.add_argument("--seed", type=int, required=True)
    sys.exit(main.run(stage, parser))
