r"""One table of the report as LaTeX: a booktabs `tabular` with its notes below; \usepackage{booktabs} is all it needs.

Takes what reports/layout.py lays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.wording import MINUS, MISSING


def table(block: Mapping[str, Any]) -> str:
    """The table, to be read into a float of an article; its caption is a comment."""

    def cell(one: Mapping[str, Any]) -> str:
        text = f"\\textbf{{{_printed(one['text'])}}}" if one["best"] else _printed(one["text"])
        beside = f"{{\\scriptsize {_printed(one['spread'])}}}" if one["spread"] else ""
        return " ".join(filter(None, [text, beside])) + _sup(one["note"])

    sides = "".join("r" if column["kind"] == "number" else "l" for column in block["columns"])
    rows = [f"% {block['name']}. {_printed(block['caption'])}", f"\\begin{{tabular}}{{{sides}}}", "\\toprule"]
    rows.append(_line(_printed(column["heading"]) for column in block["columns"]))
    for group in block["groups"]:
        rows.append("\\midrule")
        if group["title"]:
            rows.append(_line([f"\\multicolumn{{{len(sides)}}}{{l}}{{\\emph{{{_printed(group['title'])}}}}}"]))
        rows += [_line(map(cell, row)) for row in group["rows"]]
    rows += ["\\bottomrule", "\\end{tabular}"]
    notes = [(_sup(note["mark"]), _printed(note["text"])) for note in block["notes"]]
    rows += [f"\\par{{\\footnotesize {mark} {text}}}" for mark, text in notes]
    return "\n".join(rows) + "\n"


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _printed(spans: Sequence[Mapping[str, str]]) -> str:
    return "".join(_FACES[span["kind"]].format(escape(span["text"])) for span in spans)


_FACES = {"text": "{}", "code": "\\texttt{{{}}}", "emphasis": "\\emph{{{}}}", "strong": "\\textbf{{{}}}", "link": "{}"}


def _sup(mark: str) -> str:
    return f"$^{{{mark}}}$" if mark else ""


_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "×": r"$\times$", "η": r"$\eta$", "ρ": r"$\rho$", "τ": r"$\tau$", "²": "$^2$",
    "“": "``", "”": "''", "’": "'", "·": r"$\cdot$", "≤": r"$\le$", "≥": r"$\ge$", "–": "--",
    MINUS: "$-$", MISSING: "---", "<": "$<$", ">": "$>$", "∞": r"$\infty$", "ε": r"$\varepsilon$",
    "[": "{[}",  # else an optional argument of the \\ before it
}  # fmt: skip


def escape(text: str) -> str:
    """Make text safe for LaTeX."""
    return "".join(_ESCAPES.get(character, character) for character in text)
