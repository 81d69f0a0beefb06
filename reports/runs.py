"""What training cost: the runs under runs/<method>/<seed>/, of which no number of another kind may depend.

Times and machines differ from run to run, so only the stage `report` reads them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pipelines.errors import NegbenchError
from reports import backbone
from reports.records import Info, Stored, read
from reports.wording import number

SPEED = "sentences_per_second"


class Machine(Stored):
    """What a run was trained on."""

    platform: str
    device: str
    cores: int
    threads: int
    processes: int = 1  # that computed together, each with so many threads

    def told(self) -> str:
        """It in words."""
        cores = f"{self.cores} core{'s' * (self.cores != 1)}"
        several = f", {number(self.processes)} processes together" if self.processes > 1 else ""
        return f"{self.platform}, {self.device}, {cores}, threads for one operation: {self.threads}{several}"


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


@dataclass(frozen=True)
class PretrainingCost:
    """What the backbone's pretraining took."""

    seconds: float
    machine: Machine


def pretraining(folder: Path) -> PretrainingCost | None:
    """From the log in stage backbone's folder; None where it took a given encoder.

    Raises:
        NegbenchError: a file is not what the stage writes.
    """
    found = backbone.load(folder)
    if found is None:
        return None
    speeds = _speeds(folder, "backbone")
    sizes = _batches(found.recipe.model_dump(), len(speeds), folder)
    return PretrainingCost(_seconds(sizes, speeds), read(Machine, folder / "machine.json"))


def _speeds(run: Path, stage: str) -> list[float]:
    """Sentences a second at each step."""
    try:
        with (run / "log.csv").open(encoding="utf-8", newline="") as stream:
            speeds = [float(row[SPEED]) for row in csv.DictReader(stream)]
        if not all(math.isfinite(speed) and speed > 0 for speed in speeds):
            raise ValueError
    except (KeyError, TypeError, ValueError, csv.Error):
        raise NegbenchError(f"a step without {SPEED}", run / "log.csv", f"Run `dvc repro -f {stage}`.") from None
    return speeds


def _seconds(sizes: Sequence[int], speeds: Sequence[float]) -> float:
    return sum(size / speed for size, speed in zip(sizes, speeds, strict=True))


def _training(method: str, seed: int, run: Path, info: Info) -> Training:
    speeds = _speeds(run, f"train@{method}-{seed}")
    sizes = _batches(info.train, len(speeds), run)
    machine = run / "machine.json"
    return Training(
        method=method,
        label=info.label,
        seed=seed,
        parameters=_parameters(run / "model" / "model.safetensors"),
        steps=len(speeds),
        sentences=sum(sizes),
        seconds=_seconds(sizes, speeds),
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
