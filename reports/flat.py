"""Every record as one line of one table: the runs' and the studies'."""

from __future__ import annotations

import csv
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Set
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from pipelines.errors import NegbenchError
from pipelines.provenance import params_hash
from reports.records import Info, Provenance, Record, Results

COLUMNS = {  # name to type; all but the seed may be missing
    "profile": "string", "study": "string", "cell": "Int64", "method": "string", "label": "string", "seed": "int64",
    **dict.fromkeys(Record.model_fields, "string"), "value": "Float64", "n": "Int64",
    "settings": "string", "protocol": "string",
    "params_hash": "string", "code_hash": "string", "data_hash": "string", "versions_hash": "string",
}  # fmt: skip
_NAMED = ["profile", "method", "seed", "task", "metric", "status"]
_TOLD = ["label", "protocol", "params_hash", "code_hash", "data_hash", "versions_hash"]
# Settings of the evaluation: those that change no other score, and which scores the others reach.
_MEASURED = {"tasks", "poolings", "histogram_sentences"}
_REACHES: dict[str, Callable[[Info, Record], bool]] = {
    "transfer": lambda _, record: record.metric in ("acc", "devacc", "f1"),
    "fit_sentences": lambda info, _: not info.trained,
}
_UNREADABLE = (
    OSError,
    EOFError,
    LZMAError,
    zlib.error,
    BadZipFile,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
)
_READ: dict[str, Callable[[str], Any]] = {"cell": int, "seed": int, "value": float, "n": int}
_OWN = ("cell", "method", "seed", *Record.model_fields)  # of a study's columns; the others are the cell's settings


def frame(results: Results, studies: Mapping[Path, Mapping[str, str]]) -> pd.DataFrame:
    """One row a record, values unrounded; a missing value has its status and reason beside it.

    Args:
        results: the runs.
        studies: results/ablate/<study>.csv, with the hashes of what each was run with. Of the settings, which are JSON,
            their rows carry those of their cell, and those of runs all.
    """
    labels = {method.name: method.info.label for method in results.methods}
    profile = {"profile": results.provenance.profile}
    rows = [{**profile, **row} for row in _runs(results)]
    for file, hashes in studies.items():
        told = {**profile, "study": file.stem, **hashes}
        rows += [{**told, "label": labels.get(row["method"]), **row} for row in _study(file)]
    table = pd.DataFrame(rows, columns=pd.Index(list(COLUMNS)))
    return table.astype(COLUMNS)


def read(file: Path) -> pd.DataFrame:
    """Read what `frame` was written to as CSV, plain or compressed by its name (.gz, .xz, .bz2, .zip).

    Raises:
        NegbenchError: not such a table, damaged, a value without its status or the reverse, or a score stands twice.
    """
    try:
        table = pd.read_csv(file, dtype=COLUMNS, encoding="utf-8")
        if missing := [name for name in COLUMNS if name not in table]:
            raise ValueError(f"no column {missing[0]}")
        if table.empty or table[_NAMED].isna().any(axis=None):
            raise ValueError("a score without a name, or none at all")
        if table.loc[table["study"].isna(), _TOLD].isna().any(axis=None):
            raise ValueError("a run without a label or a hash")
        if (table["value"].notna() != (table["status"] == "ok")).any() or table["value"].abs().eq(math.inf).any():
            raise ValueError("a value without the status ok, or the reverse")
        if table.loc[table["value"].isna(), "reason"].isna().any():
            raise ValueError("neither a value nor a reason")
        if table.duplicated(["study", "cell", "method", "seed", "task", "metric"]).any():
            raise ValueError("a score stands twice")
        if not all(isinstance(json.loads(text), dict) for text in table["settings"].dropna().unique()):
            raise ValueError("settings that are no JSON object")
    except _UNREADABLE as error:
        problem = " ".join(str(error).split())
        raise NegbenchError(f"not a table of records: {problem}", file, "Give the records.csv of a report.") from None
    return table[[*COLUMNS]]


def _runs(results: Results) -> Iterable[dict[str, Any]]:
    for method in results.methods:
        for run in method.runs:
            settings = json.dumps(run.info.all_settings, sort_keys=True)
            named = {"method": run.method, "label": run.info.label, "seed": run.seed, "settings": settings}
            for origin, part in ((run.provenance, run.evaluated), (run.search_provenance, run.searched)):
                for record in part:
                    other = _MEASURED | {name for name, reaches in _REACHES.items() if not reaches(run.info, record)}
                    yield {**named, **_origin(origin, other), **record.model_dump()}


def _origin(found: Provenance | None, other: Set[str]) -> dict[str, str]:
    """How a score was measured, without settings of `other` scores, and the hashes of what it depends on."""
    assert found is not None  # there are no scores of retrieval without it
    protocol = {name: value for name, value in found.evaluation.items() if name not in other}
    return {
        **found.model_dump(include={"params_hash", "code_hash", "data_hash"}),
        "protocol": json.dumps(protocol, sort_keys=True),
        "versions_hash": params_hash(found.versions),
    }


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
