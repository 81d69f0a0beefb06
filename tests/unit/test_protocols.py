"""Other protocols for the same encoder, each against the encoder set up by hand and against naive counts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from eval import protocols, sts
from eval.senteval import TASKS, YEARS, Subset, load_sts
from methods.core.encoder import POOLINGS, Encoder
from pipelines.params import Pooling


def found(records: list[dict[str, Any]]) -> dict[tuple[str, str], float | None]:
    return {(record["task"], record["metric"]): record["value"] for record in records}


@pytest.mark.parametrize("own", ["mean", "cls_before_pooler"])
def test_each_pooling_scores_as_an_encoder_loaded_with_it(
    sts_tree: Path, tiny_encoder_folder: Path, own: Pooling
) -> None:
    encoder = Encoder.load(tiny_encoder_folder, own)
    headline = sts.evaluate(encoder, sts_tree)
    values = found(protocols.records(headline, encoder, sts_tree, POOLINGS))
    for pooling in POOLINGS:
        alone = sts.evaluate(Encoder.load(tiny_encoder_folder, pooling), sts_tree)
        for task in TASKS:
            assert values[task, f"spearman_all@{pooling}"] == pytest.approx(alone[task].scores["all"].value)
        assert values["avg", f"spearman_all@{pooling}"] == pytest.approx(sts.average(alone).value)
    assert values["avg", f"spearman_all@{own}"] == sts.average(headline).value  # not embedded again
    assert len({values["avg", f"spearman_all@{pooling}"] for pooling in POOLINGS}) == len(POOLINGS)


def test_one_pass_serves_all_poolings(sts_tree: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    headline = sts.evaluate(tiny_encoder, sts_tree)
    asked: list[int] = []
    embed = tiny_encoder.embed
    monkeypatch.setattr(
        tiny_encoder,
        "embed",
        lambda tokens, poolings, **how: asked.append(len(tokens)) or embed(tokens, poolings, **how),
    )
    protocols.records(headline, tiny_encoder, sts_tree, POOLINGS)
    assert asked == [len({*sts.sentences(sts_tree)})]
    protocols.records(headline, tiny_encoder, sts_tree, ["mean"])  # its own
    assert len(asked) == 1


def test_a_pooling_that_is_not_there_is_skipped_with_its_reason(sts_tree: Path, tiny_encoder: Encoder) -> None:
    tiny_encoder.backbone.pooler = None  # type: ignore[assignment]
    headline = sts.evaluate(tiny_encoder, sts_tree)
    records = protocols.records(headline, tiny_encoder, sts_tree, ["cls", "mean"])
    cls = [record for record in records if record["metric"] == "spearman_all@cls"]
    assert [record["task"] for record in cls] == [*TASKS, "avg"]
    assert {(r["value"], r["status"], r["reason"]) for r in cls} == {(None, "skipped", "the backbone has no pooler")}
    assert all(r["status"] == "ok" for r in records if r["metric"] == "spearman_all@mean")


def test_what_is_no_backbone_has_no_pooling(sts_tree: Path, tiny_encoder: Encoder) -> None:
    headline = sts.evaluate(tiny_encoder, sts_tree)
    records = protocols.records(headline, None, sts_tree, ["cls_before_pooler", "mean"])
    pooled = [record for record in records if "@" in record["metric"] and record["metric"].split("@")[1] in POOLINGS]
    assert len(pooled) == 2 * (len(TASKS) + 1)
    assert {(r["value"], r["status"], r["reason"]) for r in pooled} == {(None, "skipped", protocols.NO_POOLING)}
    assert found(records)["STSB", protocols.DISTINCT] is not None


sentences = st.sampled_from("abcd")
pairs = st.lists(st.tuples(sentences, sentences), min_size=1, max_size=9)


@given(pairs, pairs, pairs, pairs, pairs)
def test_pairs_that_stand_elsewhere_are_left_out(
    test: list[Any], dev: list[Any], train: list[Any], year: list[Any], sick: list[Any]
) -> None:
    chance = random.Random(0)

    def subset(of: list[Any]) -> Subset:
        return Subset("x", [a for a, _ in of], [b for _, b in of], np.array([chance.random() for _ in of]))

    parts = {("STSB", "dev"): dev, ("STSB", "train"): train, ("SICKR", "test"): sick, ("STS13", "test"): year}
    similarities = np.array([chance.random() for _ in test], dtype=np.float32)
    stsb = sts.TaskResult("STSB", [subset(test)], [similarities], {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "load_sts", lambda _, task, split="test": [subset(parts.get((task, split), []))])
        scores = protocols.repeats(stsb, Path())

    def same(one: Any, other: Any) -> bool:
        return one == other or one == other[::-1]

    def holds(many: list[Any], one: Any) -> bool:
        return any(same(one, other) for other in many)

    distinct = [i for i, one in enumerate(test) if not holds(train + dev + test[:i], one)]
    unshared = [i for i in distinct if not holds(year, test[i])]
    gold = stsb.subsets[0].gold
    for metric, kept in ((protocols.DISTINCT, distinct), (protocols.UNSHARED, unshared)):
        score = scores[metric]
        assert score.n == len(kept)
        if len(kept) < 2:
            assert (score.value, score.status) == (None, "skipped")
            assert f"{len(kept)} of {len(test)} pairs are left" in str(score.reason)
        else:
            assert score.value == pytest.approx(100 * spearmanr(similarities[kept], gold[kept]).statistic)
    in_tests = [one for one in dev if holds(test + year + sick, one)]
    assert scores[protocols.DEV_IN_TESTS] == sts.Score(pytest.approx(100 * len(in_tests) / len(dev)), len(dev))


def test_published_sts_b_repeats_pairs_of_the_other_sets(real_data: Path) -> None:
    """Counted again from the raw lines, with neither the loader nor its tidying."""
    folder = real_data / "senteval" / "downstream" / "STS"

    def rows(path: Path, first: int) -> list[frozenset[str]]:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [frozenset(" ".join(f.split()) for f in line.split("\t")[first : first + 2]) for line in lines if line]

    train, dev, test = (rows(folder / "STSBenchmark" / f"sts-{part}.csv", 5) for part in ("train", "dev", "test"))
    years = set()
    for year, names in YEARS.items():
        for name in names:
            inputs = rows(folder / f"{year}-en-test" / f"STS.input.{name}.txt", 0)
            golds = (folder / f"{year}-en-test" / f"STS.gs.{name}.txt").read_text(encoding="utf-8").split("\n")
            years |= {pair for pair, gold in zip(inputs, golds, strict=False) if gold}
    distinct = {*test} - {*train} - {*dev}
    (subset,) = load_sts(real_data, "STSB")
    stsb = sts.TaskResult("STSB", [subset], [np.linspace(0, 1, len(test), dtype=np.float32)], {})
    scores = protocols.repeats(stsb, real_data)
    assert (scores[protocols.DISTINCT].n, scores[protocols.UNSHARED].n) == (len(distinct), len(distinct - years))
    assert 0 < len(distinct - years) < len(distinct) < len(test)
    shared = sum(pair in years | {*test} for pair in dev)
    assert scores[protocols.DEV_IN_TESTS].value == pytest.approx(100 * shared / len(dev))
