"""Whatever moment a process is killed at, the next one ends with the bytes of one that never was."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from killer import ROOT, Killer
from tiny_project import make

pytestmark = pytest.mark.slow

TIMES = {"sentences_per_second"}  # the one column of a log that differs from run to run


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as server:
        yield server


@pytest.fixture(scope="module")
def project(tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("survival") / "project", tiny_encoder_folder)


@pytest.fixture(scope="module")
def whole(project: Path, killer: Killer) -> dict[str, tuple[Path, int]]:
    """By stage and method, a folder with what an unbroken run wrote, and how many lines it executed."""
    kept = {}
    for stage, name in (("train", "simcse"), ("train", "mocose"), ("evaluate", "mocose"), ("ablate", "ema_decay")):
        status, lines = killer.run(project, stage, *arguments(stage, name))
        assert status == 0
        folder = project.parent / stage / name
        shutil.copytree(output(project, stage, name), folder)
        kept[f"{stage} {name}"] = folder, lines
    return kept


def arguments(stage: str, name: str) -> list[str]:
    return ["--study", name] if stage == "ablate" else ["--method", name, "--seed", "0"]


def output(project: Path, stage: str, name: str) -> Path:
    return project / {"train": f"runs/{name}", "evaluate": f"results/{name}", "ablate": "results/ablate"}[stage]


def content(folder: Path) -> dict[str, object]:
    """Every file below a folder, hidden ones too, a log without its times."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.name == "log.csv":
            rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            found["log.csv"] = [{name: row[name] for name in row if name not in TIMES} for row in rows]
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def forget(project: Path, stage: str, name: str) -> None:
    for folder in (output(project, stage, name), project / ".checkpoints"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("stage", "name", "points"),
    [("train", "simcse", 20), ("train", "mocose", 20), ("ablate", "ema_decay", 5), ("evaluate", "mocose", 3)],
)
def test_a_run_killed_at_a_random_line_is_taken_up_and_ends_the_same(
    stage: str, name: str, points: int, project: Path, killer: Killer, whole: dict[str, tuple[Path, int]]
) -> None:
    reference, lines = whole[f"{stage} {name}"]
    expected = content(reference)
    taken_up = 0
    for point in random.Random(f"{stage} {name}").sample(range(1, lines + 1), points):
        forget(project, stage, name)
        assert killer.run(project, stage, *arguments(stage, name), kill_at=point)[0] == -signal.SIGKILL
        kept = [path for path in (project / ".checkpoints").rglob("*") if path.suffix in (".safetensors", ".json")]
        taken_up += bool(kept)
        assert killer.run(project, stage, *arguments(stage, name))[0] == 0, point
        assert content(output(project, stage, name)) == expected, point
        assert not [*(project / ".checkpoints").glob("*.safetensors")], point
        assert not [*(project / ".checkpoints").glob(".*")], point
    assert taken_up > points / 2 or stage == "evaluate"  # which starts anew


@pytest.mark.parametrize("name", ["simcse", "mocose"])
def test_a_run_killed_again_and_again_ends_the_same(
    name: str, project: Path, killer: Killer, whole: dict[str, tuple[Path, int]]
) -> None:
    reference, lines = whole[f"train {name}"]
    forget(project, "train", name)
    chance = random.Random(name)
    deaths = 0
    while killer.run(project, "train", *arguments("train", name), kill_at=chance.randint(lines // 2, 2 * lines // 3))[
        0
    ]:
        deaths += 1
        assert deaths < 30
    assert deaths > 1
    assert content(output(project, "train", name)) == content(reference)


def start(project: Path, name: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pipelines.train", *arguments("train", name)]
    return subprocess.Popen(command, cwd=project, env=environment)


def test_a_process_killed_from_outside_is_taken_up_beside_another_of_its_kind(
    project: Path, whole: dict[str, tuple[Path, int]]
) -> None:
    """Then three at once: two of the same stage on the same checkpoint, and one of another."""
    for name in ("mocose", "simcse"):
        forget(project, "train", name)
    first = start(project, "mocose")
    while not [*(project / ".checkpoints").glob("mocose-*.safetensors")]:
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert [process.wait() for process in [start(project, name) for name in ("mocose", "mocose", "simcse")]] == [0] * 3
    for name in ("mocose", "simcse"):
        assert content(output(project, "train", name)) == content(whole[f"train {name}"][0])


def test_the_same_seed_gives_the_same_bytes_in_another_folder(
    project: Path, killer: Killer, whole: dict[str, tuple[Path, int]], tiny_encoder_folder: Path, tmp_path: Path
) -> None:
    other = make(tmp_path / "other", tiny_encoder_folder)
    for stage, name in (("train", "mocose"), ("evaluate", "mocose"), ("ablate", "ema_decay")):
        assert killer.run(other, stage, *arguments(stage, name))[0] == 0
        assert content(output(other, stage, name)) == content(whole[f"{stage} {name}"][0])
