"""The stage from files to file: what it writes, and what it says when it cannot."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

import items_fixture as fixture
import pytest
from report_fixture import HASHES

from pipelines import params, significance
from pipelines.errors import NegbenchError
from pipelines.paths import SIGNIFICANCE
from reports import tested
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
    found = tested.load(project / SIGNIFICANCE)
    assert found is not None
    assert [family.name for family in found.families] == ["sts", "transfer", "retrieval", "reranking"]
    significance.stage(Namespace())
    assert (project / SIGNIFICANCE).read_bytes() == first


def test_stale_runs_are_not_compared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = dict(HASHES, code_hash="another")
    wanted = {method: dict.fromkeys(range(3), Expected(HASHES, HASHES)) for method in fixture.METHODS}
    wanted["same"] = dict.fromkeys(range(3), Expected(stale, stale))
    monkeypatch.setattr(significance, "expected", lambda settings: wanted)
    significance.stage(Namespace())
    found = tested.load(project / SIGNIFICANCE)
    assert found is not None
    assert {one.method for family in found.families for one in family.comparisons} <= {"reference", "better"}


def test_a_failure_leaves_the_earlier_result(project: Path) -> None:
    significance.stage(Namespace())
    before = (project / SIGNIFICANCE).read_bytes()
    (project / "results/better/0/correct.npz").unlink()
    with pytest.raises(NegbenchError, match="missing"):
        significance.stage(Namespace())
    assert (project / SIGNIFICANCE).read_bytes() == before
    assert [path.name for path in (project / SIGNIFICANCE).parent.iterdir()] == [SIGNIFICANCE.name]
