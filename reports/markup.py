"""Inline markup of the report's texts, parsed here and nowhere else.

`code`, *emphasis*, **strong**, [#id] for a table, figure or section, [@key] for an entry of the bibliography; a
backslash takes the meaning off the character after it. Markup does not nest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

Kind = Literal["text", "code", "emphasis", "strong", "link"]

_TOKEN = re.compile(
    r"\\(?P<text>[\\`*\[])"
    r"|`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*"
    r"|(?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|\[(?P<link>[#@][\w.-]+)\]"
)


@dataclass(frozen=True)
class Span:
    """A stretch of text in one face. A link has the anchor that it leads to."""

    kind: Kind
    text: str
    target: str = ""


Names = Mapping[str, Span]  # "#id" or "@key" to the link that is printed for it


def parse(text: str, names: Names) -> list[Span]:
    """Text as spans, references replaced by what they are called.

    Raises:
        KeyError: a reference that `names` does not have, as written: "#id" or "@key".
    """
    spans: list[Span] = []
    end = 0

    def add(plain: str) -> None:
        if plain and spans and spans[-1].kind == "text":
            plain = spans.pop().text + plain
        if plain:
            spans.append(Span("text", plain))

    for token in _TOKEN.finditer(text):
        add(text[end : token.start()])
        end = token.end()
        kind = token.lastgroup
        if kind == "text":
            add(token["text"])
        elif kind == "link":
            spans.append(names[token["link"]])
        else:
            spans.append(Span(cast(Kind, kind), token[str(kind)]))
    add(text[end:])
    return spans


def literal(text: str) -> str:
    """Text from outside, such as an error's message, with the meaning taken off every mark in it."""
    return re.sub(r"[\\`*\[]", r"\\\g<0>", text)
