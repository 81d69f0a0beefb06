"""The table of STS scores: built once from records and paper files, then printed as Markdown, CSV and LaTeX.

A score that is missing prints as a dash with its reason, never as a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.paper import AVERAGE, COLUMNS, METRIC, Paper
from reports.records import Method, Results
from reports.verdicts import sample
from reports.wording import MINUS, MISSING, number, score, seeds

LABELS = {name: name for name in COLUMNS} | {"STSB": "STS-B", "SICKR": "SICK-R", "avg": "Avg."}


@dataclass(frozen=True)
class Cell:
    """One score with its spread. `note` is the mark of a footnote ("a")."""

    value: float | None
    std: float | None = None
    n: int | None = None  # seeds behind the value; None for a reported score
    note: str = ""
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    label: str
    cells: tuple[Cell, ...]  # in the order of COLUMNS
    n: int | None = None  # seeds run; None for a reported row
    note: str = ""
    source: str = ""


@dataclass(frozen=True)
class Block:
    """Rows under one heading."""

    title: str
    ours: bool
    spread: bool  # whether its cells show a standard deviation
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """Blocks and the footnotes that their marks lead to."""

    blocks: tuple[Block, ...]
    notes: dict[str, str]  # mark to text


class _Notes:
    """Gives each distinct text one mark: a, b, c, ..."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        return self.marks.setdefault(text, _letter(len(self.marks)))


def build(results: Results, papers: Sequence[Paper]) -> Table:
    """The papers' Table 1: our untrained baselines, our trained methods, the reported rows, by average."""
    notes = _Notes()
    untrained = [_line(results, method, notes) for method in results.ours(trained=False)]
    trained = [_line(results, method, notes) for method in results.ours(trained=True)]
    title = "Trained (ours), mean ± std over "
    numbers = {len(method.runs) for method in results.ours(trained=True)}
    if len(numbers) == 1:
        title += seeds(numbers.pop())
    else:
        title += "n seeds"
        trained = [replace(line, label=f"{line.label} (n = {line.n})") for line in trained]
    ours = [Block("Untrained baselines (ours)", True, False, _by_average(untrained))] if untrained else []
    ours += [Block(title, True, True, _by_average(trained))] if trained else []
    reported = [
        Line(
            row.label,
            tuple(Cell(value.value if value else None) for value in map(row.cell, COLUMNS)),
            source=row.source,
        )
        for paper in papers
        for row in paper.rows
        if not row.repeats
    ]
    blocks = [
        *_mark_best(ours),
        *([Block("Reported (papers)", False, False, _by_average(reported))] if reported else []),
    ]
    return Table(tuple(blocks), {mark: text for text, mark in notes.marks.items()})


def _line(results: Results, method: Method, notes: _Notes) -> Line:
    warning = results.warnings.get(method.name)
    note = notes.mark(f"Mixed records: {warning}.") if warning else ""  # first, as its mark is met first
    return Line(
        label=method.info.label,
        cells=tuple(_cell(method, task, notes) for task in COLUMNS),
        n=len(method.runs),
        note=note,
    )


def _cell(method: Method, task: str, notes: _Notes) -> Cell:
    measured = sample(method, task)
    records = [run.score(task, METRIC) for run in method.runs]
    reasons = [
        record.reason if record else "not evaluated" for record in records if not (record and record.status == "ok")
    ]
    note = ""
    if reasons:
        causes = "; ".join(sorted({str(reason) for reason in reasons}))
        share = f"{number(len(reasons))} of {seeds(len(records))}: " if len(records) > 1 else ""
        text = f"{share}{causes}".removesuffix(".")
        note = notes.mark(f"{text[:1].upper()}{text[1:]}.")
    if measured is None:
        return Cell(None, n=0, note=note)
    return Cell(measured.mean, measured.std, measured.n, note)


def _by_average(lines: list[Line]) -> tuple[Line, ...]:
    column = COLUMNS.index(AVERAGE)
    return tuple(sorted(lines, key=lambda line: (line.cells[column].value or float("-inf"), line.label)))


