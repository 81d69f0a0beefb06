"""The nearest valid name, for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str:
    """One sentence that offers the valid name most like `name`, or lists all of them."""
    names = sorted(valid)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"Did you mean '{match[0]}'?" if match else f"Valid: {', '.join(names)}."
