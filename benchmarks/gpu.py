"""Several seeds of SimCSE at once on one GPU, and the encoder compiled, beside one seed as it is.

    python -m benchmarks.gpu --data FOLDER

It has run on a CPU alone so far, on a tiny BERT; no GPU was there. Use of a GPU's peak and the ratio to SimCSE's own
recipe in float16 are `python -m benchmarks.train --layers 12 --width 768 --precisions bf16`.
"""

from __future__ import annotations

import multiprocessing
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.conditions import conditions, ratio
from benchmarks.inputs import CORPUS, random_bert
from benchmarks.stopwatch import WARM, Stopwatch
from benchmarks.train import LENGTH, start
from methods.core import trainer
from pipelines.main import run
from pipelines.params import Train
from pipelines.sources.corpus import read_sentences


def span(model: Path, sentences: Sequence[str], settings: Train, compiled: bool, seed: int) -> tuple[float, float]:
    """Train one seed; when its steps after the warm-up began and ended, by a clock that all processes share."""
    method, tokens = start(model, sentences, settings, seed)
    if compiled:
        method.encoder.backbone.compile(mode="reduce-overhead")  # on a GPU as CUDA graphs
    watch = Stopwatch()
    with watch.watching():
        trainer.train(method, tokens, settings, seed=seed, look=None)
    return watch.laps[WARM], watch.laps[-1]


def rate(model: Path, sentences: Sequence[str], settings: Train, compiled: bool, seeds: int) -> float:
    """Sentences a second of all `seeds` together, a process each."""
    train = partial(span, model, sentences, settings, compiled)
    with ProcessPoolExecutor(seeds, multiprocessing.get_context("spawn")) as pool:
        spans = list(pool.map(train, range(seeds)))
    counted = seeds * (len(sentences) - WARM * settings.batch_size)
    return counted / (max(end for _, end in spans) - min(start for start, _ in spans))


def main(arguments: Namespace) -> None:
    """Print sentences a second of each way, and the ratios."""
    batch = arguments.batch
    sentences = read_sentences(arguments.data / CORPUS, arguments.sentences)
    settings = Train(sentences=len(sentences), max_length=LENGTH, batch_size=batch, precision=arguments.precision)
    print(conditions())
    print(f"{arguments.layers} layers of {arguments.width}, batch {batch}, {arguments.precision}", flush=True)
    with random_bert(arguments.data, arguments.layers, arguments.width) as model:
        alone = rate(model, sentences, settings, False, 1)
        print(f"one seed: {alone:.0f} sentences/s", flush=True)
        if arguments.compiled:
            faster = rate(model, sentences, settings, True, 1)
            print(f"one seed, compiled: {faster:.0f} sentences/s")
            print(ratio(faster / alone, "SimCSE's sentences a second, compiled to as it is"), flush=True)
        together = rate(model, sentences, settings, arguments.compiled, arguments.seeds)
    print(f"{arguments.seeds} seeds at once: {together:.0f} sentences/s")
    print(ratio(together / alone, f"SimCSE's sentences a second, {arguments.seeds} seeds at once to one"))


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.gpu`."""
    what = "Several seeds at once on one GPU. Not run on a GPU yet."
    options = ArgumentParser("python -m benchmarks.gpu", description=what)
    options.add_argument("--data", type=Path, required=True, help="a folder that holds corpus/ and models/")
    options.add_argument("--layers", type=int, default=12)
    options.add_argument("--width", type=int, default=768)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--sentences", type=int, default=100_000)
    options.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    options.add_argument("--seeds", type=int, default=4, help="at once (default: %(default)s)")
    options.add_argument("--compiled", action="store_true", help="compile the encoder too")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
