"""One table of the report as a file of its own: Markdown, CSV and LaTeX.

`names` is what references print, from document.names. A score that is missing prints as a dash, never as a number.
"""

from __future__ import annotations

import csv
import io

from reports.document import Cell, Row, Table
from reports.layout import numeric, spread
from reports.markup import Names, parse
from reports.wording import MINUS, MISSING


def to_markdown(table: Table, names: Names) -> str:
    """The table for README files: the spread beside its score, the best of ours in bold."""

    def printed(text: str) -> str:
        return "".join(_MARKDOWN[span.kind].format(span.text) for span in parse(text, names)).replace("|", "\\|")

    def cell(one: Cell) -> str:
        text = f"**{printed(one.text)}**" if one.best else printed(one.text)
        return " ".join(filter(None, [text, printed(spread(one))])) + _sup(one.note)

    def label(row: Row) -> str:
        return printed(row.label) + (f" ({printed(row.source)})" if row.source else "") + _sup(row.note)

    head = [printed(text) for text in (table.head, *table.columns)]
    sides = "".join("---:|" if right else "---|" for right in numeric(table))
    lines = [f"| {' | '.join(head)} |", f"|---|{sides}"]
    for group in table.groups:
        if group.title:
            lines.append(f"| **{printed(group.title)}** |" + " |" * len(table.columns))
        lines += [f"| {' | '.join([label(row), *map(cell, row.cells)])} |" for row in group.rows]
    lines += ["", *(f"{_sup(mark)} {printed(text)}  " for mark, text in table.notes.items())]
    return "\n".join(lines).rstrip() + "\n"


_MARKDOWN = {"text": "{}", "code": "`{}`", "emphasis": "*{}*", "strong": "**{}**", "link": "{}"}


def _sup(mark: str) -> str:
    return f"<sup>{mark}</sup>" if mark else ""


def to_csv(table: Table, names: Names) -> str:
    """The table for spreadsheets: a row a line, values unrounded, each column with a spread followed by it."""

    def printed(text: str) -> str:
        return "".join(span.text for span in parse(text, names)).replace(MINUS, "-")  # programs read this one

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


def to_latex(table: Table, names: Names) -> str:
    r"""A booktabs `tabular` with its notes below; \usepackage{booktabs} is all it needs."""

    def printed(text: str) -> str:
        return "".join(_LATEX[span.kind].format(escape(span.text)) for span in parse(text, names))

    def cell(one: Cell) -> str:
        text = f"\\textbf{{{printed(one.text)}}}" if one.best else printed(one.text)
        beside = f"{{\\scriptsize {printed(spread(one))}}}" if one.spread else ""
        return " ".join(filter(None, [text, beside])) + _latex_sup(one.note)

    def line(cells: list[str]) -> str:
        return " & ".join(cells) + " \\\\"

    sourced = any(row.source for row in table.rows)
    sides = "".join("r" if right else "l" for right in numeric(table)) + "l" * sourced
    rows = [f"\\begin{{tabular}}{{l{sides}}}", "\\toprule"]
    rows.append(line([*map(printed, (table.head, *table.columns)), *[""] * sourced]))
    for group in table.groups:
        rows.append("\\midrule")
        if group.title:
            rows.append(f"\\multicolumn{{{len(sides) + 1}}}{{l}}{{\\emph{{{printed(group.title)}}}}} \\\\")
        for row in group.rows:
            label = printed(row.label) + _latex_sup(row.note)
            rows.append(line([label, *map(cell, row.cells), *[printed(row.source)] * sourced]))
    rows += ["\\bottomrule", "\\end{tabular}"]
    rows += [f"\\par{{\\footnotesize {_latex_sup(mark)} {printed(text)}}}" for mark, text in table.notes.items()]
    return "\n".join(rows) + "\n"


_LATEX = {"text": "{}", "code": "\\texttt{{{}}}", "emphasis": "\\emph{{{}}}", "strong": "\\textbf{{{}}}", "link": "{}"}


def _latex_sup(mark: str) -> str:
    return f"$^{{{mark}}}$" if mark else ""


_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "×": r"$\times$", "η": r"$\eta$", "ρ": r"$\rho$", MINUS: "$-$", MISSING: "---",
    "[": "{[}",  # else an optional argument of the \\ before it
}  # fmt: skip


def escape(text: str) -> str:
    """Make text safe for LaTeX."""
    return "".join(_ESCAPES.get(character, character) for character in text)
