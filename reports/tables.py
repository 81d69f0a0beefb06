"""A table of scores: built once from records and paper files, then printed as Markdown, CSV and LaTeX.

A score that is missing prints as a dash with its reason, never as a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.families import STS, Family
from reports.paper import Paper
from reports.records import Method, Results
from reports.verdicts import sample
from reports.wording import MINUS, MISSING, number, score, seeds


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
    cells: tuple[Cell, ...]  # one a column
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

    columns: dict[str, str]  # headings by task
    blocks: tuple[Block, ...]
    notes: dict[str, str]  # mark to text


class _Notes:
    """Gives each distinct text one mark: a, b, c, ..."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        return self.marks.setdefault(text, _letter(len(self.marks)))


def build(results: Results, papers: Sequence[Paper], family: Family) -> Table | None:
    """Our untrained baselines, our trained methods and the reported rows, each by average.

    A family of several metrics has these blocks once for each. None if no run was evaluated on the family.
    """
    ours = {(record.task, record.metric) for m in results.methods for run in m.runs for record in run.records}
    if not any((task, metric) in ours for task in family.labels for metric in family.metrics):
        return None
    notes = _Notes()
    blocks = [block for metric in family.metrics for block in _blocks(results, papers, family, metric, notes)]
    return Table(family.labels, tuple(blocks), {mark: text for text, mark in notes.marks.items()})


def _blocks(results: Results, papers: Sequence[Paper], family: Family, metric: str, notes: _Notes) -> list[Block]:
    heading = f", {family.metrics[metric]}" if family.metrics[metric] else ""
    untrained, trained = (
        _by_average([_line(results, method, family, metric, notes) for method in results.ours(trained=kind)])
        for kind in (False, True)
    )
    title = "Trained (ours), mean ± std over "
    numbers = {len(method.runs) for method in results.ours(trained=True)}
    if len(numbers) == 1:
        title += seeds(numbers.pop())
    else:
        title += "n seeds"
        trained = tuple(replace(line, label=f"{line.label} (n = {line.n})") for line in trained)
    ours = [Block(f"Untrained baselines (ours){heading}", True, False, untrained)] if untrained else []
    ours += [Block(title + heading, True, True, trained)] if trained else []
    reported = [
        Line(
            row.label,
            tuple(Cell(value.value if value else None) for value in map(row.cell, family.labels)),
            source=row.source,
        )
        for paper in papers
        for row in paper.lines
        if row.metric == metric and not row.repeats
    ]
    theirs = [Block(f"Reported (papers){heading}", False, False, _by_average(reported))] if reported else []
    return [*_mark_best(ours), *theirs]


def _line(results: Results, method: Method, family: Family, metric: str, notes: _Notes) -> Line:
    said = []
    if warning := results.warnings.get(method.name):
        said.append(f"Mixed records: {warning}.")
    if family is STS and method.info.setting("select") == "sts-test":
        said.append("The checkpoint was selected by the average of this very row.")
    note = notes.mark(" ".join(said)) if said else ""  # first, as its mark is met first
    return Line(
        label=method.info.label,
        cells=tuple(_cell(method, task, metric, notes) for task in family.labels),
        n=len(method.runs),
        note=note,
    )


def _cell(method: Method, task: str, metric: str, notes: _Notes) -> Cell:
    measured = sample(method, task, metric)
    records = [run.score(task, metric) for run in method.runs]
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
    return tuple(sorted(lines, key=lambda line: (line.cells[-1].value or float("-inf"), line.label)))


def _mark_best(blocks: list[Block]) -> list[Block]:
    columns = zip(*([cell.value for cell in line.cells] for block in blocks for line in block.lines), strict=True)
    tops = [max((value for value in column if value is not None), default=None) for column in columns]

    def marked(line: Line) -> Line:
        pairs = zip(line.cells, tops, strict=True)
        return replace(line, cells=tuple(replace(c, best=c.value is not None and c.value == top) for c, top in pairs))

    return [replace(block, lines=tuple(map(marked, block.lines))) for block in blocks]


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)


def to_markdown(table: Table) -> str:
    """The table for README files: "mean ± std", the best of ours in bold."""
    lines = ["| | " + " | ".join(table.columns.values()) + " |", "|---|" + "---:|" * len(table.columns)]
    for block in table.blocks:
        lines.append(f"| **{block.title}** |" + " |" * len(table.columns))
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
            *(part for name in table.columns for part in (name, f"{name} std")),
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
    rule = f"\\multicolumn{{{len(table.columns) + 1}}}{{l}}"
    lines = [
        f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        "\\toprule",
        " & ".join(["", *table.columns.values()]) + " \\\\",
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
