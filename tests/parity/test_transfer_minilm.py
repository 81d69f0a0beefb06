"""all-MiniLM-L6-v2 on real transfer sets scores as the plain loop did, one torch classifier after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import transfer
from methods.core.encoder import Encoder

# (acc, devacc) that benchmarks/transfer.py's plain loop gave: minutes a task, so it was run once.
PLAIN = {
    "CR": (82.15, 83.10),
    "TREC": (90.00, 85.23),
}


@pytest.mark.slow
def test_the_plain_loops_scores_on_real_sets(real_data: Path, minilm_folder: Path) -> None:
    results = transfer.evaluate(Encoder.load(minilm_folder), real_data, list(PLAIN))
    for task, (acc, devacc) in PLAIN.items():
        assert results[task].scores["acc"].value == pytest.approx(acc, abs=0.3)
        assert results[task].scores["devacc"].value == pytest.approx(devacc, abs=0.3)
