"""STS scores against naive loops over the files, and what happens where there is no score."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import spearmanr

from eval import sts
from eval.senteval import TASKS, load_sts
from methods.core.encoder import Encoder
from pipelines.main import run


class _WordVectors:
    """Sum of a random vector for each word; remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        self.calls.append(list(sentences))
        return np.stack([self.vector(sentence) for sentence in sentences])

    @staticmethod
    def vector(sentence: str) -> NDArray[np.float32]:
        seeds = [sum(map(ord, word)) for word in sentence.split()]
        total = np.zeros(12)
        for seed in seeds:
            total += np.random.default_rng(seed).standard_normal(12)
        return total.astype(np.float32)


class _Fixed:
    """Every sentence gets a vector made by `make` from its position."""

    def __init__(self, make: Callable[[int], list[float]]) -> None:
        self.make = make

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        return np.array([self.make(i) for i in range(len(sentences))], dtype=np.float32)


def naive_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a)) / math.sqrt(sum(float(y) ** 2 for y in b))


def naive_rho(pairs: list[tuple[str, str, float]]) -> float:
    found = [naive_cosine(_WordVectors.vector(a), _WordVectors.vector(b)) for a, b, _ in pairs]
    return 100 * float(spearmanr(found, [gold for _, _, gold in pairs]).statistic)


def test_a_year_is_scored_as_the_protocol_says(sts_tree: Path) -> None:
    folder = sts_tree / "senteval/downstream/STS/STS16-en-test"
    (folder / "STS.gs.headlines.txt").write_text("1.5\n\n2.5\n4.5\n" + "\n" * 7)  # subsets of unequal size
    subsets = []
    for name in ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"):
        pairs = (folder / f"STS.input.{name}.txt").read_text().splitlines()
        golds = (folder / f"STS.gs.{name}.txt").read_text().splitlines()
        halves = (pair.split("\t") for pair in pairs)
        subsets.append([(a, b, float(gold)) for (a, b), gold in zip(halves, golds, strict=True) if gold])

    scores = sts.evaluate(_WordVectors(), sts_tree, ["STS16"])["STS16"].scores

    each, sizes = [naive_rho(subset) for subset in subsets], [len(subset) for subset in subsets]
    assert sizes == [8, 3, 8, 8, 8]
    assert scores["all"].value == pytest.approx(naive_rho([pair for subset in subsets for pair in subset]))
    assert scores["mean"].value == pytest.approx(sum(each) / 5)
    assert scores["wmean"].value == pytest.approx(
        sum(rho * size for rho, size in zip(each, sizes, strict=True)) / sum(sizes)
    )
    assert {score.n for score in scores.values()} == {sum(sizes)}


def test_every_distinct_sentence_is_embedded_once_in_one_call(sts_tree: Path) -> None:
    encoder = _WordVectors()
    results = sts.evaluate(encoder, sts_tree)
    wanted = {
        sentence for task in TASKS for subset in load_sts(sts_tree, task) for sentence in subset.first + subset.second
    }
    assert list(results) == list(TASKS)
    assert len(encoder.calls) == 1
    assert len(encoder.calls[0]) == len(set(encoder.calls[0]))
    assert set(encoder.calls[0]) == wanted


def test_similarities_are_kept_by_subset_and_pair(sts_tree: Path) -> None:
    result = sts.evaluate(_WordVectors(), sts_tree, ["STS14"])["STS14"]
    for subset, similarities in zip(result.subsets, result.similarities, strict=True):
        vectors = _WordVectors.vector
        naive = [naive_cosine(vectors(a), vectors(b)) for a, b in zip(subset.first, subset.second, strict=True)]
        np.testing.assert_allclose(similarities, naive, rtol=1e-6)


vectors = arrays(np.float32, (4, 3), elements=st.floats(-100, 100, width=32))


@given(vectors, vectors)
def test_cosine_equals_the_naive_loop_and_a_zero_vector_gives_zero(
    a: NDArray[np.float32], b: NDArray[np.float32]
) -> None:
    for found, x, y in zip(sts.cosine(a, b), a, b, strict=True):
        assert found == pytest.approx(naive_cosine(x, y) if x.any() and y.any() else 0, abs=1e-6)


