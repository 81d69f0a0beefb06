"""The backbone: how the encoder that every method starts from was pretrained, where the suite did that itself."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pipelines.errors import NegbenchError
from reports.document import Figure, Section
from reports.records import Stored, read
from reports.wording import number

ID = "backbone"
LAST = 100  # steps whose mean is quoted


class Recipe(Stored):
    """What stage backbone did."""

    layers: int
    hidden: int
    heads: int
    parameters: int  # of the encoder
    vocabulary: int  # word pieces
    corpus: str
    predicted: float  # share of its word pieces
    sentences: int
    max_length: int
    epochs: int
    batch_size: int
    lr: float
    precision: str


@dataclass(frozen=True)
class Pretraining:
    """The recipe, and the loss (nats) and the share of masked word pieces found at each step."""

    recipe: Recipe
    losses: Sequence[float]
    accuracies: Sequence[float]


def load(folder: Path) -> Pretraining | None:
    """What stage backbone wrote; None where it took a given encoder.

    Raises:
        NegbenchError: a file is not what the stage writes.
    """
    file, log = folder / "run.json", folder / "log.csv"
    if not file.is_file() or file.read_bytes().split() == [b"null"]:
        return None
    recipe = read(Recipe, file)
    try:
        with log.open(encoding="utf-8", newline="") as stream:
            steps = [(float(row["loss"]), float(row["accuracy"])) for row in csv.DictReader(stream)]
        if not steps or not all(math.isfinite(value) for step in steps for value in step):
            raise ValueError
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        raise NegbenchError("no losses of the pretraining", log, "Run `dvc repro -f backbone`.") from None
    losses, accuracies = zip(*steps, strict=True)
    return Pretraining(recipe, losses, accuracies)


def blocks(values: Sequence[float], count: int = 100) -> tuple[list[float], list[float]]:
    """Means over at most `count` stretches of nearly equal length: the last step of each, and its mean."""
    ends = [round(len(values) * (part + 1) / min(count, len(values))) for part in range(min(count, len(values)))]
    starts = [0, *ends[:-1]]
    return [float(end) for end in ends], [fmean(values[a:b]) for a, b in zip(starts, ends, strict=True)]


def section(found: Pretraining | None) -> Section | None:
    """The recipe and where it ended, with the curves; None where the encoder was given."""
    if found is None:
        return None
    recipe, steps = found.recipe, len(found.losses)
    last = min(LAST, steps)
    loss, accuracy = (fmean(values[-last:]) for values in (found.losses, found.accuracies))
    text = (
        f"Every method starts from one encoder: a BERT of {number(recipe.layers)} "
        f"layer{'s' * (recipe.layers != 1)}, {recipe.hidden} units and {number(recipe.heads)} "
        f"head{'s' * (recipe.heads != 1)}, {recipe.parameters / 1e6:.2f} million parameters over "
        f"{recipe.vocabulary:,} word pieces. It was pretrained here by masked language modelling on "
        f"{recipe.sentences:,} sentences of {recipe.corpus}, cut at {recipe.max_length} word pieces, "
        f"{100 * recipe.predicted:g}\N{NO-BREAK SPACE}% of them to be predicted: "
        f"{number(recipe.epochs)} pass{'es' * (recipe.epochs != 1)} in batches of {recipe.batch_size}, {steps:,} steps "
        f"in {recipe.precision} with a learning rate that rises to {recipe.lr:g} and falls to zero. Over the last "
        f"{number(last)} steps the loss is {loss:.2f} nats for a masked word piece, a perplexity of "
        f"{math.exp(loss):.1f}, and {100 * accuracy:.1f}\N{NO-BREAK SPACE}% of them are found ([#figure-{ID}]). "
        "Seeds vary what comes after it: no interval in this report covers another pretraining."
    )
    figure = Figure(
        ID,
        "Loss and accuracy of masked language modelling by step",
        "Pretraining of the backbone: loss in nats, and the share of masked word pieces that are found, each a mean "
        "over a hundredth of the steps.",
    )
    return Section(ID, "The backbone", (text, figure))
