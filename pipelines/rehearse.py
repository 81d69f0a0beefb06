"""A rehearsal: every stage of a profile from end to end, cut down to minutes on a CPU.

    python -m pipelines.rehearse paper

What a run of days would meet on its last day is met now: each stage, method, figure and study of the profile, a study
with both ends of its grid and each of its switches, in a copy of the repository under .rehearsal/, so that params.yaml
and results stay as they are. The backbone is a small BERT that has seen almost no text and stands in for the teachers
too, and the text is short, so the numbers mean nothing.
NEGBENCH_DATA, if set, names real data; else the text and the sets are generated.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from eval.mteb_sets import RERANKING, folder_name
from pipelines import device, locks, main, params, profile
from pipelines.errors import NegbenchError
from pipelines.git import git
from pipelines.sources.local import VARIABLE, texts

SENTENCES = 2_000
FOLDER = Path(".rehearsal")
VOCABULARY = "models/bert-base-uncased/vocab.txt"
BACKBONE: dict[str, Any] = {
    "source": "pretrain",
    "layers": 2,
    "hidden": 64,
    "heads": 2,
    "max_positions": 512,
    "sentences": SENTENCES,
}
SMALLER: dict[str, dict[str, Any]] = {  # by section, whatever the profile says
    "train": {"sentences": SENTENCES, "eval_every": 100},
    "evaluate": {"histogram_sentences": 200, "fit_sentences": SENTENCES, "transfer": "fast"},
    "significance": {"resamples": 200},
}


def cut(settings: dict[str, Any], source: Path | None) -> dict[str, Any]:
    """The settings of a rehearsal.

    Args:
        settings: a composed profile.
        source: a folder with real data, for a profile that wants them; None generates them.

    Raises:
        NegbenchError: the folder has no training text.
    """
    small = {name: {**settings[name], **changes} for name, changes in SMALLER.items()}
    if not device.has_bf16():
        small["train"]["precision"] = "fp32"
    small["seeds"] = settings["seeds"][:1]  # another one would find nothing more, and take a third longer
    small["backbone"] = {**BACKBONE, "lr": 1e-3, "max_length": settings["train"]["max_length"]}
    small["teacher"] = {name: {**teacher, "model": None} for name, teacher in settings["teacher"].items()}
    small["methods"] = {name: _shorter(method) for name, method in settings["methods"].items()}
    small["ablate"] = {
        name: _shorter({**study, "seeds": study["seeds"][:1], "cells": [*map(_shorter, _telling(study["cells"]))]})
        for name, study in settings["ablate"].items()
    }
    if source is None or settings["fetch"]["source"] == "generated":
        world = yaml.safe_load(profile.compose("demo", []))
        small |= {"fetch": world["fetch"], "mteb": {**settings["mteb"], "tasks": world["mteb"]["tasks"]}}
    else:
        tasks = _smallest(source, settings["mteb"]["tasks"])
        small |= {"fetch": {"source": "local", "corpus": _text(source, settings["fetch"]["corpus"])}}
        small["mteb"] = {"tasks": tasks, "query_length": 64, "passage_length": 64}
        if (source / VOCABULARY).is_file():
            small["backbone"]["vocab"] = VOCABULARY
    return {**settings, **small, "comparable": "never"}


def _shorter(section: dict[str, Any]) -> dict[str, Any]:
    """A method, study or cell without more text than there is, and without what takes this device too long."""
    dropped = {"sentences", "eval_every"} | (set() if device.has_bf16() else {"precision"})
    recipe = {key: value for key, value in section.get("train", {}).items() if key not in dropped}
    return {**section, "train": recipe} if "train" in section else section


def _telling(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first and the last cell, and each that sets what none before it does: another name or word."""
    seen: set[tuple[str, str | None]] = set()
    chosen = []
    for cell in cells:
        own = {(name, value if isinstance(value, str) else None) for name, value in cell.items()}
        if cell in (cells[0], cells[-1]) or own - seen:
            chosen.append(cell)
        seen |= own
    return chosen


def _smallest(source: Path, tasks: Sequence[str]) -> list[str]:
    """Of each kind of task the one with the smallest set here."""
    sizes = {task: source / "beir" / folder_name(task) / "corpus.jsonl" for task in tasks}
    here = sorted((file.stat().st_size, task) for task, file in sizes.items() if file.is_file())
    found = {task in RERANKING: task for _, task in reversed(here)}
    if not found:
        raise NegbenchError("none of the profile's sets is there", source / "beir", "Put one there.")
    return [*found.values()]


def _text(source: Path, wanted: str) -> str:
    names = texts(source)
    if not names:
        raise NegbenchError("there is no training text", source / "corpus", "Put one there: a sentence a line.")
    return wanted if wanted in names else names[0]


def rehearse(arguments: argparse.Namespace) -> None:
    """Copy the repository, cut the profile, run it, and say how long it took and where the report is."""
    source = os.environ.get(VARIABLE)
    settings = cut(
        yaml.safe_load(profile.compose(arguments.name, arguments.overrides)), Path(source) if source else None
    )
    params.check(settings, f"rehearsal of profile {arguments.name}")
    folder = (FOLDER / arguments.name).absolute()
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    if source:
        environment[VARIABLE] = str(Path(source).absolute())
    command = [sys.executable, "-m", "pipelines.repro", "--jobs", str(arguments.jobs)]
    with locks.alone(folder.with_suffix(".lock"), f"the rehearsal of profile {arguments.name}"):
        _copy(folder)
        (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        print(f"Rehearsing profile {arguments.name} in {folder.relative_to(Path.cwd())}", flush=True)
        began = time.monotonic()
        if subprocess.run(command, cwd=folder, env=environment, check=False).returncode:
            raise NegbenchError("the rehearsal failed", folder, "See above what failed.")
    minutes, report = (time.monotonic() - began) / 60, folder.relative_to(Path.cwd()) / "reports/build/report.pdf"
    print(f"Rehearsed profile {arguments.name} in {minutes:.1f} minutes. Its report: {report}")


def _copy(folder: Path) -> None:
    """What git has or would have of this repository, without results; what an earlier rehearsal made there goes."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "-z").decode().split("\0")[:-1]:
        if Path(name).is_file() and not name.startswith("results/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    git("init", "-q", str(folder))  # DVC and the report ask it


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m pipelines.rehearse", description=__doc__.split("\n\n")[0])
    parser.add_argument("name", help=f"one of: {', '.join(profile.names())}")
    told = "settings on top of the profile's; seeds, sizes, models and data are cut down all the same"
    parser.add_argument("overrides", nargs="*", default=[], metavar="key=value", help=told)
    parser.add_argument("--jobs", type=int, default=2, help="stages at a time (default: 2)")
    sys.exit(main.run(rehearse, parser))
