"""The pull of each in-batch loss on a negative, as stage theory wrote it: results/theory.json."""

from __future__ import annotations

from pathlib import Path

from reports.records import Stored, read

FILE = "theory.json"


class Pulls(Stored):
    """Derivatives of the anchor's loss by two of its cosines, one a cosine of the moving negative."""

    positive: list[float]  # by the cosine of the positive
    negative: list[float]  # by that of the moving negative


class Curve(Stored):
    """One loss."""

    label: str
    autograd: Pulls
    closed_form: Pulls | None  # none where the method has worked none out


class Theory(Stored):
    """The set-up and what every loss makes of it."""

    positive: float  # the anchor's cosine with its positive
    background: tuple[float, float]  # range of its cosines with the negatives that stay
    negatives: int
    similarities: list[float]  # its cosine with the negative that moves
    methods: list[Curve]


def load(results: Path) -> Theory | None:
    """Read the record under the results, the loss that pulls hardest on the nearest negative first.

    None if the stage has not been run.

    Raises:
        NegbenchError: the file is not what the stage writes.
    """
    file = results / FILE
    if not file.is_file():
        return None
    found = read(Theory, file)
    ordered = sorted(found.methods, key=lambda curve: (-curve.autograd.negative[-1], curve.label))
    return found.model_copy(update={"methods": ordered})
