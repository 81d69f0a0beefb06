"""The report's list of deviations, collected from the code: every comment that begins `# Deviation:`."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.document import Cell, Group, Row, Section, Table

MARK = "# Deviation:"


@dataclass(frozen=True)
class Deviation:
    """One departure from a source, with the place in the code that makes it."""

    file: str  # relative to the repository, with "/"
    line: int
    text: str


def collect(root: Path, folders: Sequence[str]) -> list[Deviation]:
    """Every deviation in the Python files of some folders, by file and line."""
    files = sorted(file for folder in folders for file in (root / folder).rglob("*.py"))
    return [
        Deviation(file.relative_to(root).as_posix(), line, text) for file in files for line, text in _comments(file)
    ]


def section(found: Sequence[Deviation]) -> Section:
    """Every deviation beside its place in the code."""
    rows = tuple(Row(f"`{one.file}:{one.line}`", (Cell(one.text),)) for one in found)
    caption = "Where the code departs from a paper or from released code, as the code itself says."
    table = Table("deviations", ("departure",), (Group(rows),), caption, head="place")
    block = table if rows else "No deviation is marked in the code."
    return Section("deviations", "Deviations from the papers and their code", (block,))


def _comments(file: Path) -> Iterator[tuple[int, str]]:
    """Marked comments of a file, each with the comment lines that directly follow it."""
    with tokenize.open(file) as stream:
        tokens = list(tokenize.generate_tokens(stream.readline))
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    whole = {
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
    }
    for line, comment in comments.items():
        if comment.startswith(MARK):
            parts = [comment.removeprefix(MARK)]
            following = line + 1
            while following in whole and not comments[following].startswith(MARK):
                parts.append(comments[following].removeprefix("#"))
                following += 1
            text = " ".join(part.strip() for part in parts)
            yield line, text[:1].upper() + text[1:]
