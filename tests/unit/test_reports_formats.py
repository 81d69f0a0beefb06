"""The report in each of its forms against the document that all of them print."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from argparse import Namespace
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typst
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_fixture import fail, write_results

from pipelines import report
from pipelines.aggregate import aggregate
from pipelines.errors import NegbenchError
from pipelines.figures import draw
from reports import bibliography, font, html, layout, markdown, svg
from reports.document import Cell, Document, Figure, Group, Row, Section, Table
from reports.markup import literal

ROOT = Path(__file__).parents[2]
FORMS = ("report.pdf", "report.html", "report.md")
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def options(folder: Path) -> Namespace:
    """Of all three stages."""
    return Namespace(
        results=folder / "results", paper=ROOT / "reports/paper", build=folder / "build", png=None,
        params=None, template=ROOT / report.TEMPLATE, runs=folder / "runs",
    )  # fmt: skip


def print_report(chosen: Namespace) -> None:
    report.report(Namespace(**{**vars(chosen), "params": ROOT / "params.yaml"}))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    write_results(folder / "results", seeds=2)
    fail(folder / "results/simcse/0", "STS13", "all pairs *have* [the] same | cosine")
    aggregate(options(folder))
    draw(options(folder))
    print_report(options(folder))
    return folder / "build"


def laid(build: Path) -> dict[str, Any]:
    return layout.layout(report.content(build, ROOT))


def blocks(build: Path, kind: str) -> list[dict[str, Any]]:
    return [block for section in laid(build)["sections"] for block in section["blocks"] if block["kind"] == kind]


def words(*parts: Sequence[Mapping[str, str]] | str) -> str:
    """What is read, without faces and blanks."""
    texts = (part if isinstance(part, str) else "".join(span["text"] for span in part) for part in parts)
    return re.sub(r"\s", "", "".join(texts))


def printed_rows(block: Mapping[str, Any]) -> list[list[str]]:
    """Of one table: its headings, then every row of every group."""
    rows = [[words(column["heading"]) for column in block["columns"]]]
    for group in block["groups"]:
        rows += [[words(cell["text"], cell["note"], cell["spread"]) for cell in row] for row in group["rows"]]
    return rows


class Reader(HTMLParser):
    """The rows of every table, and every id and reference."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.targets += [value for name, value in given.items() if name in ("href", "src", "xlink:href")]
        self.targets += re.findall(r"url\((.*?)\)", " ".join(given.values()))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("th", "td"):
            self.tables[-1][-1].append("")
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.tables[-1][-1][-1] += re.sub(r"\s", "", data)


@pytest.mark.parametrize("form", ["html", "md"])
def test_every_cell_of_every_table_is_printed(built: Path, form: str) -> None:
    text = (built / f"report.{form}").read_text(encoding="utf-8")
    found = Reader(text if form == "html" else MARKDOWN.render(text)).tables
    expected = [printed_rows(block) for block in blocks(built, "table")]
    assert len(expected) > 8
    for block, rows, wanted in zip(blocks(built, "table"), found, expected, strict=True):
        width = len(block["columns"])
        titles = [words(group["title"]) for group in block["groups"] if group["title"]]
        title_rows = [row for row in rows if len(row) < width or (row[0] in titles and not any(row[1:]))]
        assert [row[0] for row in title_rows] == titles
        # Markdown prints a note after its cell's spread, print and page before it.
        assert [[*map(sorted, row)] for row in rows if row not in title_rows] == [[*map(sorted, row)] for row in wanted]


@pytest.mark.parametrize("form", ["html", "md"])
def test_every_reference_leads_to_one_place_and_none_elsewhere(built: Path, form: str) -> None:
    text = (built / f"report.{form}").read_text(encoding="utf-8")
    read = Reader(text if form == "html" else MARKDOWN.render(text))
    assert len(read.ids) == len(set(read.ids))
    within = [target for target in read.targets if target.startswith("#")]
    assert {target[1:] for target in within} <= set(read.ids)
    assert len(within) > 10
    figures = [f"figures/{block['id']}.svg" for block in blocks(built, "figure")]
    assert [target for target in read.targets if not target.startswith("#")] == (figures if form == "md" else [])
    assert {block["anchor"] for kind in ("table", "figure") for block in blocks(built, kind)} <= set(read.ids)


