"""Stage report: typeset the summary and the figures as report.pdf."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import typst

from pipelines import atomic, main
from pipelines.errors import NegbenchError
from pipelines.paths import BUILD
from reports import deviations, document
from reports.document import Document
from reports.layout import layout
from reports.provenance import ID as PROVENANCE

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path("reports/template/report.typ")
CODE = ("methods", "eval", "pipelines")  # where deviations are collected
TRACKED = (*CODE, "reports", "params.yaml", "dvc.yaml")  # what the report's numbers come from


def report(arguments: argparse.Namespace) -> None:
    """Write report.pdf into the build folder and print its path."""
    pdf = arguments.build / "report.pdf"
    atomic.write_bytes(pdf, typeset(arguments.template, arguments.build, content(arguments.build, ROOT)))
    print(pdf)


def content(build: Path, root: Path) -> Document:
    """The summary, with what is read from the code rather than from results: deviations and the commit.

    Raises:
        NegbenchError: there is no summary, or it is none.
    """
    file = build / "summary.json"
    try:
        summary = document.load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NegbenchError("the summary is missing", file, "Run `dvc repro aggregate` first.") from None
    except ValueError:
        raise NegbenchError("not a report's content", file, "Run `dvc repro aggregate` again.") from None
    sections = []
    for section in summary.sections:
        if section.id == PROVENANCE:
            sections.append(deviations.section(deviations.collect(root, CODE)))
            section = replace(section, blocks=(*section.blocks, f"{commit(root)}."))
        sections.append(section)
    return replace(summary, sections=tuple(sections))


def commit(root: Path) -> str:
    """The commit that the code is at, and whether code or settings were changed since."""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", *TRACKED)
    except (OSError, subprocess.CalledProcessError):
        return "No commit: not under version control, or nothing committed yet"
    return f"Commit {head}{', with local changes' if changed else ''}"


def _git(root: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def compiler(template: Path, build: Path, report: Document) -> typst.Compiler:
    """The template with the report's content, figures read from `build`; nothing is typeset yet."""
    return typst.Compiler(
        template.read_bytes(),
        root=build,
        sys_inputs={"report": json.dumps(layout(report))},
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
        "--build", type=Path, default=BUILD, help="summary and figures in, PDF out (default: %(default)s)"
    )
    parser.add_argument("--template", type=Path, default=TEMPLATE, help="(default: %(default)s)")
    sys.exit(main.run(report, parser))
