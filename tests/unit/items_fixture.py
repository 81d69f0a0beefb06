"""Runs with the scores of their items, as the stages `evaluate` and `mteb` write them: small, seeded, consistent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from report_fixture import HASHES, TASKS, VERSIONS, write_json
from scipy.stats import spearmanr

from reports.families import TRANSFER

PAIRS, EXAMPLES, QUERIES = 120, 200, 60
SEARCH = {"world-qa": ("retrieval", "ndcg_at_10"), "world-duplicates": ("reranking", "map_at_1000")}
METHODS = {"reference": 0.0, "better": 0.6, "same": 0.0}  # how much more of the gold score a cosine holds
SUBSETS = ("first", "second")


def write(folder: Path, seeds: int = 3) -> Path:
    """Write results/<method>/<seed>/ for three trained methods."""
    for method in METHODS:
        for seed in range(seeds):
            write_run(folder / method / str(seed), method, seed)
    return folder


def write_run(run: Path, method: str, seed: int) -> None:
    """Write one run: what items there are depends on nothing, their scores on method and seed."""
    world, own = np.random.default_rng(1), np.random.default_rng([seed, *method.encode()])
    learnt = 1 + METHODS[method] + own.normal(0, 0.05)
    pairs: dict[str, np.ndarray] = {}
    records = []
    first = 0  # no sentence stands twice
    for task in TASKS:
        for subset in SUBSETS:
            gold = world.integers(0, 26, PAIRS // 2) / 5
            noise = 2 * world.normal(size=len(gold)) + own.normal(size=len(gold))
            pairs[f"gold/{task}/{subset}"] = gold
            pairs[f"{task}/{subset}"] = (learnt * gold + noise).astype(np.float32)
            pairs[f"sentences/{task}/{subset}"] = np.arange(2 * len(gold), dtype=np.int32).reshape(-1, 2) + first
            first += 2 * len(gold)
        cosines, gold = (np.concatenate([pairs[f"{kind}{task}/{s}"] for s in SUBSETS]) for kind in ("", "gold/"))
        records.append(record(task, "spearman_all", 100 * spearmanr(cosines, gold).statistic))
    correct = {}
    for task in [*TRANSFER.labels][:-1]:
        correct[task] = world.random(EXAMPLES) + 0.2 * own.normal(size=EXAMPLES) < 0.5 + 0.2 * METHODS[method]
        records.append(record(task, "acc", round(100 * correct[task].mean(), 2)))
    queries: dict[str, np.ndarray] = {}
    searched = []
    for task, (kind, metric) in SEARCH.items():
        scores = np.clip(world.beta(0.5, 1.5, QUERIES) + 0.1 * own.normal(size=QUERIES), 0, 1)
        queries |= {f"{task}/queries": np.array([f"q{i}" for i in range(QUERIES)]), f"{task}/{metric}": scores}
        searched.append(record(task, f"{kind}_main_score", round(100 * scores.mean(), 3)))
    provenance = {"profile": "demo", "comparable": "never", "versions": VERSIONS, **HASHES}
    write_json(run / "records.json", {"provenance": provenance, "records": records})
    write_json(run / "mteb/records.json", {"provenance": provenance, "records": searched})
    write_json(run / "run.json", {"label": method.capitalize(), "trained": True})
    np.savez(run / "pairs.npz", **pairs)
    np.savez(run / "correct.npz", **correct)
    np.savez(run / "mteb/queries.npz", **queries)


def record(task: str, metric: str, value: float) -> dict[str, Any]:
    """One record, as the evaluators write it."""
    return {"task": task, "metric": metric, "value": float(value), "status": "ok", "reason": None, "n": PAIRS}