def _mark_best(blocks: list[Block]) -> list[Block]:
    lines = [line for block in blocks for line in block.lines]
    columns = ([line.cells[i].value for line in lines] for i in range(len(COLUMNS)))
    tops = [max((value for value in column if value is not None), default=None) for column in columns]

    def marked(line: Line) -> Line:
        pairs = zip(line.cells, tops, strict=True)
        return replace(line, cells=tuple(replace(c, best=c.value is not None and c.value == top) for c, top in pairs))

    return [replace(block, lines=tuple(map(marked, block.lines))) for block in blocks]


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)


def to_markdown(table: Table) -> str:
    """The table for README files: "mean ± std", the best of ours in bold."""
    lines = ["| | " + " | ".join(LABELS.values()) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for block in table.blocks:
        lines.append(f"| **{block.title}** |" + " |" * len(COLUMNS))
        for line in block.lines:
            label = f"{line.label} ({line.source})" if line.source else line.label
            cells = [_markdown_cell(cell, block.spread) for cell in line.cells]
            lines.append("| " + " | ".join([label.replace("|", "\\|") + _sup(line.note), *cells]) + " |")
    lines += ["", *(f"{_sup(mark)} {text}  " for mark, text in table.notes.items())]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_cell(cell: Cell, spread: bool) -> str:
    text = f"**{score(cell.value)}**" if cell.best else score(cell.value)
    return text + (f" ± {score(cell.std)}" if spread and cell.value is not None else "") + _sup(cell.note)


def _sup(mark: str) -> str:
    return f"<sup>{mark}</sup>" if mark else ""


def to_csv(table: Table) -> str:
    """The table for spreadsheets: one row a line, a column for each task and for its standard deviation."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [
            "block",
            "label",
            "n",
            *(part for name in COLUMNS for part in (name, f"{name} std")),
            "source",
            "notes",
        ]
    )
    for block in table.blocks:
        for line in block.lines:
            marks = dict.fromkeys(mark for mark in [line.note, *(cell.note for cell in line.cells)] if mark)
            pairs = [
                part.replace(MINUS, "-")  # programs read this one
                for cell in line.cells
                for part in (score(cell.value), score(cell.std) if block.spread else "")
            ]
            seeds_run = "" if line.n is None else line.n
            notes = " ".join(table.notes[mark] for mark in marks)
            writer.writerow([block.title, line.label, seeds_run, *pairs, line.source, notes])
    return stream.getvalue()


def to_latex(table: Table) -> str:
    r"""A booktabs `tabular` with its notes below; \usepackage{booktabs} is all it needs."""
    rule = f"\\multicolumn{{{len(COLUMNS) + 1}}}{{l}}"
    lines = [
        f"\\begin{{tabular}}{{l{'r' * len(COLUMNS)}}}",
        "\\toprule",
        " & ".join(["", *LABELS.values()]) + " \\\\",
    ]
    for block in table.blocks:
        lines += ["\\midrule", f"{rule}{{\\emph{{{escape(block.title)}}}}} \\\\"]
        for line in block.lines:
            cells = [_latex_cell(cell, block.spread) for cell in line.cells]
            lines.append(" & ".join([escape(line.label) + _latex_sup(line.note), *cells]) + " \\\\")
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"\\par{{\\footnotesize {_latex_sup(mark)} {escape(text)}}}" for mark, text in table.notes.items()]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: Cell, spread: bool) -> str:
    text = f"\\textbf{{{escape(score(cell.value))}}}" if cell.best else escape(score(cell.value))
    if spread and cell.value is not None:
        text += f" {{\\scriptsize $\\pm$ {escape(score(cell.std))}}}"
    return text + _latex_sup(cell.note)


def _latex_sup(mark: str) -> str:
    return f"$^{{{mark}}}$" if mark else ""


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", MINUS: "$-$", MISSING: "---",
    "[": "{[}",  # else an optional argument of the \\ before it
}  # fmt: skip


def escape(text: str) -> str:
    """Make text safe for LaTeX."""
    return "".join(_LATEX.get(character, character) for character in text)
