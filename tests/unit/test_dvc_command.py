"""dvc.lock: the bytes that DVC itself writes, and never half of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipelines import dvc_command
from pipelines.dvc_command import dvc

STAGES = """
stages:
  each:
    matrix: {name: [a, b, c]}
    cmd: mkdir -p made && cp source made/${item.name}
    deps: [source]
    params: [rate, nothing, words, deep.list]
    outs: ['made/${item.name}']
  all: {cmd: cat made/* > all, deps: [made], metrics: [all: {cache: false}]}
"""
PARAMS = """
rate: 1.0e-06
nothing: null
words: "yes: é, 'quoted' and long enough to be folded somewhere by a printer that folds at eighty columns"
deep: {list: [1, 2.50, true, {a: null}], other: 2}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Repo.init(str(tmp_path))
    (tmp_path / "source").write_text("x")
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "params.yaml").write_text(PARAMS, encoding="utf-8")
    return tmp_path


def test_the_bytes_are_those_of_dvc(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    plain = tmp_path_factory.mktemp("plain") / "copy"
    shutil.copytree(project, plain)
    for change in ("", "y"):
        for folder in (project, plain):
            (folder / "source").write_text("x" + change)
        subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=plain, check=True, capture_output=True)
        with chdir(project):
            assert dvc("repro") == 0
        assert (project / "dvc.lock").read_bytes() == (plain / "dvc.lock").read_bytes()


def test_a_write_that_breaks_leaves_the_earlier_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with chdir(project):
        assert dvc("repro", "each@a") == 0
        before = Path("dvc.lock").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(dvc_command, "dumps_yaml", lambda content: 1 / 0)
            assert dvc("repro", "each@b") != 0
        assert Path("dvc.lock").read_bytes() == before
        assert dvc("repro") == 0


@pytest.mark.parametrize("edited", ["source", "params.yaml"])
def test_what_is_edited_while_a_stage_runs_is_not_taken_for_its_input(project: Path, edited: str) -> None:
    """DVC would note the edited file as what the result was made from, and never run the stage again."""
    edit = {"source": "echo z > source", "params.yaml": "sed -i s/1.0e-06/2.0e-06/ params.yaml"}[edited]
    stage = "stages: {one: {cmd: 'cp source made; %s', deps: [source], params: [rate], outs: [made]}}"
    (project / "dvc.yaml").write_text(stage % edit)
    with chdir(project):
        assert dvc("repro") != 0
        assert not Path("dvc.lock").exists()
        Path("dvc.yaml").write_text(stage % "true")
        assert dvc("repro") == 0
    assert (project / "made").read_text() == (project / "source").read_text()


@pytest.mark.parametrize(
    ("command", "told"), [("kill -9 $$", True), ("sh -c 'kill -9 $$'; exit $?", True), ("exit 9", False)]
)
def test_a_killed_stage_is_called_killed(
    project: Path, command: str, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (project / "dvc.yaml").write_text(f"stages: {{one: {{cmd: {json.dumps(command)}}}}}")
    with chdir(project):
        assert dvc("repro") != 0
    assert ("killed, by the system if memory ran out" in caplog.text) is told


@pytest.mark.parametrize("left", ["", '{"write": {"', "[]", '{"write": 3}'])
def test_half_of_a_list_of_readers_and_writers_stops_nothing(project: Path, left: str) -> None:
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text(left)
    with chdir(project):
        assert dvc("repro") == 0
    assert json.loads((project / ".dvc/tmp/rwlock").read_text()) == {}


def test_a_dead_process_of_ours_blocks_nothing_though_its_number_lives(project: Path) -> None:
    out = str(project / "made/a")
    for command, code in ((" ".join(sys.argv), 0), ("another program", 255)):
        lock = {"write": {out: {"pid": 1, "cmd": command}}, "read": {}}
        (project / ".dvc/tmp").mkdir(exist_ok=True)
        (project / ".dvc/tmp/rwlock").write_text(json.dumps(lock))
        (project / "source").write_text(command)
        with chdir(project):
            assert dvc("repro", "each@a") == code
