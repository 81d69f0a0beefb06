"""A results tree as the stages before `aggregate` write it: seeded numbers of a plausible size."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from reports.families import STS, TRANSFER
from reports.study import RECORD

TASKS = [*STS.labels][:-1]

UNTRAINED = {
    "bag_of_words": ("Bag of words", 44.0),
    "cls": ("[CLS]", 22.0),
    "first_last_avg": ("First-last avg.", 47.5),
}
TRAINED = {
    "simcse": ("SimCSE", "simcse", 61.0, 0.31),
    "softcse_weight": ("SoftCSE (weight)", "softcse", 62.1, 0.27),
    "softcse_temperature": ("SoftCSE (temperature)", "softcse", 61.6, 0.24),
    "mocose": ("MoCoSE", "mocose", 59.4, 0.12),
}
HASHES = {"params_hash": "3f1c9a70d2be4815", "code_hash": "b0d3a6627c1f9e54", "data_hash": "77aa10c2e95d3b08"}
VERSIONS = {
    "python": "3.11.9",
    "torch": "2.13.0",
    "transformers": "5.17.0",
    "numpy": "2.4.6",
    "scipy": "1.17.1",
}
RECIPE = {
    "sentences": 20000, "batch_size": 64, "epochs": 1, "lr": 5e-4, "pooling": "cls_before_pooler", "select": "stsb-dev",
}  # fmt: skip
EDGES = np.linspace(-1, 1, 81)


def write_results(
    folder: Path,
    *,
    seeds: int = 3,
    comparable: str = "never",
    profile: str = "demo",
    settings: Mapping[str, Any] | None = None,
    backbone: str | None = None,
    study_seeds: int = 2,
) -> Path:
    """Write a results folder: three baselines, four trained methods, one study (none for study_seeds=0)."""
    rng = np.random.default_rng(7)
    provenance = {
        "profile": profile,
        "comparable": comparable,
        "backbone": backbone,
        "versions": VERSIONS,
        **HASHES,
    }
    for name, (label, level) in UNTRAINED.items():
        info = {"label": label, "paper": None, "trained": False, "settings": dict(settings or {})}
        write_run(folder / name / "0", rng, level, 0.0, provenance, info)
    for name, (label, paper, level, after) in TRAINED.items():
        for seed in range(seeds):
            info = {
                "label": label, "paper": paper, "trained": True, "train": RECIPE, "steps": 312,
                "best_step": 250, "best_score": 61.5, "d_trace": 14.67 if name == "mocose" else None,
                "settings": {"temperature": 0.05, **(settings or {})},
                "looks": looks(rng, level),
            }  # fmt: skip
            run = folder / name / str(seed)
            write_run(run, rng, level, 0.5, provenance, info)
            write_json(run / "negatives.json", histograms(rng, 0.83, after + rng.normal(0, 0.01)))
    write_theory(folder / "theory.json")
    if study_seeds:
        write_study(folder / "ablate" / "queue_distance.csv", rng, study_seeds)
    return folder


def write_run(
    run: Path, rng: np.random.Generator, level: float, spread: float, provenance: Any, info: Mapping[str, Any]
) -> None:
    """Write one run's records.json, spectrum.json and run.json."""
    offsets = np.array([-3.1, 5.2, -1.4, 4.4, 1.8, -0.9, -6.0])  # tasks differ in difficulty
    scores = level + offsets + rng.normal(0, spread, 7) + rng.normal(0, spread)
    records = [record(task, value) for task, value in zip(TASKS, scores, strict=True)]
    records.append(record("avg", float(scores.mean())))
    records += other_protocols(rng, float(scores.mean()))
    for metric, lift in (("acc", 20.0), ("devacc", 21.0)):
        accuracies = level + lift + rng.normal(0, spread, 7)
        values = [*accuracies, accuracies.mean()]
        records += [{**record(task, v), "metric": metric} for task, v in zip(TRANSFER.labels, values, strict=True)]
    shape = {"alignment_positive": 0.2, "alignment_all": 0.4, "uniformity_all": -level / 25}
    shape |= {"mean_cosine": 0.3, "effective_rank": level / 4}
    for metric, value in shape.items():
        records.append({**record("geometry", value + rng.normal(0, spread / 50)), "metric": metric})
    search = [
        {**record(task, level + lift), "metric": metric}
        for metric, lift, tasks in (
            ("retrieval_main_score", -20.0, ("world-qa", "avg")),
            ("reranking_main_score", -5.0, ("world-dup", "avg")),
        )
        for task in tasks
    ]
    write_json(run / "mteb/records.json", {"provenance": provenance, "records": search})
    width = 64 if info["trained"] or info["label"] != "Bag of words" else 200
    write_json(run / "spectrum.json", {"singular_values": (np.arange(1, width + 1) ** -0.5).round(6).tolist()})
    write_json(run / "records.json", {"provenance": provenance, "records": records})
    write_json(run / "run.json", info)


def record(task: str, value: float | None, reason: str | None = None) -> dict[str, Any]:
    """One record, as the evaluator writes it."""
    status = "ok" if reason is None else "failed"
    shared = {"task": task, "metric": "spearman_all", "status": status, "reason": reason, "n": 1379}
    return {**shared, "value": None if value is None else round(float(value), 4)}


