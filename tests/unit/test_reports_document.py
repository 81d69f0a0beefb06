"""The report's model: inline markup, references that lead somewhere, and what the layout makes of a table."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import NegbenchError
from reports import bibliography, document, layout
from reports.document import Cell, Document, Figure, Group, Notes, Reference, Row, Section, Table
from reports.markup import Span, literal, parse

NAMES = {"#sts": Span("link", "Table 1", "table-sts"), "@gao": Span("link", "Gao et al. 2021", "reference-gao")}


def table(id_: str, *rows: tuple[str | Cell, ...], columns: int = 1, notes: dict[str, str] | None = None) -> Table:
    cells = [tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows]
    group = Group(tuple(Row(f"row {index}", row) for index, row in enumerate(cells)))
    return Table(id_, tuple(f"column {index}" for index in range(columns)), (group,), "A caption.", notes or {})


def report(*sections: Section, references: tuple[Reference, ...] = ()) -> Document:
    return Document("Title", "subtitle", "notice", sections, references)


def text(value: str) -> list[tuple[str, str]]:
    return [(span.kind, span.text) for span in parse(value, NAMES)]


def test_markup() -> None:
    assert text("a `b_c` *d e* **f** [#sts], [@gao]!") == [
        ("text", "a "), ("code", "b_c"), ("text", " "), ("emphasis", "d e"), ("text", " "), ("strong", "f"),
        ("text", " "), ("link", "Table 1"), ("text", ", "), ("link", "Gao et al. 2021"), ("text", "!"),
    ]  # fmt: skip
    assert parse("[#sts]", NAMES)[0].target == "table-sts"


@pytest.mark.parametrize(
    "plain", ["2 * 3 * 4", "[CLS]", "[0.1, 0.2]", "a*b*c", "f(*args, **kwargs)", "** x **", "one ` tick", "#1 @2", ""]
)
def test_what_only_resembles_markup_stays(plain: str) -> None:
    assert text(plain) == ([("text", plain)] if plain else [])


def test_a_backslash_takes_the_meaning_off_a_mark() -> None:
    assert text(r"\*a\* \`b\` \[#c] \\") == [("text", r"*a* `b` [#c] " + "\\")]


@given(st.text())
def test_literal_text_is_printed_as_it_is(value: str) -> None:
    assert "".join(span.text for span in parse(literal(value), {})) == value
    assert {span.kind for span in parse(literal(value), {})} <= {"text"}


@given(st.text(alphabet="ab *`[]#@\\_"))
def test_nothing_but_marks_is_lost(value: str) -> None:
    """Every letter of a text is printed, in its order."""
    try:
        printed = "".join(span.text for span in parse(value, {}))
    except KeyError:
        return
    assert re.sub(r"[^ab]", "", printed) == re.sub(r"[^ab]", "", value)


def test_tables_and_figures_are_numbered_apart_through_all_sections() -> None:
    first = Section("one", "One", (table("a", ("1",)), Figure("f", "alt", "caption"), table("b", ("1",))))
    second = Section("two", "Two `x`", (Figure("g", "alt", "caption"), table("c", ("1",))))
    found = document.names(report(first, second))
    printed = {key: found[key].text for key in ("#a", "#b", "#c", "#f", "#g", "#one", "#two")}
    assert list(printed.values()) == ["Table 1", "Table 2", "Table 3", "Figure 1", "Figure 2", "One", "Two x"]


def test_an_id_that_two_kinds_share_is_named_in_full() -> None:
    blocks = (table("queue", ("1",)), Figure("queue", "alt", "caption"))
    found = document.names(report(Section("s", "S", (*blocks, "See [#table-queue] and [#figure-queue]."))))
    assert (found["#table-queue"].text, found["#figure-queue"].text) == ("Table 1", "Figure 1")
    with pytest.raises(NegbenchError, match=r"\[#queue\] leads nowhere, or to more than one .*section 's'"):
        document.names(report(Section("s", "S", (*blocks, "See [#queue]."))))


@pytest.mark.parametrize("place", ["paragraph", "caption", "note", "label", "cell", "heading", "group"])
def test_a_reference_that_leads_nowhere_is_an_error_wherever_it_stands(place: str) -> None:
    bad = "see [@nobody]"
    cell, label = Cell(bad if place == "cell" else "1", note="a"), bad if place == "label" else "row"
    held = Table(
        "t",
        (bad if place == "heading" else "column",),
        (Group((Row(label, (cell,)),), bad if place == "group" else ""),),
        bad if place == "caption" else "",
        {"a": bad if place == "note" else "a note"},
    )
    with pytest.raises(NegbenchError, match=r"\[@nobody\] leads nowhere"):
        document.names(report(Section("s", "S", (bad if place == "paragraph" else "text", held))))


def test_two_of_a_kind_cannot_share_an_id() -> None:
    with pytest.raises(NegbenchError, match=r"share an id .#table-a"):
        document.names(report(Section("s", "S", (table("a", ("1",)), table("a", ("1",))))))


def test_a_row_needs_a_cell_for_every_column_and_a_note_for_every_mark() -> None:
    with pytest.raises(ValueError, match="not 2 cells"):
        table("a", ("1",), columns=2)
    with pytest.raises(ValueError, match="no note 'a'"):
        table("a", (Cell("1", note="a"),))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_cell_is_never_a_number_that_is_none(value: float) -> None:
    with pytest.raises(ValueError, match="with the value"):
        Cell("0.00", value=value)


def test_the_document_comes_back_from_its_json() -> None:
    held = table("a", (Cell("1.00", "0.10", "a", True, 1.0),), ("—",), notes={"a": "why"})
    whole = report(
        Section("s", "S", ("text", held, Figure("f", "alt", "caption"))), references=(Reference("k", "K", "Kay."),)
    )
    assert document.load(document.dump(whole)) == whole
    with pytest.raises(ValueError, match="subtitle"):
        document.load('{"title": "only"}')


def test_columns_of_numbers_are_told_from_words() -> None:
    rows = [
        ("1.00", "fast", "—", "reproduced", "3", "reproduced"),
        ("—", "2", "—", "-", "", "partly"),
        ("−0.50", "3", "", "4", "+1.20", "partly"),
    ]
    assert layout.numeric(table("t", *rows, columns=6)) == [True, False, False, False, True, False]
    assert layout.legend(table("t", ("reproduced", "reproduced"), ("1.00", "partly"), columns=2)) == ["reproduced"]


def test_a_bare_number_as_spread_stands_after_a_plus_minus() -> None:
    assert [layout.spread(Cell("1", spread)) for spread in ("0.10", "[−1, 2]", "")] == ["± 0.10", "[−1, 2]", ""]


def test_labels_and_sources_become_columns() -> None:
    group = Group((Row("ours", (Cell("1.00"),)), Row("theirs", (Cell("2.00"),), source="SL p.4")))
    laid = layout.layout(report(Section("s", "S", (Table("t", ("score",), (group,), "", {}, "method"),))))
    block = laid["sections"][0]["blocks"][0]
    assert [column["kind"] for column in block["columns"]] == ["label", "number", "source"]
    printed = [["".join(span["text"] for span in cell["text"]) for cell in row] for row in block["groups"][0]["rows"]]
    assert printed == [["ours", "1.00", ""], ["theirs", "2.00", "SL p.4"]]
    json.dumps(laid, allow_nan=False)


def test_only_what_is_cited_is_listed() -> None:
    references = tuple(Reference(key, f"{key} 2020", f"*{key}*.") for key in ("x", "y", "z"))
    whole = report(Section("s", "S", ("See [@z] and [@x].",)), references=references)
    assert [one.key for one in layout.cited(whole)] == ["x", "z"]
    assert not layout.cited(replace(whole, sections=()))


def test_notes_share_a_mark_where_they_say_the_same() -> None:
    notes = Notes()
    marks = [notes.mark(one) for one in ("first", "second", "first", "")]
    assert marks == ["a", "b", "a", ""]
    assert notes.texts == {"a": "first", "b": "second"}
    assert [Notes().mark("x"), *(notes.mark(str(index)) for index in range(26))][-1] == "ab"


def test_the_bibliography_is_cited_by_names_and_year() -> None:
    found = {one.key: one for one in bibliography.load()}
    assert found["simcse"].short == "Gao et al. 2021"
    assert found["simcse"].text.startswith("T. Gao, X. Yao and D. Chen. *SimCSE: Simple")
    assert found["focal_infonce"].short == "Hou and Li 2023"
    assert found["macl"].text.startswith("Huang et al. *")
    assert all(re.fullmatch(r"[\w ]+( et al\.| and \w+)? \d{4}", one.short) for one in found.values())
