"""The processes of one run: how they start, fail and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from multiprocessing import active_children
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
import torch
import torch.distributed as dist
import yaml

from methods.core import parallel
from pipelines import device, launch, main, params, profile, train
from pipelines.errors import NegbenchError

SETTINGS = {
    "sentences": 300,
    "batch_size": 4,
    "max_length": 16,
    "eval_every": 10,
    "watch": False,
    "processes": 2,
}


@pytest.fixture
def project(sts_tree: Path, tiny_encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which stage train runs in two processes; the data are tiny and the backbone is random."""
    settings = yaml.safe_load(profile.compose("demo", []))
    settings["methods"]["mocose"]["train"] = SETTINGS
    settings["checkpoint_seconds"] = 0
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    (sts_tree / "corpus").mkdir()
    words = ["man", "dog", "cat", "eats", "rides", "big"]
    lines = [f"{words[i % 6]} {words[i // 6 % 6]} {words[i // 36 % 6]} {chr(97 + i % 26)}\n" for i in range(300)]
    (sts_tree / "corpus" / settings["fetch"]["corpus"]).write_text("".join(lines))
    (sts_tree / "manifest.json").write_text("{}")
    (tmp_path / "runs/backbone").mkdir(parents=True)
    (tmp_path / "runs/backbone/model").symlink_to(tiny_encoder_folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stage() -> int:
    parser = ArgumentParser()
    parser.add_argument("--method")
    parser.add_argument("--seed", type=int)
    return main.run(train.stage, parser, ["--method", "mocose", "--seed", "0"])


def made(project: Path) -> dict[str, bytes]:
    """What the run left: the model, what it was, and the log without its times."""
    run = project / "runs/mocose/0"
    log = pd.read_csv(run / "log.csv").drop(columns="sentences_per_second").to_csv().encode()
    return {"model": (run / "model/model.safetensors").read_bytes(), "run": (run / "run.json").read_bytes(), "log": log}


@pytest.mark.slow
def test_a_run_of_two_processes_ends_the_same_however_it_is_started_and_stopped(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert stage() == 0
    whole = made(project)
    assert whole["run"].count(b'"processes": 2') == 1
    assert not [*(project / ".checkpoints").iterdir()]
    capfd.readouterr()

    def kill() -> None:
        while not (project / ".checkpoints").is_dir() or not [*(project / ".checkpoints").glob("*.safetensors")]:
            time.sleep(0.01)
        active_children()[1].kill()

    killer = Thread(target=kill, daemon=True)
    killer.start()
    assert stage() == 1
    killer.join(60)
    assert not killer.is_alive()
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "error" in line.lower()] == lines[-1:]
    assert "of 2 was ended by SIGKILL (train.processes). Run again: it goes on from the last checkpoint." in lines[-1]
    assert made(project) == whole  # the earlier result
    assert [*(project / ".checkpoints").glob("*.safetensors")]

    assert stage() == 0
    assert made(project) == whole

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "pipelines.train", "--method", "mocose", "--seed", "0"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(params.ROOT)})
    assert made(project) == whole


@pytest.mark.slow
def test_a_run_of_two_processes_that_diverges_is_a_result(project: Path) -> None:
    settings = yaml.safe_load((project / "params.yaml").read_text())
    settings["methods"]["mocose"]["temperature"] = 1e-39  # its cosines overflow
    (project / "params.yaml").write_text(yaml.safe_dump(settings))
    assert stage() == 0
    run = json.loads((project / "runs/mocose/0/run.json").read_text())
    assert (run["status"], run["reason"], run["steps"]) == ("failed", "loss is inf at step 1", 0)
    assert not [*(project / ".checkpoints").iterdir()]


def fail(how: str) -> None:
    if parallel.rank() == 1:
        if how == "error":
            raise NegbenchError("the loss is nan", "step 3", "Lower the lr.")
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(torch.zeros(1))  # waits for the other


@pytest.mark.slow
def test_what_ends_one_process_ends_all_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NegbenchError, match=r"the loss is nan \(step 3\). Lower the lr."):
        launch.together(2, fail, "error")
    with pytest.raises(NegbenchError, match="process 2 of 2 was ended by SIGKILL"):
        launch.together(2, fail, "kill")
    assert not active_children()
    assert "Traceback" not in capfd.readouterr().err


def test_torchrun_must_have_started_as_many_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "4")
    for processes in (1, 2):
        with pytest.raises(NegbenchError, match=f"torchrun has started 4 processes and the run takes {processes}"):
            launch.check(processes)
    launch.check(4)


def test_torchrun_takes_up_no_study(monkeypatch: pytest.MonkeyPatch) -> None:
    launch.alone_in_charge()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    with pytest.raises(NegbenchError, match="torchrun can join one training run"):
        launch.alone_in_charge()


def test_torchrun_on_several_machines_wants_the_gpus_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "best", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NegbenchError, match="2 processes and 1 GPU "):
        launch.together(4, fail, "")


def test_each_process_wants_a_gpu_where_there_are_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "best", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(NegbenchError, match="2 processes and 1 GPU "):
        launch.together(2, fail, "")


def test_no_process_is_without_a_sentence() -> None:
    with pytest.raises(NegbenchError, match="processes 3 exceeds batch_size 2"):
        params.validate(params.Train, {"sentences": 4, "batch_size": 2, "processes": 3}, "train")
