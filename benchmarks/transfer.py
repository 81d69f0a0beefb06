"""How much faster the batched classifiers are than one fit after the other, and whether the scores agree.

    python -m benchmarks.transfer --model FOLDER --data FOLDER

Full setting, on the embeddings of a real model; takes the plain loop's time (ten minutes for CR and TREC).
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.conditions import conditions, ratio
from benchmarks.naive_senteval import Task
from eval.classifier import TRAINING
from eval.selection import fits_of, select
from eval.transfer import FOLDS, features
from eval.transfer_sets import load
from methods.core.encoder import Encoder
from pipelines.main import run


def main(arguments: Namespace) -> None:
    """Time both on each task and print a line each."""
    encoder = Encoder.load(arguments.model)
    print(conditions("scikit-learn"))
    print(f"{encoder.dimension} dimensions, full setting")
    print(f"{'task':<6}{'fits':>6}{'batched':>10}{'plain':>10}{'ratio':>8}   {'acc':<16}devacc (batched, plain)")
    ours = theirs = 0.0
    for name in arguments.tasks:
        task = load(arguments.data, name)
        x = {part: torch.from_numpy(features(encoder, rows)) for part, rows in task.parts.items()}
        y = {part: rows.labels for part, rows in task.parts.items()}
        fits = fits_of(task.parts, FOLDS["full"])
        start = time.perf_counter()
        found = select(x, y, task.classes, TRAINING["full"], FOLDS["full"])
        batched = time.perf_counter() - start
        with tqdm(total=fits, desc=f"{name}, plain loop", unit="fit", disable=None) as bar:
            start = time.perf_counter()
            acc, devacc, _ = Task(task.classes, TRAINING["full"], FOLDS["full"], bar.update).run(x, y)
            loop = time.perf_counter() - start
        ours, theirs = ours + batched, theirs + loop
        print(
            f"{name:<6}{fits:>6}{batched:>8.1f} s{loop:>8.1f} s{loop / batched:>8.1f}"
            f"   {found.acc:.2f}, {acc:.2f}    {found.devacc:.2f}, {devacc:.2f}",
            flush=True,
        )
    tasks = ", ".join(arguments.tasks)
    print(ratio(theirs / ours, f"transfer classifiers fitted a second ({tasks}), in batches to one by one"))


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.transfer`."""
    options = ArgumentParser("python -m benchmarks.transfer", description="Batched classifiers against a plain loop.")
    options.add_argument("--model", type=Path, required=True, help="a Hugging Face model folder")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds senteval/")
    options.add_argument("--tasks", nargs="+", default=["CR", "TREC"], metavar="TASK")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
