"""Looks at an encoder while it trains: the scores by which a checkpoint can be chosen, from one pass over the texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eval import sts
from eval.embeddings import Known
from eval.senteval import Subset, load_sts

if TYPE_CHECKING:
    from methods.core.encoder import Encoder

STSB_DEV, STS_TEST = "stsb_dev", "sts_test"
SCORES: Mapping[str, Callable[[Path], dict[str, list[Subset]]]] = {
    STSB_DEV: lambda data: {"STSB": load_sts(data, "STSB", "dev")},
    STS_TEST: sts.load,
}


@dataclass(frozen=True)
class _Part:
    tasks: dict[str, list[Subset]]
    new: list[str]  # sentences that no part before has


class Looks:
    """Scores one encoder again and again; its texts are read and tokenised once.

    Args:
        data: the folder that holds senteval/.
        scores: any of `SCORES`. What the first is does not depend on the others: a sentence's embedding depends on the
            others of its batch in the last digits, and a tie of two checkpoints on less.

    Raises:
        NegbenchError: as `load_sts`.
    """

    def __init__(self, data: Path, scores: Sequence[str]) -> None:
        self._parts: dict[str, _Part] = {}
        self._tokens: list[list[list[int]]] = []  # of each part's new sentences
        rows: dict[str, int] = {}
        for name in scores:
            tasks = SCORES[name](data)
            wanted = sts.sentences_of(subset for subsets in tasks.values() for subset in subsets)
            new = [sentence for sentence in dict.fromkeys(wanted) if sentence not in rows]
            rows.update({sentence: len(rows) + place for place, sentence in enumerate(new)})
            self._parts[name] = _Part(tasks, new)
        self._rows = rows

    def __call__(self, encoder: Encoder) -> dict[str, float | None]:
        """Every score of `SCORES` times 100; None where it is not asked for or not defined (a diverged encoder)."""
        if not self._tokens:
            self._tokens = [encoder.tokenise(part.new) for part in self._parts.values()]
        embedded = [encoder.embed(tokens, [encoder.pooling])[0] for tokens in self._tokens]
        known = Known(self._rows, np.concatenate(embedded))
        found = {name: sts.score(known, part.tasks) for name, part in self._parts.items()}
        return {name: _mean(found[name]) if name in found else None for name in SCORES}


def _mean(results: Mapping[str, sts.TaskResult]) -> float | None:
    return sts.mean_score({task: result.scores["all"] for task, result in results.items()}, [*results]).value
