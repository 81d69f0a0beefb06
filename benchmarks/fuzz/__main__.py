"""Read damaged files until one is neither read nor refused in a line.

    python -m benchmarks.fuzz                                 # all targets, 100,000 inputs
    python -m benchmarks.fuzz --targets params --inputs 5000

Where atheris is installed (pip install -e '.[fuzz]') its search for new paths through our code chooses what is
damaged further; without it each input is a good file damaged anew. The last line is the total.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.fuzz.mutation import mutate

_SHARES = {  # of the inputs, by how long one takes
    **{"checkpoint": 20, "beir": 25, "transfer": 18, "sts": 14, "corpus": 10, "made": 4, "published": 2},
    **{"records": 4, "archive": 4, "params": 1, "model": 1, "paper": 1},
}
_GUIDED = importlib.util.find_spec("atheris") is not None
_ROOM = 2**20  # bytes of the largest input


def main() -> int:
    """Run each target in a process of its own, as atheris wants it; 1 if one of them crashed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    names = ", ".join(_SHARES)
    parser.add_argument("--targets", nargs="+", choices=_SHARES, default=[*_SHARES], metavar="TARGET", help=names)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _fuzz(arguments.targets[0], arguments.inputs, arguments.seed)
        return 0
    whole = sum(_SHARES[name] for name in arguments.targets)
    crashed = 0
    for name in arguments.targets:
        count = -(-arguments.inputs * _SHARES[name] // whole)
        options = ["--one", "--targets", name, "--inputs", str(count), "--seed", str(arguments.seed)]
        crashed += subprocess.run([sys.executable, "-m", "benchmarks.fuzz", *options], check=False).returncode != 0
    how = "guided by atheris" if _GUIDED else "blind, as atheris is not installed"
    print(f"{arguments.inputs:,} inputs to {len(arguments.targets)} targets, {how}; crashes: {crashed}")
    return int(bool(crashed))


def _fuzz(name: str, inputs: int, seed: int) -> None:
    with _instrumented() if _GUIDED else nullcontext():
        from benchmarks.fuzz.targets import TARGETS

        target = TARGETS[name]()  # some readers are imported here
    files = [*target.files]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        target.write(folder / "input")
        counts = {"read": 0, "refused": 0}
        started = time.monotonic()

        def attempt(data: bytes) -> None:
            """One input: the number of the file that is damaged, then its content."""
            number = data[0] % len(files) if data else 0
            error = target.attempt(folder / "input", files[number], data[1:])
            if error is not None and len(str(error).splitlines()) != 1:
                raise ValueError(f"not one line: {error!r}")
            counts["refused" if error else "read"] += 1
            if sum(counts.values()) == inputs:  # said here: atheris does not come back
                took = time.monotonic() - started
                said = f"{counts['refused']:,} refused, {counts['read']:,} read, {took:.0f} s"
                print(f"{name:<11}{inputs:>8,} inputs: {said}", flush=True)

        seeds = [bytes([number]) + content for number, content in enumerate(target.files.values())]
        if _GUIDED:
            _guided(attempt, seeds, inputs, seed, folder)
        else:
            chance = random.Random(seed)
            for _ in range(inputs):
                data = chance.choice(seeds)
                attempt(data[:1] + mutate(data[1:], chance))


def _instrumented() -> AbstractContextManager[None]:
    """What is imported in the block tells atheris which of its lines have run."""
    import atheris

    instrumented: AbstractContextManager[None] = atheris.instrument_imports(
        include=["eval", "methods", "pipelines", "reports"]
    )
    return instrumented


def _guided(attempt: Any, seeds: list[bytes], inputs: int, seed: int, folder: Path) -> None:
    import atheris

    (folder / "seeds").mkdir()
    for number, content in enumerate(seeds):
        (folder / "seeds" / str(number)).write_bytes(content)

    def damage(data: bytes, room: int, number: int) -> bytes:
        return data[:1] + mutate(data[1:], random.Random(number))[: room - 1]

    options = [f"-runs={inputs}", f"-seed={seed + 1}", f"-max_len={_ROOM}", "-timeout=60", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(folder / "seeds")], attempt, custom_mutator=damage)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
