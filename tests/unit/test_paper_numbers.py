"""Reported numbers: each row adds up, copies agree, and the schema takes no number without its source."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.errors import NegbenchError
from reports import paper
from reports.families import AVERAGE, STS
from reports.paper import Block, Row

FOLDER = Path(__file__).parents[2] / "reports" / "paper"
PAPERS = {one.key: one for one in paper.load_all(FOLDER)}
ROWS = {row.id: row for one in PAPERS.values() for row in one.lines}

# Rows whose printed average is not the mean of their printed tasks: this one's is 84.954, printed as 84.94.
DO_NOT_ADD_UP = {"bert-average-transfer"}


def adds_up(scores: dict[str, float]) -> bool:
    """Seven scores and their average, each off by half a hundredth at most."""
    exact = {task: Decimal(str(value)) for task, value in scores.items()}
    average = exact.pop(AVERAGE)
    assert len(exact) == 7
    return abs(sum(exact.values()) / 7 - average) <= Decimal("0.01")


def scores_of(row: Row) -> dict[str, float]:
    return {task: cell.value for task in row.family.labels if (cell := row.cell(task))}


def block(key: str, id_: str) -> Block:
    return next(one for one in PAPERS[key].numbers if one.id == id_)


def test_rows_add_up() -> None:
    complete = {id_: scores_of(row) for id_, row in ROWS.items() if len(scores_of(row)) == 8}
    assert len(complete) >= 30
    assert {id_ for id_, scores in complete.items() if not adds_up(scores)} == DO_NOT_ADD_UP


def test_a_wrong_digit_does_not_add_up() -> None:
    # A leaderboard prints this row with 71.58 for STS12 (Doragd/Awesome-Sentence-Embedding).
    assert not adds_up(scores_of(ROWS["mocose-bert-base"]) | {"STS12": 71.58})


def test_tables_1_and_2_are_complete() -> None:
    assert sum(row.where == "Table 1" for row in PAPERS["mocose"].rows) == 14
    assert sum(row.where == "Table 2" for row in PAPERS["mocose"].transfer) == 9


def test_which_transfer_numbers_can_be_test_accuracies() -> None:
    """TREC has 500 test sentences: a test accuracy in per cent is a multiple of 0.2, to two decimals."""
    possible = {id_: round(row.cell("TREC").value * 5, 2) % 1 == 0 for id_, row in ROWS.items() if "transfer" in id_}
    assert {id_ for id_, is_possible in possible.items() if not is_possible} == {
        id_ for id_, row in ROWS.items() if row.metric == "devacc"
    }


def test_repeated_rows_agree_with_their_originals() -> None:
    copies = [row for row in ROWS.values() if row.repeats]
    assert len(copies) == 6
    for copy in copies:
        assert scores_of(copy) == scores_of(ROWS[str(copy.repeats)]), copy.id


def test_figure_2_is_the_mean_of_figure_3() -> None:
    by_batch = block("mocose", "queue-distance-by-batch")
    for distance, mean in zip(*map(block("mocose", "queue-distance").column, ("d_trace", "value")), strict=True):
        pairs = zip(by_batch.column("d_trace"), by_batch.column("value"), strict=True)
        batches = [value for at, value in pairs if at == distance]
        assert len(batches) == 3
        assert sum(batches) / 3 == pytest.approx(mean, abs=0.03)  # both are digitised to about 0.03


def test_figure_2_distances_follow_from_their_settings() -> None:
    curve = block("mocose", "queue-distance")
    columns = (curve.column(name) for name in ("d_trace", "ema_decay", "batches_in_queue", "value", "low", "high"))
    for distance, decay, batches, value, low, high in zip(*columns, strict=True):
        assert distance == pytest.approx(1 / (1 - decay) + batches, abs=0.005)
        assert low < value < high


def test_softcse_claims_each_task_family() -> None:
    assert [claim.family for claim in PAPERS["softcse"].claims] == ["sts", "transfer", "retrieval", "reranking"]


def minimal() -> dict[str, Any]:
    """A valid file with one of everything, as plain values."""
    sourced = {"source": "PDF p.1", "certainty": "A"}
    shared = {**sourced, "where": "Table 1", "metric": "spearman_all", "protocol": "own"}
    row = {"id": "r", "label": "X", "backbone": "b", **dict.fromkeys(STS.labels, 50.0)}
    numbers = {"id": "t", "label": "t", "task": "avg", "columns": ["k", "value"], "cells": [[1, 2]]}
    claim = {"id": "c", "statement": "s", "family": "sts", "direction": "higher", "methods": []}
    return {
        "key": "x",
        "name": "X",
        "citation": "X et al.",
        "sources": {"PDF": "the paper, by page"},
        "protocols": {"own": {"pooling": None, "aggregation": "all", "selection": None, "split": "test"}},
        "rows": [{**row, **shared}],
        "transfer": [],
        "numbers": [{**numbers, **shared}],
        "reproductions": [{"row": "r", "values": [49.0], "setting": "s", **sourced}],
        "claims": [{**claim, **sourced}],
    }


def load(folder: Path, content: Any) -> paper.Paper:
    file = folder / "x.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return paper.load(file)


def test_the_minimal_file_is_valid(tmp_path: Path) -> None:
    row = load(tmp_path, minimal()).rows[0]
    assert row.cell("STS12") == paper.Value(value=50.0, source="PDF p.1", certainty="A", where="Table 1")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["rows"][0].pop("source"), "rows.0.source: Field required"),
        (lambda c: c["rows"][0].pop("certainty"), "rows.0.certainty: Field required"),
        (lambda c: c["numbers"][0].pop("source"), "numbers.0.source: Field required"),
        (lambda c: c["reproductions"][0].pop("certainty"), "reproductions.0.certainty: Field required"),
        (lambda c: c["claims"][0].pop("source"), "claims.0.source: Field required"),
        (lambda c: c["rows"][0].update(STS12={"value": 1.0}), "rows.0.STS12"),
        (lambda c: c["rows"][0].update(certainty="sure"), "rows.0.certainty: Input should be 'A'"),
        (lambda c: c["rows"][0].update(STS17=1.0), "rows.0.STS17: Extra inputs are not permitted"),
        (lambda c: c["rows"][0].pop("STS16"), "rows.0.STS16: Field required"),
        (lambda c: c["rows"][0].update(STS12=float("nan")), "rows.0.STS12"),
        (
            lambda c: c["rows"][0].update(source="a friend"),
            "source 'a friend' begins with no key of 'sources'",
        ),
        (lambda c: c["rows"][0].update(protocol="theirs"), "'r' has the protocol 'theirs'"),
        (lambda c: c["numbers"][0].update(id="r"), "two rows or blocks share an id"),
        (lambda c: c["numbers"][0].update(columns=["k", "v"]), "block 't' has no column 'value'"),
        (lambda c: c["numbers"][0].update(cells=[[1, 2], [1]]), "does not fill its 2 columns"),
        (lambda c: c["reproductions"][0].update(range=[1, 2]), "either 'values' or a 'range'"),
        (lambda c: c.update(remark="?"), "remark: Extra inputs are not permitted"),
    ],
)
def test_the_schema_rejects(tmp_path: Path, spoil: Callable[[Any], object], message: str) -> None:
    content = minimal()
    spoil(content)
    with pytest.raises(NegbenchError, match=r".") as error:
        load(tmp_path, content)
    assert message in str(error.value)
    assert "x.yaml" in error.value.where


def test_not_yaml(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("rows: [", encoding="utf-8")
    with pytest.raises(NegbenchError, match="not valid YAML"):
        paper.load(tmp_path / "x.yaml")


def test_an_unknown_repeat_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="no paper files"):
        paper.load_all(tmp_path)
    content = minimal()
    content["rows"][0]["repeats"] = "nobody"
    load(tmp_path, content)
    with pytest.raises(NegbenchError, match="repeats an unknown row 'nobody'"):
        paper.load_all(tmp_path)
