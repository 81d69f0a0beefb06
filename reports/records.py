"""What was measured: the runs under results/<method>/<seed>/, checked to belong together.

The report sees these records and nothing else of a run: no model, no data.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError, model_validator

from pipelines.errors import NegbenchError

STUDIES = "ablate"  # results/ablate/ holds studies

NOT_THERE = "not there"  # why a run or a study is left out

_SHARED = ("profile", "comparable", "data_hash")  # what all results of one report have in common

Comparable = Literal["never", "direction", "yes"]
Status = Literal["ok", "failed", "skipped"]


class Stored(BaseModel):
    """A part of a results file. Keys that the report does not read are allowed: they are others' business."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Record(Stored):
    """One score: a value (x100, but for geometry), or the reason why there is none."""

    task: str
    metric: str
    value: float | None
    status: Status
    reason: str | None
    n: int | None  # scored pairs, test examples or queries

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.value is not None) != (self.status == "ok"):
            raise ValueError(f"{self.task} is '{self.status}' with the value {self.value}")
        if self.status != "ok" and not self.reason:
            raise ValueError(f"{self.task} is '{self.status}' without a reason")
        return self


class Provenance(Stored):
    """Where a run's records come from."""

    profile: str
    comparable: Comparable
    backbone: str | None = None  # the papers' name of it, such as bert-base-uncased
    evaluation: dict[str, Any] = {}  # settings of the evaluation
    params_hash: str
    code_hash: str
    data_hash: str
    versions: dict[str, str]


class Look(Stored):
    """What the scores that can choose a checkpoint were at one step; None where not looked at or not defined."""

    step: int
    stsb_dev: float | None = None
    sts_test: float | None = None  # the average of the seven

    def score(self, rule: str) -> float | None:
        """The score by which a rule of `train.select` chooses; "last" has none."""
        value: float | None = getattr(self, rule.replace("-", "_"), None)
        return value


def chosen_by_test(settings: Mapping[str, Any]) -> bool:
    """Whether a run with these settings keeps the checkpoint that the STS test scores choose."""
    return bool(settings.get("select") == "sts-test")


class Info(Stored):
    """What a run was: its printed name, the paper it follows and its settings."""

    label: str
    paper: str | None = None
    trained: bool = True
    d_trace: float | None = None
    best_step: int | None = None
    steps: int | None = None
    status: Status = "ok"  # failed: the training diverged, and there is no model
    collapsed_at: int | None = None  # the first step at which all sentences had one embedding
    looks: list[Look] = []
    settings: dict[str, Any] = {}  # the method's own
    train: dict[str, Any] = {}  # the recipe

    @property
    def all_settings(self) -> dict[str, Any]:
        """The method's and its recipe's."""
        return self.train | self.settings

    @property
    def by_test(self) -> bool:
        """Whether the STS test scores themselves chose the weights."""
        return chosen_by_test(self.all_settings)

    def setting(self, name: str) -> Any:
        """A setting of the method or of its recipe; None if neither has it."""
        return self.all_settings.get(name)


class Negatives(Stored):
    """Histogram of the cosines between different training sentences, before and after training."""

    edges: list[float]
    before: list[float]
    after: list[float]
    mean_before: float
    mean_after: float
    std_before: float
    std_after: float
    n: int


class _NegativesFile(RootModel[Negatives | None]):
    """A histogram; null where training diverged."""


class Spectrum(Stored):
    """Singular values of the embeddings of STS-B, largest first."""

    singular_values: list[float]


class _RecordsFile(Stored):
    provenance: Provenance
    records: list[Record]


@dataclass(frozen=True)
class Run:
    """One method with one seed."""

    method: str
    seed: int
    info: Info
    provenance: Provenance
    evaluated: tuple[Record, ...]
    search_provenance: Provenance | None
    searched: tuple[Record, ...]  # retrieval and reranking
    negatives: Negatives | None
    spectrum: Spectrum | None

    @property
    def records(self) -> tuple[Record, ...]:
        """All scores."""
        return self.evaluated + self.searched

    def score(self, task: str, metric: str) -> Record | None:
        """The record of one task; None if the run was never evaluated on it."""
        return next((record for record in self.records if (record.task, record.metric) == (task, metric)), None)


