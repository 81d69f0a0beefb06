"""What every benchmark says of itself: under which conditions it ran, and last of all its ratio."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

from pipelines.device import machine
from pipelines.git import git


def conditions(*libraries: str) -> str:
    """One line: versions of Python, of torch and of `libraries`, threads and the machine."""
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("torch", *libraries))]
    known = machine()
    where = [known["platform"], _processor(), f"{known['cores']} cores"]
    if known["device"] != "CPU":
        where.append(known["device"])
    return f"{', '.join(versions)}; {known['threads']} thread(s); {', '.join(where)}"


def commit() -> str:
    """The commit that is measured, and whether anything was changed since.

    Raises:
        NegbenchError: the code is under no version control.
    """
    head = git("rev-parse", "--short=12", "HEAD").decode().strip()
    return head + (", with local changes" if git("status", "--short") else "")


def ratio(value: float, of: str) -> str:
    """The last line of a benchmark, which benchmarks/table.py reads: how many times `of`."""
    return f"ratio {value:.2f}: {of}"


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
