"""Looks at an encoder in training: both scores against naive loops, from one pass that changes neither."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from eval import sts
from eval.looks import STS_TEST, STSB_DEV, Looks
from eval.senteval import TASKS, Subset, load_sts
from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError


def naive_rho(encoder: Encoder, subsets: list[Subset]) -> float:
    """Spearman's rho over all pairs, a sentence embedded at a time."""
    cosines, gold = [], []
    for subset in subsets:
        for first, second, score in zip(subset.first, subset.second, subset.gold, strict=True):
            a, b = (encoder.encode([sentence])[0].astype(float) for sentence in (first, second))
            cosines.append(float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)))
            gold.append(score)
    return 100 * float(spearmanr(np.float32(cosines), gold).statistic)


def test_both_scores_are_those_of_naive_loops(sts_tree: Path, tiny_encoder: Encoder) -> None:
    found = Looks(sts_tree, [STSB_DEV, STS_TEST])(tiny_encoder)
    tests = [naive_rho(tiny_encoder, load_sts(sts_tree, task)) for task in TASKS]
    assert found == pytest.approx(
        {
            STSB_DEV: naive_rho(tiny_encoder, load_sts(sts_tree, "STSB", "dev")),
            STS_TEST: sum(tests) / len(tests),
        },
        abs=0.05,  # rounding in a batch may swap two ranks that lie close
    )


@pytest.mark.parametrize(("first", "other"), [(STSB_DEV, STS_TEST), (STS_TEST, STSB_DEV)])
def test_the_score_that_selects_is_the_same_to_the_last_bit_beside_another(
    sts_tree: Path, tiny_encoder: Encoder, first: str, other: str
) -> None:
    alone, both = Looks(sts_tree, [first])(tiny_encoder), Looks(sts_tree, [first, other])(tiny_encoder)
    assert alone == {first: both[first], other: None}
    assert both[other] is not None


def test_the_average_is_the_evaluators(sts_tree: Path, tiny_encoder: Encoder) -> None:
    assert (
        Looks(sts_tree, [STS_TEST])(tiny_encoder)[STS_TEST] == sts.average(sts.evaluate(tiny_encoder, sts_tree)).value
    )


def test_each_distinct_sentence_is_embedded_once_a_look_and_tokenised_once_in_all(
    sts_tree: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenised: list[str] = []
    embedded: list[list[int]] = []
    tokenise, embed = tiny_encoder.tokenise, tiny_encoder.embed
    monkeypatch.setattr(tiny_encoder, "tokenise", lambda given: [*map(tokenised.append, given)] and tokenise(given))
    monkeypatch.setattr(tiny_encoder, "embed", lambda given, poolings: embedded.extend(given) or embed(given, poolings))
    looks = Looks(sts_tree, [STSB_DEV, STS_TEST])
    looks(tiny_encoder)
    dev = load_sts(sts_tree, "STSB", "dev")
    distinct = {*sts.sentences(sts_tree), *sts.sentences_of(dev)}
    assert (len(tokenised), {*tokenised}) == (len(distinct), distinct)
    assert len(embedded) == len(distinct)
    looks(tiny_encoder)
    assert (len(tokenised), len(embedded)) == (len(distinct), 2 * len(distinct))


def test_texts_are_read_when_it_is_made(sts_tree: Path, tiny_encoder: Encoder) -> None:
    looks = Looks(sts_tree, [STSB_DEV])
    expected = looks(tiny_encoder)
    dev = sts_tree / "senteval/downstream/STS/STSBenchmark/sts-dev.csv"
    dev.unlink()
    assert looks(tiny_encoder) == expected
    with pytest.raises(NegbenchError, match="the file is missing"):
        Looks(sts_tree, [STSB_DEV])


def test_a_diverged_encoder_has_no_score(sts_tree: Path, tiny_encoder: Encoder) -> None:
    with torch.no_grad():
        next(tiny_encoder.parameters()).fill_(math.nan)
    assert Looks(sts_tree, [STSB_DEV, STS_TEST])(tiny_encoder) == {STSB_DEV: None, STS_TEST: None}
