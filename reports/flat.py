"""Every record as one line of one table: the runs' and the studies'."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports.records import Record, Results

COLUMNS = {  # name to type; all but the seed may be missing
    "profile": "string", "study": "string", "cell": "Int64", "method": "string", "label": "string", "seed": "int64",
    **dict.fromkeys(Record.model_fields, "string"), "value": "Float64", "n": "Int64",
    "settings": "string", "params_hash": "string", "code_hash": "string", "data_hash": "string",
}  # fmt: skip
_READ: dict[str, Callable[[str], Any]] = {"cell": int, "seed": int, "value": float, "n": int}
_OWN = ("cell", "method", "seed", *Record.model_fields)  # of a study's columns; the others are the cell's settings


def frame(results: Results, studies: Sequence[Path]) -> pd.DataFrame:
    """One row a record, values unrounded; a missing value has its status and reason beside it.

    Args:
        results: the runs.
        studies: results/ablate/<study>.csv; their rows carry the settings of their cell, as JSON.
    """
    labels = {method.name: method.info.label for method in results.methods}
    profile = {"profile": results.provenance.profile}
    rows = [{**profile, **row} for row in _runs(results)]
    for file in studies:
        rows += [{**profile, "study": file.stem, "label": labels.get(row["method"]), **row} for row in _study(file)]
    table = pd.DataFrame(rows, columns=pd.Index(list(COLUMNS)))
    return table.astype(COLUMNS)


def _runs(results: Results) -> Iterable[dict[str, Any]]:
    for method in results.methods:
        for run in method.runs:
            origin = run.provenance.model_dump(include={"params_hash", "code_hash", "data_hash"})
            shared = {"method": run.method, "label": run.info.label, "seed": run.seed, **origin}
            for record in run.records:
                yield {**shared, **record.model_dump()}


def _study(file: Path) -> Iterable[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            settings = {name: _value(text) for name, text in line.items() if name not in _OWN}
            own = {name: _READ.get(name, str)(line[name]) if line.get(name) else None for name in _OWN}
            yield {**own, "settings": json.dumps(settings, sort_keys=True)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
