"""Stage evaluate: every measurement of one trained encoder."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eval import negatives, sts
from methods.core.encoder import Encoder
from pipelines import atomic, device, main, params, provenance
from pipelines.paths import BACKBONE, DATA, results_of, run_of
from pipelines.sources.corpus import read_sentences


def stage(arguments: argparse.Namespace) -> None:
    """Evaluate runs/<method>/<seed>/model into results/<method>/<seed>/."""
    settings = params.load()
    run = run_of(arguments.method, arguments.seed)
    encoder = Encoder.load(run / "model").to(device.best())
    backbone = Encoder.load(BACKBONE, encoder.pooling).to(device.best())
    sentences = read_sentences(settings.corpus, settings.evaluate.histogram_sentences)
    described = json.loads((run / "run.json").read_text(encoding="utf-8"))
    with atomic.entries(results_of(arguments.method, arguments.seed)) as out:
        write(out, settings, described, sts.evaluate(encoder, DATA))
        histogram = negatives.histogram(before=backbone.encode(sentences), after=encoder.encode(sentences))
        atomic.write_json(out / "negatives.json", histogram)


def write(
    out: Path, settings: params.Params, described: Mapping[str, Any], results: Mapping[str, sts.TaskResult]
) -> None:
    """Write what every evaluated method has: metrics.json, records.json, pairs.npz and run.json.

    Args:
        out: an existing folder.
        settings: the profile's.
        described: what the run was; goes into run.json and the hashes.
        results: the STS results by task.
    """
    code = provenance.code_hash(
        params.ROOT / "eval",
        params.ROOT / "methods/core",
        params.ROOT / "methods" / f"{described['method']}.py",
    )
    # Settings alone: best_step and best_dev are results, and equal settings must have equal hashes.
    setting = {key: described.get(key) for key in ("method", "seed", "settings", "train")}
    origin = {
        "profile": settings.profile,
        "comparable": settings.comparable,
        "backbone": settings.backbone.name,
        "params_hash": provenance.params_hash([setting, settings.backbone.model_dump(mode="json")]),
        "code_hash": code,
        "data_hash": provenance.data_hash(),
        "versions": provenance.versions(),
    }
    records = sts.records(dict(results))
    atomic.write_json(out / "records.json", {"provenance": origin, "records": records})
    atomic.write_json(out / "run.json", described)
    papers = {record["task"]: record["value"] for record in records if record["metric"] == "spearman_all"}
    atomic.write_json(out / "metrics.json", {task: None if v is None else round(v, 4) for task, v in papers.items()})
    pairs = {
        f"{task}/{subset.name}": similarities
        for task, result in results.items()
        for subset, similarities in zip(result.subsets, result.similarities, strict=True)
    }
    np.savez_compressed(out / "pairs.npz", **pairs)  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.evaluate", description=__doc__)
    parser.add_argument("--method", required=True)
    parser.add_argument("--seed", type=int, required=True)
    sys.exit(main.run(stage, parser))
