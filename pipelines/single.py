"""One stage by DVC, beside others: what `python -m pipelines.repro` starts for each, on whatever machine.

    python -m pipelines.single train@simcse-0

It ends with its parent, as pipelines/guarded.py does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pipelines import main
from pipelines.dvc_command import dvc
from pipelines.errors import NegbenchError
from pipelines.guarded import end_with_parent
from pipelines.locks import alone


def single(arguments: argparse.Namespace) -> None:
    """Let DVC run the stage if it has changed; in a clone of one's own, fetch what it needs and share what it made."""
    gone = end_with_parent()
    name = arguments.stage
    with alone(Path(".dvc/tmp/stages") / name, f"stage '{name}'", gone.is_set):
        if arguments.clone:
            from pipelines import clone  # imports DVC: 0.4 s that a shared folder does not need

            order = clone.Order(**json.loads(arguments.clone))
            clone.check(order)
            clone.bring(order, gone.is_set)
        pull = ["--pull"] if arguments.clone else []  # another clone may have done it in a run before
        if not gone.is_set() and dvc("--wait-for-lock", "repro", "--single-item", *pull, name):
            raise NegbenchError(f"stage '{name}' failed", "dvc.yaml", "See above why; what is done is kept.")
        if arguments.clone and not gone.is_set():
            clone.share(name)
        if gone.is_set():
            raise InterruptedError(f"interrupted at stage '{name}'")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m pipelines.single", description=__doc__.split("\n")[0])
    parser.add_argument("stage", help="a stage of dvc.yaml")
    parser.add_argument("--clone", help="JSON of pipelines/clone.py's Order: this folder is a clone of its own")
    sys.exit(main.run(single, parser))
