"""What looks at the STS sets cost a run: the time of SimCSE's training with them, beside that without any.

    python -m benchmarks.looks --data FOLDER

A look scores STS-B dev, by which the checkpoint is chosen; where a run is watched (`train.watch`), the seven test sets
too. Steps and looks take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.conditions import conditions, ratio
from benchmarks.inputs import CORPUS, random_bert
from benchmarks.stopwatch import synchronise
from benchmarks.train import LENGTH, start
from eval.looks import SCORES, STSB_DEV, Looks
from methods.core import trainer
from pipelines.main import run
from pipelines.params import Train
from pipelines.sources.corpus import read_sentences

EVERY = 125  # steps between two looks, as in SimCSE's script
WAYS = {"STS-B dev": [STSB_DEV], "STS-B dev and the test sets": [*SCORES]}


def turns(model: Path, data: Path, sentences: Sequence[str], settings: Train, rounds: int) -> dict[str, list[float]]:
    """Times with looks over the time without, one value a round after a first that does not count.

    Args:
        model: the BERT to start from.
        data: the folder that holds senteval/.
        sentences: the text of as many steps as there are between two looks.
        settings: the recipe, one epoch.
        rounds: how many count.
    """
    method, tokens = start(model, sentences, settings, seed=0)
    looks = {way: Looks(data, scores) for way, scores in WAYS.items()}
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for counted in tqdm([False] + [True] * rounds, desc="rounds", disable=None):
        steps = _seconds(partial(trainer.train, method, tokens, settings, seed=0, look=None))
        for way, look in looks.items():
            took = _seconds(partial(look, method.encoder))
            if counted:
                found[way].append(1 + took / steps)
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    synchronise()
    return time.perf_counter() - began


def main(arguments: Namespace) -> None:
    """Print each turn, and the ratios."""
    batch = arguments.batch
    sentences = read_sentences(arguments.data / CORPUS, EVERY * batch)
    settings = Train(sentences=len(sentences), max_length=LENGTH, batch_size=batch, precision=arguments.precision)
    print(conditions())
    print(f"{arguments.layers} layers of {arguments.width}, batch {batch}, {arguments.precision}", flush=True)
    with random_bert(arguments.data, arguments.layers, arguments.width) as model:
        found = turns(model, arguments.data, sentences, settings, arguments.rounds)
    for way, ratios in found.items():
        print(f"{way}, turn by turn: {', '.join(f'{one:.2f}' for one in ratios)}")
    for way, ratios in found.items():
        what = f"time of training in {arguments.precision} with a look at {way} every {EVERY} steps, to without"
        print(ratio(statistics.median(ratios), what))


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.looks`."""
    options = ArgumentParser("python -m benchmarks.looks", description="Cost of the looks while a method trains.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds senteval/, corpus/ and models/")
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    options.add_argument("--rounds", type=int, default=3)
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
