"""The report as one HTML page that holds its style, script and figures. Takes what reports/layout.py lays out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import font, svg
from reports.wording import MINUS, MISSING

TEMPLATES = Path(__file__).parent / "template"


def page(laid: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The page; the same content gives the same text.

    Args:
        laid: the report as `layout.layout` lays it out.
        figures: SVG by the id of its figure.
    """
    shown = [block for section in laid["sections"] for block in section["blocks"] if block["kind"] == "figure"]
    drawings = {one["id"]: Markup(svg.inline(figures[one["id"]], one["anchor"], one["alt"])) for one in shown}
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"key": key, "css": css}
    style, script = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))
    style += Markup(font.face("".join(figures.values())))
    return environment.get_template("report.html").render(**laid, drawings=drawings, style=style, script=script)


def key(cell: Mapping[str, Any]) -> str:
    """What a cell is sorted by: its unrounded value, its text if it has none, nothing for a dash."""
    if cell["value"] is not None:
        return repr(cell["value"])
    text = "".join(span["text"] for span in cell["text"])
    return "" if text == MISSING else text.replace(MINUS, "-")


def css(text: str) -> Markup:
    """Text inside quotation marks of a style sheet."""
    return Markup(re.sub(r"[^\w .,:;-]", lambda found: f"\\{ord(found[0]):x} ", text))
