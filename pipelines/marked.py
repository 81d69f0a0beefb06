"""Parts of a text file that a program writes, between two marks that a reader does not see."""

from __future__ import annotations

from pipelines.errors import NegbenchError


def part(text: str, mark: str) -> str | None:
    """What stands between a mark's two lines, or None where the text has no such part."""
    found = _split(text, mark)
    return found[1] if found else None


def replace(text: str, mark: str, content: str, where: str) -> str:
    """The text with other content between a mark's two lines.

    Args:
        text: the whole file.
        mark: the part's name.
        content: whole lines.
        where: the file's name, for the error.

    Raises:
        NegbenchError: the file has no place for the part.
    """
    found = _split(text, mark)
    if found is None:
        raise NegbenchError(f"no place for {mark}", where, f"Put <!-- {mark} --> and, below, <!-- /{mark} --> there.")
    before, _, after = found
    return before + content + after


def _split(text: str, mark: str) -> tuple[str, str, str] | None:
    """What comes up to the end of the first mark's line, what follows, and what comes from the last mark on."""
    before, begin, rest = text.partition(f"<!-- {mark} -->\n")
    inside, end, after = rest.partition(f"<!-- /{mark} -->")
    return (before + begin, inside, end + after) if end else None
