"""The histogram of negative similarities against a loop over all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from eval import negatives
from pipelines.errors import NegbenchError


def test_every_pair_is_counted_once() -> None:
    rng = np.random.default_rng(0)
    before, after = (rng.standard_normal((40, 3)).astype(np.float32) for _ in range(2))
    found = negatives.histogram(before, after)
    assert found is not None
    for name, rows in (("before", before), ("after", after)):
        cosines = []
        for a, b in itertools.combinations(rows.astype(float).tolist(), 2):
            dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
            cosines.append(dot / (math.hypot(*a) * math.hypot(*b)))
        counts = [0] * 100
        for value in cosines:
            counts[min(int((value + 1) / 0.02), 99)] += 1
        assert found[name] == counts
        assert found[f"mean_{name}"] == pytest.approx(sum(cosines) / len(cosines), abs=1e-6)
    assert found["n"] == 40 * 39 / 2


def test_equal_sentences_fall_into_the_last_bin() -> None:
    same = np.ones((5, 7), dtype=np.float32)
    found = negatives.histogram(same, same)
    assert found is not None
    assert found["after"][-1] == 10
    assert found["std_after"] == 0


def test_a_diverged_encoder_has_no_histogram() -> None:
    good = np.eye(4, dtype=np.float32)
    bad = good.copy()
    bad[2, 1] = np.inf
    assert negatives.histogram(good, bad) is None
    with pytest.raises(NegbenchError, match=r"1 of 4 embeddings are not finite \(the backbone\)"):
        negatives.histogram(bad, good)
