"""The only reader of params.yaml: a typed view in which an unknown key is an error with a hint.

One class per stage, named as its section. Settings of a method live in the method's own file; this module knows
only that `methods.<name>` belongs to methods/<name>.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import DATA

ROOT = Path(__file__).resolve().parent.parent
PARAMS = Path("params.yaml")
METHODS = ROOT / "methods"

# From token states to a sentence; methods/core/encoder.py says what each does.
Pooling = Literal["cls", "cls_before_pooler", "mean", "first_last_avg"]


class Section(BaseModel):
    """Settings that reject what they do not know and never change after they were read."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")  # JSON has no infinity


class Generated(Section):
    """The generated world's size; see pipelines/sources/generated.py."""

    seed: int = 1
    corpus_sentences: int = Field(60_000, ge=1)
    pairs_per_subset: int = Field(200, ge=2)


Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what numpy takes
# What the hub calls a repository, a commit, and a file in it; a name of ours that becomes that of a folder.
Repository = Annotated[str, Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)?$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
HubPath = Annotated[str, Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")]
FolderName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]


class HubFile(Section):
    """One file of a data set's repository."""

    repo: Repository
    file: HubPath
    revision: Commit | None = None  # null: the newest at the first fetch, and that one from then on


class HubModel(Section):
    """A model's repository."""

    repo: Repository
    revision: Commit | None = None  # as of a file


class Hub(Section):
    """What source hub downloads; the sets of `mteb.tasks` come besides, at the revisions that mteb pins."""

    text: HubFile = HubFile(repo="princeton-nlp/datasets-for-simcse", file="wiki1m_for_simcse.txt")
    senteval: HubFile = HubFile(repo="princeton-nlp/datasets-for-simcse", file="senteval.tar")
    models: dict[FolderName, HubModel] = {}  # by the name of the folder in data/models/


class Fetch(Section):
    """Where data come from."""

    source: Literal["generated", "local", "hub"]
    path: Path | None = None  # local: the folder; null reads NEGBENCH_DATA
    corpus: str  # file under corpus/ that is trained on
    add: Path | None = None  # a folder whose beir/, and the text of that name in corpus/, come on top of the source's
    generated: Generated = Generated()
    hub: Hub = Hub()


class Backbone(Section):
    """The encoder that every method starts from: pretrained here, or a folder taken as it is."""

    source: Literal["pretrain", "folder"]
    folder: Path | None = None
    vocab: str | None = None  # a vocab.txt under data/; null trains a WordPiece vocabulary on the corpus
    vocab_size: int = Field(4_000, ge=200)
    layers: int = Field(2, ge=1)
    hidden: int = Field(128, ge=8)
    heads: int = Field(2, ge=1)
    max_positions: int = Field(128, ge=8)
    initializer_range: float = Field(0.02, gt=0)
    sentences: int = Field(60_000, ge=1)
    max_length: int = Field(32, ge=3)
    epochs: int = Field(1, ge=1)
    batch_size: int = Field(128, ge=1)
    lr: float = Field(1e-3, gt=0, allow_inf_nan=False)
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0

    @property
    def name(self) -> str:
        """What to call it: the folder's name, or the size of one of our own."""
        if self.source == "folder" and self.folder is not None:
            return self.folder.name
        return f"own BERT, {self.layers} layers of {self.hidden}"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.source == "folder" and self.folder is None:
            raise ValueError("source 'folder' needs backbone.folder")
        if self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} is not a multiple of heads {self.heads}")
        if self.max_length > self.max_positions:
            raise ValueError(f"max_length {self.max_length} exceeds max_positions {self.max_positions}")
        return self


class Teacher(Section):
    """An encoder whose similarities tell a method which negatives are close to the anchor."""

    model: Path | None = None  # a model folder; null is the frozen backbone
    pooling: Pooling = "mean"


