"""The report's page in a browser: it loads from a file, asks for nothing, sorts its tables, and can be read by all."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_fixture import write_results

pytest.importorskip("websocket", reason="websocket-client, which drives a browser, is not installed")
from browser import PROGRAM, Page, browser

from pipelines import report
from pipelines.aggregate import aggregate
from pipelines.figures import draw
from reports import html
from reports.document import Cell, Document, Figure, Group, Row, Section, Table
from reports.layout import layout

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium to open the report with: apt-get install chromium"),
    pytest.mark.slow,
]
ROOT = Path(__file__).parents[2]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="9pt" viewBox="0 0 90 9"><text y="8">A</text></svg>'
KEYS = ("−2.50", "10.00", "9.00", "—")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report of a whole results folder."""
    folder = tmp_path_factory.mktemp("report")
    write_results(folder / "results", seeds=2)
    build = folder / "build"
    options = Namespace(results=folder / "results", paper=ROOT / "reports/paper", build=build, png=None, params=None)
    aggregate(options)
    draw(options)
    whole = report.content(build, ROOT)
    file = build / "report.html"
    file.write_text(html.page(layout(whole), report.drawings(build, whole)), encoding="utf-8")
    return Page(address, file.as_uri())


@pytest.fixture
def small(address: str, tmp_path: Path) -> Page:
    """One table of two groups, with dashes and a word among the numbers, and one figure."""
    values = (Cell("−2.50", value=-2.5), Cell("10.00", value=10.0), Cell("9.00"), Cell("—"))
    rows = tuple(Row(f"row {index}", (cell, Cell("b")), "") for index, cell in enumerate(values))
    groups = (Group(rows, "First"), Group(tuple(reversed(rows)), "Second", muted=True))
    table = Table("t", ("score", "word"), groups, "A *caption*.", head="name")
    blocks = ("Text with <markup> & `code`.", table, Figure("f", "what it shows", "Drawn."))
    laid = layout(Document("A title", "", "A notice", (Section("s", "Section", blocks),)))
    file = tmp_path / "report.html"
    file.write_text(html.page(laid, {"f": SVG}), encoding="utf-8")
    return Page(address, file.as_uri())


def column(page: Page, index: int, body: int = 0) -> list[str]:
    rows = f"[...document.querySelector('table').tBodies[{body}].rows].filter(row => row.cells.length > 1)"
    found: list[str] = page.value(f"{rows}.map(row => row.cells[{index}].textContent.trim())")
    return found


def sorting(page: Page) -> list[str | None]:
    found: list[str | None] = page.value("[...document.querySelectorAll('thead th')].map(cell => cell.ariaSort)")
    return found


def test_nothing_is_asked_for_and_nothing_goes_wrong(page: Page) -> None:
    asked = [one["request"]["url"] for one in page.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [page.value("location.href")]
    for event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
        assert page.told(event) == []


def test_the_policy_stops_a_request(small: Page) -> None:
    small.value("new Promise(done => { const image = new Image(); image.onerror = done; image.src = 'x.png' })")
    assert any("Content Security Policy" in one["entry"]["text"] for one in small.told("Log.entryAdded"))


def test_the_face_of_the_figures_is_in_the_page(small: Page) -> None:
    assert small.value("document.fonts.load('10px STIXGeneral').then(faces => faces.map(face => face.status))") == [
        "loaded"
    ]


def test_a_click_sorts_numbers_as_numbers_both_ways_and_back_with_dashes_last(small: Page) -> None:
    selector = "thead th:nth-child(2) button"
    assert column(small, 1) == [*KEYS]
    small.click(selector)
    assert (column(small, 1), sorting(small)) == (["−2.50", "9.00", "10.00", "—"], ["none", "ascending", "none"])
    assert column(small, 1, body=1) == ["−2.50", "9.00", "10.00", "—"]
    small.click(selector)
    assert (column(small, 1), sorting(small)) == (["10.00", "9.00", "−2.50", "—"], ["none", "descending", "none"])
    small.click(selector)
    assert (column(small, 1), sorting(small)) == ([*KEYS], ["none", "none", "none"])
    assert column(small, 1, body=1) == [*reversed(KEYS)]


def test_the_keyboard_reaches_a_heading_and_enter_sorts(small: Page) -> None:
    reached = []
    while "name" not in reached:
        small.press("Tab")
        reached.append(small.value("document.activeElement.textContent.trim()"))
        assert len(reached) < 9
    assert reached[0] == "Skip to the report"
    small.press("Enter", "\r")
    small.press("Enter", "\r")
    assert column(small, 0) == ["row 3", "row 2", "row 1", "row 0"]
    assert sorting(small) == ["descending", "none", "none"]


def test_the_skip_link_leads_past_the_contents(small: Page) -> None:
    small.press("Tab")
    small.press("Enter", "\r")
    assert small.value("document.activeElement.id") == "report"


def described(page: Page) -> list[dict[str, Any]]:
    """What a screen reader is told: role and name of each thing."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    return [
        {"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")}
        for node in nodes
        if not node["ignored"]
    ]


def test_landmarks_headings_and_names(page: Page) -> None:
    found = described(page)
    roles = [one["role"] for one in found]
    assert [roles.count(role) for role in ("banner", "navigation", "main")] == [1, 1, 1]
    levels = page.value("[...document.querySelectorAll('h1, h2, h3')].map(one => one.tagName)")
    assert levels == ["H1", *["H2"] * (len(levels) - 1)]
    for role in ("table", "image", "navigation", "button", "link", "columnheader"):
        some = [one["name"].strip() for one in found if one["role"] == role]
        assert some, role
        assert all(some) or role == "columnheader", role  # the column of sources has no heading
    alts = page.value("[...document.querySelectorAll('figure svg[role=img]')].map(one => one.ariaLabel)")
    assert alts == [figure.alt for figure in document_of(page).figures]
    assert page.value("document.documentElement.lang") == "en-GB"


def document_of(page: Page) -> Document:
    file = Path(page.value("decodeURIComponent(location.pathname)"))
    return report.content(file.parent, ROOT)


def test_ids_are_unique_and_every_reference_within_the_page_leads_somewhere(page: Page) -> None:
    ids = page.value("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    targets = page.value("[...document.querySelectorAll('[href]')].map(one => one.getAttribute('href'))")
    assert {target[1:] for target in targets} <= set(ids)
    clips = page.value("[...document.querySelectorAll('[clip-path]')].map(one => one.getAttribute('clip-path'))")
    assert clips
    assert {clip[5:-1] for clip in clips} <= set(ids)


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_figures_are_drawn_and_only_tables_and_figures_scroll_sideways(page: Page, width: int) -> None:
    page.show(width, 800)
    assert page.value("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.value("[...document.querySelectorAll('.drawing svg')].map(one => one.getBoundingClientRect().height)")
    assert len(sizes) == len(document_of(page).figures)
    assert min(sizes) > 80


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(small: Page, scheme: str) -> None:
    """By the WCAG's formula, at its level AA for text of any size."""
    small.show(1200, 800, scheme)
    paper = lightness(small, "body", "backgroundColor")
    assert (paper > 0.5) == (scheme == "light")
    for selector in ("p", "nav a", "header", ".muted td"):
        high, low = sorted([paper, lightness(small, selector, "color")], reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, selector


def lightness(page: Page, selector: str, what: str) -> float:
    """Relative luminance, from 0 to 1."""
    colour = page.value(f"getComputedStyle(document.querySelector('{selector}')).{what}")
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
