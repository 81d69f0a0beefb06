"""What the report may cite: bibliography.yml, in hayagriva's format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter

from reports.block import Strict
from reports.document import Reference
from reports.markup import literal
from reports.wording import listing

FILE = Path(__file__).with_suffix(".yml")
OTHERS = "others"  # BibTeX's word for authors whose names are not given


class Parent(Strict):
    """What an entry appeared in."""

    type: Literal["proceedings", "periodical"]
    title: str


class Entry(Strict):
    """One entry; an author is "Surname" or "Surname, I."."""

    type: Literal["article"]
    author: list[str] = Field(min_length=1)
    title: str
    date: int
    parent: Parent | None = None
    numbers: dict[str, str] = Field({}, alias="serial-number")

    @property
    def short(self) -> str:
        """As cited: "Hou and Li 2023", "Gao et al. 2021"."""
        surnames = [name.split(",")[0] for name in self.author]
        names = " and ".join(surnames) if len(surnames) < 3 and OTHERS not in surnames else f"{surnames[0]} et al."
        return f"{names} {self.date}"

    @property
    def text(self) -> str:
        """As listed."""
        named = [" ".join(reversed(name.split(", "))) for name in self.author if name != OTHERS]
        names = f"{', '.join(named)} et al" if OTHERS in self.author else listing(named)
        where = " ".join(filter(None, [self.parent.title if self.parent else "", str(self.date)]))
        numbers = "".join(f", {kind} {number}" for kind, number in self.numbers.items())
        return f"{literal(names)}. *{self.title}*. {where}{numbers}."


_ENTRIES = TypeAdapter(dict[str, Entry])


def load(file: Path = FILE) -> tuple[Reference, ...]:
    """Every entry, by the name of its first author and its year.

    Raises:
        ValueError: an entry is not as `Entry` says.
    """
    entries = _ENTRIES.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    ordered = sorted(entries.items(), key=lambda pair: (pair[1].short, pair[0]))
    return tuple(Reference(key, entry.short, entry.text) for key, entry in ordered)
