"""The one error that users see: what went wrong, where, and what to do next."""

from __future__ import annotations

from pathlib import Path


class NegbenchError(Exception):
    """A problem that the user can act on, told in one line.

    Args:
        what: what went wrong, without a full stop ("line has no tab").
        where: the file, setting or stage it happened in ("STS.input.images.txt:12").
        next_step: what to do about it ("run `dvc repro fetch` again").
    """

    def __init__(self, what: str, where: str | Path, next_step: str) -> None:
        super().__init__(" ".join(f"{what} ({where}). {next_step}".split()))  # a name in it may hold a line's end
        self.what = what
        self.where = str(where)
        self.next_step = next_step

    def __reduce__(self) -> tuple[type[NegbenchError], tuple[str, str, str]]:
        return type(self), (self.what, self.where, self.next_step)  # from a process of a run to the one that prints it
