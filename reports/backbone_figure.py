"""The figure of the backbone's pretraining."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.backbone import Pretraining, blocks
from reports.style import INK, WIDTH


def curves(found: Pretraining) -> Figure:
    """Loss on the left, accuracy on the right, against the step."""
    figure = Figure(figsize=(WIDTH, 1.7))
    left, right = figure.subplots(1, 2, sharex=True)
    percent = [100 * value for value in found.accuracies]
    for axis, values, label in ((left, found.losses, "loss, nats"), (right, percent, "masked pieces found, %")):
        axis.plot(*blocks(values), color=INK)
        axis.set_ylabel(label)
        axis.set_xlabel("pretraining step")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure
