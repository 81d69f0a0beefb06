"""Geometry against double loops, closed forms and, where the real data are, the papers' own counts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval import geometry
from eval.embeddings import EmbeddedOnce


def sphere(rows: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    return geometry.normalise(np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32))


class Random:
    """A random vector for each distinct sentence; `spoil` changes one of them."""

    def __init__(self, spoil: float | None = None) -> None:
        self.spoil = spoil
        self.asked = 0

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        self.asked += len(sentences)
        rows = np.stack([np.random.default_rng([*sentence.encode()]).standard_normal(6) for sentence in sentences])
        if self.spoil is not None:
            rows[1, 2] = self.spoil
        return rows.astype(np.float32)


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 99))
def test_against_double_loops(rows: int, width: int, seed: int) -> None:
    x, y = sphere(rows, width, seed), sphere(rows, width, seed + 1000)
    distances = [sum((float(a) - float(b)) ** 2 for a, b in zip(p, q, strict=True)) for p, q in zip(x, y, strict=True)]
    assert geometry.alignment(x, y) == pytest.approx(sum(distances) / rows, abs=1e-5)
    kernels, cosines = [], []
    for i in range(rows):
        for j in range(i):
            kernels.append(math.exp(-2 * sum((float(a) - float(b)) ** 2 for a, b in zip(x[i], x[j], strict=True))))
            cosines.append(sum(float(a) * float(b) for a, b in zip(x[i], x[j], strict=True)))
    assert geometry.uniformity(x) == pytest.approx(math.log(sum(kernels) / len(kernels)), abs=1e-5)
    assert geometry.mean_cosine(x) == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)
    sparse = np.insert(x, [0, width // 2, width], 0, axis=1)  # as word counts are
    for some in (x, sparse):
        expected = np.linalg.svd(some.astype(np.float64) / math.sqrt(rows), compute_uv=False)
        np.testing.assert_allclose(geometry.spectrum(some), expected, atol=1e-6)


def test_pairs_in_different_chunks_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    x = sphere(50, 4)
    whole = geometry.uniformity(x)
    monkeypatch.setattr(geometry, "_CHUNK", 7)
    assert geometry.uniformity(x) == pytest.approx(whole, abs=1e-6)


def test_closed_forms() -> None:
    axes, point = np.eye(8, dtype=np.float32), np.tile(np.eye(1, 8, dtype=np.float32), (8, 1))
    assert geometry.uniformity(axes) == pytest.approx(-4)  # all distances are sqrt(2)
    assert geometry.effective_rank(geometry.spectrum(axes)) == pytest.approx(8)
    assert geometry.mean_cosine(axes) == pytest.approx(0)
    assert geometry.uniformity(point) == pytest.approx(0)
    assert geometry.effective_rank(geometry.spectrum(point)) == pytest.approx(1)
    assert geometry.mean_cosine(point) == pytest.approx(1)
    assert geometry.alignment(axes, -axes) == pytest.approx(4)


def test_the_mean_over_batches_is_of_whole_batches() -> None:
    x = sphere(150, 3)
    parts = [geometry.uniformity(x[:64]), geometry.uniformity(x[64:128])]  # 22 rows are left over
    assert geometry.uniformity_of_batches(x) == pytest.approx(sum(part or 0 for part in parts) / 2)


def test_a_score_of_batches_counts_what_they_hold(sts_tree: Path) -> None:
    train = sts_tree / "senteval/downstream/STS/STSBenchmark/sts-train.csv"
    train.write_bytes(train.read_bytes() * 16)
    scores = geometry.evaluate(Random(), sts_tree).scores
    assert scores["uniformity_all"].n > scores["uniformity_all_batches"].n == scores["uniformity_all"].n // 64 * 64 > 0


def test_a_set_too_small_has_no_value_but_a_reason(sts_tree: Path) -> None:
    scores = geometry.evaluate(Random(), sts_tree).scores
    assert scores["uniformity_all"].value is not None
    assert scores["uniformity_all_batches"].value is None  # 24 pairs are fewer than a batch
    assert scores["uniformity_all_batches"].reason == "24 sentences are too few"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_diverged_encoder_has_no_geometry(sts_tree: Path, value: float) -> None:
    found = geometry.evaluate(Random(value), sts_tree)
    rows = geometry.records(found)
    assert len(rows) == len(geometry.METRICS)
    assert {(row["value"], row["status"]) for row in rows} == {(None, "failed")}
    assert rows[0]["reason"] == "1 of 48 embeddings are not finite"
    json.dumps(rows, allow_nan=False)


def test_zeros_are_nowhere_on_the_sphere(sts_tree: Path) -> None:
    class Zeros:
        def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
            return np.zeros((len(sentences), 6), dtype=np.float32)

    found = geometry.records(geometry.evaluate(Zeros(), sts_tree))
    assert {(row["value"], row["status"]) for row in found} == {(None, "failed")}
    assert {row["reason"] for row in found} == {"all embeddings are zero, so that none is on the sphere"}


def test_one_pass_gives_the_same_rows(sts_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.embeddings._CHUNK", 5)
    sentences = geometry.sentences(sts_tree)
    encoder = Random()
    once = EmbeddedOnce(encoder, [*sentences, *sentences], tmp_path / "matrix.npy")
    assert encoder.asked == len(set(sentences))
    np.testing.assert_array_equal(once.encode(sentences), Random().encode(sentences))
    assert geometry.evaluate(once, sts_tree) == geometry.evaluate(Random(), sts_tree)
    with pytest.raises(KeyError):
        once.encode(["never announced"])


def test_the_whole_of_sts_b_is_what_the_papers_counted(real_data: Path) -> None:
    first, _, gold = geometry._pairs(real_data)
    assert (len(first), int((gold > geometry.POSITIVE).sum())) == (8628, 1491)
