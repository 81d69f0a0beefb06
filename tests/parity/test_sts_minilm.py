"""all-MiniLM-L6-v2 on the real sets gives the figures that MTEB publishes for it, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import sts
from methods.core.encoder import Encoder

# MTEB's results for sentence-transformers/all-MiniLM-L6-v2 (cosine_spearman x 100), save SICK-R: this one is
# over SentEval's test split, where MTEB's own 77.58 is over all 9,927 pairs.
PUBLISHED = {
    "STS12": "72.37",
    "STS13": "80.60",
    "STS14": "75.59",
    "STS15": "85.39",
    "STS16": "78.99",
    "STSB": "82.03",
    "SICKR": "77.15",
}


@pytest.mark.slow
def test_the_published_figures_to_the_last_digit(real_data: Path, minilm_folder: Path) -> None:
    results = sts.evaluate(Encoder.load(minilm_folder), real_data)
    assert {task: f"{result.scores['all'].value:.2f}" for task, result in results.items()} == PUBLISHED
