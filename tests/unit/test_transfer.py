"""Transfer scores against the protocol run plainly, and what happens where there is no score."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from benchmarks.naive_senteval import Task
from eval import selection, transfer
from eval.classifier import TRAINING
from eval.embeddings import EmbeddedOnce
from eval.selection import select
from eval.transfer_sets import ALL_TASKS, SINGLE, SPLIT, TASKS, load
from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError
from pipelines.main import run

FAST_TASKS = ("CR", "SST2", "TREC", "MRPC")  # one of each protocol, and the pairs
QUESTIONS = ("ABBR:abb", "DESC:def", "ENTY:dish", "HUM:ind", "LOC:city", "NUM:count")


class _WordVectors:
    """Mean of a random vector for each word, and a constant; remembers what it was asked."""

    def __init__(self, dimensions: int = 8) -> None:
        self.dimensions = dimensions
        self.calls: list[list[str]] = []

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        self.calls.append(list(sentences))
        return np.stack([self.vector(sentence) for sentence in sentences])

    def vector(self, sentence: str) -> NDArray[np.float32]:
        size = self.dimensions
        words = [np.random.default_rng(sum(map(ord, word))).standard_normal(size) for word in sentence.split()]
        return np.mean([np.ones(size), *words], axis=0).astype(np.float32)


class _Fixed:
    """Every sentence gets a vector made by `make` from its position."""

    def __init__(self, make: Callable[[int], list[float]]) -> None:
        self.make = make

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        return np.array([self.make(i) for i in range(len(sentences))], dtype=np.float32)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """All transfer sets, small: words lean towards a class."""
    chance = random.Random(0)

    def sentence(label: int) -> str:
        words = [f"w{label}x{chance.randrange(4)}" for _ in range(chance.randint(0, 3))]
        words += [f"v{chance.randrange(30)}" for _ in range(chance.randint(1, 5))]
        return " ".join(chance.sample(words, len(words)))

    def write(name: str, lines: list[str]) -> None:
        path = tmp_path / "senteval" / "downstream" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines), encoding="latin-1")

    for names in SINGLE.values():
        for label, name in zip((1, 0), names, strict=True):
            write(name, [sentence(label) for _ in range(70 + 13 * label)])
    for part, size in {"train": 190, "dev": 61, "test": 67}.items():
        labels = [chance.randrange(5) for _ in range(size)]
        write(SPLIT["SST2"][part], [f"{sentence(y % 2)}\t{y % 2}" for y in labels])
        write(SPLIT["SST5"][part], [f"{y} {sentence(y)}" for y in labels])
        if part != "dev":
            write(SPLIT["TREC"][part], [f"{QUESTIONS[i % 6]} {sentence(i % 6)}" for i in range(size)])
            rows = [f"{y % 2}\t1\t2\t{sentence(y)}\t{sentence(y * (y % 2))}" for y in labels]
            write(SPLIT["MRPC"][part], ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", *rows])
    return tmp_path


@pytest.mark.parametrize(("task", "dimensions"), [("CR", 8), ("SST2", 40), ("TREC", 40), ("MRPC", 40)])
def test_scores_are_those_of_the_protocol_run_plainly(tree: Path, task: str, dimensions: int) -> None:
    encoder = _WordVectors(dimensions)
    loaded = load(tree, task)
    x = {}
    for name, part in loaded.parts.items():
        vectors = np.stack([encoder.vector(sentence) for sentence in part.first])
        if part.second is not None:
            others = np.stack([encoder.vector(sentence) for sentence in part.second])
            vectors = np.concatenate([abs(vectors - others), vectors * others], 1)
        x[name] = torch.from_numpy(vectors)
    y = {name: part.labels for name, part in loaded.parts.items()}
    acc, devacc, predicted = Task(loaded.classes, TRAINING["fast"], 5).run(x, y)

    result = transfer.evaluate(encoder, tree, [task], "fast")[task]

    gold = y["all"] if "all" in y else y["test"]
    assert result.scores["acc"].value == acc
    assert result.scores["devacc"].value == devacc
    assert result.correct is not None
    np.testing.assert_array_equal(result.correct, predicted == gold)
    assert result.scores["acc"].n == len(gold)
    assert result.scores["devacc"].n == len(y.get("dev", y.get("train", gold)))
    assert len(result.l2) == (5 if task in SINGLE else 1)
    assert {*result.l2} <= {1e-5, 1e-4, 1e-3, 1e-2}
    assert max(result.l2) > 1e-5  # or the choice would make no difference here
    if task == "MRPC":
        assert result.scores["f1"].value == round(100 * f1_score(gold, predicted), 2)
    else:
        assert "f1" not in result.scores


def test_empty_columns_are_left_out_unless_a_test_example_fills_them() -> None:
    """Every third column is empty, the first in training alone: its weight decays there, and weighs in the test."""
    chance = np.random.default_rng(5)
    y = {part: chance.permutation(np.arange(size) % 3) for part, size in (("train", 90), ("test", 60))}
    x = {}
    for part, own in y.items():
        vectors = (np.eye(3, 14)[own] + chance.standard_normal((len(own), 14))).astype(np.float32)
        vectors[:, 1::3] = 0
        x[part] = torch.from_numpy(vectors)
    x["train"][:, 0], x["test"][:, 0] = 0, 9 * x["test"][:, 0]
    acc, devacc, predicted = Task(3, TRAINING["fast"], 5).run(x, y)

    outcome = select(x, y, 3, TRAINING["fast"], 5)

    assert (outcome.acc, outcome.devacc) == (acc, devacc)
    np.testing.assert_array_equal(outcome.predicted, predicted)


@pytest.mark.slow
def test_the_full_setting_is_the_protocols_too(tree: Path) -> None:
    loaded = load(tree, "CR").parts["all"]
    x = torch.from_numpy(np.stack([_WordVectors().vector(sentence) for sentence in loaded.first]))
    acc, devacc, _ = Task(2, TRAINING["full"], 10).nested(x, loaded.labels)
    scores = transfer.evaluate(_WordVectors(), tree, ["CR"])["CR"].scores
    assert (scores["acc"].value, scores["devacc"].value) == (acc, devacc)


def test_one_pass_embeds_every_distinct_sentence_once_and_changes_nothing(tree: Path, tmp_path: Path) -> None:
    encoder = _WordVectors()
    once = EmbeddedOnce(encoder, transfer.sentences(tree, FAST_TASKS), tmp_path / "matrix.npy")
    results = transfer.evaluate(once, tree, FAST_TASKS, "fast")
    asked = [sentence for call in encoder.calls for sentence in call]
    assert len(asked) == len(set(asked))
    assert set(asked) == {text for task in FAST_TASKS for text in load(tree, task).sentences()}
    assert transfer.records(results) == transfer.records(transfer.evaluate(_WordVectors(), tree, FAST_TASKS, "fast"))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_embedding_that_is_not_finite_is_a_failed_score_with_its_reason(tree: Path, bad: float) -> None:
    ours = [*load(tree, "MRPC").sentences()]
    text = next(sentence for sentence in ours if sentence not in {*load(tree, "CR").sentences()})

    class Broken(_WordVectors):
        def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
            embeddings = super().encode(sentences)
            embeddings[[sentence == text for sentence in sentences], 2] = bad
            return embeddings

    results = transfer.evaluate(Broken(), tree, ["MRPC", "CR"], "fast")
    scores = results["MRPC"].scores
    assert {m: (s.value, s.status, s.n) for m, s in scores.items()} == {
        "acc": (None, "failed", 67),
        "devacc": (None, "failed", 190),
        "f1": (None, "failed", 67),
    }
    assert str(scores["acc"].reason).startswith(f"{ours.count(text)} of 257 examples have an embedding that is not")
    assert (results["MRPC"].correct, results["MRPC"].l2) == (None, [])
    assert results["CR"].scores["acc"].status == "ok"
    json.dumps(transfer.records(results), allow_nan=False)


def test_embeddings_too_large_for_float32_fail_and_those_just_below_are_scored(tree: Path) -> None:
    def scores(size: float) -> list[transfer.Score]:
        made = _Fixed(lambda i: [size * (-1) ** i, size, i % 7 / 7 * size])
        results = transfer.evaluate(made, tree, ["CR", "MRPC"], "fast")
        return [results[task].scores["acc"] for task in ("CR", "MRPC")]

    assert [score.status for score in scores(3e38)] == ["failed", "failed"]
    assert [score.status for score in scores(1e12)] == ["ok", "failed"]  # u * v is too large
    assert [score.status for score in scores(1e8)] == ["ok", "ok"]


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_equal_embeddings_have_no_score(tree: Path, noise: float) -> None:
    made = _Fixed(lambda i: [1.0, 2.0 + noise * (i % 3), 3.0])
    for result in transfer.evaluate(made, tree, ["CR", "MRPC"], "fast").values():
        assert {(score.value, score.status) for score in result.scores.values()} == {(None, "failed")}
        assert {score.reason for score in result.scores.values()} == {"all embeddings are the same"}
        assert (result.correct, result.l2) == (None, [])


def test_the_average_is_over_the_seven_tasks_without_sst5(tree: Path) -> None:
    results = transfer.evaluate(_WordVectors(), tree, ALL_TASKS, "fast")
    for metric in ("acc", "devacc"):
        values = [results[task].scores[metric].value for task in TASKS]
        assert len(values) == 7
        assert transfer.average(results, metric).value == pytest.approx(sum(v for v in values if v is not None) / 7)
    records = transfer.records(results)
    assert [(r["task"], r["metric"]) for r in records] == [
        *((task, metric) for task in TASKS for metric in ("acc", "devacc") + (("f1",) if task == "MRPC" else ())),
        ("SST5", "acc"),
        ("SST5", "devacc"),
        ("avg", "acc"),
        ("avg", "devacc"),
    ]
    assert all(set(r) == {"task", "metric", "value", "status", "reason", "n"} for r in records)
    del results["TREC"]
    average = transfer.average(results, "acc")
    assert (average.value, average.status, average.reason) == (None, "skipped", "not evaluated: TREC")


def keep(data: Path, name: str, lines: int) -> None:
    path = data / "senteval" / "downstream" / name
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize(
    ("task", "name", "lines", "enough", "what"),
    [
        # Folds within folds: with 7 examples 5 are left for 5 inner folds, with 6 only 4.
        ("CR", SINGLE["CR"][1], 6, 7, "class 0 has 6 examples, too few to be in every fold"),
        ("TREC", SPLIT["TREC"]["train"], 28, 30, "class 4 has 4 examples, too few"),
        ("MRPC", SPLIT["MRPC"]["train"], 18, 60, "17 examples to train on, and 5% of them to hold out is none"),
    ],
)
def test_too_few_examples_are_refused_before_anything_is_embedded(
    tree: Path, task: str, name: str, lines: int, enough: int, what: str
) -> None:
    whole = (tree / "senteval" / "downstream" / name).read_text()
    keep(tree, name, enough)
    transfer.evaluate(_WordVectors(), tree, [task], "fast")
    (tree / "senteval" / "downstream" / name).write_text(whole)
    keep(tree, name, lines)
    encoder = _WordVectors()
    with pytest.raises(NegbenchError) as caught:
        transfer.evaluate(encoder, tree, [task], "fast")
    assert what in caught.value.what
    assert caught.value.where == f"{task}, 5 folds"
    assert not encoder.calls


@pytest.mark.parametrize(("task", "part"), [("SST2", "train"), ("SST5", "dev"), ("MRPC", "test"), ("TREC", "train")])
def test_a_part_that_lacks_a_class_is_refused_before_anything_is_embedded(tree: Path, task: str, part: str) -> None:
    path = tree / "senteval" / "downstream" / SPLIT[task][part]
    ones = {"SST2": "\t1", "SST5": "1 ", "MRPC": "1\t1", "TREC": "DESC"}  # marks class 1
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if ones[task] not in line))
    encoder = _WordVectors()
    with pytest.raises(NegbenchError, match=rf"no example of class 1 \({task}, part {part}\)"):
        transfer.evaluate(encoder, tree, [task], "fast")
    assert not encoder.calls


def test_the_program_prints_an_aligned_table(
    tree: Path, tiny_encoder_folder: Path, tiny_encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(tree), "--tasks", "SST2", "MRPC", "--fast"]
    assert run(transfer.main, transfer.parser(), options) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    scores = transfer.evaluate(tiny_encoder, tree, ["SST2", "MRPC"], "fast")
    cells = [f"{s.value:.2f}" for s in scores["MRPC"].scores.values()]
    assert lines[0].split() == ["task", "acc", "devacc", "f1", "n"]
    assert lines[1].split() == ["SST2", *(f"{s.value:.2f}" for s in scores["SST2"].scores.values()), "67"]
    assert lines[2].split() == ["MRPC", *cells, "67"]
    assert lines[3].split() == ["avg", "—", "—", "134"]
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4:] == ["— avg: not evaluated: MR, CR, SUBJ, MPQA, TREC"]
    pooling, sets = shown.err.splitlines()  # no progress bar where there is no terminal
    assert pooling == "note: pooling mean; --pooling chooses another"
    assert sets.startswith("note: not the published sets: SST2 train (190 examples, published 67,349), SST2 dev (")


def test_the_program_prints_records(tree: Path, tiny_encoder_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(tree), "--pooling", "cls", "--json"]
    assert run(transfer.main, transfer.parser(), [*options, "--fast", "--tasks", "SST5"]) == 0
    results = transfer.evaluate(Encoder.load(tiny_encoder_folder, "cls"), tree, ["SST5"], "fast")
    assert json.loads(capsys.readouterr().out)["records"] == transfer.records(results)


def test_the_program_ends_with_an_error_if_the_model_gives_no_score(
    tree: Path, tiny_encoder: Encoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with torch.no_grad():
        tiny_encoder.backbone.embeddings.word_embeddings.weight.fill_(math.nan)
    tiny_encoder.save(tmp_path / "broken")
    capsys.readouterr()
    options = ["--model", str(tmp_path / "broken"), "--data", str(tree), "--tasks", "SST2,CR", "--fast"]
    assert run(transfer.main, transfer.parser(), options) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].split() == ["SST2", "—", "—", "67"]
    assert shown.err.splitlines()[-1].startswith(
        "error: no score for SST2, CR: 318 of 318 examples have an embedding that is not"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "SST-2"], "error: unknown task 'SST-2' (--tasks). Did you mean 'SST2'?\n"),
        (["--pooling", "maen"], "error: unknown pooling 'maen' (--pooling). Did you mean 'mean'?\n"),
    ],
)
def test_the_program_names_what_it_does_not_know(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(transfer.main, transfer.parser(), ["--model", "nowhere", "--data", "nowhere", *options]) == 1
    assert capsys.readouterr().err == message


def test_means_are_rounded_as_numpy_rounds_and_accuracies_as_python_does() -> None:
    """As in SentEval: `round` of numpy's mean and of a quotient. 71.175 is a little below in binary."""
    means = np.array([[0.7035], [0.72]])
    assert selection._best(means) == (0, float(round(100 * np.mean(means), 2))) == (0, 71.18)
    assert selection._per_cent(np.arange(4000) < 2847) == 71.17  # numpy: 71.18