def other_protocols(rng: np.random.Generator, average: float) -> list[dict[str, Any]]:
    """Scores of the same weights under other poolings, averages and sets of pairs."""
    lifts = {"spearman_mean": 1.5, "spearman_wmean": 1.2, "spearman_all@cls_before_pooler": 0.0}
    lifts |= {"spearman_all@mean": -3.0, "spearman_all@first_last_avg": -1.0}
    found = [{**record("avg", average + lift + rng.normal(0, 0.2)), "metric": name} for name, lift in lifts.items()]
    found.append({**record("avg", None, "the backbone has no pooler"), "metric": "spearman_all@cls"})
    pairs = {"spearman_all@distinct": (average, 1363), "spearman_all@unshared": (average + 3, 370)}
    pairs["dev_pairs_in_tests"] = (75.4, 1500)
    return found + [{**record("STSB", value), "metric": name, "n": n} for name, (value, n) in pairs.items()]


def looks(rng: np.random.Generator, level: float) -> list[dict[str, Any]]:
    """Five looks at a run that rises to its level."""
    rises = level - 20.0 * np.exp(-np.arange(1, 6))
    return [
        {"step": 60 * at, "stsb_dev": value + rng.normal(5, 0.4), "sts_test": value + rng.normal(0, 0.4)}
        for at, value in enumerate(rises.tolist(), start=1)
    ]


def fail(run: Path, task: str, reason: str) -> None:
    """Turn one score of a run, and with it the average, into a failure."""
    content = json.loads((run / "records.json").read_text(encoding="utf-8"))
    for index, old in enumerate(content["records"]):
        if old["metric"] == "spearman_all" and old["task"] in (task, "avg"):
            content["records"][index] = record(
                old["task"], None, reason if old["task"] == task else f"no score: {task}"
            )
    write_json(run / "records.json", content)


def histograms(rng: np.random.Generator, before: float, after: float) -> dict[str, Any]:
    """Cosines of 4,000 pairs, skewed as real ones are."""
    samples = {
        "before": np.clip(1 - rng.gamma(6, (1 - before) / 6, 4000), -1, 1),
        "after": np.clip(rng.normal(after, 0.16, 4000), -1, 1),
    }
    result: dict[str, Any] = {"edges": EDGES.tolist(), "n": 4000}
    for name, values in samples.items():
        result[name] = np.histogram(values, EDGES)[0].tolist()
        result[f"mean_{name}"] = float(values.mean())
        result[f"std_{name}"] = float(values.std())
    return result


def write_study(file: Path, rng: np.random.Generator, seeds: int) -> None:
    """Write a study of six queue settings, its table and what it was."""
    settings = [(0.75, 64), (0.75, 256), (0.85, 256), (0.85, 512), (0.95, 64), (0.95, 2048)]
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = ["cell", "method", "seed", "ema_decay", "queue_size", "d_trace", *RECORD]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        for index, (decay, size) in enumerate(settings):
            distance = 1 / (1 - decay) + size / 64
            level = 58.2 - 0.03 * (distance - 14) ** 2 / (1 + distance / 30)
            for seed in range(seeds):
                scores = level + rng.normal(0, 0.5, 7)
                for task, value in [*zip(TASKS, scores, strict=True), ("avg", scores.mean())]:
                    cell = {"cell": index, "method": "mocose", "seed": seed, "d_trace": distance}
                    cell |= {"ema_decay": decay, "queue_size": size}
                    writer.writerow({**cell, **record(task, float(value)), "reason": ""})
    runs = [{"cell": cell, "seed": seed, "best_step": 200, "looks": []} for cell in range(6) for seed in range(seeds)]
    about = {"method": "mocose", "label": "MoCoSE", "varied": ["ema_decay", "queue_size"], "runs": runs}
    write_json(file.with_suffix(".json"), about | {"fixed": {"batch_size": 64, "sentences": 6400}, "hashes": HASHES})


def write_training(run: Path, rng: np.random.Generator, label: str, sentences: int, machine: Any = None) -> None:
    """Write one training run: an encoder of 2 x 3 + 5 weights, two epochs of batches of 64, and their speeds."""
    steps = 2 * -(-sentences // 64)
    write_json(run / "run.json", {"label": label, "train": {"sentences": sentences, "batch_size": 64, "epochs": 2}})
    speeds = rng.uniform(900, 1100, steps).round(1)
    lines = ["step,loss,sentences_per_second,score", *(f"{step},1.5,{v}," for step, v in enumerate(speeds, 1))]
    (run / "log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (run / "model").mkdir()
    save_file({"a": np.zeros((2, 3), "f4"), "b": np.zeros(5, "f4")}, run / "model/model.safetensors")
    if machine:
        write_json(run / "machine.json", machine)


def write_theory(file: Path) -> None:
    """Write the pulls of a loss with a closed form, and of one without that leaves near negatives alone."""
    cosines = np.linspace(-0.5, 1, 31)
    pull = 20 / (1 + np.exp(-20 * (cosines - 0.8)))
    steep = {"negative": pull.tolist(), "positive": (-pull - 0.1).tolist()}
    masked = {**steep, "negative": np.where(cosines < 0.9, pull, 0).tolist()}
    methods = [
        {"method": "masked", "label": "Masked loss", "autograd": masked, "closed_form": None},
        {"method": "simcse", "label": "SimCSE", "autograd": steep, "closed_form": steep},
    ]
    setup = {"positive": 0.8, "background": [-0.2, 0.4], "negatives": 63, "similarities": cosines.tolist()}
    write_json(file, {**setup, "methods": methods})


def write_json(file: Path, content: Any) -> None:
    """Write JSON as the stages do."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
