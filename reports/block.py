"""One table or figure of a paper that is no line of task scores: settings in, values out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from reports.families import STS, TRANSFER

Certainty = Literal["A", "A-fig", "B", "C"]
Spearman = Literal["spearman_all", "spearman_mean", "spearman_wmean"]
Metric = (
    Spearman
    | Literal["acc", "devacc"]
    | Literal["alignment_all", "alignment_positive", "uniformity_all_batches", "uniformity_positive_batches"]
    | Literal["singular_value", "loss", "seconds_per_step", "minutes"]
)
Study = Literal[
    "queue_distance", "ema_decay", "queue_fill", "queue_slices", "projector_predictor", "augmentation", "fgsm",
    "batch_size", "out_size", "collapse", "collapse_released", "softcse_sharpness", "softcse_temperature_sharpness",
    "softcse_similarity", "temperature", "kmeans_queue", "fidelity",
]  # fmt: skip

TASKS = (*STS.labels, *TRANSFER.labels)
# Columns with values of the block's task: a mean, its band, and the five numbers of a box plot.
VALUES = ("value", "low", "high", "min", "q1", "median", "q3", "max")


def _number(cell: Any) -> Any:
    """Text that reads as a number is one: in a CSV file, and in YAML, to which 5e-9 is a text."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


Cell = Annotated[float | Annotated[str, Field(min_length=1)], BeforeValidator(_number)]


class Strict(BaseModel):
    """A part of a paper file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Block(Strict):
    """Columns that bear the name of a task or of VALUES hold the numbers; any other is a setting.

    Settings are named as ours where we have them. `csv` names a file beside the paper's that holds the cells, under a
    line with the columns.
    """

    id: str
    label: str
    study: Study | None = None  # our ablation that measures the same
    where: str
    source: str
    certainty: Certainty
    task: str | None = None  # of the VALUES: one of TASKS, "geometry" or "training"; none where columns are tasks
    metric: Metric
    protocol: str | None = None  # none where no sentences are scored
    seeds: int | None = None  # runs behind each number, if known
    settings: dict[str, Cell] = {}  # that all cells share, as far as known
    note: str | None = None
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_csv(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, dict) or "csv" not in values:
            return values
        if "columns" in values or "cells" in values:
            raise ValueError("a block has either 'csv' or 'columns' and 'cells'")
        if not isinstance(values["csv"], str):
            raise ValueError("'csv' names no file")
        folder: Any = info.context
        columns, *cells = _read_csv(folder / values["csv"])
        rest = {key: value for key, value in values.items() if key != "csv"}
        return {**rest, "columns": columns, "cells": cells}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problem := self._problem():
            raise ValueError(f"block '{self.id}' {problem}")
        return self

    def _problem(self) -> str | None:
        numbers = [name for name in self.columns if name in (*VALUES, *TASKS)]
        if any(len(cell) != len(self.columns) for cell in self.cells):
            return f"has a cell that does not fill its {len(self.columns)} columns"
        if len(set(self.columns)) < len(self.columns):
            return "has a column twice"
        # Settings are in lower case and tasks, but for the average, in capitals.
        if unknown := [name for name in self.columns if name not in numbers and not name.islower()]:
            return f"has an unknown task '{unknown[0]}' among its columns"
        if not numbers:
            return f"has no column with numbers: 'value' or another of {', '.join(VALUES[1:])}, or a task"
        if any(name in VALUES for name in numbers) == (self.task is None):
            return "names a task where its columns hold the numbers, or names none where 'value' needs one"
        if self.task not in (None, "geometry", "training", *TASKS):
            return f"has an unknown task '{self.task}'"
        if self.protocol is None and self.metric.startswith("spearman"):
            return "holds scores and has no protocol"
        for name in self.columns:
            texts = [cell for cell in self.column(name) if isinstance(cell, str)]
            if texts and (name in numbers or len(texts) < len(self.cells)):
                return f"has the text '{texts[0]}' among the numbers of '{name}'"
        return None

    def column(self, name: str) -> list[Any]:
        """One column in the order of the cells: numbers, or texts for a setting that is not a number."""
        index = self.columns.index(name)
        return [cell[index] for cell in self.cells]


def _read_csv(file: Path) -> list[list[str]]:
    """The lines of a CSV file, the columns' names first.

    Raises:
        ValueError: it is missing or empty, or a line is longer or shorter than the first.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", error)
        raise ValueError(f"cannot read {file.name}: {reason}") from None
    if not lines:
        raise ValueError(f"{file.name} is empty")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise ValueError(f"{file.name}, line {number}: {len(line)} cells under {len(lines[0])} columns")
    return lines
