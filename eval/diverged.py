"""What stands for an encoder whose training diverged: no text has an embedding, and every score has that reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Diverged:
    """An embedder that gives NaN for every text, which every evaluator refuses to score."""

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        """NaN for N sentences: (N, 1)."""
        return np.full((len(sentences), 1), np.nan, dtype=np.float32)


def because(records: Sequence[Mapping[str, Any]], reason: str | None) -> list[dict[str, Any]]:
    """The records of an encoder that diverged for this reason, which takes the place of the evaluators' own.

    Without a reason the records as they are.
    """
    if reason is None:
        return [dict(record) for record in records]
    failed = {"status": "failed", "reason": reason}
    return [{**record, **(failed if record["value"] is None else {})} for record in records]