@dataclass(frozen=True)
class Method:
    """The runs of one method, by seed."""

    name: str
    runs: tuple[Run, ...]

    @property
    def info(self) -> Info:
        """Label, paper and settings, which the seeds share."""
        return self.runs[0].info

    @property
    def trained(self) -> bool:
        """False for a baseline that is evaluated as it is."""
        return self.info.trained

    def values(self, task: str, metric: str) -> dict[int, float]:
        """The score of each seed that has one on a task."""
        found = {run.seed: run.score(task, metric) for run in self.runs}
        return {seed: record.value for seed, record in found.items() if record and record.value is not None}

    @property
    def fingerprint(self) -> str:
        """A hash of all scores: what was worked out from them holds as long as it stays the same."""
        scores = [[run.seed, one.task, one.metric, one.value] for run in self.runs for one in run.records]
        return hashlib.sha256(json.dumps(scores).encode()).hexdigest()


@dataclass(frozen=True)
class Expected:
    """Hashes that a run's records must carry: those of STS, transfer and geometry, and those of retrieval."""

    evaluated: Mapping[str, str]
    searched: Mapping[str, str]


@dataclass(frozen=True)
class LeftOut:
    """Records that count nowhere, because they are not there or not of the present settings, code and data."""

    what: str  # a run or a study
    why: str


@dataclass(frozen=True)
class Results:
    """Everything measured under one profile."""

    methods: tuple[Method, ...]
    warnings: dict[str, str]  # method to what its seeds disagree in
    left_out: tuple[LeftOut, ...] = ()

    @property
    def provenance(self) -> Provenance:
        """Provenance of the first run; profile, comparability and data are the same in all."""
        return self.methods[0].runs[0].provenance

    def method(self, name: str) -> Method | None:
        """The method of that name; None if it has no run."""
        return next((method for method in self.methods if method.name == name), None)

    def ours(self, *, trained: bool) -> list[Method]:
        """Trained methods or untrained baselines."""
        return [method for method in self.methods if method.trained == trained]


def load(folder: Path, wanted: Mapping[str, Mapping[int, Expected]] | None = None) -> Results:
    """Read every run.

    Args:
        folder: holds <method>/<seed>/.
        wanted: the runs that count, by method and seed, with the hashes of their records. Others, such as those of an
            earlier profile, are not read; missing and stale ones are listed as left out. None reads all there are.

    Raises:
        NegbenchError: there is none, a file is missing or not as the classes above say, a seed is no number, a score
            stands twice, or runs disagree in profile, comparability or data.
    """
    runs, left_out = [], []
    if wanted is None:
        runs = [_run(file.parent) for file in sorted(folder.glob("*/*/records.json"), key=_by_seed)]
    for method, seeds in sorted((wanted or {}).items()):
        for seed, expected in sorted(seeds.items()):
            run, why = _fresh(folder / method / str(seed), expected)
            runs += [run] if run else []
            left_out += [LeftOut(f"{method}, seed {seed}", why)] if why else []
    if not runs:
        why = next((one.why for one in left_out if one.why != NOT_THERE), "")
        what = f"the results here are {why}" if why else "no results here"
        raise NegbenchError(what, folder, "Run `dvc repro` first.")
    next_step = "Run `dvc repro`; remove the folder of a method or seed that params.yaml no longer names."
    for field in _SHARED:
        first, *others = runs
        for run in others:
            ours, theirs = (getattr(one.provenance, field) for one in (first, run))
            if ours != theirs:
                pair = f"{first.method}/{first.seed} has '{ours}', {run.method}/{run.seed} has '{theirs}'"
                raise NegbenchError(f"the runs differ in {field}: {pair}", folder, next_step)
    grouped = groupby(runs, key=lambda run: run.method)
    methods = tuple(Method(name, tuple(found)) for name, found in grouped)
    warnings = {method.name: text for method in methods if (text := _disagreement(method))}
    return Results(methods, warnings, tuple(left_out))


