"""Stage train: one method, one seed."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eval.looks import SCORES, Looks
from methods.core.contract import MethodSettings, Schedule, TrainedMethod, load_trained
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.core.trainer import History, total_steps, train
from pipelines import atomic, device, launch, log, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import BACKBONE, CHECKPOINTS, DATA, run_of, teacher_of
from pipelines.seeding import seed_for
from pipelines.sources.corpus import stream


@dataclass(frozen=True)
class Run:
    """One training run, resolved: nothing is left to look up in params.yaml."""

    name: str
    method: type[TrainedMethod]
    settings: MethodSettings
    recipe: params.Train
    seed: int
    corpus: str
    checkpoint_seconds: float  # changes no result, so that no description or hash has it

    @classmethod
    def resolve(
        cls,
        settings: params.Params,
        name: str,
        seed: int,
        *,
        method: dict[str, Any],
        train: dict[str, Any],
        where: str | None = None,
    ) -> Run:
        """Apply a method's own recipe, then the given overrides of its settings and of the recipe.

        Raises:
            NegbenchError: as `load_trained` and `params.validate`, or the teacher is not there or embeds too little of
                the text; at `where`, by default the method's section.
        """
        where = where or f"params.yaml: methods.{name}"
        kind, chosen = load_trained(name, {**settings.methods.get(name, {}), **method}, where)
        overridden = {**settings.train.model_dump(), **chosen.train, **train}
        recipe = params.validate(params.Train, overridden, f"{where}.train")
        if chosen.teacher is not None:
            if chosen.teacher not in settings.teacher:
                next_step = nearest(chosen.teacher, settings.teacher)
                raise NegbenchError(f"no such teacher '{chosen.teacher}'", where, next_step)
            if recipe.sentences > (known := settings.train.sentences):
                what = f"{recipe.sentences} sentences, and the teacher embeds the first {known}"
                raise NegbenchError(what, f"{where}.train.sentences", "Lower it, or raise train.sentences.")
        return cls(name, kind, chosen, recipe, seed, settings.fetch.corpus, settings.checkpoint_seconds)

    def describe(self) -> dict[str, Any]:
        """The run as plain values, for run.json and for hashing."""
        return {
            "method": self.name,
            "seed": self.seed,
            "settings": json.loads(self.settings.model_dump_json(exclude={"train"})),
            "train": self.recipe.model_dump(mode="json"),
        }

    def key(self) -> str:
        """Hash of all that the run's weights depend on: settings, code, libraries, device, text, backbone and teacher.

        Raises:
            NegbenchError: one of the files is missing.
        """
        files = sorted(file for file in BACKBONE.rglob("*") if file.is_file())
        if not (BACKBONE / "config.json").is_file():
            raise NegbenchError("there is no backbone", BACKBONE, "Run `dvc repro backbone`.")
        if self.settings.teacher:
            files.append(teacher_of(self.settings.teacher))
        origin = [self.describe(), self.corpus, *map(provenance.file_hash, files)]
        code = [Path(__file__), params.ROOT / "eval", params.METHODS / f"{self.name}.py"]
        return provenance.weights_key(origin, code, device.best().type)


class Text:
    """The training text of a profile, tokenised once however many runs use it."""

    def __init__(self, settings: params.Params) -> None:
        self._settings = settings
        self._tables: dict[tuple[int, int], TokenTable] = {}

    def tokens(self, recipe: params.Train, tokenizer: Any) -> TokenTable:
        """The first `recipe.sentences` sentences, cut at `recipe.max_length` word pieces."""
        key = (recipe.sentences, recipe.max_length)
        if key not in self._tables:
            sentences = stream(self._settings.corpus, recipe.sentences)
            self._tables[key] = TokenTable(sentences, tokenizer, recipe.max_length)
        return self._tables[key]


def execute(run: Run, text: Text, progress: str) -> tuple[TrainedMethod, History]:
    """Train one run from the backbone; the method's encoder holds the chosen weights, unless the history says why not.

    The same run in another stage at the same time is waited for: both would go on from one checkpoint.

    Raises:
        NegbenchError: an input is missing or broken, or one of several processes ended early.
    """
    launch.check(run.recipe.processes)
    checkpoint = CHECKPOINTS / f"{run.name}-{run.seed}-{run.key()}.safetensors"
    with launch.alone(checkpoint.with_suffix(".lock"), f"the training of {progress}"):
        if run.recipe.processes > 1:  # they leave their last state as a checkpoint, which we go on from
            text.tokens(run.recipe, Encoder.load(BACKBONE).tokenizer)  # once for all of them
            launch.together(run.recipe.processes, _train, run, text, checkpoint, progress)
            if not checkpoint.is_file():
                raise NegbenchError("the processes left no state behind", checkpoint, "Run again.")
        return _train(run, text, checkpoint, progress)


def _train(run: Run, text: Text, checkpoint: Path, progress: str) -> tuple[TrainedMethod, History]:
    """The part of one process."""
    encoder = Encoder.load(BACKBONE, run.recipe.pooling)
    if run.recipe.max_length > encoder.max_length:
        what = f"max_length {run.recipe.max_length} exceeds the backbone's {encoder.max_length} word pieces"
        raise NegbenchError(what, f"methods.{run.name}.train or train", "Lower it.")
    tokens = text.tokens(run.recipe, encoder.tokenizer)
    torch.manual_seed(seed_for(run.seed, "init"))
    steps = total_steps(len(tokens), run.recipe)
    schedule = Schedule(steps, run.recipe.batch_size, run.recipe.max_length, len(tokens))
    method = run.method(encoder, run.settings, schedule).to(device.best())
    teacher = embedded(run.settings.teacher, len(tokens)) if run.settings.teacher else None
    history = train(
        method,
        tokens,
        run.recipe,
        seed=run.seed,
        look=looks(run.recipe),
        teacher=teacher,
        checkpoint=checkpoint,
        checkpoint_seconds=run.checkpoint_seconds,
        progress=progress,
    )
    return method, history


def embedded(name: str, sentences: int) -> NDArray[np.float16]:
    """What stage teacher wrote: (N, D) unit embeddings of the training text, on disk, N of `sentences` at least.

    Raises:
        NegbenchError: the file is missing or damaged, or holds fewer.
    """
    file, again = teacher_of(name), f"Run `dvc repro --force teacher@{name}`."
    try:
        found: NDArray[np.float16] = np.load(file, mmap_mode="r")
        if found.ndim != 2 or found.dtype != np.float16:
            raise ValueError(f"shape {found.shape} of {found.dtype}")
    except Exception as error:  # of whatever kind: a damaged header is parsed as Python
        raise NegbenchError("the embeddings of the teacher cannot be read", file, again) from error
    if len(found) < sentences:
        raise NegbenchError(f"the teacher embedded {len(found)} sentences and the run takes {sentences}", file, again)
    return found


def looks(recipe: params.Train) -> Looks | None:
    """What is scored while the run trains, what selects first; none where nothing is.

    Raises:
        NegbenchError: a set is missing: told now, not at the first look.
    """
    selecting = recipe.select.replace("-", "_")
    wanted = sorted(SCORES, key=lambda name: name != selecting) if recipe.watch else {selecting} & {*SCORES}
    return Looks(DATA, [*wanted]) if wanted else None


def stage(arguments: argparse.Namespace) -> None:
    """Train, and write the model's folder, the log, what the run was and the machine it ran on.

    A run that diverges is a result like any other: its status says so, and the model's folder is empty. What was scored
    on the way to it is no score of the method.
    """
    settings = params.load()
    run = Run.resolve(settings, arguments.method, arguments.seed, method={}, train={})
    provenance.check_data("corpus", "senteval")
    method, history = execute(run, Text(settings), f"{run.name} seed {run.seed}")
    chosen: dict[str, Any] = {"best_step": None, "best_score": None, "looks": []}
    if not history.failure:
        score = history.best_score if history.best_step else None
        chosen = {"best_step": history.best_step, "best_score": score, "looks": history.looks}
    facts = {
        **run.describe(),
        "label": run.method.label,
        "paper": run.method.paper,
        "trained": True,
        "status": "failed" if history.failure else "ok",
        "reason": history.failure,
        "collapsed_at": history.collapsed_at,
        "steps": len(history.rows),
        **chosen,
        **method.facts(),
    }
    with atomic.folder(run_of(run.name, run.seed)) as out:
        (out / "model").mkdir()
        if not history.failure:
            method.encoder.save(out / "model")
        log.write(out / "log.csv", history.rows)
        atomic.write_json(out / "run.json", facts)
        atomic.write_json(out / "machine.json", {**device.machine(), "processes": run.recipe.processes})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.train", description=__doc__)
    parser.add_argument("--method", required=True, help="a file in methods/")
    parser.add_argument("--seed", type=int, required=True)
    sys.exit(main.run(stage, parser))
