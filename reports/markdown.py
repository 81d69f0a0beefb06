"""The report as Markdown, and its tables as files of their own for a README. Takes what reports/layout.py lays out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

_ALONE = {"text": "{}", "code": "`{}`", "emphasis": "*{}*", "strong": "**{}**", "link": "{}"}
_LINKED = {**_ALONE, "link": "[{}](#{})"}
_MARKS = re.compile(r"[\\`*_~\[\]<>|]|&(?=#?\w+;)")  # what Markdown would take for markup of its own
_LISTS = re.compile(r"^(\d*)(?=[#+.)-])")  # and at the beginning of a paragraph


def report(laid: Mapping[str, Any]) -> str:
    """The whole report; figures are links to their files."""
    shown = [section for section in laid["sections"] if section["title"]]
    contents = [f"- [{_printed(section['title'], _ALONE)}](#{section['anchor']})" for section in shown]
    contents += ["- [Bibliography](#bibliography)"] if laid["references"] else []
    parts = [f"# {_escaped(laid['title'])}", _escaped(laid["subtitle"]), f"> {_escaped(laid['notice'])}"]
    front, *others = [_section(section) for section in laid["sections"]]
    parts += [*front, "\n".join(contents), *chain.from_iterable(others)]
    if laid["references"]:
        listed = [f"- {_anchor(one)}{_printed(one['text'], _LINKED)}" for one in laid["references"]]
        parts += ['<a id="bibliography"></a>\n\n## Bibliography', "\n".join(listed)]
    return "\n\n".join(filter(None, parts)) + "\n"


def table(block: Mapping[str, Any], faces: Mapping[str, str] = _ALONE) -> str:
    """One table, the spread beside its score, the best of ours in bold; notes and sources as in print."""
    bold = {**faces, "strong": "{}"}  # within bold text, which Markdown cannot make bolder

    def cell(one: Mapping[str, Any]) -> str:
        text = f"**{_printed(one['text'], bold)}**" if one["best"] else _printed(one["text"], faces)
        spread = _printed(one["spread"], faces)
        if spread and not spread.startswith("±"):  # an interval would read as more numbers
            spread = f"<sub>{spread}</sub>"
        return " ".join(filter(None, [text, spread])) + _sup(one["note"])

    sides = ("---:" if column["kind"] == "number" else "---" for column in block["columns"])
    lines = [_line(_printed(column["heading"], faces) for column in block["columns"]), f"|{'|'.join(sides)}|"]
    for group in block["groups"]:
        if group["title"]:
            lines.append(_line([f"**{_printed(group['title'], bold)}**", *[""] * (len(block["columns"]) - 1)]))
        lines += [_line(map(cell, row)) for row in group["rows"]]
    lines += ["", *(f"{_sup(note['mark'])} {_printed(note['text'], faces)}  " for note in block["notes"])]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Mapping[str, Any]) -> list[str]:
    title = f"{_anchor(section)}\n\n## {_printed(section['title'], _ALONE)}" if section["title"] else ""
    return [title, *map(_block, section["blocks"])]


def _block(block: Mapping[str, Any]) -> str:
    if block["kind"] == "paragraph":
        return _LISTS.sub(r"\1\\", _printed(block["text"], _LINKED))
    caption = f"{_anchor(block)}\n**{block['name']}.** {_printed(block['caption'], _LINKED)}"
    if block["kind"] == "figure":
        return f"![{_escaped(block['alt'])}]({block['file']})\n\n{caption}"
    return f"{caption}\n\n{table(block, _LINKED).rstrip()}"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _printed(spans: Sequence[Mapping[str, str]], faces: Mapping[str, str]) -> str:
    texts = (span["text"].replace("|", "\\|") if span["kind"] == "code" else _escaped(span["text"]) for span in spans)
    pairs = zip(spans, texts, strict=True)
    return "".join(faces[span["kind"]].format(text, span["target"]) for span, text in pairs)


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", text)


def _anchor(item: Mapping[str, Any]) -> str:
    return f'<a id="{item["anchor"]}"></a>'


def _sup(mark: str) -> str:
    return f"<sup>{mark}</sup>" if mark else ""
