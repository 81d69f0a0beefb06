"""The document as renderers take it, in plain values: texts parsed, blocks numbered, columns told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from reports.document import Cell, Document, Figure, Reference, Row, Section, Table, anchor, names, texts
from reports.markup import Names, Span, parse
from reports.wording import MINUS, MISSING

GLYPHS = {  # verdict to its sign: how much of the disc is filled
    "supported": "full", "reproduced": "full",
    "undecided": "half",
    "contradicted": "empty", "not reproduced": "empty",
    "not tested": "none", "not comparable": "none",
}  # fmt: skip

_NUMBER = re.compile(rf"(< )?[+{MINUS}-]?\d[\d,]*(\.\d+)?\s?%?")


def layout(document: Document) -> dict[str, Any]:
    """Everything that is printed, ready for JSON; text is a list of spans {kind, text, target}.

    Raises:
        NegbenchError: a reference leads nowhere.
    """
    known = names(document)
    return {
        "title": document.title,
        "subtitle": document.subtitle,
        "notice": document.notice,
        "sections": [_section(section, known) for section in document.sections],
        "references": [{"anchor": anchor(one), "text": _spans(one.text, known)} for one in cited(document)],
    }


def cited(document: Document) -> list[Reference]:
    """The entries of the bibliography that the report refers to, in their order."""
    known = names(document)
    spans = (span for section in document.sections for text in texts(section) for span in parse(text, known))
    targets = {span.target for span in spans}
    return [one for one in document.references if anchor(one) in targets]


def numeric(table: Table) -> list[bool]:
    """Whether a column holds numbers, to be set flush right; dashes and verdicts among them do not matter."""
    return [_numbers([row.cells[index] for row in table.rows]) for index in range(len(table.columns))]


def spread(cell: Cell) -> str:
    """A cell's spread as it is printed."""
    return f"± {cell.spread}" if cell.spread[:1].isdigit() else cell.spread


def legend(table: Table) -> list[str]:
    """The verdicts that stand as bare glyphs among numbers, so need explaining."""
    columns = [index for index, yes in enumerate(numeric(table)) if yes]
    found = {row.cells[index].text for row in table.rows for index in columns}
    return [verdict for verdict in GLYPHS if verdict in found]


def _numbers(cells: Sequence[Cell]) -> bool:
    texts = [cell.text for cell in cells if cell.text not in {"", MISSING, *GLYPHS}]
    return bool(texts) and all(_NUMBER.fullmatch(text.strip("*")) for text in texts)


def _section(section: Section, known: Names) -> dict[str, Any]:
    blocks = []
    for block in section.blocks:
        if isinstance(block, str):
            blocks.append({"kind": "paragraph", "text": _spans(block, known)})
        else:
            blocks.append(table(block, known) if isinstance(block, Table) else _figure(block, known))
    return {"anchor": anchor(section), "title": _spans(section.title, known), "blocks": blocks}


def _numbered(block: Table | Figure, known: Names) -> dict[str, Any]:
    where = anchor(block)
    return {"anchor": where, "name": known[f"#{where}"].text, "caption": _spans(block.caption, known)}


def _figure(figure: Figure, known: Names) -> dict[str, Any]:
    return {
        **_numbered(figure, known),
        "kind": "figure",
        "id": figure.id,
        "file": f"figures/{figure.id}.svg",
        "alt": figure.alt,
    }


def table(table: Table, known: Names) -> dict[str, Any]:
    """One table of a document whose `names` are known.

    Labels and sources become columns, so that a renderer sees cells and nothing else.
    """
    sourced = any(row.source for row in table.rows)
    kinds = ["label", *("number" if yes else "text" for yes in numeric(table)), *(["source"] if sourced else [])]
    headings = [table.head, *table.columns, *([""] if sourced else [])]
    pairs = zip(headings, kinds, strict=True)
    return {
        **_numbered(table, known),
        "kind": "table",
        "id": table.id,
        "columns": [{"heading": _spans(heading, known), "kind": kind} for heading, kind in pairs],
        "groups": [
            {
                "title": _spans(group.title, known),
                "muted": group.muted,
                "rows": [[_cell(cell, known) for cell in _cells(row, sourced=sourced)] for row in group.rows],
            }
            for group in table.groups
        ],
        "notes": [{"mark": mark, "text": _spans(text, known)} for mark, text in table.notes.items()],
        "legend": [{"verdict": verdict, "glyph": GLYPHS[verdict]} for verdict in legend(table)],
    }


def _cells(row: Row, *, sourced: bool) -> list[Cell]:
    return [Cell(row.label, note=row.note), *row.cells, *([Cell(row.source)] if sourced else [])]


def _cell(cell: Cell, known: Names) -> dict[str, Any]:
    return {
        **asdict(cell),
        "text": _spans(cell.text, known),
        "spread": _spans(spread(cell), known),
        "glyph": GLYPHS.get(cell.text, ""),
    }


def _spans(text: str, known: Names) -> list[dict[str, str]]:
    return [_span(span) for span in parse(text, known)]


def _span(span: Span) -> dict[str, str]:
    return {"kind": span.kind, "text": span.text, "target": span.target}