class Train(Section):
    """One training run. A method overrides any of these under `methods.<name>.train`."""

    sentences: int = Field(ge=2)
    max_length: int = Field(32, ge=3)  # word pieces, [CLS] and [SEP] included
    batch_size: int = Field(64, ge=2)
    epochs: int = Field(1, ge=1)
    lr: float = Field(3e-5, gt=0, allow_inf_nan=False)
    warmup: float = Field(0.0, ge=0, lt=1)  # share of the steps over which the learning rate rises
    weight_decay: float = Field(0.0, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    eval_every: int = Field(125, ge=1)  # steps between two looks at the score that selects
    # Whose best checkpoint is kept: Spearman on STS-B dev, the average of the seven STS test sets (as MoCoSE's released
    # code does: never a fair number), or none, and the last weights are.
    select: Literal["stsb-dev", "sts-test", "last"] = "stsb-dev"
    # At each look, score STS-B dev and the seven STS test sets, both, to tell what the choice of checkpoint is worth.
    watch: bool = True
    precision: Literal["fp32", "bf16"] = "fp32"
    # Each embeds its share of a batch, and draws its own dropout, cut-offs and shuffles; the loss is the whole batch's.
    processes: int = Field(1, ge=1)
    # In training, under the method's own head, and at evaluation: one of those that a saved model can carry.
    pooling: Literal["cls_before_pooler", "mean"] = "cls_before_pooler"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.processes > self.batch_size:
            raise ValueError(f"processes {self.processes} exceeds batch_size {self.batch_size}")
        return self


class Evaluate(Section):
    """What is measured of every encoder."""

    histogram_sentences: int = Field(1_000, ge=2)  # training sentences behind the negative-similarity histogram
    fit_sentences: int = Field(20_000, ge=2)  # training sentences that an untrained method may fit itself to
    transfer: Literal["full", "fast"] = "full"  # SentEval's setting of the transfer tasks, as in SimCSE's tables
    poolings: list[Pooling] = []  # under which STS is scored again with the same weights, to tell what the choice costs


class Mteb(Section):
    """Retrieval and reranking: the sets, and where texts are cut."""

    tasks: list[str] = Field(min_length=1)  # names of MTEB's, or of folders in data/beir/
    query_length: int = Field(512, ge=3)  # word pieces, [CLS] and [SEP] included; a model's own limit may be lower
    passage_length: int = Field(512, ge=3)


class Significance(Section):
    """Which differences between trained methods are more than noise."""

    reference: str  # all others are compared with it, or with the first trained method where it is not trained
    resamples: int = Field(2_000, ge=100)  # of the pairs, examples and queries


class Study(Section):
    """One ablation: a method, the settings that vary from cell to cell, and the seeds of each cell."""

    method: str
    seeds: list[Seed] = Field(min_length=1)
    train: dict[str, Any] = {}  # overrides of `train` for every cell
    cells: list[dict[str, Any]] = Field(min_length=1)  # overrides of `methods.<method>`, its `train` too, one cell each

    @field_validator("cells")
    @classmethod
    def _recipes(cls, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for number, cell in enumerate(cells):
            if not isinstance(cell.get("train", {}), dict):
                raise ValueError(f"`train` of cell {number} holds no settings by name")
        return cells


class Params(Section):
    """params.yaml as a whole."""

    profile: str
    comparable: Literal["never", "direction", "yes"]  # may its numbers be held against the papers'?
    checkpoint_seconds: float = Field(60, ge=0)  # between two states to resume from: what a kill costs at most
    seeds: list[Seed] = Field(min_length=1)
    trained: list[str] = Field(min_length=1)
    untrained: list[str] = []
    fetch: Fetch
    backbone: Backbone
    teacher: dict[str, Teacher]  # by the name that a method's `similarity` gives it
    train: Train
    evaluate: Evaluate
    mteb: Mteb
    significance: Significance
    methods: dict[str, dict[str, Any]]
    ablate: dict[str, Study] = {}

    @property
    def corpus(self) -> Path:
        """The training text."""
        return DATA / "corpus" / self.fetch.corpus

    def data_files(self) -> Iterator[tuple[str, Path]]:
        """What settings name below data/ beside sets: the setting, and a file or folder relative to data/."""
        models = {f"teacher.{name}.model": teacher.model for name, teacher in self.teacher.items()}
        if self.backbone.source == "folder":
            models["backbone.folder"] = self.backbone.folder
        elif self.backbone.vocab is not None:
            yield "backbone.vocab", Path(self.backbone.vocab)
        for setting, folder in models.items():
            if folder is not None and folder.is_relative_to(DATA):
                yield setting, folder.relative_to(DATA)

    def sentences(self) -> Iterator[tuple[str, int]]:
        """How many sentences of the training text each setting asks for."""
        if self.backbone.source == "pretrain":
            yield "backbone.sentences", self.backbone.sentences
        yield "train.sentences", self.train.sentences
        for name in self.trained:
            yield from _sentences(f"methods.{name}.train.sentences", self.methods[name].get("train"))
        for name, study in self.ablate.items():
            method = self.methods[study.method].get("train")
            for cell in study.cells:
                yield from _sentences(f"ablate.{name}", method, study.train, cell.get("train"))
        yield "evaluate.histogram_sentences", self.evaluate.histogram_sentences
        if self.untrained:
            yield "evaluate.fit_sentences", self.evaluate.fit_sentences


def _sentences(setting: str, *recipes: Any) -> Iterator[tuple[str, int]]:
    """What the last of the recipes that says how many sentences asks for; what is no number, its own stage refuses."""
    said = [recipe["sentences"] for recipe in recipes if isinstance(recipe, Mapping) and "sentences" in recipe]
    with suppress(ValidationError):
        for count in said[-1:]:
            yield setting, TypeAdapter(int).validate_python(count)


S = TypeVar("S", bound=Section)


def validate(section: type[S], values: Mapping[str, Any], where: str) -> S:
    """Build a section from plain values.

    Args:
        section: the class to build.
        values: what the file says.
        where: dotted path of the section, for the error message ("params.yaml", "methods.mocose").

    Raises:
        NegbenchError: an unknown key (with the nearest valid one) or a value of the wrong kind; the first problem only.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        path = [str(part) for part in problem["loc"]]
        dotted = ".".join(path)
        if problem["type"] == "extra_forbidden":
            valid = _fields_at(section, path[:-1])
            raise NegbenchError(f"unknown setting '{dotted}'", where, nearest(path[-1], valid)) from None
        if problem["type"] == "missing":
            raise NegbenchError(f"setting '{dotted}' is missing", where, "Add it, or switch profile again.") from None
        message = problem["msg"].removeprefix("Value error, ")
        subject = f"setting '{dotted}': " if dotted else ""
        given = problem["input"]
        shown = "" if isinstance(given, Mapping) else f", got {given!r}"
        raise NegbenchError(f"{subject}{message}{shown}", where, "Correct the value.") from None


def load(path: Path = PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        NegbenchError: the file is missing or not YAML, a key is unknown, a value is of the wrong kind, a method has
            no file in methods/ or no settings.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NegbenchError("no settings here", path, "Run `make profile PROFILE=demo` in the repository.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError: not UTF-8, or the 13th month
        cause = " ".join(str(error).split())
        raise NegbenchError(f"not valid YAML: {cause}", path, "Correct it, or switch profile again.") from None
    if not isinstance(values, Mapping):
        raise NegbenchError("holds no settings", path, "Run `make profile PROFILE=demo` in the repository.")
    return check(values, str(path))


def check(values: Mapping[str, Any], where: str) -> Params:
    """Validate settings as read from a file, and that every name in them leads somewhere; raises as `load` does."""
    params = validate(Params, values, where)
    studied = [study.method for study in params.ablate.values()]
    for name in [*params.trained, *params.untrained, *params.methods, *studied, params.significance.reference]:
        check_method(name, where)
    for name in [*params.trained, *studied]:
        if name not in params.methods:
            next_step = f"Add `methods.{name}: {{}}`."
            if name in params.trained:
                next_step += " If it takes no training, list it under `untrained` instead."
            raise NegbenchError(f"method '{name}' has no settings", where, next_step)
    lists: dict[str, Sequence[Any]] = {
        "seeds": params.seeds,
        "trained": params.trained,
        "untrained": params.untrained,
        "evaluate.poolings": params.evaluate.poolings,
        "mteb.tasks": params.mteb.tasks,
        **{f"ablate.{name}.seeds": study.seeds for name, study in params.ablate.items()},
    }
    for key, values_of in lists.items():
        if len(set(values_of)) < len(values_of):
            raise NegbenchError(f"'{key}' names one entry twice", where, "Remove the duplicate.")
    return params


def method_names() -> list[str]:
    """Names of the methods: every file in methods/ that is not private."""
    return sorted(path.stem for path in METHODS.glob("*.py") if not path.stem.startswith("_"))


def check_method(name: str, where: str) -> None:
    """Raise a NegbenchError that offers the nearest name if methods/ has no such file."""
    names = method_names()
    if name not in names:
        raise NegbenchError(f"no such method '{name}'", where, nearest(name, names))


def _fields_at(section: type[BaseModel], path: list[str]) -> list[str]:
    """Valid keys of the (possibly nested) section that `path` leads to from `section`."""
    for part in path:
        field = section.model_fields.get(part)
        nested: Any = field.annotation if field else None
        for candidate in (nested, *getattr(nested, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                section = candidate
    return list(section.model_fields)
