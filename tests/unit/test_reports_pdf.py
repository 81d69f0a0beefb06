"""Figures and PDF from a whole results folder: reproducible bytes, and the notice on every page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_fixture import fail, write_json, write_results

from pipelines import report
from pipelines.aggregate import aggregate
from pipelines.errors import NegbenchError
from pipelines.figures import draw
from reports import deviations, document

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / report.TEMPLATE


def stages(folder: Path, png: Path | None = None) -> Path:
    """Run aggregate and figures on folder/results; the build folder."""
    options = Namespace(
        results=folder / "results", paper=ROOT / "reports/paper", build=folder / "build", png=png, params=None
    )
    aggregate(options)
    draw(options)
    return folder / "build"


def query(build: Path, label: str) -> list[Any]:
    compiler = report.compiler(TEMPLATE, build, report.content(build, ROOT))
    found: list[Any] = json.loads(compiler.query(f"<{label}>", field="value"))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pdf")
    write_results(folder / "results")
    return stages(folder)


def typeset(build: Path) -> bytes:
    return report.typeset(TEMPLATE, build, report.content(build, ROOT))


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_a_few_pages_each_with_the_notice(built: Path) -> None:
    pdf = typeset(built)
    assert pdf.startswith(b"%PDF")
    assert 4 <= pages(pdf) <= 30
    assert query(built, "pages") == [pages(pdf)]
    line = "Profile demo: generated data and a tiny backbone. Not comparable with the papers."
    assert query(built, "notice") == [line] * pages(pdf)


def test_the_pdf_is_reproducible(built: Path) -> None:
    first, again = typeset(built), typeset(built)
    assert first == again
    assert b"CreationDate" not in first
    content = report.content(built, ROOT)
    assert report.typeset(TEMPLATE, built, replace(content, title="Another title")) != first


def everything(folder: Path) -> None:
    """Run all three stages on folder/results."""
    files = {"build": stages(folder), "template": TEMPLATE, "runs": folder / "runs", "params": ROOT / "params.yaml"}
    report.report(Namespace(**files))


@pytest.mark.slow
def test_every_file_is_reproducible(built: Path, tmp_path: Path) -> None:
    """A second process with another hash seed writes the same bytes."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.copytree(built.parent / "results", folder / "results")
    everything(first)
    again = "import sys, test_reports_pdf as test; test.everything(test.Path(sys.argv[1]))"
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", again, second], cwd=ROOT, check=True, env=environment)
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    whole = report.content(first / "build", ROOT)
    assert {str(path.relative_to("build")) for path in files if path.parts[0] == "build"} == {
        "summary.json", "records.csv", "records.parquet", "report.pdf", "report.html", "report.md",
        *(f"figures/{figure.id}.svg" for figure in whole.figures),
        *(f"tables/{table.id}.{kind}" for table in whole.tables for kind in ("csv", "md")),
        *(f"latex/{table.id}.tex" for table in whole.tables),
    }  # fmt: skip
    for file in files:
        assert (second / file).read_bytes() == (first / file).read_bytes(), file


def test_figures_say_what_they_show(built: Path) -> None:
    negatives = (built / "figures/negatives.svg").read_text(encoding="utf-8")
    distance = (built / "figures/queue_distance.svg").read_text(encoding="utf-8")
    summary = document.load((built / "summary.json").read_text(encoding="utf-8"))
    (text,) = [figure.alt for figure in summary.figures if figure.id == "negatives"]
    for label, _, _, after in re.findall(r"([^:,]+) from ([\d.]+) (to) ([\d.]+)", text):
        assert f">{label.strip()}</text>" in negatives
        assert f">after {after}</text>" in negatives
    (table,) = [table for table in summary.tables if table.id == "queue_distance"]
    best = next(row for row in table.rows if any(cell.best for cell in row.cells))
    place, mean = best.cells[1].text, best.cells[2].text  # after the queue's size
    assert f">highest {mean} at {place}</text>" in distance
    assert ">highest 76.89 at 14.67</text>" in distance
    for svg in (negatives, distance):
        assert "<dc:date>" not in svg
        assert str(built) not in svg


@pytest.mark.slow
def test_png_for_a_readme(tmp_path: Path) -> None:
    write_results(tmp_path / "results", seeds=1)
    stages(tmp_path, png=tmp_path / "png")
    for name in ("negatives", "queue_distance"):
        assert (tmp_path / f"png/{name}.png").read_bytes().startswith(b"\x89PNG")


def one_seed(results: Path) -> None:
    for run in results.glob("*/[12]"):
        shutil.rmtree(run)


def one_method(results: Path) -> None:
    for name in ("mocose", "softcse_weight", "softcse_temperature"):
        shutil.rmtree(results / name)


def untrained_only(results: Path) -> None:
    one_method(results)
    shutil.rmtree(results / "simcse")


def failures(results: Path) -> None:
    for name in ("simcse/0", "simcse/1", "simcse/2", "cls/0"):
        fail(results / name, "STS13", "all pairs have the same cosine")


def no_theory(results: Path) -> None:
    (results / "theory.json").unlink()


def no_study(results: Path) -> None:
    shutil.rmtree(results / "ablate")


