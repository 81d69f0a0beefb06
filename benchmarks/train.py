"""How many times faster SimCSE trains here than the way its own scripts train it, and whether the loss is the same.

    python -m benchmarks.train --data FOLDER

One randomly initialised BERT, the same real sentences in the same batches, the same learning rate. All take turns, a
run each, so that a machine that slows down slows all; the first steps of a run are not counted. The reference is in
float32 on a CPU and in float16 on a GPU, as its script has it.
"""

from __future__ import annotations

import json
import math
import shutil
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from tqdm import tqdm

from benchmarks import recipe
from benchmarks.conditions import conditions, ratio
from benchmarks.inputs import CORPUS, random_bert
from benchmarks.stopwatch import PHASES, Stopwatch, synchronise
from methods.core import trainer
from methods.core.contract import Schedule
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.simcse import SimCSE
from pipelines import device
from pipelines.main import run
from pipelines.params import Train
from pipelines.sources.corpus import read_sentences

LENGTH = 32  # word pieces, as in the paper
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
REFERENCE = "reference"


@dataclass(frozen=True)
class Run:
    """One run: its times, and the loss of every step."""

    watch: Stopwatch
    losses: list[float]


def start(model: Path, sentences: Sequence[str], settings: Train, seed: int) -> tuple[SimCSE, TokenTable]:
    """SimCSE before its first step, its head drawn from the seed, and the text for it."""
    torch.manual_seed(seed)
    encoder = Encoder.load(model, "cls_before_pooler")
    tokens = TokenTable(sentences, encoder.tokenizer, settings.max_length)
    steps = trainer.total_steps(len(tokens), settings)
    schedule = Schedule(steps, settings.batch_size, settings.max_length, len(tokens))
    return SimCSE(encoder, SimCSE.Settings(), schedule).to(device.best()), tokens


def turn(model: Path, sentences: Sequence[str], settings: Train, ways: Sequence[str], seed: int) -> dict[str, Run]:
    """A run in each of the `ways`, from the same weights over the same batches.

    Args:
        model: the BERT to start from.
        sentences: the text.
        settings: the recipe, one epoch.
        ways: precisions of our loop, and "reference".
        seed: of the head, of the order and of dropout.
    """
    steps = trainer.total_steps(len(sentences), settings)
    order = [trainer.rows_at(step, len(sentences), settings.batch_size, seed) for step in range(steps)]
    dataset = recipe.tokenised(model, sentences, settings.max_length)
    found = {}
    for way in ways:
        method, tokens = start(model, sentences, settings, seed)
        watch = Stopwatch()
        with TemporaryDirectory() as scratch, watch.watching():
            if way == REFERENCE:
                rows = np.concatenate(order).tolist()
                losses = recipe.train(model, method.head, dataset, settings, rows, seed, Path(scratch))
            else:
                here = settings.model_copy(update={"precision": way})
                history = trainer.train(method, tokens, here, seed=seed, look=None)
                losses = [row["loss"] for row in history.rows]
        found[way] = Run(watch, losses)
    return found


def without_dropout(model: Path, sentences: Sequence[str], settings: Train) -> float:
    """The largest difference of a step's loss between our loop and the reference when nothing is drawn."""
    with TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(model, Path(scratch) / "model"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        runs = turn(folder, sentences, settings, ["fp32", REFERENCE], seed=0)
    return max(abs(a - b) for a, b in zip(runs["fp32"].losses, runs[REFERENCE].losses, strict=True))


def ceiling(precision: str, size: int = 2048) -> float:
    """Operations a second of a large matrix product, the best of ten."""
    matrix = torch.randn(size, size, dtype=PRECISIONS[precision], device=device.best())
    best = math.inf
    for _ in range(10):
        synchronise()
        start = time.perf_counter()
        _ = matrix @ matrix
        synchronise()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def show(turns: Sequence[Mapping[str, Run]], precision: str) -> None:
    """Where the time goes, how near the machine's own limit that is, and how far the losses are apart."""
    print(f"{'ms a step':<12}{''.join(f'{phase:>11}' for phase in (*PHASES, 'rest', 'all'))}{'GFLOP':>9}{'of peak':>9}")
    half = len(turns[0][REFERENCE].losses) // 2
    for way in turns[0]:
        runs = [found[way] for found in turns]
        parts = np.median([[*run.watch.parts(), run.watch.seconds] for run in runs], axis=0)
        flops = statistics.fmean(run.watch.flops for run in runs)
        share = flops / parts[-1] / ceiling(precision if way == REFERENCE else way)
        print(f"{way:<12}{''.join(f'{1000 * x:>11.1f}' for x in parts)}{flops / 1e9:>9.1f}{share:>9.0%}")
    theirs = [statistics.fmean(found[REFERENCE].losses[half:]) for found in turns]
    print(f"loss, mean of the second half of a run, reference: {np.mean(theirs):.4f}")
    for way in turns[0]:
        if way != REFERENCE:
            gaps = np.subtract([statistics.fmean(found[way].losses[half:]) for found in turns], theirs)
            error = f", standard error {gaps.std(ddof=1) / math.sqrt(len(gaps)):.4f}" if len(gaps) > 1 else ""
            print(f"{way}: {gaps.mean():+.4f} from there{error}")


def main(arguments: Namespace) -> None:
    """Time all ways and print where the time goes, whether the losses agree, and the ratios."""
    batch = arguments.batch
    sentences = read_sentences(arguments.data / CORPUS, batch * arguments.steps)
    settings = Train(sentences=len(sentences), max_length=LENGTH, batch_size=batch, lr=arguments.lr)
    theirs = "fp16" if device.best().type == "cuda" else "fp32"
    print(conditions("transformers", "accelerate"))
    print(f"{arguments.layers} layers of {arguments.width}, batch {batch}, {LENGTH} word pieces at most")
    with random_bert(arguments.data, arguments.layers, arguments.width) as model:
        apart = without_dropout(model, sentences[: batch * 10], settings)
        ways = [*arguments.precisions, REFERENCE]
        seeds = tqdm(range(arguments.turns), desc="turns", disable=None)
        turns = [turn(model, sentences, settings, ways[:: -1 if seed % 2 else 1], seed) for seed in seeds]
    show(turns, theirs)
    print(f"largest difference of a step's loss in float32 without dropout: {apart:.1e}")
    for way in arguments.precisions:
        each = [found[REFERENCE].watch.seconds / found[way].watch.seconds for found in turns]
        print(f"{way}, turn by turn: {', '.join(f'{value:.2f}' for value in each)}")
        print(
            ratio(statistics.median(each), f"sentences a second in training, {way}, to SimCSE's own recipe in {theirs}")
        )


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.train`."""
    options = ArgumentParser("python -m benchmarks.train", description="SimCSE here against its own recipe.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds corpus/ and models/")
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--lr", type=float, default=1e-4)
    options.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["bf16", "fp32"])
    options.add_argument("--steps", type=int, default=40, help="of a run (default: %(default)s)")
    options.add_argument("--turns", type=int, default=5, help="runs of each, a seed each (default: %(default)s)")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
