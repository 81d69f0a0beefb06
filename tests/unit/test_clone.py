"""Two clones: what must be the same in both, and how results come from one to the other."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from repositories import git, publish

from pipelines import clone
from pipelines.dvc_command import dvc
from pipelines.errors import NegbenchError
from pipelines.params import ROOT

DVC_YAML = """
stages:
  fetch: {cmd: cp source data, deps: [source], outs: [data: {cache: false}]}
  train:
    cmd: echo x >> ../trained; mkdir -p runs; cp data runs/model; cp data score.json
    deps: [data]
    outs: [runs/model]
    metrics: [score.json: {cache: false}]
  report: {cmd: cat runs/model score.json > report, deps: [runs, score.json], outs: [report]}
"""


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    (one / "dvc.yaml").write_text(DVC_YAML)
    (one / "params.yaml").write_text("rate: 1\n")
    (one / "source").write_text('{"x": 1}')
    (one / ".gitignore").write_text("/data\n/runs\n/report\n/score.json\n")
    publish(one, tmp_path / "remote")
    git(tmp_path, "clone", "-q", str(one), str(two))
    return one, two


def order(folder: Path, *needs: str) -> clone.Order:
    with chdir(folder):
        return clone.Order("run", [*needs], clone.state())


def test_clones_of_the_same_commit_are_the_same_whatever_was_generated(clones: tuple[Path, Path]) -> None:
    one, two = clones
    with chdir(one):
        dvc("repro")
    with chdir(two):
        clone.check(order(one))


@pytest.mark.parametrize(
    ("change", "told"),
    [("params.yaml", "params.yaml differs"), ("dvc.yaml", "edits of tracked files differs"), (None, "commit differs")],
)
def test_what_differs_is_named(clones: tuple[Path, Path], change: str | None, told: str) -> None:
    one, two = clones
    ordered = order(one)
    with chdir(two):
        if change:
            Path(change).write_text("rate: 2\n")
        else:
            git(two, "commit", "-q", "--allow-empty", "-m", "More")
        with pytest.raises(NegbenchError, match=told):
            clone.check(ordered)


def test_a_file_that_git_does_not_know_is_a_difference(clones: tuple[Path, Path]) -> None:
    one, two = clones
    ordered = order(one)
    (two / "new.py").write_text("x = 1\n")
    with chdir(two), pytest.raises(NegbenchError, match="files that git does not know differs"):
        clone.check(ordered)


def test_results_come_through_the_remote_once(clones: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = clones
    with chdir(one):
        assert dvc("repro", "train") == 0
        clone.share()
    with chdir(two):
        clone.bring(order(one, "fetch", "train"))
        assert dvc("repro", "--single-item", "report") == 0
        (two / "runs/model").unlink()
        clone.bring(order(one, "fetch", "train"))  # of the same run: another stage may be reading
        assert not (two / "runs/model").exists()
        clone.bring(dataclasses.replace(order(one, "fetch", "train"), run="next"))
    assert (two / "runs/model").read_text() == (two / "score.json").read_text() == '{"x": 1}'
    assert (tmp_path / "trained").read_text() == "x\n"


def test_what_another_clone_did_in_an_earlier_run_is_not_done_again(clones: tuple[Path, Path], tmp_path: Path) -> None:
    one, _ = clones
    for run, folder in zip(("first", "second"), clones, strict=True):
        ordered = json.dumps(dataclasses.asdict(dataclasses.replace(order(one, "fetch"), run=run)))
        command = [sys.executable, "-m", "pipelines.single", "train", "--clone", ordered]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.PIPE) as stage:
            assert stage.wait() == 0
        assert (folder / "runs/model").read_text() == '{"x": 1}'
    assert (tmp_path / "trained").read_text() == "x\n"


def test_a_stage_shares_its_own_results_and_no_others(clones: tuple[Path, Path], tmp_path: Path) -> None:
    """What was made before, by other settings or other stages, is neither sent again nor needed."""
    one, two = clones
    with chdir(one):
        (one / "source").write_text("earlier")
        assert dvc("repro") == 0
        (one / "source").write_text("later")
        assert dvc("repro") == 0
        assert dvc("gc", "--force", "--workspace") == 0  # earlier results are gone, and the run-cache names them
        assert [*(tmp_path / "remote").rglob("*")] == []
        clone.share("train")
        sent = {file for file in (tmp_path / "remote").rglob("*") if file.is_file()}
        assert len([file for file in sent if "runs" in file.parts]) == 1
        assert {file.read_text() for file in sent if "runs" not in file.parts} == {"later"}
        clone.share("train")
        assert {file for file in (tmp_path / "remote").rglob("*") if file.is_file()} == sent
        clone.share()
        assert len([file for file in (tmp_path / "remote/runs").rglob("*") if file.is_file()]) == 2
    with chdir(two):
        (two / "source").write_text("later")
        clone.bring(order(two, "fetch", "train"))
        assert (two / "score.json").read_text() == "later"
    assert (tmp_path / "trained").read_text() == "x\nx\n"


def test_there_is_nothing_to_share_before_a_stage_has_run(clones: tuple[Path, Path], tmp_path: Path) -> None:
    """Nor is what has run missed where the files that it was made from are gone."""
    one, _ = clones
    with chdir(one):
        clone.share()
        assert not (tmp_path / "remote").exists()
        assert dvc("repro", "train") == 0
        for name in ("data", "runs/model"):
            (one / name).unlink()
        clone.share()
    assert len([file for file in (tmp_path / "remote/runs").rglob("*") if file.is_file()]) == 1


def test_a_remote_that_takes_nothing_is_an_error(clones: tuple[Path, Path], tmp_path: Path) -> None:
    one, _ = clones
    (tmp_path / "remote").write_text("a file")
    with chdir(one):
        assert dvc("repro") == 0
        with pytest.raises(NegbenchError, match=r"Not a directory.*A remote that all clones share"):
            clone.share("train")


def test_without_a_remote_the_error_says_how_to_get_one(clones: tuple[Path, Path]) -> None:
    one, _ = clones
    with chdir(one):
        assert dvc("repro") == 0
        assert dvc("remote", "remove", "common") == 0
        with pytest.raises(NegbenchError, match="dvc remote add --default"):
            clone.share()
