"""Stages side by side: the order, what a failure leaves, what an interruption stops, and that DVC agrees."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import psutil
import pytest
import torch
from dask.system import CPU_COUNT
from distributed import Client, Future
from dvc.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from repositories import until

from pipelines import device, params, profile
from pipelines.cluster import connect, side_by_side
from pipelines.graph import Stage
from pipelines.locks import alone, holder
from pipelines.params import ROOT
from pipelines.paths import REPRO_LOCK
from pipelines.progress import Board
from pipelines.repro import tell_of_imitation


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with connect(None, jobs=3) as client:
        yield client


def run(client: Client, stages: Mapping[str, Stage], work: object, keep_going: bool = False) -> Board:
    def submit(name: str) -> Future:
        board.begun(name, "here")
        return client.submit(work, name, pure=False)

    with Board(stages) as board:
        side_by_side(client, stages, submit, board, keep_going)
    return board


LOG: list[str] = []  # Dask copies what a task brings along, but a module's global stays one


def noted(stage: str) -> tuple[int, str]:
    LOG.append(f"begin {stage}")
    LOG.append(f"end {stage}")
    return 0, ""


@given(edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
@settings(max_examples=30)
def test_every_stage_runs_once_after_what_it_needs(client: Client, edges: list[tuple[int, int]]) -> None:
    LOG.clear()
    needs = {str(stage): {str(a) for a, b in edges if b == stage and a < b} for stage in range(10)}
    # What a stage needs and is not among the stages has not changed: nobody waits for it.
    stages = {name: Stage((*needed, "unchanged"), {}) for name, needed in needs.items()}
    board = run(client, stages, noted)
    assert board.in_state("done") == [*stages]
    assert len(LOG) == 20
    for name, needed in needs.items():
        assert all(LOG.index(f"end {other}") < LOG.index(f"begin {name}") for other in needed)


def good_waits_for_bad(stage: str) -> tuple[int, str]:
    LOG.append(stage)
    if stage == "bad":
        return 1, "no luck"
    until(lambda: "bad" in LOG, 30)
    time.sleep(0.5)  # until the failure is known
    return 0, ""


@pytest.mark.parametrize("keep_going", [False, True])
def test_after_a_failure_what_needs_it_never_begins(client: Client, keep_going: bool) -> None:
    LOG.clear()
    needs = {"bad": (), "good": (), "after bad": ("bad",), "after good": ("good",), "last": ("after bad", "after good")}
    board = run(client, {name: Stage(needed, {}) for name, needed in needs.items()}, good_waits_for_bad, keep_going)
    done = ["good", "after good"] if keep_going else ["good"]
    assert board.in_state("done") == done
    assert board.in_state("failed") == ["bad"]
    assert board.in_state("not run") == [name for name in needs if name not in ("bad", *done)]
    assert sorted(LOG) == sorted(["bad", *done])


def test_a_stage_whose_task_breaks_has_failed(client: Client) -> None:
    assert run(client, {"only": Stage((), {})}, int).in_state("failed") == ["only"]  # int("only") raises


def test_a_stage_that_could_not_be_submitted_is_submitted_again(client: Client) -> None:
    LOG.clear()
    refusals = iter([OSError("connection closed"), OSError("connection closed")])

    def submit(name: str) -> Future:
        for error in refusals:
            raise error
        return client.submit(noted, name, pure=False)

    stages = {"first": Stage((), {}), "second": Stage(("first",), {})}
    with Board(stages) as board:
        side_by_side(client, stages, submit, board, keep_going=False)
    assert board.in_state("done") == ["first", "second"]
    assert LOG == ["begin first", "end first", "begin second", "end second"]


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
  second: {cmd: python meet.py second first, deps: [source], outs: [second], meta: {resources: {GPU: 0.5}}}
  both: {cmd: cat first second > both, deps: [first, second], outs: [both]}
"""
THREADS = """
stages:
  one: {cmd: 'echo $OMP_NUM_THREADS > one', deps: [source], outs: [one]}
  all: {cmd: 'echo $OMP_NUM_THREADS > all', deps: [source], outs: [all], meta: {alone: true}}
"""
APART = """
  apart: {cmd: 'false', deps: [late], outs: [apart]}
  after: {cmd: 'cat apart > after', deps: [apart], outs: [after]}
"""
ENDLESS = """
stages:
  endless: {cmd: 'touch began; sleep 600', deps: [source], outs: [never]}
"""

