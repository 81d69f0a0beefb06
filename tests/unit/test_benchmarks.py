"""The benchmarks' own machinery: the table in the README, and that what is raced is the same training."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.conditions import conditions, ratio
from benchmarks.table import BENCHMARKS, MARK, README, fill
from pipelines import marked
from pipelines.errors import NegbenchError
from pipelines.params import Train

BEGIN, END = f"<!-- {MARK} -->\n", f"<!-- /{MARK} -->\n"
SENTENCES = [f"{who} {does} {what}" for who in ("a man", "dog") for does in ("eats", "rides") for what in "abcdefgh"]


def test_the_table_takes_the_place_of_the_last_one() -> None:
    first = f"Python 3, a 1; 2 threads\nnoise\n{ratio(2, 'a: of b')}\n{ratio(1.256, 'c')}\n"
    outputs = {"train": first, "encode": f"Python 3, b 2; 2 threads\n{ratio(3, 'd')}\n"}
    rows = [
        "| what | times | `python -m` |",
        "|---|--:|---|",
        "| a: of b | 2.00 | `benchmarks.train` |",
        "| c | 1.26 | `benchmarks.train` |",
        "| d | 3.00 | `benchmarks.encode` |",
        "",
        "Commit abc1234; Python 3, a 1, b 2; 2 threads",
    ]
    once = fill(f"before\n{BEGIN}{END}after\n", outputs, "abc1234")
    assert once == f"before\n{BEGIN}" + "\n".join(rows) + f"\n{END}after\n"
    assert fill(once, outputs, "abc1234") == once


def test_a_benchmark_without_a_ratio_is_refused() -> None:
    with pytest.raises(NegbenchError, match=r"no ratio \(benchmarks/train.py\)"):
        fill(BEGIN + END, {"train": "ratio unknown\n"}, "abc1234")
    with pytest.raises(NegbenchError, match="no place for benchmarks"):
        fill("", {"train": f"Python 3; 2 threads\n{ratio(1, 'a')}"}, "abc1234")


def test_the_readme_has_a_place_for_the_table() -> None:
    assert marked.part(README.read_text(encoding="utf-8"), MARK)
    assert all((README.parent / f"benchmarks/{name}.py").is_file() for name in BENCHMARKS)


def test_the_conditions_name_versions_threads_and_the_machine() -> None:
    line = conditions("numpy")
    assert "\n" not in line
    assert all(part in line for part in ("Python 3.", "torch ", "numpy ", "thread", "cores"))


def test_the_reference_recipe_gives_our_losses_without_dropout(tiny_encoder_folder: Path) -> None:
    """Transformers' Trainer, BertModel, padding, optimiser and schedule against our loop, step by step."""
    pytest.importorskip("accelerate")
    from benchmarks.train import REFERENCE, turn, without_dropout

    settings = Train(sentences=len(SENTENCES), max_length=12, batch_size=4, lr=1e-3)
    assert without_dropout(tiny_encoder_folder, SENTENCES, settings) < 1e-4
    runs = turn(tiny_encoder_folder, SENTENCES, settings, ["fp32", REFERENCE], seed=0)
    assert len(runs["fp32"].losses) == len(runs[REFERENCE].losses) == 8
    assert runs["fp32"].losses != runs[REFERENCE].losses  # dropout draws
    for run in runs.values():
        assert run.watch.flops > 0
        assert sum(run.watch.parts()) == pytest.approx(run.watch.seconds)
        assert all(seconds >= 0 for seconds in run.watch.parts())
    assert runs["fp32"].watch.flops < runs[REFERENCE].watch.flops


def test_looks_take_turns_with_steps(tiny_encoder_folder: Path, sts_tree: Path) -> None:
    from benchmarks.looks import turns

    settings = Train(sentences=len(SENTENCES), max_length=12, batch_size=4, lr=1e-3)
    found = turns(tiny_encoder_folder, sts_tree, SENTENCES, settings, rounds=2)
    assert [*found] == ["STS-B dev", "STS-B dev and the test sets"]
    assert all(len(ratios) == 2 and min(ratios) > 1 for ratios in found.values())


@pytest.mark.slow
def test_seeds_train_at_once_in_processes_of_their_own(tiny_encoder_folder: Path) -> None:
    from benchmarks.gpu import rate

    settings = Train(sentences=len(SENTENCES), max_length=12, batch_size=4, lr=1e-3)
    assert rate(tiny_encoder_folder, SENTENCES, settings, compiled=False, seeds=2) > 0
