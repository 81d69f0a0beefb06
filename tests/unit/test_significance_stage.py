"""The stage from files to file: what it writes, and what it says when it cannot."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from pathlib import Path

import items_fixture as fixture
import pytest
from report_fixture import HASHES

from pipelines import params, significance
from pipelines.errors import NegbenchError
from pipelines.paths import SIGNIFICANCE
from reports import records, tested
from reports.records import Expected


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and fresh results, where the stage runs."""
    shutil.copy(params.ROOT / "params.yaml", tmp_path)
    fixture.write(tmp_path / "results")
    fresh = {method: dict.fromkeys(range(3), Expected(HASHES, HASHES)) for method in fixture.METHODS}
    monkeypatch.setattr(significance, "expected", lambda settings: fresh)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_stage_writes_what_the_report_reads_the_same_each_time(project: Path) -> None:
    significance.stage(Namespace())
    first = (project / SIGNIFICANCE).read_bytes()
    found, stale = tested.load(project / SIGNIFICANCE, records.load(project / "results"))
    assert found is not None and stale == ()
    assert found == tested.Significance.model_validate_json(first)
    assert [family.name for family in found.families] == ["sts", "transfer", "retrieval", "reranking"]
    significance.stage(Namespace())
    assert (project / SIGNIFICANCE).read_bytes() == first


def test_stale_runs_are_not_compared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = dict(HASHES, code_hash="another")
    wanted = {method: dict.fromkeys(range(3), Expected(HASHES, HASHES)) for method in fixture.METHODS}
    wanted["same"] = dict.fromkeys(range(3), Expected(stale, stale))
    monkeypatch.setattr(significance, "expected", lambda settings: wanted)
    significance.stage(Namespace())
    found, _ = tested.load(project / SIGNIFICANCE, records.load(project / "results"))
    assert found is not None
    assert {one.method for family in found.families for one in family.comparisons} <= {"reference", "better"}


@pytest.mark.parametrize("edited", ["better", "same", "reference"])
def test_comparisons_of_other_scores_are_left_out(project: Path, edited: str) -> None:
    """The settings' reference was not trained: the first, `better`, is in its place."""
    compared = {"same", "reference"}
    significance.stage(Namespace())
    file = project / "results" / edited / "1" / "records.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["records"][3]["value"] += 0.001
    file.write_text(json.dumps(content), encoding="utf-8")
    found, stale = tested.load(project / SIGNIFICANCE, records.load(project / "results"))
    kept = {one.method for family in found.families for one in family.comparisons} if found else set()
    assert kept == (set() if edited == "better" else compared - {edited})
    assert {one.what for one in stale} == {f"noise of {name.capitalize()}'s differences" for name in compared - kept}


def test_a_failure_leaves_the_earlier_result(project: Path) -> None:
    significance.stage(Namespace())
    before = (project / SIGNIFICANCE).read_bytes()
    (project / "results/better/0/correct.npz").unlink()
    with pytest.raises(NegbenchError, match="missing"):
        significance.stage(Namespace())
    assert (project / SIGNIFICANCE).read_bytes() == before
    assert [path.name for path in (project / SIGNIFICANCE).parent.iterdir()] == [SIGNIFICANCE.name]
