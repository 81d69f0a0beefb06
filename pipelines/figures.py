"""Stage figures: draw every figure of the report as SVG."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines import atomic, main
from pipelines.measured import measured, options
from reports import figures


def draw(arguments: argparse.Namespace) -> None:
    """Write figures/*.svg into the build folder, and PNGs where --png says."""
    drawn = figures.draw(measured(arguments))
    with atomic.folder(arguments.build / "figures") as folder:
        for name, figure in drawn.items():
            figures.save(figure, folder / f"{name}.svg")
    if arguments.png:
        arguments.png.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn.items():
            figures.save(figure, arguments.png / f"{name}.png")


if __name__ == "__main__":
    parser = options("python -m pipelines.figures", __doc__)
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="also write PNGs here, for a README")
    sys.exit(main.run(draw, parser))
