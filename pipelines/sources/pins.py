"""The commits that a fetch took from the hub, for later ones to keep to.

They lie beside data/ and not in it: another source fills that anew, and its manifest, whose hash says which data a
record is of, knows nothing of what was there before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipelines import atomic
from pipelines.errors import NegbenchError

FILE = Path("data.pins.json")


def read() -> dict[str, str]:
    """The pins, "repository@commit" by the file or folder below data/ that it filled; empty where nothing was fetched.

    Raises:
        NegbenchError: the file is damaged.
    """
    try:
        pins = json.loads(FILE.read_text(encoding="utf-8"))
        if not isinstance(pins, dict) or not all(isinstance(origin, str) for origin in pins.values()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):  # not JSON, or of another shape
        raise NegbenchError("the pins are damaged", FILE, "Remove it for the newest commits.") from None
    return pins


def add(origins: Mapping[str, str]) -> None:
    """Keep these too, in place of earlier ones of the same files and folders."""
    atomic.write_json(FILE, {**read(), **origins})
