"""Stages side by side: the order, what a failure leaves, and DVC's own view of the outcome."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dvc.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.params import ROOT
from pipelines.repro import side_by_side


@given(
    edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
    jobs=st.integers(1, 4),
)
@settings(max_examples=50)
def test_every_stage_runs_once_after_what_it_needs(edges: list[tuple[int, int]], jobs: int) -> None:
    needs = {str(stage): {str(a) for a, b in edges if b == stage and a < b} for stage in range(10)}
    lock, running, most, done = threading.Lock(), 0, 0, []

    def work(stage: str) -> None:
        nonlocal running, most
        with lock:
            assert needs[stage] <= set(done)
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
            done.append(stage)

    shown: list[int] = []
    side_by_side(needs, work, jobs, lambda count, _: shown.append(count))
    assert sorted(done) == sorted(needs)
    assert most <= jobs
    assert shown == sorted(shown)
    assert shown[-1] == 10


def test_after_a_failure_nothing_new_begins() -> None:
    begun = []
    held = threading.Event()

    def work(stage: str) -> None:
        begun.append(stage)
        if stage == "a":
            held.wait(30)  # until b is running too
            raise RuntimeError("a failed")
        held.set()

    with pytest.raises(RuntimeError, match="a failed"):
        side_by_side({"a": set(), "b": set(), "c": {"a"}, "d": {"b", "a"}}, work, 2)
    assert sorted(begun) == ["a", "b"]


# Each of two stages waits until the other has begun: one at a time they would never end.
MEET = """
import sys, time
from pathlib import Path
me, other = sys.argv[1:]
Path(me + ".began").touch()
deadline = time.monotonic() + 60
while not Path(other + ".began").exists():
    assert time.monotonic() < deadline, "the other never began"
    time.sleep(0.05)
Path(me).write_text(Path("source").read_text() + me)
"""
STAGES = """
stages:
  first: {cmd: python meet.py first second, deps: [source], outs: [first]}
  second: {cmd: python meet.py second first, deps: [source], outs: [second]}
  both: {cmd: cat first second > both, deps: [first, second], outs: [both]}
  apart: {cmd: 'false', deps: [late], outs: [apart]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Repo.init(str(tmp_path))
    (tmp_path / "meet.py").write_text(MEET)
    (tmp_path / "dvc.yaml").write_text(STAGES.rsplit("\n", 2)[0] + "\n")
    (tmp_path / "source").write_text("x")
    return tmp_path


def repro(project: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'repro'; import runpy; "
    code += "runpy.run_module('pipelines.repro', run_name='__main__')"
    command = [sys.executable, "-c", code, "--jobs", "2"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_independent_stages_run_side_by_side_and_dvc_agrees(project: Path) -> None:
    done = repro(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "both").read_text() == "xfirstxsecond"
    with Repo(str(project)) as repo:
        assert repo.status() == {}
    for began in project.glob("*.began"):
        began.unlink()
    again = repro(project)
    assert "up to date" in again.stdout
    assert not [*project.glob("*.began")]


def test_what_dvc_cannot_read_dvc_itself_explains(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [")
    failed = repro(project)
    assert failed.returncode == 1
    assert "'./dvc.yaml' is invalid" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("error: dvc repro ended with ")
    assert "Traceback" not in failed.stderr


def test_a_failed_stage_is_one_line_and_what_is_done_stays(project: Path) -> None:
    (project / "late").write_text("y")
    (project / "dvc.yaml").write_text(STAGES)
    failed = repro(project)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error: stage 'apart' failed (dvc.yaml)")
    assert "Traceback" not in failed.stderr
    (project / "dvc.yaml").write_text(STAGES.rsplit("\n", 2)[0] + "\n")
    assert repro(project).returncode == 0
    assert (project / "both").read_text() == "xfirstxsecond"