def _by_seed(file: Path) -> tuple[str, int]:
    method, seed = file.parent.parent.name, file.parent.name
    if not seed.isdecimal():
        raise NegbenchError(f"'{seed}' is no seed", file.parent, "Results lie in <method>/<seed>/.")
    return method, int(seed)


def _fresh(folder: Path, expected: Expected) -> tuple[Run | None, str]:
    """The run without what is stale in it, None if nothing is left, and what was left out and why."""
    if not (folder / "records.json").is_file():  # git alone leaves folders with metrics.json and no records
        return None, NOT_THERE
    run = _run(folder)
    if other := changed(vars(run.provenance), expected.evaluated):
        return None, f"stale, of other {other}"
    if run.search_provenance and (other := changed(vars(run.search_provenance), expected.searched)):
        return replace(run, searched=()), f"retrieval and reranking stale, of other {other}"
    return run, ""


def changed(found: Mapping[str, Any], expected: Mapping[str, str]) -> str:
    """What records were made with that is not so today, by their hashes: "settings and code", empty if nothing."""
    names = {"params_hash": "settings", "code_hash": "code", "data_hash": "data"}
    return " and ".join(name for key, name in names.items() if found[key] != expected[key])


def _run(folder: Path) -> Run:
    stored = read(_RecordsFile, folder / "records.json")
    negatives, spectrum, search = (folder / name for name in ("negatives.json", "spectrum.json", "mteb/records.json"))
    searched = read(_RecordsFile, search) if search.is_file() else None
    if searched:
        for field in _SHARED:
            if getattr(searched.provenance, field) != getattr(stored.provenance, field):
                raise NegbenchError(
                    f"{field} differs from that in {folder / 'records.json'}", search, "Run `dvc repro`."
                )
    _once(stored.records, folder / "records.json")
    _once(searched.records if searched else [], search)
    return Run(
        method=folder.parent.name,
        seed=int(folder.name),
        info=read(Info, folder / "run.json"),
        provenance=stored.provenance,
        evaluated=tuple(stored.records),
        search_provenance=searched.provenance if searched else None,
        searched=tuple(searched.records) if searched else (),
        negatives=read(_NegativesFile, negatives).root if negatives.is_file() else None,
        spectrum=read(Spectrum, spectrum) if spectrum.is_file() else None,
    )


def _once(found: Sequence[Record], file: Path) -> None:
    names = Counter((record.task, record.metric) for record in found)
    task, metric = max(names, key=lambda name: names[name], default=("", ""))
    if names[task, metric] > 1:
        raise NegbenchError(f"{task} has {metric} twice", file, "Run `dvc repro` for this method again.")


S = TypeVar("S", bound=BaseModel)


def read(kind: type[S], file: Path) -> S:
    """Read one results file.

    Raises:
        NegbenchError: it is missing, not JSON, or not as `kind` says.
    """
    try:
        return kind.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        what = "the file is missing"
    except ValidationError as error:  # a ValueError too
        problem = error.errors()[0]
        dotted, said = ".".join(str(part) for part in problem["loc"]), problem["msg"].removeprefix("Value error, ")
        what = f"{dotted}: {said}" if dotted else said
    except (ValueError, RecursionError) as error:
        what = f"not valid JSON: {error}"
    raise NegbenchError(what, file, "Run `dvc repro` for what wrote it again.")


def _disagreement(method: Method) -> str | None:
    """What the seeds of a method should share and do not. Their mean then mixes two experiments.

    The hash of a run's params covers its seed, so the settings themselves are compared.
    """
    shared: dict[str, list[Any]] = {
        "settings": [(run.info.settings, run.info.train, run.provenance.backbone) for run in method.runs],
        "code": [run.provenance.code_hash for run in method.runs],
        "library versions": [run.provenance.versions for run in method.runs],
    }
    differing = [what for what, values in shared.items() if any(value != values[0] for value in values)]
    return f"its seeds differ in {' and '.join(differing)}" if differing else None