def test_every_paragraph_is_in_every_text_form(built: Path) -> None:
    page = re.sub(r"<[^>]*>", "", (built / "report.html").read_text(encoding="utf-8"))
    rendered = re.sub(r"<[^>]*>", "", MARKDOWN.render((built / "report.md").read_text(encoding="utf-8")))
    texts = [words(block["text"]) for block in blocks(built, "paragraph")]
    texts += [words(block["caption"]) for kind in ("table", "figure") for block in blocks(built, kind)]
    for form in (page, rendered):
        plain = re.sub(r"\s", "", form.replace("&quot;", '"').replace("&#39;", "'").replace("&#34;", '"'))
        plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert [text for text in texts if text not in plain] == []


@given(st.text(alphabet="ab1 *_`[]()<>|#+-.~&;\\!\"'²").map(str.strip).filter(bool))
def test_markdown_means_what_is_printed(text: str) -> None:
    """A CommonMark parser reads back each text that is no markup of ours, as a paragraph and in a cell."""
    table = Table("t", ("x",), (Group((Row(literal(text), (Cell("1"),)),)),), "")
    content = layout.layout(Document("T", "s", "n", (Section("s", "", (literal(text), table)),)))
    paragraph, _, cells = (MARKDOWN.render(part) for part in markdown.report(content).split("\n\n")[3:6])
    for rendered in (paragraph, cells):
        inner = re.search(r"<(p|td)[^>]*>(.*?)</\1>", rendered, re.DOTALL)
        assert inner
        assert Plain(inner[2]).text.split() == text.split()


def test_markdown_is_bold_once_and_tells_an_interval_from_a_number() -> None:
    """A group's title and the best cell are bold: markup in them must not make Markdown print its marks."""
    row = Row("row", (Cell("**2.0**, the *best*", "-1 to 3", best=True), Cell("1.0", "0.5")))
    table = Table("t", ("x", "y"), (Group((row,), title="**Group** of one"),), "")
    content = layout.layout(Document("T", "s", "n", (Section("s", "", (table,)),)))
    rendered = MARKDOWN.render(markdown.report(content))
    assert "<strong>Group of one</strong>" in rendered
    assert "<strong>2.0, the <em>best</em></strong> <sub>-1 to 3</sub>" in rendered
    assert "<td>1.0 ± 0.5</td>" in re.sub(" style=[^>]*", "", rendered)
    assert "**" not in re.sub("<[^>]*>", "", rendered)


