"""A run that diverges is a result: the pipeline goes on, and the report says of each missing score why."""

from __future__ import annotations

import csv
import json
import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from tiny_project import make

from pipelines import aggregate, evaluate, figures, mteb, params, report, significance, train
from reports import records

pytestmark = pytest.mark.slow
REASON = "loss is nan at step 1"


@pytest.fixture(scope="module")
def project(tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything run up to the records: SimCSE at a temperature over which its cosines overflow, and MoCoSE."""
    overrides = ["methods.simcse={temperature: 1e-39}", "~ablate.ema_decay"]
    folder = make(tmp_path_factory.mktemp("diverged") / "project", tiny_encoder_folder, *overrides)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (train, evaluate, mteb):
            for method in ("simcse", "mocose"):
                stage.stage(Namespace(method=method, seed=0))
    return folder


def stored(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_run_says_that_it_failed_and_why(project: Path) -> None:
    run = stored(project / "runs/simcse/0/run.json")
    assert (run["status"], run["reason"]) == ("failed", REASON)
    assert (run["best_step"], run["best_score"], run["looks"]) == (None, None, [])
    assert [*(project / "runs/simcse/0/model").iterdir()] == []
    assert stored(project / "runs/mocose/0/run.json")["status"] == "ok"


@pytest.mark.parametrize("file", ["records.json", "mteb/records.json"])
def test_no_score_of_it_has_a_value_and_each_has_the_reason(project: Path, file: str) -> None:
    found, other = (stored(project / "results" / method / "0" / file)["records"] for method in ("simcse", "mocose"))
    assert [(one["task"], one["metric"]) for one in found] == [(one["task"], one["metric"]) for one in other]
    of_data = "dev_pairs_in_tests"  # the one record that no encoder is asked for
    for record in found:
        if record["metric"] != of_data:
            assert (record["value"], record["status"], record["reason"]) == (None, "failed", REASON)
    assert all(math.isfinite(one["value"]) for one in other)


def test_the_files_that_dvc_expects_are_there(project: Path) -> None:
    failed, other = (project / "results" / method / "0" for method in ("simcse", "mocose"))
    assert sorted(path.name for path in failed.rglob("*")) == sorted(path.name for path in other.rglob("*"))
    assert stored(failed / "negatives.json") is None
    assert set(stored(failed / "metrics.json").values()) == {None}
    assert not records.load(project / "results").methods[1].runs[0].negatives


def test_the_report_is_built_with_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    arguments = Namespace(
        results=Path("results"),
        paper=params.ROOT / "reports/paper",
        params=Path("params.yaml"),
        build=Path("reports/build"),
        png=False,
        runs=Path("runs"),
        template=params.ROOT / report.TEMPLATE,
    )
    for stage in (significance.stage, aggregate.aggregate, figures.draw, report.report):
        stage(arguments)
    text = (project / "reports/build/report.md").read_text(encoding="utf-8")
    assert "Loss is nan at step 1." in text
    with (project / "reports/build/tables/sts.csv").open(encoding="utf-8", newline="") as stream:
        (line,) = (row for row in csv.DictReader(stream) if "SimCSE" in row.values() and "nan" in str(row))
    assert not any(value.replace(".", "").isdigit() for value in line.values() if value)
