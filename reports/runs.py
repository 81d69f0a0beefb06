"""What training cost: the runs under runs/<method>/<seed>/, of which no number of another kind may depend.

Times and machines differ from run to run, so only the stage `report` reads them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pipelines.errors import NegbenchError
from reports.records import Info, Stored, read

SPEED = "sentences_per_second"


class Machine(Stored):
    """What a run was trained on."""

    platform: str
    device: str
    cores: int
    threads: int
    processes: int = 1  # that computed together, each with so many threads


@dataclass(frozen=True)
class Training:
    """One training run. The time is that of its steps, without the looks at the dev set."""

    method: str
    label: str
    seed: int
    parameters: int  # of the encoder
    steps: int
    sentences: int  # each epoch counts them again
    seconds: float
    machine: Machine | None


def load(folder: Path, methods: Iterable[str], seeds: Iterable[int]) -> list[Training]:
    """The runs of these methods and seeds that have a log, in this order, without those that diverged.

    Raises:
        NegbenchError: a log or a description is not what stage train writes, or the weights are missing.
    """
    wanted = [(method, seed) for method in methods for seed in seeds]
    found = [(method, seed, folder / method / str(seed)) for method, seed in wanted]
    logged = [(*one, read(Info, one[-1] / "run.json")) for one in found if (one[-1] / "log.csv").is_file()]
    return [_training(method, seed, run, info) for method, seed, run, info in logged if info.status == "ok"]


def _training(method: str, seed: int, run: Path, info: Info) -> Training:
    try:
        with (run / "log.csv").open(encoding="utf-8", newline="") as stream:
            speeds = [float(row[SPEED]) for row in csv.DictReader(stream)]
        if not all(math.isfinite(speed) and speed > 0 for speed in speeds):
            raise ValueError
    except (KeyError, TypeError, ValueError, csv.Error):
        next_step = f"Run `dvc repro -f train@{method}-{seed}`."
        raise NegbenchError(f"a step without {SPEED}", run / "log.csv", next_step) from None
    sizes = _batches(info.train, len(speeds), run)
    machine = run / "machine.json"
    return Training(
        method=method,
        label=info.label,
        seed=seed,
        parameters=_parameters(run / "model" / "model.safetensors"),
        steps=len(speeds),
        sentences=sum(sizes),
        seconds=sum(size / speed for size, speed in zip(sizes, speeds, strict=True)),
        machine=read(Machine, machine) if machine.is_file() else None,
    )


def _batches(train: Mapping[str, Any], steps: int, run: Path) -> list[int]:
    """Sentences of each step; the last batch of an epoch may be short."""
    try:
        sentences, size = int(train["sentences"]), int(train["batch_size"])
        epoch = math.ceil(sentences / size)
        return [min(size, sentences - size * (step % epoch)) for step in range(steps)]
    except KeyError as error:
        what = f"no setting {error}"
    except (TypeError, ValueError, ArithmeticError):
        what = "sentences and batch_size are no numbers of a run"
    raise NegbenchError(what, run / "run.json", "Run `dvc repro train` again.")


def _parameters(file: Path) -> int:
    if not file.is_file():
        raise NegbenchError("the weights are missing", file, "Run `dvc repro train`, or `dvc checkout`.")
    try:
        with safe_open(file, "numpy") as weights:
            return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise NegbenchError(f"not a model's weights: {error}", file, "Run `dvc repro train` again.") from None
