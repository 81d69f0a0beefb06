"""What the papers report: the schema of reports/paper/*.yaml and its loader.

A number enters with its source and its certainty or not at all; each file begins with the codes.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from pipelines.errors import NegbenchError
from reports.block import Block, Certainty, Spearman, Strict
from reports.families import AVERAGE, STS, TRANSFER
from reports.rules import Rule

METRIC: Spearman = "spearman_all"  # of the papers' STS tables, so of ours


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


class Row(Strict, ABC):
    """One line of a table of scores; source, certainty and protocol hold for all its cells.

    A cell with a source of its own overrides the row's.
    """

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
    noise: Value | None = None  # how far two averages of this setting typically lie apart, by those that are known
    note: str | None = None
    avg: float | Value | None

    @property
    @abstractmethod
    def tasks(self) -> tuple[str, ...]:
        """The columns of its table; the average is the last."""

    def score(self, task: str) -> float | Value | None:
        """The number for `task` as entered."""
        found: float | Value | None = getattr(self, task)
        return found

    def cell(self, task: str) -> Value | None:
        """The number for `task` with its source; None where the paper leaves the cell out."""
        found = self.score(task)
        if isinstance(found, float):
            return Value(value=found, source=self.source, certainty=self.certainty, where=self.where)
        return found


class StsRow(Row):
    """Spearman's rho times 100."""

    metric: Spearman
    STS12: float | Value | None
    STS13: float | Value | None
    STS14: float | Value | None
    STS15: float | Value | None
    STS16: float | Value | None
    STSB: float | Value | None
    SICKR: float | Value | None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The seven STS tasks and their average."""
        return tuple(STS.labels)


class TransferRow(Row):
    """Accuracies in per cent: on the test part (acc), or in cross-validation on the training part (devacc)."""

    metric: Literal["acc", "devacc"]
    MR: float | Value | None
    CR: float | Value | None
    SUBJ: float | Value | None
    MPQA: float | Value | None
    SST2: float | Value | None
    TREC: float | Value | None
    MRPC: float | Value | None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The seven transfer tasks and their average."""
        return tuple(TRANSFER.labels)


class SearchRow(Row):
    """MTEB's main score times 100, by MTEB's name of the set: papers differ in the sets that they search."""

    metric: Literal["retrieval_main_score", "reranking_main_score"]
    scores: dict[str, float | Value | None]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The sets of this line and their average."""
        return (*self.scores, AVERAGE)

    def score(self, task: str) -> float | Value | None:
        """The number for `task` as entered; None for a set that the line leaves out."""
        return self.avg if task == AVERAGE else self.scores.get(task)


class Reproduction(Strict):
    """What others got when they ran the method of `row` again: averages, one a run, or a range, or a run's tasks."""

    row: str
    values: tuple[float, ...] = ()
    range: tuple[float, float] | None = None
    tasks: dict[str, float] = Field({})  # of one run, as far as given
    setting: str
    source: str
    certainty: Certainty

    @property
    def averages(self) -> tuple[float, ...]:
        """One a run, or the two ends of a range."""
        return self.range or self.values

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if bool(self.values or self.tasks) == (self.range is not None):
            raise ValueError("a reproduction holds either 'values' or a 'range'")
        if unknown := self.tasks.keys() - STS.labels.keys():
            raise ValueError(f"unknown task '{min(unknown)}'")
        return self


class Claim(Strict):
    """A finding of the paper, with the rule that tests it."""

    id: str
    statement: str  # "{method}" stands for each of the methods that the rule names
    rule: Rule
    note: str = ""  # what a reader must know to weigh the answer
    source: str
    certainty: Certainty


class Paper(Strict):
    """One file of reports/paper/."""

    key: str
    name: str
    about: str = ""  # what it does, as the end of a sentence that begins with its name; for the first page
    citation: str
    sources: dict[str, str]  # short-hand to what it stands for; every `source` begins with one
    protocols: dict[str, Protocol]
    rows: tuple[StsRow, ...] = ()
    transfer: tuple[TransferRow, ...] = ()
    search: tuple[SearchRow, ...] = ()
    numbers: tuple[Block, ...] = ()
    reproductions: tuple[Reproduction, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def lines(self) -> list[Row]:
        """The rows of all tables."""
        return [*self.rows, *self.transfer, *self.search]

    @property
    def entries(self) -> list[Row | Block]:
        """Whatever has an id."""
        return [*self.lines, *self.numbers]

    @model_validator(mode="after")
    def _refers(self) -> Self:
        sources = [row.source for row in self.lines] + [block.source for block in self.numbers]
        sources += [cell.source for row in self.lines for cell in map(row.cell, row.tasks) if cell]
        sources += [other.source for other in self.reproductions] + [claim.source for claim in self.claims]
        sources += [row.noise.source for row in self.lines if row.noise]
        known = re.compile(rf"({'|'.join(map(re.escape, self.sources))})\b")
        for source in sources:
            if not known.match(source):
                raise ValueError(f"source '{source}' begins with no key of 'sources'")
        for one in self.entries:
            if one.protocol is not None and one.protocol not in self.protocols:
                raise ValueError(f"'{one.id}' has the protocol '{one.protocol}', which is not under 'protocols'")
        for other in self.reproductions:
            if other.row not in [row.id for row in self.lines]:
                raise ValueError(f"a reproduction of '{other.row}', which is no row of this file")
        claimed = [claim.id for claim in self.claims]
        if twice := {id_ for id_ in claimed if claimed.count(id_) > 1}:
            raise ValueError(f"two claims have the id '{min(twice)}'")
        return self


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML's own loader keeps the last and drops what stood before without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value)  # all are plain words in these files
        if twice := next((key for key, count in keys.items() if count > 1), None):
            raise yaml.YAMLError(f"'{twice}' stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def load(file: Path) -> Paper:
    """Read and check one paper file.

    Raises:
        NegbenchError: not YAML, an unknown or missing key, a number without source or certainty, a source whose
            short-hand is not explained, or a CSV file that is not as `Block` says; the first problem only.
    """
    try:
        content: Any = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError: not UTF-8, or the 13th month
        raise NegbenchError(f"not valid YAML: {' '.join(str(error).split())}", file, "Correct it.") from None
    try:
        return Paper.model_validate(content, context=file.parent)
    except ValidationError as error:
        problem = error.errors()[0]
        dotted = ".".join(str(part) for part in problem["loc"])
        what = problem["msg"].removeprefix("Value error, ")
        next_step = "Correct it; a number enters with its source and certainty."
        raise NegbenchError(f"{dotted}: {what}" if dotted else what, file, next_step) from None


def load_all(folder: Path) -> list[Paper]:
    """Every paper file of a folder, by file name.

    Raises:
        NegbenchError: a file is not valid, two rows or blocks share an id, or `repeats` names a row that no file has.
    """
    papers = [load(file) for file in sorted(folder.glob("*.yaml"))]
    if not papers:
        raise NegbenchError("no paper files here", folder, "Give the folder that holds <paper>.yaml.")
    ids = Counter(one.id for paper in papers for one in paper.entries)
    if shared := [id_ for id_, count in ids.items() if count > 1]:
        raise NegbenchError(f"two rows or blocks have the id '{shared[0]}'", folder, "Rename one.")
    rows = {row.id for paper in papers for row in paper.lines}
    for paper in papers:
        for row in paper.lines:
            if row.repeats and row.repeats not in rows:
                raise NegbenchError(f"row '{row.id}' repeats an unknown row '{row.repeats}'", folder, "Correct it.")
    return papers