def failed_study(results: Path) -> None:
    file = results / "ablate/queue_distance.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    cut = [re.sub(r",[\d.]+,ok,,", ",,failed,loss is not finite,", line) for line in lines]
    file.write_text("\n".join([head, *cut]) + "\n", encoding="utf-8")


SLOW = [pytest.param(change, marks=pytest.mark.slow) for change in (one_method, failures, no_study)]


@pytest.mark.parametrize("change", [one_seed, untrained_only, failed_study, no_theory, *SLOW])
def test_incomplete_results_still_make_a_report(tmp_path: Path, change: Callable[[Path], None]) -> None:
    change(write_results(tmp_path / "results"))
    build = stages(tmp_path)
    test_every_figure_of_the_document_is_drawn_and_no_other(build)
    assert 4 <= pages(typeset(build)) <= 30
    summary = (build / "summary.json").read_text(encoding="utf-8")
    assert not re.search(r"\bNone\b|\bnan\b", summary)


@pytest.mark.slow
def test_other_profiles_carry_another_notice(tmp_path: Path) -> None:
    write_results(tmp_path / "results", profile="paper", comparable="yes", backbone="bert-base-uncased")
    build = stages(tmp_path)
    lines = set(query(build, "notice"))
    assert len(lines) == 1
    assert "Not comparable" not in lines.pop()


def test_every_figure_of_the_document_is_drawn_and_no_other(built: Path) -> None:
    shown = [figure.id for figure in report.content(built, ROOT).figures]
    assert sorted(shown) == sorted(file.stem for file in (built / "figures").iterdir())


def test_the_sections_stand_in_their_order(built: Path) -> None:
    found = [section.id for section in report.content(built, ROOT).sections]
    assert found == [
        "answer", "scores", "queue_distance", "negatives", "geometry", "theory", "protocol", "peaks", "selection",
        "comparison", "claims", "settings", "deviations", "environment", "provenance", "sources",
    ]  # fmt: skip


def test_the_template_types_no_number_in_prose() -> None:
    assert not re.search(r"(?<![\w.#])\d+\.\d\d(?![\w.%])", TEMPLATE.read_text(encoding="utf-8"))


def test_figures_are_reproducible(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built.parent / "results", tmp_path / "results")
    again = stages(tmp_path)
    for file in (built / "figures").iterdir():
        assert (again / "figures" / file.name).read_bytes() == file.read_bytes()


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="the summary is missing"):
        report.content(tmp_path, ROOT)
    write_results(tmp_path / "results", seeds=1)
    build = stages(tmp_path)
    shutil.rmtree(build / "figures")
    with pytest.raises(NegbenchError, match=r"typst: .*figures/.*\.svg"):
        typeset(build)
    (build / "summary.json").write_text('{"answer": "of an earlier version"}', encoding="utf-8")
    with pytest.raises(NegbenchError, match="not a report's content"):
        typeset(build)


def test_a_failed_aggregate_leaves_the_earlier_result(tmp_path: Path) -> None:
    write_results(tmp_path / "results", seeds=1)
    build = stages(tmp_path)
    before = {path: path.read_bytes() for path in build.rglob("*") if path.is_file()}
    write_json(tmp_path / "results/simcse/0/records.json", {"records": []})
    with pytest.raises(NegbenchError, match="provenance"):
        stages(tmp_path)
    assert {path: path.read_bytes() for path in build.rglob("*") if path.is_file()} == before


def test_deviations_are_comments_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval/a.py").write_text(
        '"""# Deviation: in a string."""\n'
        "# Deviation: first,\n"
        "# and its second line.\n"
        "x = 1  # Deviation: beside code\n"
        "    # Deviation: indented\n"
        "# Deviation: neighbour\n"
        "y = '# Deviation: quoted'  # another comment\n".replace("    #", "#"),
        encoding="utf-8",
    )
    found = deviations.collect(tmp_path, ["eval"])
    assert [(one.file, one.line, one.text) for one in found] == [
        ("eval/a.py", 2, "First, and its second line."),
        ("eval/a.py", 4, "Beside code"),
        ("eval/a.py", 5, "Indented"),
        ("eval/a.py", 6, "Neighbour"),
    ]


def test_commit_says_whether_the_code_was_changed(tmp_path: Path) -> None:
    assert report.commit(tmp_path).startswith("No commit")

    def git(*command: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert report.commit(tmp_path).startswith("No commit")
    (tmp_path / "eval").mkdir()
    for name in (*report.TRACKED, "notes"):
        file = tmp_path / name / "f" if "." not in name else tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("1", encoding="utf-8")
    git("add", "-A")
    git("commit", "-m", "first")
    assert re.fullmatch(r"Commit [0-9a-f]{12}", report.commit(tmp_path))
    (tmp_path / "notes/f").write_text("2", encoding="utf-8")
    assert re.fullmatch(r"Commit [0-9a-f]{12}", report.commit(tmp_path))
    (tmp_path / "eval/f").write_text("2", encoding="utf-8")
    assert re.fullmatch(r"Commit [0-9a-f]{12}, with local changes", report.commit(tmp_path))
