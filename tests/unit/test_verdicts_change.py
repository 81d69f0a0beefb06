"""An edit of one file, from file to verdict: what it must change, and that all else stays as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from report_fixture import write_results

from reports import claims, evidence, verdicts
from reports.families import STS
from reports.verdicts import Verdict

REPORTED = Path(__file__).parents[2] / "reports" / "paper"
STSB = 76.85  # SimCSE's, of the row that is edited


class Verdicts(NamedTuple):
    """All that is said of the records: by score, and by finding."""

    scores: dict[tuple[str, str], tuple[Verdict, float | None]]
    findings: dict[str, tuple[str, Any, int | None]]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Results of the papers' own backbone, where every verdict is possible, and the papers' numbers."""
    results = write_results(tmp_path / "results", comparable="yes", backbone="bert-base-uncased")
    for seed, value in enumerate((STSB - 0.01, STSB, STSB + 0.01)):
        edit(results / f"simcse/{seed}/records.json", "STSB", value)
    return results, Path(shutil.copytree(REPORTED, tmp_path / "paper"))


def edit(file: Path, task: str, value: float) -> None:
    """Give a task another score by hand."""
    content = json.loads(file.read_text(encoding="utf-8"))
    (found,) = (one for one in content["records"] if (one["task"], one["metric"]) == (task, "spearman_all"))
    found["value"] = value
    file.write_text(json.dumps(content), encoding="utf-8")


def told(folders: tuple[Path, Path]) -> Verdicts:
    """The verdicts on the files as they are."""
    found = evidence.load(*folders)
    compared = verdicts.compare(found.results, found.papers)
    return Verdicts(
        {(one.method.name, task.task): (task.verdict, task.delta) for one in compared for task in one.tasks},
        {f"{one.paper.key}/{one.claim.id}: {one.subject}": (one.answer, one.contrast, one.seeds)
         for one in claims.judge(found)},
    )  # fmt: skip


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> set[Any]:
    """What is not said of both alike."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_an_edited_record_changes_its_own_verdict(folders: tuple[Path, Path]) -> None:
    before = told(folders)
    edit(folders[0] / "simcse/1/records.json", "STSB", STSB + 9)
    after = told(folders)
    assert changed(before.scores, after.scores) == {("simcse", "STSB")}
    assert before.scores["simcse", "STSB"][0] == "reproduced"
    assert after.scores["simcse", "STSB"][0] == "undecided"  # three points off, with seeds nine points apart
    assert changed(before.findings, after.findings) == set()  # they ask for averages


def test_an_edited_average_changes_what_is_held_against_it(folders: tuple[Path, Path]) -> None:
    before = told(folders)
    edit(folders[0] / "softcse_weight/0/records.json", "avg", 99.0)
    after = told(folders)
    assert changed(before.scores, after.scores) == set()  # no paper's number stands beside this method's
    assert changed(before.findings, after.findings) == {"softcse/sts: SoftCSE (weight)"}


def test_a_deleted_seed_changes_the_verdicts_on_its_method(folders: tuple[Path, Path]) -> None:
    before = told(folders)
    shutil.rmtree(folders[0] / "mocose" / "2")
    after = told(folders)
    assert changed(before.scores, after.scores) == {("mocose", task) for task in STS.labels}
    assert changed(before.findings, after.findings) == {"mocose/above-simcse: MoCoSE"}
    seeds = [one.findings["mocose/above-simcse: MoCoSE"][2] for one in (before, after)]
    assert seeds == [3, 2]


def test_an_edited_reported_number_changes_its_own_verdict(folders: tuple[Path, Path]) -> None:
    before = told(folders)
    file = folders[1] / "simcse.yaml"
    text = file.read_text(encoding="utf-8")
    row = text.index("simcse-bert-base")
    file.write_text(text[:row] + text[row:].replace(f"STSB: {STSB}", "STSB: 70.00", 1), encoding="utf-8")
    after = told(folders)
    assert changed(before.scores, after.scores) == {("simcse", "STSB")}
    assert before.scores["simcse", "STSB"][0] == "reproduced"
    assert after.scores["simcse", "STSB"] == ("not reproduced", pytest.approx(STSB - 70))
    assert changed(before.findings, after.findings) == set()  # what our runs say does not rest on it
