"""The points of benchmarks/scale.py: what is timed, each in a process of its own, by us and by a plain reference.

The reference for training is SimCSE with transformers' BertModel and eager attention: every row padded to the longest,
the text tokenised at once and kept as lists. That for stages is DVC as it is.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import chdir
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from benchmarks.memory import peak
from methods.core import trainer
from methods.core.contract import Batch, Schedule, TrainedMethod, load_trained
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.simcse import SimCSE
from pipelines.params import ROOT, Train
from pipelines.sources.corpus import stream

Measured = tuple[float, float | None]  # seconds of all processors, and MiB at most beyond model and optimiser

LENGTH = 32  # word pieces of a sentence
EPOCH_BATCH = 256  # in the runs over a whole text
STEPS = 5  # timed, after one that is not
STAGES = ("train", "evaluate", "mteb")  # of a method and a seed
TINY = ["a", "b"]  # a text whose training needs nothing but the model and its optimiser


def epoch(model: Path, corpus: Path, sentences: int) -> Measured:
    """Tokenise the text and train on it once, by the stages' own code."""
    encoder = Encoder.load(model, "cls_before_pooler")
    method = SimCSE(encoder, SimCSE.Settings(), Schedule(1, EPOCH_BATCH, LENGTH, sentences))

    def run(text: Iterable[str], count: int) -> None:
        tokens = TokenTable(text, encoder.tokenizer, LENGTH)
        recipe = Train(sentences=count, max_length=LENGTH, batch_size=EPOCH_BATCH, select="last")
        trainer.train(method, tokens, recipe, seed=0, look=None)

    held = _held(lambda: run(TINY, len(TINY)))
    return _seconds(lambda: run(stream(corpus, sentences), sentences)), peak() - held


def plain_epoch(model: Path, corpus: Path, sentences: int) -> Measured:
    """The same by the reference."""
    plain = _Plain(model)

    def run(text: list[str]) -> None:
        rows = plain.tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"]
        order = np.random.default_rng(0).permutation(len(rows))
        for start in range(0, len(rows), EPOCH_BATCH):
            plain.step([rows[i] for i in order[start : start + EPOCH_BATCH]])

    held = _held(lambda: run(TINY))
    return _seconds(lambda: run([*stream(corpus, sentences)])), peak() - held


def step(model: Path, corpus: Path, method: str, settings: dict[str, Any], size: int, length: int) -> Measured:
    """One training step of a method: forward, backward and the optimiser.

    Args:
        model: a folder.
        corpus: sentences, joined until every row is of `length`.
        method: its name.
        settings: its settings; the size of a queue counts as memory beyond the model.
        size: rows a batch.
        length: word pieces a row.
    """
    smallest = dict.fromkeys(settings, 2)

    def tiny() -> None:
        least = _Ours(model, method, smallest, 2, length)
        least.step(least.tokens(TINY))

    held = _held(tiny)
    ours = _Ours(model, method, settings, size, length)
    tokens = ours.tokens(_rows(corpus, size, length))
    return _seconds(lambda: ours.step(tokens), STEPS), peak() - held


def plain_step(model: Path, corpus: Path, size: int, length: int) -> Measured:
    """The same of SimCSE by the reference."""
    plain = _Plain(model)
    rows = plain.tokenizer(_rows(corpus, size, length), truncation=True, max_length=length)["input_ids"]
    held = _held(lambda: plain.step(plain.tokenizer(TINY)["input_ids"]))
    return _seconds(lambda: plain.step(rows), STEPS), peak() - held


def stages(runs: int, jobs: int | None) -> Measured:
    """The three stages that every method and seed has, each an empty command.

    Args:
        runs: methods times seeds.
        jobs: as `make repro` runs so many at a time; None: by DVC as it is.
    """
    command = [sys.executable, "-m", *(["pipelines.repro", "--jobs", str(jobs)] if jobs else ["dvc", "repro"])]
    matrix = {"matrix": {"run": [*range(runs)]}}
    train = {**matrix, "cmd": "touch train${item.run}", "outs": ["train${item.run}"]}
    described = {"train": train}
    for name in STAGES[1:]:
        own = {"cmd": f"touch {name}${{item.run}}", "outs": [f"{name}${{item.run}}"], "deps": train["outs"]}
        described[name] = {**matrix, **own}
    with TemporaryDirectory() as scratch, chdir(scratch):
        Path("dvc.yaml").write_text(yaml.safe_dump({"stages": described}), encoding="utf-8")
        run = partial(subprocess.run, check=True, capture_output=True)
        run([sys.executable, "-m", "dvc", "init", "--no-scm"])
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT)}
        return _seconds(lambda: run(command, env=environment)), None


class _Ours:
    def __init__(self, model: Path, name: str, settings: dict[str, Any], size: int, length: int) -> None:
        torch.manual_seed(0)
        kind, chosen = load_trained(name, settings, "benchmarks/scale.py")
        self.encoder = Encoder.load(model, "cls_before_pooler")
        self.method: TrainedMethod = kind(self.encoder, chosen, Schedule(STEPS + 1, size, length, size)).train()
        self.optimiser = torch.optim.AdamW([p for p in self.method.parameters() if p.requires_grad], fused=True)
        self.length = length

    def tokens(self, text: Sequence[str]) -> TokenTable:
        return TokenTable(text, self.encoder.tokenizer, self.length)

    def step(self, tokens: TokenTable) -> None:
        rows = np.arange(len(tokens))
        ids, mask = tokens.batch(rows)
        _descend(self.method(Batch(ids, mask, torch.from_numpy(rows)))[0], self.optimiser)


class _Plain:
    def __init__(self, model: Path) -> None:
        from transformers import AutoTokenizer, BertModel

        torch.manual_seed(0)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model)
        self.bert: Any = BertModel.from_pretrained(model, attn_implementation="eager").train()
        width = self.bert.config.hidden_size
        self.head = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.optimiser = torch.optim.AdamW([*self.bert.parameters(), *self.head.parameters()], fused=True)

    def step(self, rows: Sequence[list[int]]) -> None:
        batch = self.tokenizer.pad({"input_ids": [*rows, *rows]}, return_tensors="pt")
        first, second = F.normalize(self.head(self.bert(**batch).last_hidden_state[:, 0]), dim=1).chunk(2)
        _descend(F.cross_entropy(first @ second.T / 0.05, torch.arange(len(first))), self.optimiser)


def _descend(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()


def _rows(corpus: Path, count: int, length: int) -> list[str]:
    """As many texts, each of more words than it may have word pieces."""
    words = (word for sentence in stream(corpus) for word in sentence.split())
    return [" ".join(islice(words, length)) for _ in range(count)]


def _held(tiny: Callable[[], object]) -> float:
    """MiB that the process holds at most while it does next to nothing with the model and its optimiser."""
    tiny()  # imports and allocates
    gc.collect()
    peak()
    tiny()
    gc.collect()
    return peak()


def _seconds(work: Callable[[], object], repeats: int = 0) -> float:
    """Of doing it once; or the median of so often, after a first time.

    The time of the processors, ours and our children's: what else the machine does hardly changes it.
    """
    seconds = []
    for _ in range(1 + repeats):
        start = _spent()
        work()
        seconds.append(_spent() - start)
    return statistics.median(seconds[1:] or seconds)


def _spent() -> float:
    return time.process_time() + sum(os.times()[2:4])
