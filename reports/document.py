"""The report as data: sections of paragraphs, tables and figures. Topic modules fill it, renderers print it.

Every text may hold the inline markup of reports/markup.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from pipelines.errors import NegbenchError
from reports.markup import Span, parse
from reports.stats import Sample
from reports.wording import score


@dataclass(frozen=True)
class Cell:
    """One cell of a table; a verdict is a plain word (see reports/layout.py), and renderers draw its glyph.

    Attributes:
        text: as printed, a dash for a score that does not exist.
        spread: printed beneath; a bare number stands after ±, anything else as it is.
        note: mark of one of the table's notes.
        best: printed in bold.
        value: unrounded, for sorting and for spreadsheets; None where the text is no number.
    """

    text: str
    spread: str = ""
    note: str = ""
    best: bool = False
    value: float | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a cell '{self.text}' with the value {self.value}")

    @classmethod
    def of(cls, sample: Sample | None, form: Callable[[float], str] = score, note: str = "") -> Cell:
        """The mean over seeds, as `form` writes it, ± the standard deviation; a dash where there is no score."""
        if sample is None:
            return cls(score(None))
        return cls(form(sample.mean), "" if sample.std is None else score(sample.std), note, value=sample.mean)


@dataclass(frozen=True)
class Row:
    """One line of a table, a cell for each of its columns."""

    label: str
    cells: tuple[Cell, ...]
    note: str = ""
    source: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under one heading. `muted`: reported by papers, not ours."""

    rows: tuple[Row, ...]
    title: str = ""
    muted: bool = False


@dataclass(frozen=True)
class Table:
    """A numbered table. The labels of its rows are a column of their own, under `head`."""

    id: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    caption: str
    notes: dict[str, str] = field(default_factory=dict)  # mark to text
    head: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"table '{self.id}', row '{row.label}': not {len(self.columns)} cells")
            for mark in (row.note, *(cell.note for cell in row.cells)):
                if mark and mark not in self.notes:
                    raise ValueError(f"table '{self.id}', row '{row.label}': no note '{mark}'")

    @property
    def rows(self) -> list[Row]:
        """The rows of all groups."""
        return [row for group in self.groups for row in group.rows]


@dataclass(frozen=True)
class Figure:
    """A numbered figure, drawn as figures/<id>.svg."""

    id: str
    alt: str
    caption: str


Block = str | Table | Figure  # a str is a paragraph


@dataclass(frozen=True)
class Section:
    """What the report says on one topic. A title holds no reference; the first page's section has none."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Reference:
    """An entry of the bibliography: `short` is printed, in brackets, where it is cited, `text` in the list."""

    key: str
    short: str
    text: str


@dataclass(frozen=True)
class Document:
    """The whole report. `notice` stands on every page."""

    title: str
    subtitle: str
    notice: str
    sections: tuple[Section, ...]
    references: tuple[Reference, ...] = ()

    @property
    def tables(self) -> list[Table]:
        """Every table in its order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]

    @property
    def figures(self) -> list[Figure]:
        """Every figure in its order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Figure)]


class Notes:
    """Gives each distinct text one mark: a, b, c, ..."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The mark of a note, a new one if nothing has said this yet; none for an empty text."""
        return self._marks.setdefault(text, _letter(len(self._marks))) if text else ""

    @property
    def texts(self) -> dict[str, str]:
        """Mark to text: the `notes` of a table."""
        return {mark: text for text, mark in self._marks.items()}


def anchor(item: Table | Figure | Section | Reference) -> str:
    """The name of a place in the report: "table-sts"."""
    return f"{type(item).__name__.lower()}-{item.key if isinstance(item, Reference) else item.id}"


def names(document: Document) -> dict[str, Span]:
    """What each reference prints: "#table-sts" and, where no other kind has the id, "#sts" as "Table 1".

    Raises:
        NegbenchError: two of a kind share an id, or a text refers to what the report does not have.
    """
    printed = [(table, f"Table {index}") for index, table in enumerate(document.tables, 1)]
    items: list[tuple[Table | Figure | Section, str]] = [*printed]
    items += [(figure, f"Figure {index}") for index, figure in enumerate(document.figures, 1)]
    items += [(section, "".join(span.text for span in parse(section.title, {}))) for section in document.sections]
    found: dict[str, Span] = {f"@{one.key}": Span("link", f"({one.short})", anchor(one)) for one in document.references}
    for item, name in items:
        where = f"#{anchor(item)}"
        if where in found:
            raise NegbenchError("two parts of the report share an id", where, "Rename one of them.")
        found[where] = Span("link", name, anchor(item))
    ids = [item.id for item, _ in items]
    found |= {f"#{item.id}": found[f"#{anchor(item)}"] for item, _ in items if ids.count(item.id) == 1}
    for section in document.sections:
        for text in texts(section):
            try:
                parse(text, found)
            except KeyError as error:
                what = f"[{error.args[0]}] leads nowhere, or to more than one part of the report"
                raise NegbenchError(
                    what, f"section '{section.id}'", "Name it in full: [#table-id], [#figure-id]."
                ) from None
    return found


def texts(section: Section) -> Iterator[str]:
    """Every text of a section that may hold markup."""
    yield section.title
    for block in section.blocks:
        if isinstance(block, str):
            yield block
        else:
            yield block.caption
        if isinstance(block, Table):
            yield from (block.head, *block.columns, *block.notes.values())
            for group in block.groups:
                yield group.title
                for row in group.rows:
                    yield from (row.label, row.source)
                    for cell in row.cells:
                        yield from (cell.text, cell.spread)


_ADAPTER = TypeAdapter(Document)


def dump(document: Document) -> str:
    """The document as JSON; the same document gives the same text."""
    content: Any = _ADAPTER.dump_python(document, mode="json")
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load(text: str) -> Document:
    """The document from its JSON.

    Raises:
        ValueError: not JSON, or not a document.
    """
    return _ADAPTER.validate_json(text)


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)
