"""What the papers report: the schema of reports/paper/*.yaml and its loader.

A number enters with its source and its certainty or not at all; each file begins with the codes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import NegbenchError
from reports.families import STS, TRANSFER, Family

Certainty = Literal["A", "A-fig", "B", "C"]
Metric = Literal["spearman_all", "spearman_mean", "spearman_wmean"]
METRIC: Metric = "spearman_all"  # of the papers' STS tables, so of ours


class Strict(BaseModel):
    """A part of a paper file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Value(Strict):
    """One number with where it was read."""

    value: float
    source: str
    certainty: Certainty
    where: str | None = None  # table or figure


class Protocol(Strict):
    """How a number was measured; null where the paper does not say."""

    pooling: str | None
    aggregation: str | None  # how the subsets of STS12-16 become one score
    selection: str | None  # which checkpoint is reported
    split: Literal["dev", "test"] | None
    noise: Value | None = None  # half the spread of the paper's own numbers for one setting


class Row(Strict):
    """One line of a table of scores; source, certainty and protocol hold for all its cells.

    A cell with a source of its own overrides the row's.
    """

    family: ClassVar[Family]  # the table that it is a line of
    id: str
    label: str
    methods: tuple[str, ...] = ()  # names of our methods that the line speaks of
    backbone: str
    protocol: str  # key into the paper's protocols
    where: str
    source: str
    certainty: Certainty
    metric: str
    repeats: str | None = None  # id of the row, in another paper's file, that this line copies
    seeds: int | None = None  # runs behind the number, if stated
    avg: float | Value | None

    def cell(self, task: str) -> Value | None:
        """The number for `task` with its source; None where the paper leaves the cell out."""
        found: float | Value | None = getattr(self, task)
        if isinstance(found, float):
            return Value(value=found, source=self.source, certainty=self.certainty, where=self.where)
        return found


class StsRow(Row):
    """Spearman's rho times 100."""

    family = STS
    metric: Metric
    STS12: float | Value | None
    STS13: float | Value | None
    STS14: float | Value | None
    STS15: float | Value | None
    STS16: float | Value | None
    STSB: float | Value | None
    SICKR: float | Value | None


class TransferRow(Row):
    """Accuracies in per cent: on the test part (acc), or in cross-validation on the training part (devacc)."""

    family = TRANSFER
    metric: Literal["acc", "devacc"]
    MR: float | Value | None
    CR: float | Value | None
    SUBJ: float | Value | None
    MPQA: float | Value | None
    SST2: float | Value | None
    TREC: float | Value | None
    MRPC: float | Value | None


class Block(Strict):
    """Numbers of one table or figure that are no line of STS scores: settings in, value (and band) out."""

    id: str
    label: str
    study: str | None = None  # our ablation that measures the same
    where: str
    source: str
    certainty: Certainty
    task: str
    metric: Metric
    protocol: str
    seeds: int | None = None
    columns: list[str]
    cells: list[list[float]] = Field(min_length=1)

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        if "value" not in self.columns:
            raise ValueError(f"block '{self.id}' has no column 'value'")
        if any(len(cell) != len(self.columns) for cell in self.cells):
            raise ValueError(f"block '{self.id}' has a cell that does not fill its {len(self.columns)} columns")
        return self

    def column(self, name: str) -> list[float]:
        """Values of one column, in the order of the cells."""
        index = self.columns.index(name)
        return [cell[index] for cell in self.cells]


class Reproduction(Strict):
    """What others got when they ran the method of `row` again: one number a run, or a range."""

    row: str
    values: list[float] = []
    range: tuple[float, float] | None = None
    setting: str
    source: str
    certainty: Certainty

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if bool(self.values) == (self.range is not None):
            raise ValueError("a reproduction holds either 'values' or a 'range'")
        return self


class Claim(Strict):
    """A statement without a number: the direction that an experiment should show."""

    id: str
    statement: str
    family: Literal["sts", "transfer", "retrieval", "reranking"]
    direction: Literal["higher", "lower"]
    methods: list[str]
    source: str
    certainty: Certainty


class Paper(Strict):
    """One file of reports/paper/."""

    key: str
    name: str
    citation: str
    sources: dict[str, str]  # short-hand to what it stands for; every `source` begins with one
    protocols: dict[str, Protocol]
    rows: list[StsRow]
    transfer: list[TransferRow]
    numbers: list[Block]
    reproductions: list[Reproduction]
    claims: list[Claim]

    @property
    def lines(self) -> list[Row]:
        """The rows of all tables."""
        return [*self.rows, *self.transfer]

    @model_validator(mode="after")
    def _refers(self) -> Self:
        cells = [cell for row in self.lines for cell in map(row.cell, row.family.labels) if cell]
        sources = [row.source for row in self.lines] + [cell.source for cell in cells]
        sources += [block.source for block in self.numbers] + [other.source for other in self.reproductions]
        sources += [claim.source for claim in self.claims]
        sources += [protocol.noise.source for protocol in self.protocols.values() if protocol.noise]
        for source in sources:
            if not source.startswith(tuple(self.sources)):
                raise ValueError(f"source '{source}' begins with no key of 'sources'")
        used = {row.id: row.protocol for row in self.lines} | {block.id: block.protocol for block in self.numbers}
        for id_, protocol in used.items():
            if protocol not in self.protocols:
                raise ValueError(f"'{id_}' has the protocol '{protocol}', which is not under 'protocols'")
        if len(used) < len(self.lines) + len(self.numbers):
            raise ValueError("two rows or blocks share an id")
        return self


def load(file: Path) -> Paper:
    """Read and check one paper file.

    Raises:
        NegbenchError: not YAML, an unknown or missing key, a number without source or certainty, or a source
            whose short-hand is not explained; the first problem only.
    """
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NegbenchError(f"not valid YAML: {' '.join(str(error).split())}", file, "Correct it.") from None
    try:
        return Paper.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        dotted = ".".join(str(part) for part in problem["loc"])
        what = f"{dotted}: {problem['msg']}" if dotted else problem["msg"].removeprefix("Value error, ")
        raise NegbenchError(what, file, "Give every number its source and certainty.") from None


def load_all(folder: Path) -> list[Paper]:
    """Every paper file of a folder, by file name.

    Raises:
        NegbenchError: a file is not valid, or `repeats` names a row that no file has.
    """
    papers = [load(file) for file in sorted(folder.glob("*.yaml"))]
    if not papers:
        raise NegbenchError("no paper files here", folder, "Give the folder that holds <paper>.yaml.")
    ids = {row.id for paper in papers for row in paper.lines}
    for paper in papers:
        for row in paper.lines:
            if row.repeats and row.repeats not in ids:
                raise NegbenchError(f"row '{row.id}' repeats an unknown row '{row.repeats}'", folder, "Correct it.")
    return papers
