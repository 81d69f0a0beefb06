"""Data from the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from pipelines.errors import NegbenchError


def fetch(target: Path, corpus: str) -> NoReturn:
    """Refuse: downloads are not part of this release.

    Raises:
        NegbenchError: always; it names the sources that work now.
    """
    raise NegbenchError(
        f"downloading '{corpus}' comes in a later release",
        "source: hub",
        "Use source 'local' with NEGBENCH_DATA set to a folder that has the data, or source 'generated'.",
    )
