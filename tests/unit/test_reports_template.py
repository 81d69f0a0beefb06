"""The template on documents that no run makes: very wide, very long, and everything a table can hold."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import report
from reports.document import Block, Cell, Document, Group, Reference, Row, Section, Table
from reports.layout import GLYPHS

TEMPLATE = Path(__file__).parents[2] / report.TEMPLATE
PPI = 72  # a pixel is a point
LEFT, RIGHT, TOP = 71, 595 - 71, 76  # the text area of A4 with margins of 2.5 and 2.7 cm


def scores(id_: str, columns: int, rows: int, label: str = "Method", head: str = "STS") -> Table:
    numbers = np.random.default_rng(0).uniform(0, 100, (rows, columns))
    cells = [tuple(Cell(f"{value:.2f}", "1.23" if index % 2 else "", value=value) for value in row)
             for index, row in enumerate(numbers)]  # fmt: skip
    group = Group(tuple(Row(f"{label} {index}", row, source="SL p.4") for index, row in enumerate(cells)), "A group")
    return Table(id_, tuple(f"{head} {index}" for index in range(columns)), (group,), "A caption.", head="method")


def words(*texts: str, label: str = "row") -> Table:
    cells = tuple(Cell(text) for text in texts)
    return Table("words", tuple("ab")[: len(texts)], (Group((Row(label, cells),)),), "A caption.")


def rendered(folder: Path, *blocks: Block) -> list[NDArray[np.uint8]]:
    """The pages as grey pixels (842, 595)."""
    whole = Document("Title", "subtitle", "notice", (Section("s", "", blocks),))
    images = report.compiler(TEMPLATE, folder, whole).compile(format="png", ppi=PPI)
    return [
        np.asarray(Image.open(io.BytesIO(one)).convert("L"))
        for one in (images if isinstance(images, list) else [images])
    ]


@pytest.mark.parametrize(
    "table",
    [
        scores("t", 8, 5),
        scores("t", 14, 5),
        scores("t", 30, 5),
        scores("t", 8, 5, label="A method with a name that nobody would print in full, of its many variants number"),
        scores("t", 8, 5, head="a heading of several words"),
        scores("t", 1, 3),
        words("prose " * 200, "word " * 50, label="methods/core/some_module_of_ours.py:1234"),
        words("x" * 150, label="y" * 90),
        Table("none", ("a",), (Group((), "nothing"),), "A caption."),
    ],
    ids=["usual", "wide", "very-wide", "long-labels", "long-headings", "narrow", "prose", "unbreakable", "empty"],
)
def test_no_table_leaves_the_text_area(tmp_path: Path, table: Table) -> None:
    for page in rendered(tmp_path, table):
        body = page[TOP:]
        assert body.min() < 100
        assert body[:, : LEFT - 2].min() == 255
        assert body[:, RIGHT + 2 :].min() == 255


def test_a_long_table_goes_on_with_its_header(tmp_path: Path) -> None:
    first, second, third, *_ = rendered(tmp_path, scores("t", 6, 200))
    head = slice(TOP, TOP + 26)  # rule, headings, rule, title of the group
    np.testing.assert_array_equal(second[head], third[head])
    assert second[head].min() < 100
    assert (second[TOP + 40 :] != third[TOP + 40 :]).any()
    assert first[700:760].min() < 100  # it began on the first page


def test_a_short_table_stays_in_one_piece(tmp_path: Path) -> None:
    """Pushed down the page line by line, it moves to the next as a whole: it has the same ink wherever it stands."""
    table, ink = scores("t", 6, 8), set()
    for lines in range(34, 46, 4):
        *_, last = rendered(tmp_path, *["Text."] * lines, table)
        rows = np.flatnonzero(last[TOP:770].min(axis=1) < 100)
        rules = [row for row in rows if (last[TOP + row, LEFT:RIGHT] < 200).mean() > 0.9]
        ink.add(rules[-1] - rules[0])
    assert len(ink) == 1


def test_the_more_a_verdict_says_the_fuller_its_sign(tmp_path: Path) -> None:
    def ink(verdict: str) -> float:
        """Of one sign among numbers: that of ten more of them, without their equal labels and the legend."""

        def total(signs: int) -> float:
            rows = tuple(Row("x", (Cell(verdict if index < signs else "1.00"),)) for index in range(11))
            (page,) = rendered(tmp_path, Table("t", ("x",), (Group((*rows, Row("y", (Cell("1.00"),)))),), ""))
            return float((255 - page.astype(float)).sum())

        return total(11) - total(1)

    drawn = {verdict: ink(verdict) for verdict in GLYPHS}
    assert drawn["reproduced"] == drawn["supported"] > drawn["undecided"]
    assert drawn["undecided"] > drawn["not reproduced"] == drawn["contradicted"] > drawn["not tested"]


@pytest.mark.parametrize("paragraphs", [2, 40])
def test_a_long_report_has_a_table_of_contents(tmp_path: Path, paragraphs: int) -> None:
    sections = [Section(f"s{index}", f"Section {index}", ("Word. " * 50,) * paragraphs) for index in range(6)]
    front = Section("answer", "", ("Answer [#s3], [@k].",))
    whole = Document("Title", "", "notice", (front, *sections), (Reference("k", "K 2020", "Kay."),))
    compiler = report.compiler(TEMPLATE, tmp_path, whole)
    (pages,) = json.loads(compiler.query("<pages>", field="value"))
    assert len(json.loads(compiler.query("<contents>"))) == (pages > 10)
    assert (pages > 10) == (paragraphs == 40)
    assert len(json.loads(compiler.query("heading"))) == 7  # with the bibliography
