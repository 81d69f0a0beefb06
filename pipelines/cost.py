"""What the experiment in params.yaml will cost on this machine, stage by stage, from steps that are timed now.

    python -m pipelines.cost

Timed are: training steps of every method, batch and length, on random text of full length; embedding; and the fit of
classifiers to random embeddings. How many of each there are is counted from the settings and the published sizes of the
sets. The start of processes, downloads (`python -m pipelines.fetch --plan`) and the report come on top.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eval import selection
from eval.classifier import TRAINING
from eval.mteb_sets import word_pieces
from eval.senteval import SPLITS
from eval.transfer import FOLDS
from eval.transfer_sets import PUBLISHED, TASKS
from methods.core.bert import Bert
from methods.core.contract import Schedule, TrainedMethod
from methods.core.encoder import Encoder
from methods.core.masked_lm import MaskedLM
from methods.core.text import TokenTable
from methods.core.trainer import total_steps, train
from pipelines import ablate, device, main, params
from pipelines.backbone import architecture, initial, recipe_of
from pipelines.sources.published import EXPECTED_ROWS
from pipelines.train import Run

STEPS = 3  # timed, after as many that are not
PIECES = 24  # word pieces of a sentence that is scored
ROWS = 1_000  # of the embeddings that classifiers are fitted to
TEACHER = 384  # dimensions of a teacher, which cost next to nothing in training
_LONG = 256  # word pieces of a passage
_STS = sum(EXPECTED_ROWS[task]["test"] for task in SPLITS)  # pairs
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Item:
    """Stages of one kind: how many, the training steps of all of them together, and their seconds."""

    stage: str
    count: int
    steps: int
    seconds: float


class Bench:
    """Times things on this machine, each once."""

    def __init__(self, settings: params.Params) -> None:
        self._settings = settings
        self._steps: dict[tuple[Any, ...], float] = {}
        self._rates: dict[tuple[int, Path | None], float] = {}
        backbone = settings.backbone
        self.config = _config(backbone, backbone.folder if backbone.source == "folder" else None)
        self.longest: int = self.config.max_position_embeddings  # word pieces of a text

    def encoder(self, pooling: params.Pooling = "mean", model: Path | None = None) -> Encoder:
        """An encoder of the size of the backbone, or of a model's folder where that is here, with random weights."""
        config = self.config if model is None else _config(self._settings.backbone, model)
        return Encoder(Bert(config.to_dict(), pooler=True), _tokenizer(), pooling, self.longest)

    @cached_property
    def pretraining(self) -> float:
        """Seconds of a step of the backbone's pretraining."""
        from transformers import BertForMaskedLM

        chosen = self._settings.backbone
        recipe = recipe_of(chosen).model_copy(update={"sentences": STEPS * chosen.batch_size, "epochs": 1})
        encoder, head = initial(BertForMaskedLM(self.config), _tokenizer(), self.longest)
        return _seconds(MaskedLM(head, encoder, _schedule(recipe)), recipe)

    def step(self, run: Run) -> float:
        """Seconds of a step of the run's method, at its batch, length and precision; its switches count for little."""
        recipe = run.recipe.model_copy(update={"sentences": STEPS * run.recipe.batch_size, "epochs": 1})
        key = (run.name, recipe.batch_size, recipe.max_length, recipe.precision)
        if key not in self._steps:
            method = run.method(self.encoder(recipe.pooling), run.settings, _schedule(recipe))
            teacher = np.full((recipe.sentences, TEACHER), TEACHER**-0.5, np.float16) if run.settings.teacher else None
            self._steps[key] = _seconds(method, recipe, teacher)
        return self._steps[key]

    def rate(self, length: int, model: Path | None = None) -> float:
        """Word pieces embedded a second, in texts of a length; encoder as of `encoder`."""
        if (length, model) not in self._rates:
            encoder, text = self.encoder(model=model).to(device.best()).eval(), _Text(STEPS * 2048 // length, length)
            ids, mask = (x.to(device.best()) for x in text.batch())
            with torch.inference_mode():
                for _ in range(2):  # the first is not counted
                    began = time.perf_counter()
                    encoder(ids, mask).sum().item()
                    self._rates[length, model] = ids.numel() / (time.perf_counter() - began)
        return self._rates[length, model]

    @cached_property
    def fit(self) -> float:
        """Seconds of a classifier for one example of its set."""
        setting = self._settings.evaluate.transfer
        features = torch.randn(ROWS, self.encoder().dimension, generator=torch.Generator().manual_seed(0))
        began = time.perf_counter()
        selection.select({"all": features}, {"all": np.arange(ROWS) % 2}, 2, TRAINING[setting], FOLDS[setting])
        return (time.perf_counter() - began) / (selection.fits_of(("all",), FOLDS[setting]) * ROWS)


def _config(backbone: params.Backbone, folder: Path | None) -> Any:
    """The size of a given encoder by its folder; as long as that is not here, the backbone's by the profile."""
    from transformers import BertConfig

    size = architecture(backbone)
    file = folder / "config.json" if folder else None
    if file and file.is_file():
        given = BertConfig.from_json_file(file)
        size |= {name: getattr(given, name) for name in size}
    return BertConfig(**size)


def _seconds(method: TrainedMethod, recipe: params.Train, teacher: NDArray[np.float16] | None = None) -> float:
    """Of a step, in the loop that trains."""
    recipe = recipe.model_copy(update={"processes": 1, "select": "last"})
    text = cast("TokenTable", _Text(recipe.sentences, recipe.max_length))
    method = method.to(device.best())
    for _ in range(2):  # the first is not counted
        began = time.perf_counter()
        train(method, text, recipe, seed=0, look=None, teacher=teacher)
        took = time.perf_counter() - began
    return took / STEPS


def _schedule(recipe: params.Train) -> Schedule:
    return Schedule(STEPS, recipe.batch_size, recipe.max_length, recipe.sentences)


def _tokenizer() -> Any:
    """One that knows no words: the text is made of numbers."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={piece: number for number, piece in enumerate(_SPECIAL)})


class _Text:
    """Random word pieces, as a TokenTable gives them."""

    def __init__(self, count: int, length: int) -> None:
        self._ids = torch.randint(len(_SPECIAL), 30_000, (count, length), generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return len(self._ids)

    def batch(self, rows: NDArray[np.int64] | slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Ids and mask of some rows, both (n, L)."""
        ids = self._ids[rows]
        return ids, torch.ones_like(ids)


def items(settings: params.Params, bench: Bench) -> Iterator[Item]:
    """The stages that take time, in the order of the graph."""
    backbone, rate = settings.backbone, bench.rate(PIECES)
    dev, tests = (2 * PIECES * EXPECTED_ROWS["STSB"]["dev"] / rate, 2 * PIECES * _STS / rate)

    def trained(stage: str, runs: Sequence[Run], after: float) -> Item:
        """Steps, looks, and `after` of each run."""
        steps, seconds = 0, after * len(runs)
        for run in runs:
            own = total_steps(run.recipe.sentences, run.recipe)
            seen = (dev + tests) if run.recipe.watch else {"stsb-dev": dev, "sts-test": tests}.get(run.recipe.select, 0)
            steps += own
            seconds += own * bench.step(run) + -(-own // run.recipe.eval_every) * seen
        return Item(stage, len(runs), steps, seconds)

    if backbone.source == "pretrain":
        steps = total_steps(backbone.sentences, recipe_of(backbone))
        yield Item("backbone", 1, steps, steps * bench.pretraining)
    teachers = [bench.rate(PIECES, teacher.model) for teacher in settings.teacher.values()]
    yield Item("teacher", len(teachers), 0, sum(settings.train.sentences * PIECES / one for one in teachers))
    for name in settings.trained:
        runs = [Run.resolve(settings, name, seed, method={}, train={}) for seed in settings.seeds]
        yield trained(f"train {name}", runs, 0)
    encoders = len(settings.trained) * len(settings.seeds) + len(settings.untrained)
    embedded = PIECES * (2 * _STS + sum(map(_sentences, TASKS))) / rate
    fitted = bench.fit * sum(_rows_times_fits(task, FOLDS[settings.evaluate.transfer]) for task in TASKS)
    yield Item("evaluate, untrained", encoders, 0, encoders * (embedded + fitted))
    passage = min(settings.mteb.passage_length, bench.longest)
    searched = sum(word_pieces(task, passage) for task in settings.mteb.tasks)
    yield Item("mteb", encoders, 0, encoders * searched / bench.rate(min(_LONG, passage)))
    for name in settings.ablate:
        yield trained(f"ablate {name}", [run for _, run in ablate.runs(settings, name)], tests)


def _sentences(task: str) -> int:
    return sum(PUBLISHED[task].values()) * (2 if task == "MRPC" else 1)


def _rows_times_fits(task: str, folds: int) -> int:
    """Examples that all classifiers of a task are trained on."""
    parts = PUBLISHED[task]
    return selection.fits_of(parts, folds) * parts.get("all", parts.get("train", 0))


def cost(_: argparse.Namespace) -> None:
    """Print a line a stage, and the sum."""
    settings = params.load()
    bench, machine = Bench(settings), device.machine()
    hours = "GPU hours" if machine["device"] != "CPU" else "hours"
    print(
        f"Profile {settings.profile}, a backbone of {bench.config.num_hidden_layers} layers of "
        f"{bench.config.hidden_size}, "
        f"on {machine['platform']}, {machine['device']}, {machine['threads']} threads:"
    )
    print(f"{'stage':<40}{'runs':>6}{'steps':>13}{hours:>11}")
    seconds, models = 0.0, 1
    for item in items(settings, bench):
        print(_line(item.stage, f"{item.count:,}", f"{item.steps:,}" if item.steps else "", item.seconds), flush=True)
        seconds += item.seconds
        models += item.count * item.stage.startswith("train ")
    print(_line("together, one at a time", "", "", seconds))
    if unknown := [task for task in settings.mteb.tasks if not word_pieces(task, 1)]:
        print(f"Not counted, since mteb does not tell their size: {', '.join(unknown)}.")
    size = sum(weight.numel() * weight.element_size() for weight in bench.encoder().parameters()) / 1e9
    print(
        f"{models:,} models of {size:.2f} GB are kept, {models * size:.1f} GB in all, and as much again in DVC's cache"
    )
    print("where the file system has no reflinks. A run that trains holds a state of three to four models beside that.")


def _line(stage: str, count: str, steps: str, seconds: float) -> str:
    return f"{stage:<40}{count:>6}{steps:>13}{seconds / 3600:>11,.2f}"


if __name__ == "__main__":
    sys.exit(main.run(cost, argparse.ArgumentParser("python -m pipelines.cost", description=__doc__.split("\n\n")[0])))
