"""Parts of a text file that a program writes, between two marks that a reader does not see."""

from __future__ import annotations

from pipelines.errors import NegbenchError


def part(text: str, mark: str) -> str | None:
    """What stands between a mark's two lines, or None where the text has no such part."""
    begin, end = _lines(mark)
    return text.split(begin, 1)[1].split(end, 1)[0] if begin in text and end in text else None


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
    begin, end = _lines(mark)
    if part(text, mark) is None:
        raise NegbenchError(f"no place for {mark}", where, f"Put {begin.strip()} and {end.strip()} there.")
    before, rest = text.split(begin, 1)
    return before + begin + content + end + rest.split(end, 1)[1]


def _lines(mark: str) -> tuple[str, str]:
    return f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
