"""The schema of reported numbers takes none without its source, and says in one line what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.errors import NegbenchError
from reports import paper
from reports.families import STS

SOFTCSE = Path(__file__).parents[2] / "reports" / "paper" / "softcse.yaml"


def minimal() -> dict[str, Any]:
    """A valid file with one of everything, as plain values."""
    sourced = {"source": "PDF p.1", "certainty": "A"}
    shared = {**sourced, "where": "Table 1", "metric": "spearman_all", "protocol": "own"}
    row = {"id": "r", "label": "X", "backbone": "b", **dict.fromkeys(STS.labels, 50.0)}
    search = {"id": "s", "label": "X", "backbone": "b", "scores": {"SciFact": 50.0}, "avg": 50.0}
    numbers = {"id": "t", "label": "t", "task": "avg", "columns": ["k", "value"], "cells": [[1, 2], [2, 3]]}
    claim = {"id": "c", "statement": "s", "rule": {"kind": "cells", "study": "fgsm", "better": {"fgsm_epsilon": 5e-9}}}
    return {
        "key": "x",
        "name": "X",
        "citation": "X et al.",
        "sources": {"PDF": "the paper, by page"},
        "protocols": {"own": {"pooling": None, "aggregation": "all", "selection": None, "split": "test"}},
        "rows": [{**row, **shared}],
        "search": [{**search, **shared, "metric": "retrieval_main_score"}],
        "numbers": [{**numbers, **shared}],
        "reproductions": [{"row": "r", "values": [49.0], "setting": "s", **sourced}],
        "claims": [{**claim, **sourced}],
    }


def load(folder: Path, content: Any) -> paper.Paper:
    file = folder / "x.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return paper.load(file)


def test_the_minimal_file_is_valid(tmp_path: Path) -> None:
    one = load(tmp_path, minimal())
    assert one.rows[0].cell("STS12") == paper.Value(value=50.0, source="PDF p.1", certainty="A", where="Table 1")
    assert [row.id for row in one.lines] == ["r", "s"]
    assert one.search[0].tasks == ("SciFact", "avg")
    assert one.search[0].cell("NFCorpus") is None
    assert one.numbers[0].column("k") == [1.0, 2.0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["rows"][0].pop("source"), "rows.0.source: Field required"),
        (lambda c: c["rows"][0].pop("certainty"), "rows.0.certainty: Field required"),
        (lambda c: c["numbers"][0].pop("source"), "numbers.0.source: Field required"),
        (lambda c: c["numbers"][0].pop("certainty"), "numbers.0.certainty: Field required"),
        (lambda c: c["reproductions"][0].pop("certainty"), "reproductions.0.certainty: Field required"),
        (lambda c: c["claims"][0].pop("source"), "claims.0.source: Field required"),
        (lambda c: c["rows"][0].update(STS12={"value": 1.0}), "rows.0.STS12"),
        (lambda c: c["rows"][0].update(certainty="sure"), "rows.0.certainty: Input should be 'A'"),
        (lambda c: c["rows"][0].update(STS17=1.0), "rows.0.STS17: Extra inputs are not permitted"),
        (lambda c: c["rows"][0].pop("STS16"), "rows.0.STS16: Field required"),
        (lambda c: c["rows"][0].update(STS12=float("nan")), "rows.0.STS12"),
        (lambda c: c["rows"][0].update(source="a friend"), "source 'a friend' begins with no key of 'sources'"),
        (lambda c: c["rows"][0].update(source="PDFs"), "source 'PDFs' begins with no key of 'sources'"),
        (lambda c: c["rows"][0].update(protocol="theirs"), "'r' has the protocol 'theirs'"),
        (lambda c: c["search"][0].update(metric="ndcg"), "search.0.metric: Input should be 'retrieval_main_score'"),
        (lambda c: c["numbers"][0].update(columns=["k", "v"]), "block 't' has no column with numbers: 'value'"),
        (lambda c: c["numbers"][0].update(columns=["k", "STS17"]), "has an unknown task 'STS17' among its columns"),
        (lambda c: c["numbers"][0].update(columns=["k", "STS12"]), "block 't' names a task where its columns"),
        (lambda c: c["numbers"][0].update(columns=["value", "value"]), "block 't' has a column twice"),
        (lambda c: c["numbers"][0].pop("task"), "or names none where 'value' needs one"),
        (lambda c: c["numbers"][0].update(task="STS17"), "block 't' has an unknown task 'STS17'"),
        (lambda c: c["numbers"][0].update(study="queue_lenght"), "numbers.0.study: Input should be 'queue_distance'"),
        (lambda c: c["numbers"][0].update(metric="spearman"), "numbers.0.metric"),
        (lambda c: c["numbers"][0].pop("protocol"), "block 't' holds scores and has no protocol"),
        (lambda c: c["numbers"][0].update(cells=[[1, 2], [1]]), "does not fill its 2 columns"),
        (lambda c: c["numbers"][0].update(cells=[]), "numbers.0.cells: Tuple should have at least 1 item"),
        (lambda c: c["numbers"][0].update(cells=[[1, float("inf")]]), "Input should be a finite number"),
        (lambda c: c["numbers"][0].update(cells=[[1, None]]), "numbers.0.cells.0.1.float: Input should be a valid"),
        (lambda c: c["numbers"][0].update(cells=[[1, "7O.1"]]), "has the text '7O.1' among the numbers of 'value'"),
        (lambda c: c["numbers"][0].update(cells=[[1, 2], ["a", 2]]), "has the text 'a' among the numbers of 'k'"),
        (lambda c: c["reproductions"][0].update(range=[1, 2]), "either 'values' or a 'range'"),
        (lambda c: c["reproductions"][0].update(tasks={"STS17": 1}), "unknown task 'STS17'"),
        (lambda c: c["reproductions"][0].update(row="q"), "a reproduction of 'q', which is no row of this file"),
        (lambda c: c.update(remark="?"), "remark: Extra inputs are not permitted"),
    ],
)
def test_the_schema_rejects(tmp_path: Path, spoil: Callable[[Any], object], message: str) -> None:
    content = minimal()
    spoil(content)
    with pytest.raises(NegbenchError, match=r".") as error:
        load(tmp_path, content)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "x.yaml" in error.value.where


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    load(tmp_path, minimal())
    file = tmp_path / "x.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "claims: []\n", encoding="utf-8")
    with pytest.raises(NegbenchError, match="'claims' stands twice"):
        paper.load(file)


def test_not_yaml(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("rows: [", encoding="utf-8")
    with pytest.raises(NegbenchError, match="not valid YAML"):
        paper.load(tmp_path / "x.yaml")


def test_a_number_that_yaml_takes_for_text(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    load(tmp_path, minimal())
    file.write_text(file.read_text(encoding="utf-8").replace("- 1\n", "- 5e-9\n"), encoding="utf-8")
    assert paper.load(file).numbers[0].column("k") == [5e-9, 2.0]


def with_csv() -> dict[str, Any]:
    content = minimal()
    del content["numbers"][0]["columns"], content["numbers"][0]["cells"]
    content["numbers"][0]["csv"] = "cells.csv"
    return content


def test_cells_of_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text('part,value\n"newest, half",1.5\noldest,2\n', encoding="utf-8")
    block = load(tmp_path, with_csv()).numbers[0]
    assert block.column("part") == ["newest, half", "oldest"]
    assert block.column("value") == [1.5, 2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "numbers.0: cannot read cells.csv: No such file or directory"),
        (b"", "numbers.0: cells.csv is empty"),
        (b"k,value\n1,\xff\n", "numbers.0: cannot read cells.csv: it is not UTF-8"),
        (b"k,value\n1,2\n1\n", "numbers.0: cells.csv, line 3: 1 cells under 2 columns"),
        (b"k,value\n1,2,3\n", "numbers.0: cells.csv, line 2: 3 cells under 2 columns"),
        (b"k,value\n1,nan\n", "numbers.0.cells.0.1.float: Input should be a finite number"),
        (b"k,value\n1,\n", "numbers.0.cells.0.1"),
        (b"k,value\n1,high\n", "has the text 'high' among the numbers of 'value'"),
        (b"k,value\n", "numbers.0.cells: Tuple should have at least 1 item"),
    ],
)
def test_a_csv_file_is_rejected(tmp_path: Path, text: bytes | None, message: str) -> None:
    if text is not None:
        (tmp_path / "cells.csv").write_bytes(text)
    with pytest.raises(NegbenchError, match=r".") as error:
        load(tmp_path, with_csv())
    assert message in str(error.value)


def test_cells_twice(tmp_path: Path) -> None:
    content = minimal()
    content["numbers"][0]["csv"] = "cells.csv"
    with pytest.raises(NegbenchError, match="either 'csv' or 'columns' and 'cells'"):
        load(tmp_path, content)


def test_what_a_folder_of_papers_rejects(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="no paper files"):
        paper.load_all(tmp_path)
    content = minimal()
    content["rows"][0]["repeats"] = "nobody"
    load(tmp_path, content)
    with pytest.raises(NegbenchError, match="repeats an unknown row 'nobody'"):
        paper.load_all(tmp_path)
    content["rows"][0]["repeats"] = None
    load(tmp_path, content)
    (tmp_path / "y.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(NegbenchError, match="two rows or blocks have the id 'r'"):
        paper.load_all(tmp_path)


def test_the_example_of_the_softcse_file_can_be_entered(tmp_path: Path) -> None:
    """The line that its head prints, put where it says, with the source and the protocol that it asks for."""
    text = SOFTCSE.read_text(encoding="utf-8")
    found = re.search(r"\{id: softcse-retrieval.*?avg: [\d.]+\}", text.replace("#", ""), flags=re.DOTALL)
    assert found
    content = yaml.safe_load(text)
    content["search"] = [yaml.safe_load(found.group())]
    content["sources"]["PDF"] = "the published paper, by page"
    content["protocols"] = minimal()["protocols"]
    assert load(tmp_path, content).search[0].methods == ("softcse_weight",)