class Plain(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        raise AssertionError(f"<{tag}> out of plain text")


def test_markup_from_outside_is_text_in_the_page() -> None:
    text = '<script>alert(1)</script> & "x" \''
    table = Table("t", (text,), (Group((Row(text, (Cell(text),), source=text),), text),), text, {"a": text}, text)
    figure = Figure("f", text, text)
    whole = Document(text, text, text, (Section("s", text, (text, table, figure)),))
    page = html.page(layout.layout(whole), {"f": '<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"/>'})
    assert page.count("<script>") == 1
    assert "alert(1)</" not in page


def test_a_cell_is_sorted_by_its_value_and_a_dash_by_nothing() -> None:
    rows = (Row("x", (Cell("1.23", "0.50", value=1.2345),)), Row("y", (Cell("—"),)), Row("z", (Cell("−2"),)))
    whole = Document("", "", "", (Section("s", "", (Table("t", ("c",), (Group(rows),), ""),)),))
    (block,) = layout.layout(whole)["sections"][0]["blocks"]
    assert [html.key(row[1]) for row in block["groups"][0]["rows"]] == ["1.2345", "", "-2"]


def test_two_drawings_on_one_page_keep_their_own_ids(built: Path) -> None:
    drawing = (built / "figures/negatives.svg").read_text(encoding="utf-8")
    first, second = (svg.inline(drawing, name, "what & why") for name in ("a", "b"))
    ids = [set(re.findall(r'\bid="(.*?)"', one)) for one in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert len(ids[0]) == drawing.count(" id=")
    for one, own in zip((first, second), ids, strict=True):
        used = re.findall(r'(?:href="|url\()#(.*?)["\)]', one)
        assert used
        assert set(used) <= own
        assert 'role="img" aria-label="what &amp; why"' in one
        shapes = [
            element.attrib["d"].split() for element in ElementTree.fromstring(one).iter() if "d" in element.attrib
        ]
        assert shapes == [shape.split() for shape in re.findall(r'\bd="([^"]*)"', drawing)]


def test_the_face_holds_what_is_asked_for_and_is_the_same_each_time() -> None:
    assert font.face("ab") == font.face("ba")
    assert len(font.face("ab")) < len(font.face("abcdefgh")) < 20_000


def test_built_again_each_form_has_the_same_bytes(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [built / name for name in FORMS] + sorted((built / "latex").iterdir())
    before = [file.read_bytes() for file in files]
    print_report(options(built.parent))
    assert [file.read_bytes() for file in files] == before
    assert capsys.readouterr().out == f"{built / 'report.pdf'}\n"
    assert [file.stem for file in files[3:]] == sorted(block["id"] for block in blocks(built, "table"))


def test_a_report_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    write_results(tmp_path / "results", seeds=1)
    aggregate(options(tmp_path))
    draw(options(tmp_path))
    print_report(options(tmp_path))
    kept = {file: file.read_bytes() for file in (tmp_path / "build").rglob("*") if file.is_file()}
    drawing = tmp_path / "build/figures/plane.svg"
    drawing.unlink()
    with pytest.raises(NegbenchError, match="plane"):
        print_report(options(tmp_path))
    assert {file: file.read_bytes() for file in kept if file != drawing} == {
        file: content for file, content in kept.items() if file != drawing
    }


def test_records_hold_every_run_and_every_study(built: Path) -> None:
    results = built.parent / "results"
    table = pd.read_parquet(built / "records.parquet")
    pd.testing.assert_frame_equal(table, pd.read_csv(built / "records.csv", dtype=table.dtypes.to_dict()))
    stored = [json.loads(file.read_text())["records"] for file in results.glob("*/*/**/records.json")]
    runs = table[table.study.isna()]
    assert len(runs) == sum(map(len, stored))
    assert runs.value.isna().sum() == sum(record["value"] is None for records in stored for record in records) > 0
    for file in results.glob("*/*/run.json"):
        info, (method, seed) = json.loads(file.read_text()), file.parts[-3:-1]
        own = runs[(runs.method == method) & (runs.seed == int(seed))]
        told = {**info.get("settings", {}), **info.get("train", {})}
        assert [json.loads(text) for text in own.settings.unique()] == [told]
    for file in (results / "ablate").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        ours = table[table.study == file.stem]
        hashes = json.loads(file.with_suffix(".json").read_text())["hashes"]
        assert ours[[*hashes]].drop_duplicates().to_dict("records") == [hashes]
        assert [*ours.value] == [float(line["value"]) for line in lines]
        settings = [json.loads(text) for text in ours.settings]
        assert [one["ema_decay"] for one in settings] == [float(line["ema_decay"]) for line in lines]


def test_typst_reads_the_bibliography_and_every_paper_is_in_it() -> None:
    content = bibliography.FILE.read_bytes()
    source = "#bibliography(bytes(sys.inputs.content), full: true)"
    typst.compile(source.encode(), sys_inputs={"content": content.decode()})
    papers = {yaml.safe_load(file.read_text())["key"] for file in (ROOT / "reports/paper").glob("*.yaml")}
    assert papers <= {reference.key for reference in bibliography.load()}