SLEEPY = """
stages:
  first: {cmd: 'touch began; until [ -e awake ]; do sleep 0.1; done; touch first', deps: [source], outs: [first]}
  last: {cmd: cp first last, deps: [first], outs: [last]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Repo.init(str(tmp_path))
    (tmp_path / "meet.py").write_text(MEET)
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "source").write_text("x")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def start(project: Path, *options: str, program: tuple[str, ...] = ("-m", "pipelines.repro")) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, *program, *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )


def repro(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    started = start(project, *options)
    out, err = started.communicate(timeout=120)
    return subprocess.CompletedProcess(started.args, started.returncode, out, err)


def test_the_cores_are_shared_out_but_for_a_stage_that_is_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (project / "dvc.yaml").write_text(THREADS)
    done = repro(project, "--jobs", str(CPU_COUNT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert ((project / "one").read_text(), (project / "all").read_text()) == ("1\n", f"{CPU_COUNT}\n")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("seeds: [0, 1, 2]", "seeds: 0", "setting 'seeds': .* valid list, got 0 .params.yaml"),
        ("checkpoint_seconds", "checkpoint_secnds", "'checkpoint_secnds'.*Did you mean 'checkpoint_seconds'"),
        ("", None, "no settings here .params.yaml"),
    ],
)
def test_a_mistake_in_the_settings_is_told_before_dvc_reads_them(
    project: Path, before: str, after: str | None, problem: str
) -> None:
    settings = project / "params.yaml"
    assert before in settings.read_text()
    settings.write_text(settings.read_text().replace(before, after)) if after else settings.unlink()
    done = repro(project)
    assert done.returncode == 1
    assert re.fullmatch(f"error: .*{problem}.*\n", done.stderr)
    assert not (project / "first").exists()


def test_a_switch_of_profile_tells_of_the_run_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = Namespace(name="demo", overrides=[])
    profile.switch(chosen)
    with alone(REPRO_LOCK, "a run"):
        assert "a run, process" in holder(REPRO_LOCK)
        chosen.overrides = ["seeds=[3]"]
        with redirect_stdout(io.StringIO()) as printed:
            profile.switch(chosen)
    assert "note: a run, process" in printed.getvalue()
    assert holder(REPRO_LOCK) == ""


def test_independent_stages_run_side_by_side_and_dvc_agrees(project: Path) -> None:
    done = repro(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "both").read_text() == "xfirstxsecond"
    assert "about" in done.stdout
    with Repo(str(project)) as opened:
        assert opened.status() == {}
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
    (project / "dvc.yaml").write_text(STAGES + APART)
    failed = repro(project, "--keep-going")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error: failed: apart; not run: after (dvc.yaml)")
    assert "failed to run: false" in failed.stdout
    assert "Traceback" not in failed.stderr
    assert (project / "both").read_text() == "xfirstxsecond"
    (project / "dvc.yaml").write_text(STAGES)
    assert "up to date" in repro(project).stdout


def test_a_cluster_that_is_not_there_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    failed = repro(project, "--scheduler", "tcp://127.0.0.1:9")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error: no Dask scheduler answers: ")
    assert "Traceback" not in failed.stderr


def test_without_dask_stages_run_one_by_one(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: {only: {cmd: cp source only, deps: [source], outs: [only]}}")
    code = "import sys; sys.modules['distributed'] = None; "
    code += "import runpy; runpy.run_module('pipelines.repro', run_name='__main__')"
    failed = start(project, program=("-c", code))
    _, err = failed.communicate(timeout=120)
    assert err.splitlines() == [
        "error: no module 'distributed' (dask.distributed). "
        "Run `pip install -e '.[cluster]'`, or one stage at a time: JOBS=1."
    ]
    done = start(project, "--jobs", "1", program=("-c", code))
    done.communicate(timeout=120)
    assert done.returncode == 0
    assert (project / "only").read_text() == "x"


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interruption_stops_all_that_ran_and_locks_nothing(project: Path, how: signal.Signals, jobs: str) -> None:
    (project / "dvc.yaml").write_text(ENDLESS)
    started = start(project, "--jobs", jobs)
    until((project / "began").exists, 30)
    started.send_signal(how)
    out, err = started.communicate(timeout=60)
    assert started.returncode in {signal.SIGINT: (130,), signal.SIGTERM: (143,), signal.SIGKILL: (-9,)}[how]
    assert not re.search("traceback|error|warning", out + err, re.IGNORECASE)
    assert err.splitlines()[-1:] == (["interrupted"] if how == signal.SIGINT else [])
    until(lambda: not processes_in(project), 30)
    (project / "dvc.yaml").write_text(STAGES)
    assert repro(project).returncode == 0


@pytest.mark.slow
def test_a_run_that_was_asleep_goes_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "1s")  # Dask makes it five at least
    (project / "dvc.yaml").write_text(SLEEPY)
    started = start(project)
    until((project / "began").exists, 30)
    started.send_signal(signal.SIGSTOP)
    time.sleep(8)
    started.send_signal(signal.SIGCONT)
    (project / "awake").touch()
    out, err = started.communicate(timeout=60)
    assert started.returncode == 0, out + err
    assert (project / "last").exists()


@pytest.mark.slow
def test_the_second_of_two_runs_waits_and_says_for_whom(project: Path) -> None:
    slow = STAGES.replace("cat first second", "sleep 5; cat first second")
    (project / "dvc.yaml").write_text(slow)
    one = start(project)
    until((project / "first").exists, 30)
    two = repro(project)
    out, err = one.communicate(timeout=60)
    assert one.returncode == two.returncode == 0, out + err + two.stdout + two.stderr
    assert f"Waiting for `make repro` in this folder, process {one.pid} on " in two.stdout
    assert "Running stage" not in two.stdout
    assert (project / "both").read_text() == "xfirstxsecond"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_data_whose_links_lead_nowhere_are_to_be_fetched_by_force(tmp_path: Path, jobs: str) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data/corpus").mkdir(parents=True)
    (tmp_path / "data/corpus/text.txt").symlink_to(tmp_path / "cache/text.txt")
    ended = repro(tmp_path, "--jobs", jobs)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "(data/corpus/text.txt). Run `dvc repro --force fetch`" in line


def test_a_build_without_onednn_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "best", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", None)
    assert not device.has_bf16()


@pytest.mark.parametrize(("name", "native", "told"), [("small", False, 1), ("small", True, 0), ("demo", False, 0)])
def test_a_precision_that_is_imitated_is_told(
    name: str,
    native: bool,
    told: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(device, "has_bf16", lambda: native)
    (tmp_path / "params.yaml").write_text(profile.compose(name, []))
    tell_of_imitation(params.load(tmp_path / "params.yaml"))
    assert capsys.readouterr().err.count("only imitates bfloat16") == told
