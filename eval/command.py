"""What the programs that score one model folder share: options, the encoder, and records on standard output."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pipelines.errors import NegbenchError
from pipelines.params import Pooling

if TYPE_CHECKING:
    from methods.core.encoder import Encoder


def options(prog: str, description: str, tasks: str, data: str = "a folder that holds senteval/") -> ArgumentParser:
    """The shared options; `tasks` says which tasks there are and `data` what the data folder holds."""
    parser = ArgumentParser(prog, description=description)
    parser.add_argument("--model", type=Path, required=True, help="a Hugging Face model folder")
    parser.add_argument("--data", type=Path, required=True, help=data)
    parser.add_argument(
        "--tasks", nargs="+", action="extend", metavar="TASK", help=f"separate by blanks or commas; {tasks}"
    )
    parser.add_argument("--pooling", help=f"in place of the model folder's own: {', '.join(get_args(Pooling))}")
    parser.add_argument("--json", action="store_true", help="print records in place of a table")
    return parser


def chosen_tasks(arguments: Namespace, every: Sequence[str]) -> list[str]:
    """The names after --tasks, each once in the order given; `every` without the option.

    Raises:
        NegbenchError: the option is there and names nothing.
    """
    if arguments.tasks is None:
        return [*every]
    names = (name.strip() for given in arguments.tasks for name in given.split(","))
    if not (tasks := [*dict.fromkeys(filter(None, names))]):
        raise NegbenchError("no task is named", "--tasks", f"Give some of {', '.join(every)}, or leave it out.")
    return tasks


def load_encoder(arguments: Namespace) -> Encoder:
    """The encoder that --model and --pooling name, on the best device; raises as `check_pooling` and `Encoder.load`.

    Without --pooling, the pooling is told on standard error: scores of two poolings do not compare.
    """
    from methods.core.encoder import Encoder, check_pooling  # slow to import, and an earlier error need not wait
    from pipelines import device

    pooling = check_pooling(arguments.pooling) if arguments.pooling else None
    encoder = Encoder.load(arguments.model, pooling).to(device.best())
    if pooling is None:
        _note(f"pooling {encoder.pooling}; --pooling chooses another")
    return encoder


def note_sizes(found: Mapping[str, Mapping[str, int]], published: Mapping[str, Mapping[str, int]]) -> None:
    """Tell on standard error which parts of tasks are larger or smaller than the published ones.

    They are generated, or files that lost lines. Both arguments give examples by task and part.
    """
    others = [
        f"{task} {part} ({size:,} examples, published {published[task][part]:,})"
        for task, parts in found.items()
        for part, size in parts.items()
        if size != published[task][part]
    ]
    if others:
        _note(f"not the published sets: {', '.join(others)}")


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def refuse_without_score(records: Sequence[Mapping[str, Any]], model: Path) -> None:
    """Let a program that has printed its scores end with an error if a task has none.

    Raises:
        NegbenchError: a task failed, or was skipped because its data are not to be had.
    """
    lacking = {row["task"]: row for row in records if row["status"] != "ok" and row["task"] != "avg"}
    if lacking:
        what = f"no score for {', '.join(lacking)}: {next(iter(lacking.values()))['reason']}"
        failed = any(row["status"] == "failed" for row in lacking.values())
        raise NegbenchError(what, model, "Check the model's weights." if failed else "Name others with --tasks.")


def print_records(records: Sequence[Mapping[str, Any]]) -> None:
    """Print records as JSON."""
    print(json.dumps({"records": records}, indent=2, sort_keys=True, allow_nan=False))
