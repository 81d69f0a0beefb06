"""What a training step of every method costs beside SimCSE's: time and peak memory, in one run.

    python -m benchmarks.methods --data FOLDER

All start from one randomly initialised BERT and read the same batches of Wikipedia. The methods take turns, a few steps
each, so that a machine that slows down slows all of them; memory is that of a process of its own.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.conditions import conditions, ratio
from benchmarks.inputs import CORPUS, random_bert
from benchmarks.memory import peak
from methods.core.contract import Batch, Schedule, TrainedMethod, load_method
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from pipelines.main import run
from pipelines.params import method_names
from pipelines.sources.corpus import read_sentences

REFERENCE = "simcse"
LENGTH = 32  # word pieces, as in the papers
TURN = 4  # steps at a time


class Stepper:
    """One method in training: every call is a step.

    Args:
        name: of the method, at its defaults.
        model: the folder of the BERT to start from.
        sentences: the text; a batch is as many of them in a row.
        size: sentences a batch.
    """

    def __init__(self, name: str, model: Path, sentences: list[str], size: int) -> None:
        kind = load_method(name)
        assert issubclass(kind, TrainedMethod)
        torch.manual_seed(0)
        encoder = Encoder.load(model, "cls_before_pooler")
        self.tokens = TokenTable(sentences, encoder.tokenizer, LENGTH)
        schedule = Schedule(len(sentences) // size, size, LENGTH, len(sentences))
        self.method = kind(encoder, kind.Settings(), schedule).train()
        learnt = [p for p in self.method.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(learnt, lr=1e-5, fused=True)
        self.size, self.step = size, 0
        self.teacher: Tensor | None = None
        if self.method.settings.teacher:
            self.teacher = torch.nn.functional.normalize(torch.randn(len(sentences), encoder.dimension)).half()

    def __call__(self) -> None:
        """Forward, backward, and the optimiser."""
        rows = (np.arange(self.size) + self.step * self.size) % len(self.tokens)
        ids, mask = self.tokens.batch(rows)
        known = None if self.teacher is None else self.teacher[rows]
        loss, _ = self.method(Batch(ids, mask, torch.from_numpy(rows), known))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.step += 1


def times(steppers: dict[str, Stepper], rounds: int) -> dict[str, list[float]]:
    """Seconds a step of each method, one value a round."""
    found: dict[str, list[float]] = {name: [] for name in steppers}
    for step in steppers.values():
        step()  # the first allocates
    for _ in tqdm(range(rounds), desc="rounds", disable=None):
        for name, step in steppers.items():
            start = time.perf_counter()
            for _ in range(TURN):
                step()
            found[name].append((time.perf_counter() - start) / TURN)
    return found


def memory(name: str, model: Path, sentences: list[str], size: int) -> float:
    """MiB that training the method adds at most to the memory of a process; Linux alone tells."""
    Stepper(REFERENCE, model, sentences, size)  # imports what there is to import
    peak()
    before = peak()
    step = Stepper(name, model, sentences, size)
    for _ in range(TURN):
        step()
    return peak() - before


def main(arguments: Namespace) -> None:
    """Print a line a method."""
    names = [name for name in method_names() if issubclass(load_method(name), TrainedMethod)]
    if arguments.methods:
        names = [name for name in names if name in {REFERENCE, *arguments.methods}]
    sentences = read_sentences(arguments.data / CORPUS, 20_000)
    print(conditions())
    print(f"{arguments.layers} layers of {arguments.width}, batch {arguments.batch}")
    with random_bert(arguments.data, arguments.layers, arguments.width) as model:
        steppers = {name: Stepper(name, model, sentences, arguments.batch) for name in names}
        seconds = times(steppers, arguments.rounds)
        held = {}
        for name in tqdm(names, desc="memory", disable=None):
            with multiprocessing.get_context("spawn").Pool(1) as process:
                held[name] = process.apply(memory, (name, model, sentences, arguments.batch))
    print(f"{'method':<22}{'ms a step':>10}{'ratio':>7}{'MiB':>8}{'ratio':>7}")
    dear = {}
    for name in names:
        ratios = [mine / theirs for mine, theirs in zip(seconds[name], seconds[REFERENCE], strict=True)]
        dear[name] = statistics.median(ratios)
        print(
            f"{name:<22}{1000 * statistics.median(seconds[name]):>10.1f}{dear[name]:>7.2f}"
            f"{held[name]:>8.0f}{held[name] / held[REFERENCE]:>7.2f}",
            flush=True,
        )
    dearest = max(dear, key=lambda name: dear[name])
    what = f"time of a step of {dearest}, the dearest method at its defaults, to {REFERENCE}'s"
    print(ratio(dear[dearest], what))


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.methods`."""
    options = ArgumentParser("python -m benchmarks.methods", description="Cost of a step of every method.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds corpus/ and models/")
    options.add_argument("--methods", nargs="+", metavar="NAME", help="beside SimCSE (default: all)")
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--rounds", type=int, default=10)
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
