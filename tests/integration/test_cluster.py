"""A Dask cluster on this machine: clones of their own, lost workers, a lost scheduler, shares of a GPU."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from distributed.utils import open_port
from repositories import git, publish, until

from pipelines.params import ROOT

pytestmark = pytest.mark.slow

DVC_YAML = """
stages:
  fetch: {cmd: python step.py data source, deps: [source], outs: [data: {cache: false}]}
  backbone: {cmd: python step.py runs/backbone data, deps: [step.py, data], outs: [runs/backbone]}
  train:
    matrix: {method: '${trained}', seed: '${seeds}'}
    cmd: python step.py runs/${item.method}-${item.seed} runs/backbone results/${item.method}-${item.seed}.json
    deps: [step.py, runs/backbone]
    params: [train, 'methods.${item.method}']
    meta: {resources: {GPU: 0.5}}
    outs: ['runs/${item.method}-${item.seed}']
    metrics: ['results/${item.method}-${item.seed}.json': {cache: false}]
  theory: {cmd: python step.py theory step.py, deps: [step.py], outs: [theory]}
  report: {cmd: python step.py report results, deps: [results, runs], outs: [report]}
"""
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"trained": ["simcse", "mocose"], "seeds": [0, 1]}
# Writes a hash of all that the stage reads, and logs when it began and ended.
STEP = """
import hashlib, json, os, sys, time
from pathlib import Path
out, source, *metrics = map(Path, sys.argv[1:])
log = os.open(os.environ["STEPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(log, f"begin {out}\\n".encode())
time.sleep(float(os.environ["SECONDS"]))
files = sorted(file for file in [source, *source.rglob("*")] if file.is_file())
digest = hashlib.sha256(b"".join(file.read_bytes() for file in [*files, Path("params.yaml")])).hexdigest()
for path, text in [(out, digest), *((path, json.dumps({"score": int(digest[:4], 16)})) for path in metrics)]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
os.write(log, f"end {out}\\n".encode())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (folder / "step.py").write_text(STEP)
    (folder / "source").write_text("text")
    (folder / ".gitignore").write_text("/data\n/runs\n/results\n/theory\n/report\n")
    publish(folder, tmp_path / "remote")
    return folder


class Cluster:
    """A scheduler and workers, as processes."""

    def __init__(self, folder: Path) -> None:
        self.port = open_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.steps = folder / "steps"
        self.steps.touch()
        self.environment = {
            **os.environ,
            "STEPS": str(self.steps),
            "SECONDS": "0",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "OMP_NUM_THREADS": "1",
        }
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        return self.scheduler

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        fixed = ("--no-nanny", "--no-dashboard", "--death-timeout", "60")
        return self._start("worker", self.address, *fixed, *options, **environment)

    def _start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{command[0]}.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=self._folder,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
            )
        self._started.append(started)
        return started

    def repro(self, folder: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.repro", "--scheduler", self.address],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def events(self, kind: str) -> list[str]:
        """The outputs of the stages that began or ended, as often as they did."""
        return [line.split()[1] for line in self.steps.read_text().splitlines() if line.startswith(kind)]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    started = Cluster(tmp_path)
    yield started
    started.close()


def finish(started: subprocess.Popen[str], seconds: float = 240) -> str:
    out, _ = started.communicate(timeout=seconds)
    assert started.returncode == 0, out
    return out


def made(folder: Path) -> dict[str, bytes]:
    """What the stages left, and what DVC knows of it in whatever order."""
    names = subprocess.run(
        ["git", "ls-files", "--others"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = {
        name: (folder / name).read_bytes()
        for name in names
        if not name.startswith((".dvc", "dvc.lock")) and "__pycache__" not in name
    }
    lock = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    return files | {name: yaml.safe_dump(stage).encode() for name, stage in lock.items()}


def plainly(folder: Path, cluster: Cluster, *stages: str) -> dict[str, bytes]:
    """What plain `dvc repro` makes of a copy of the project, all of it by default."""
    copy = folder.with_name("plain")
    git(folder.parent, "clone", "-q", str(folder), str(copy))
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "-q", *stages],
        cwd=copy,
        env={**cluster.environment, "STEPS": os.devnull},
        check=True,
    )
    return made(copy)


def test_two_clones_with_a_remote_make_what_dvc_alone_makes(project: Path, cluster: Cluster, tmp_path: Path) -> None:
    for name in ("first", "second"):
        git(tmp_path, "clone", "-q", str(project), name)
        cluster.worker("--nthreads", "1", NEGBENCH_CLONE=str(tmp_path / name))
    finish(cluster.repro(project))
    assert made(project) == plainly(project, cluster)
    ran = cluster.events("end")
    assert len({*ran}) == 8
    # `fetch` keeps nothing in the cache: each clone, and the folder of the run, does it for itself.
    assert {out for out in ran if ran.count(out) > 1} <= {"data"}


def test_a_killed_worker_costs_its_stage_and_shares_of_a_gpu_are_kept(project: Path, cluster: Cluster) -> None:
    cluster.environment["SECONDS"] = "1.5"
    one = cluster.worker("--nthreads", "4", "--resources", "GPU=1")
    started = cluster.repro(project)
    until(lambda: len(trained(cluster.events("begin"))) == 2, 120)
    one.send_signal(signal.SIGKILL)
    cluster.worker("--nthreads", "4", "--resources", "GPU=1")
    out = finish(started)
    assert made(project) == plainly(project, cluster)
    began, ended = cluster.events("begin"), cluster.events("end")
    assert sorted(ended) == sorted({*ended})
    again = [name for name in {*began} if began.count(name) > 1]
    assert 1 <= len(again) <= 3, out  # two at the GPU and one beside
    running: list[str] = []
    most = 0
    for line in cluster.steps.read_text().splitlines():
        kind, name = line.split()
        if kind == "begin" and name in trained([name]):
            running = [*running, name] if name not in running else [name]  # again: the first time it was killed
        elif name in running:
            running.remove(name)
        most = max(most, len(running))
    assert most == 2


def trained(outs: list[str]) -> list[str]:
    return [out for out in outs if out in ("runs/simcse-0", "runs/simcse-1", "runs/mocose-0", "runs/mocose-1")]


def test_the_scheduler_comes_back_and_the_run_goes_on(project: Path, cluster: Cluster) -> None:
    cluster.environment["SECONDS"] = "1.5"
    cluster.worker("--nthreads", "1")
    started = cluster.repro(project)
    until(lambda: "runs/backbone" in cluster.events("end"), 120)
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    cluster.start_scheduler()
    cluster.worker("--nthreads", "2")
    out = finish(started)
    assert "The Dask scheduler is lost" in out
    assert "report begins on" in out
    assert made(project) == plainly(project, cluster)
    ended = cluster.events("end")
    assert sorted(ended) == sorted({*ended})
    began = cluster.events("begin")
    assert len(began) <= len(ended) + 1  # one worker, one stage at a time


SMALL = [
    "trained=[mocose]",
    "untrained=[cls]",
    "seeds=[0]",
    "fetch.generated.corpus_sentences=3000",
    "backbone.sentences=1500",
    "train.sentences=1000",
    "evaluate.histogram_sentences=100",
    "evaluate.fit_sentences=100",
    "significance.resamples=100",
    "mteb.tasks=[world-facts]",
    *(f"~ablate.{name}" for name in ("queue_distance", "ema_decay", "softcse_sharpness")),
]


def test_the_demo_on_two_clones_has_the_numbers_of_dvc_alone(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines():
        if not name.startswith((".dvc/", "tests")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    cluster.environment.pop("PYTHONPATH")  # each clone runs its own code
    command = [sys.executable, "-m", "pipelines.profile", "demo", *SMALL]
    subprocess.run(command, cwd=folder, env=cluster.environment, check=True)
    publish(folder, tmp_path / "remote")
    for name in ("first", "second"):
        git(tmp_path, "clone", "-q", str(folder), name)
        cluster.worker("--nthreads", "1", NEGBENCH_CLONE=str(tmp_path / name))
    finish(cluster.repro(folder), 900)
    ours, plain = made(folder), plainly(folder, cluster, "evaluate", "untrained", "mteb", "mteb_untrained")
    metrics = [name for name in ours if name.endswith(("metrics.json", "records.json"))]
    assert len(metrics) == 6
    assert {name: ours[name] for name in metrics} == {name: plain[name] for name in metrics}