@given(vectors)
def test_identical_sentences_tie_exactly(a: NDArray[np.float32]) -> None:
    cosines = sts.cosine(a, a)
    assert cosines.dtype == np.float32
    assert set(cosines.tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda i: [1.0, 2.0, 3.0], "same cosine"),
        (lambda i: [1.0, 2.0 + 1e-7 * (i % 7), 3.0], "same cosine"),  # a collapsed encoder's rounding noise
        (lambda i: [0.0, 0.0, 0.0], "same cosine"),
        (lambda i: [math.nan if i == 5 else i % 4, 1.0, i % 3], "not finite"),
        (lambda i: [math.inf if i == 5 else i % 4, 1.0, i % 3], "not finite"),
    ],
)
def test_an_undefined_score_is_none_with_its_reason(
    sts_tree: Path, make: Callable[[int], list[float]], reason: str
) -> None:
    results = sts.evaluate(_Fixed(make), sts_tree)
    score = results["STS12"].scores["all"]
    assert (score.value, score.status) == (None, "failed")
    assert reason in str(score.reason)
    assert results["STS12"].scores["mean"].value is None
    average = sts.average(results)
    assert (average.value, average.status) == (None, "failed")
    assert "STS12" in str(average.reason)
    json.dumps(sts.records(results), allow_nan=False)


def test_scores_that_are_all_alike_have_no_correlation(sts_tree: Path) -> None:
    gold = sts_tree / "senteval/downstream/STS/STS13-en-test/STS.gs.OnWN.txt"
    gold.write_text("3.0\n" * 8)
    scores = sts.evaluate(_WordVectors(), sts_tree, ["STS13"])["STS13"].scores
    assert scores["all"].value is not None
    assert (scores["mean"].value, scores["mean"].status) == (None, "failed")
    assert scores["mean"].reason == "OnWN: all pairs have the same gold score"


def test_the_average_is_of_unrounded_values_and_needs_all_seven(sts_tree: Path) -> None:
    results = sts.evaluate(_WordVectors(), sts_tree)
    values = [results[task].scores["all"].value for task in TASKS]
    assert sts.average(results).value == pytest.approx(sum(v for v in values if v is not None) / 7, abs=1e-12)
    del results["STS13"]
    average = sts.average(results)
    assert (average.value, average.status, average.reason) == (None, "skipped", "not evaluated: STS13")


def test_records_are_flat_and_complete(sts_tree: Path) -> None:
    records = sts.records(sts.evaluate(_WordVectors(), sts_tree, ["STSB", "SICKR"]))
    assert [(r["task"], r["metric"]) for r in records] == [
        (task, f"spearman_{metric}") for task in ("STSB", "SICKR", "avg") for metric in ("all", "mean", "wmean")
    ]
    assert all(set(r) == {"task", "metric", "value", "status", "reason", "n"} for r in records)
    assert [r["n"] for r in records] == [8] * 6 + [16] * 3


def test_the_program_prints_an_aligned_table(
    sts_tree: Path, tiny_encoder_folder: Path, tiny_encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(sts_tree), "--tasks", "STS12", "STSB"]
    assert run(sts.main, sts.parser(), options) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    scores = sts.evaluate(tiny_encoder, sts_tree, ["STS12"])["STS12"].scores
    assert lines[0].split() == ["task", "all", "mean", "wmean", "n"]
    assert lines[1].split() == ["STS12", *(f"{s.value:.2f}" for s in scores.values()), "40"]
    assert lines[3].split() == ["avg", "—", "—", "—", "48"]
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4:] == ["— avg: not evaluated: STS13, STS14, STS15, STS16, SICKR"]
    pooling, sets = shown.err.splitlines()  # no progress bar where there is no terminal
    assert pooling == "note: pooling mean; --pooling chooses another"
    assert sets.startswith("note: not the published sets: STS12 test (40 examples, published 3,108), STSB test (")


def test_the_program_prints_records(
    sts_tree: Path, tiny_encoder_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(sts_tree), "--pooling", "cls", "--json"]
    assert run(sts.main, sts.parser(), options) == 0
    results = sts.evaluate(Encoder.load(tiny_encoder_folder, "cls"), sts_tree)
    assert json.loads(capsys.readouterr().out)["records"] == sts.records(results)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "STS-B"], "error: unknown task 'STS-B' (--tasks). Did you mean 'STSB'?\n"),
        (["--pooling", "maen"], "error: unknown pooling 'maen' (--pooling). Did you mean 'mean'?\n"),
    ],
)
def test_the_program_names_what_it_does_not_know(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sts.main, sts.parser(), ["--model", "nowhere", "--data", "nowhere", *options]) == 1
    assert capsys.readouterr().err == message
