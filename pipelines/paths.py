"""Where the stages leave things for each other, relative to the repository's root."""

from __future__ import annotations

from pathlib import Path

DATA = Path("data")
RUNS = Path("runs")
BACKBONE = RUNS / "backbone/model"
RESULTS = Path("results")
STUDIES = RESULTS / "ablate"
THEORY = RESULTS / "theory.json"
REPORTED = Path("reports/paper")
BUILD = Path("reports/build")
SIGNIFICANCE = BUILD / "significance.json"
EXPORTS = Path("exports")  # model folders for a hub, made by pipelines/export.py
SCALE = Path("benchmarks/measured/scale.json")  # kept in git: it takes too long to measure in every run
REPRO_LOCK = Path(".dvc/tmp/repro.lock")  # held by `make repro`
CHECKPOINTS = Path(".checkpoints")  # no output of a stage: state to resume from, keyed by all it depends on


def teacher_of(name: str) -> Path:
    """The embeddings of the training text by one teacher."""
    return RUNS / "teacher" / f"{name}.npy"


def run_of(method: str, seed: int) -> Path:
    """The folder of a training run: model/, log.csv, run.json and machine.json."""
    return RUNS / method / str(seed)


def results_of(method: str, seed: int) -> Path:
    """The folder of what was measured of a run."""
    return RESULTS / method / str(seed)
