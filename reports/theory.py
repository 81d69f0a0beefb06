"""The pull of each in-batch loss on a negative, as stage theory wrote it: results/theory.json."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from reports.document import Figure, Section
from reports.records import Stored, read
from reports.wording import plain

FILE = "theory.json"
FIGURE = "pull"


class Pulls(Stored):
    """Derivatives of the anchor's loss by two of its cosines, one a cosine of the moving negative."""

    positive: list[float] = Field(min_length=1)  # by the cosine of the positive
    negative: list[float] = Field(min_length=1)  # by that of the moving negative


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


def section(theory: Theory | None) -> Section | None:
    """What the pull is, and its figure; None without the record."""
    if theory is None:
        return None
    low, high = map(plain, theory.background)
    labels = ", ".join(curve.label for curve in theory.methods)
    caption = (
        "How hard each loss pushes a negative away, by the cosine of the anchor with it; the loss that pushes the "
        "nearest hardest comes first. Lines: closed form, where the method states one. Circles: automatic "
        f"differentiation. Pale: the other losses. The positive stands at {plain(theory.positive)} (dotted), "
        f"{theory.negatives - 1} other negatives evenly between {low} and {high} (shaded). Every loss has its default "
        "settings and the state before its first step; one that asks how similar two sentences are is told their "
        "cosine. Where a curve ends above the axis, nothing pushes the negative away beyond."
    )
    text = (
        "The pull on a negative is the derivative of the anchor's loss by their cosine *c*. Under InfoNCE it grows "
        "as exp(*c*/*t*), *t* being the temperature, a straight line on the logarithmic axis, until the negative "
        "comes as near as the positive, and levels off at 1/*t*. A weight on the negative moves that line by its "
        "logarithm and leaves the level; an individual temperature sets slope and level alike, so that one that "
        "grows with the similarity can turn the pull around and spare the nearest negatives."
    )
    figure = Figure(FIGURE, f"Pull on a negative against its cosine, by loss: {labels}", caption)
    return Section("theory", "Pull on a negative", (text, figure))
