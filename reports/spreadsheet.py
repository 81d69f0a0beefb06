"""One table of the report as CSV, for programs: values unrounded, a missing score a dash with its reason."""

from __future__ import annotations

import csv
import io

from reports.document import Table
from reports.markup import Names, parse
from reports.wording import MINUS


def table(table: Table, names: Names) -> str:
    """A row a line, each column with a spread followed by it; `names` is what references print."""

    def printed(text: str) -> str:
        return "".join(span.text for span in parse(text, names)).replace(MINUS, "-")

    spreads = [any(row.cells[index].spread for row in table.rows) for index in range(len(table.columns))]
    heads = [
        part
        for name, spreading in zip(map(printed, table.columns), spreads, strict=True)
        for part in ([name, f"{name} spread"] if spreading else [name])
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["group", printed(table.head) or "label", *heads, "source", "notes"])
    for group in table.groups:
        for row in group.rows:
            values = [
                part
                for cell, spreading in zip(row.cells, spreads, strict=True)
                for part in [
                    printed(cell.text) if cell.value is None else cell.value,
                    *([printed(cell.spread)] if spreading else []),
                ]
            ]
            marks = dict.fromkeys(mark for mark in [row.note, *(cell.note for cell in row.cells)] if mark)
            notes = " ".join(printed(table.notes[mark]) for mark in marks)
            writer.writerow([printed(group.title), printed(row.label), *values, printed(row.source), notes])
    return stream.getvalue()
