"""Stage report: the summary and the figures as PDF, HTML and Markdown, and each table as a file of its own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import typst

from pipelines import atomic, main, params
from pipelines.errors import NegbenchError
from pipelines.git import git
from pipelines.paths import BUILD, RUNS
from reports import (
    cost,
    deviations,
    document,
    environment,
    html,
    latex,
    layout,
    markdown,
    provenance,
    runs,
    spreadsheet,
)
from reports.document import Document, Section
from reports.runs import PretrainingCost, Training

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path("reports/template/report.typ")
CODE = ("methods", "eval", "pipelines")  # where deviations are collected
TRACKED = (*CODE, "reports", "dvc.yaml")  # what the report's numbers come from, beside settings


def report(arguments: argparse.Namespace) -> None:
    """Write the report in every form into the build folder and print the path of the PDF."""
    build: Path = arguments.build
    settings = params.load(arguments.params)
    trainings = runs.load(arguments.runs, settings.trained, settings.seeds)
    whole = content(build, ROOT, trainings, runs.pretraining(arguments.runs / "backbone"))
    laid = layout.layout(whole)
    pdf, page = typeset(arguments.template, build, whole), html.page(laid, drawings(build, whole))
    for folder, files in tables(whole).items():
        with atomic.folder(build / folder) as written:
            for name, text in files.items():
                (written / name).write_text(text, encoding="utf-8")
    atomic.write_text(build / "report.md", markdown.report(laid))
    atomic.write_text(build / "report.html", page)
    atomic.write_bytes(build / "report.pdf", pdf)
    print(build / "report.pdf")


def content(
    build: Path, root: Path, trainings: Sequence[Training] = (), pretraining: PretrainingCost | None = None
) -> Document:
    """The summary, with what is not read from results: deviations and commit from the code, cost from the runs.

    Raises:
        NegbenchError: as `summary`.
    """
    aggregated = summary(build)
    sections: list[Section | None] = []
    for section in aggregated.sections:
        if section.id == environment.ID:
            sections += [deviations.section(deviations.collect(root, CODE)), cost.section(trainings, pretraining)]
            section = replace(section, blocks=(*section.blocks, *environment.machines(trainings)))
        if section.id == provenance.ID:
            section = replace(section, blocks=(*section.blocks, f"{commit(root)}."))
        sections.append(section)
    return replace(aggregated, sections=tuple(section for section in sections if section))


def summary(build: Path) -> Document:
    """What stage aggregate wrote.

    Raises:
        NegbenchError: there is none, or it is damaged.
    """
    file = build / "summary.json"
    try:
        return document.load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NegbenchError("the summary is missing", file, "Run `dvc repro aggregate` first.") from None
    except ValueError:
        raise NegbenchError("not a report's content", file, "Run `dvc repro aggregate` again.") from None


def tables(whole: Document) -> dict[str, dict[str, str]]:
    """Each table as a file of its own: content by name, by folder."""
    names = document.names(whole)
    blocks = [layout.table(table, names) for table in whole.tables]
    spreadsheets = {f"{table.id}.csv": spreadsheet.table(table, names) for table in whole.tables}
    return {
        "tables": spreadsheets | {f"{block['id']}.md": markdown.table(block) for block in blocks},
        "latex": {f"{block['id']}.tex": latex.table(block) for block in blocks},
    }


def drawings(build: Path, whole: Document) -> dict[str, str]:
    """SVG by the id of its figure.

    Raises:
        NegbenchError: one is missing.
    """
    files = {figure.id: build / "figures" / f"{figure.id}.svg" for figure in whole.figures}
    try:
        return {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    except FileNotFoundError as error:
        raise NegbenchError("a figure is missing", error.filename, "Run `dvc repro figures` first.") from None


def commit(root: Path) -> str:
    """The commit that the code is at, and whether it was changed since; the settings are hashed with each record."""
    try:
        head = git("-C", str(root), "rev-parse", "--short=12", "HEAD").decode().strip()
        changed = git("-C", str(root), "status", "--porcelain", "--", *TRACKED)
    except NegbenchError:
        return "No commit: not under version control, or nothing committed yet"
    return f"Commit {head}{', with local changes' if changed else ''}"


def compiler(template: Path, build: Path, report: Document) -> typst.Compiler:
    """The template with the report's content, figures read from `build`; nothing is typeset yet."""
    return typst.Compiler(
        template.read_bytes(),
        root=build,
        sys_inputs={"report": json.dumps(layout.layout(report))},
        ignore_system_fonts=True,  # the embedded faces are the same on every machine
    )


def typeset(template: Path, build: Path, report: Document) -> bytes:
    """Compile the template to a PDF; the same content, figures and typst version give the same bytes.

    Raises:
        NegbenchError: typst refuses; its message is passed on.
    """
    try:
        pdf = compiler(template, build, report).compile()
    except typst.TypstError as error:
        raise NegbenchError(f"typst: {error.message}", template, "Run `dvc repro figures` first.") from error
    return cast(bytes, pdf)  # a list only for one image a page, None only for output to a file


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.report", description=__doc__)
    parser.add_argument(
        "--build", type=Path, default=BUILD, help="summary and figures in, the report out (default: %(default)s)"
    )
    parser.add_argument("--runs", type=Path, default=RUNS, help="what training took (default: %(default)s)")
    parser.add_argument(
        "--params", type=Path, default=params.PARAMS, help="settings that name the runs (default: %(default)s)"
    )
    parser.add_argument("--template", type=Path, default=TEMPLATE, help="(default: %(default)s)")
    sys.exit(main.run(report, parser))
