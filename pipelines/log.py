"""The per-step log of a run, one CSV that `dvc plots` draws."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def write(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write one line a step; a column that a step lacks is left empty. Without steps only `step,loss` is written."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["step", "loss"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
