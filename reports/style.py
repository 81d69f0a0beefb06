"""What all figures share: size, tones, and panels in rows.

Two tones carry all meaning, light grey and dark blue. They differ in lightness: grey prints read the same.
"""

from __future__ import annotations

import logging
import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = Path(__file__).parent / "template" / "figures.mplstyle"
WIDTH = 6.3  # inches: the report's text width (16 cm)
INK = "#0B4F8A"  # ours, after training
PALE = "#C4C9CE"  # before training, bands
GREY = "#55595E"  # the paper, annotations
COLUMNS = 4  # most panels side by side
AVERAGE_STS = "average STS, Spearman × 100"  # the label of an axis
TITLE = 26  # characters that fit above one of them

# The text face is typst's; matplotlib lacks it, lays out with the next family and says so on every draw.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels that share their axes, at most four side by side and as many in each row."""
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    figure = Figure(figsize=(WIDTH * max(columns, 2) / COLUMNS, 1.5 * rows + 0.2))
    axes = [*figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat]
    for unused in axes[count:]:
        unused.set_visible(False)
    for lowest in axes[max(count - columns, 0) : count]:  # of its column: the last row may be short
        lowest.tick_params(labelbottom=True)
    return figure, axes[:count]


def title(axis: Axes, text: str) -> None:
    """Name a panel, on more lines where one would run into the next panel."""
    axis.set_title(textwrap.fill(text, TITLE))
