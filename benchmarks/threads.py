"""What a run's numbers depend on beside its settings: the same training again, and with other numbers of threads.

    python -m benchmarks.threads --method simcse

It trains in the present project (params.yaml, data/, runs/backbone) and leaves nothing there. Each line compares a run
with the first, on one thread: the largest difference of a weight, of a step's loss, and of a score on the way.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pipelines import main
from pipelines.errors import NegbenchError
from pipelines.params import ROOT
from pipelines.paths import DATA, RUNS, run_of

_INPUTS = (DATA, RUNS / "backbone", RUNS / "teacher", Path("params.yaml"))


@dataclass(frozen=True)
class Outcome:
    """Of one run: its weights, the loss of each step, and the scores of each look times 100."""

    weights: NDArray[np.float32]
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]


def compare(arguments: argparse.Namespace) -> None:
    """Train with each number of threads and print the differences to the first run."""
    first = _train(arguments.method, arguments.seed, 1)
    print(f"{arguments.method}, seed {arguments.seed}: {len(first.losses)} steps, {first.weights.size:,} weights")
    for threads in (1, *arguments.threads):
        other = _train(arguments.method, arguments.seed, threads)
        pairs = ((getattr(first, name), getattr(other, name)) for name in ("weights", "losses", "scores"))
        weight, loss, score = (float(np.abs(a - b).max(initial=0)) for a, b in pairs)
        same = "the same bits" if not weight + loss + score else "not the same bits"
        differences = f"weight {weight:.2g}, loss {loss:.2g}, score {score:.2g} points"
        print(f"1 thread against {threads}: {same}; {differences}")


def _train(method: str, seed: int, threads: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        for path in _INPUTS:
            if path.exists():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).symlink_to(path.resolve())
        command = [sys.executable, "-m", "pipelines.train", "--method", method, "--seed", str(seed)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1].removeprefix("error: ")
            raise NegbenchError(said, f"training on {threads} threads", "Run `python -m pipelines.train` alone.")
        run = Path(folder) / run_of(method, seed)
        described = json.loads((run / "run.json").read_text(encoding="utf-8"))
        if described["status"] == "failed":
            raise NegbenchError(described["reason"], f"training on {threads} threads", "Choose another method.")
        with (run / "log.csv").open(encoding="utf-8", newline="") as stream:
            losses = [float(row["loss"]) for row in csv.DictReader(stream)]
        looks = [[look[name] for name in ("stsb_dev", "sts_test")] for look in described["looks"]]
        tensors = load_file(run / "model" / "model.safetensors")
        return Outcome(
            np.concatenate([tensors[name].ravel() for name in sorted(tensors)]),
            np.array(losses),
            np.nan_to_num(np.array(looks, dtype=np.float64)),  # a score may be undefined
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__.split("\n\n")[0])
    parser.add_argument("--method", default="simcse", help="a file in methods/ (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, nargs="+", default=[2], help="beside one (default: 2)")
    sys.exit(main.run(compare, parser))
