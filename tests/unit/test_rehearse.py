"""A rehearsal keeps every stage of a profile, and is small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import device, params, profile, rehearse
from pipelines.errors import NegbenchError


def whole(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(profile.compose(name, []))
    return values


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("corpus/mine.txt", "beir/scifact/corpus.jsonl", "beir/fiqa/corpus.jsonl", "senteval/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a sentence\n")
    (tmp_path / "beir/fiqa/corpus.jsonl").write_text("more of it\n" * 9)
    return tmp_path


@pytest.mark.parametrize("name", profile.names())
@pytest.mark.parametrize("real", [False, True])
def test_every_method_and_study_is_in_it(name: str, real: bool, source: Path) -> None:
    before = whole(name)
    after = params.check(rehearse.cut(before, source if real else None), "rehearsal")
    assert (after.trained, after.untrained) == (before["trained"], before["untrained"])
    assert [*after.ablate] == [*before["ablate"]]
    assert after.comparable == "never"
    assert len(after.seeds) == 1
    assert {len(study.seeds) for study in after.ablate.values()} <= {1}
    parts = [cell for study in after.ablate.values() for cell in ({"train": study.train}, *study.cells)]
    recipes = [part.get("train", {}) for part in (*after.methods.values(), *parts)]
    assert max([after.train.sentences, *(recipe.get("sentences", 0) for recipe in recipes)]) == rehearse.SENTENCES
    assert all(teacher.model is None for teacher in after.teacher.values())
    assert after.backbone.vocab is None


def test_a_study_keeps_its_ends_and_every_switch() -> None:
    studies = rehearse.cut(whole("paper"), None)["ablate"]
    assert [cell["sharpness"] for cell in studies["softcse_sharpness"]["cells"]] == [0.02, float("inf")]
    assert [cell["train"]["batch_size"] for cell in studies["queue_distance"]["cells"]] == [64, 256]
    words = [cell["queue_slice"] for cell in studies["queue_slices"]["cells"]]
    assert words == ["newest", "middle", "oldest", "without_middle", "all"]
    defaults: list[dict[str, Any]] = [{}, {"a": 1}, {"a": 2}, {"a": 3}]
    assert rehearse.cut(whole("paper") | {"ablate": {"x": {"seeds": [0], "cells": defaults}}}, None)["ablate"]["x"][
        "cells"
    ] == [{}, {"a": 1}, {"a": 3}]
    for name, study in whole("paper")["ablate"].items():
        kept = studies[name]["cells"]
        assert {key for cell in kept for key in cell} == {key for cell in study["cells"] for key in cell}
        assert len(kept) <= 7


@pytest.mark.parametrize("native", [True, False])
def test_precision_is_the_profile_s_where_the_device_has_it(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_bf16", lambda: native)
    settings = whole("paper")
    settings["methods"]["dcl"] = {"train": {"precision": "bf16"}}
    after = params.check(rehearse.cut(settings, None), "rehearsal")
    own = after.methods["dcl"]["train"].get("precision", after.train.precision)
    assert (after.train.precision, own) == (("bf16", "bf16") if native else ("fp32", "fp32"))


def test_real_data_are_what_is_there(source: Path) -> None:
    after = rehearse.cut(whole("paper"), source)
    assert after["fetch"] == {"source": "local", "corpus": "mine.txt"}
    assert after["mteb"]["tasks"] == ["SciFact"]
    vocabulary = source / rehearse.VOCABULARY
    vocabulary.parent.mkdir(parents=True)
    vocabulary.write_text("[PAD]\n")
    assert rehearse.cut(whole("paper"), source)["backbone"]["vocab"] == rehearse.VOCABULARY
    (source / "corpus/mine.txt").unlink()
    with pytest.raises(NegbenchError, match="there is no training text"):
        rehearse.cut(whole("paper"), source)


@pytest.mark.slow
def test_it_runs_in_a_copy_and_leaves_the_rest_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEGBENCH_DATA", raising=False)
    project = tmp_path / "project"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{params.ROOT}", project], check=True)
    for name in ("pipelines", "methods", "eval", "reports", "profiles", "dvc.yaml", "params.yaml", ".gitignore"):
        subprocess.run(["cp", "-r", params.ROOT / name, project], check=True)
    before = subprocess.run(["git", "status", "--short"], cwd=project, check=True, capture_output=True).stdout
    command = [sys.executable, "-m", "pipelines.rehearse", "demo", "seeds=[0]", "trained=[simcse]"]
    command += ["untrained=[cls]", "study=[ema_decay]", "mteb.tasks=[world-facts]"]
    monkeypatch.setenv("PYTHONPATH", str(project))
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = project / done.stdout.splitlines()[-1].split("Its report: ")[1]
    assert report.read_bytes().startswith(b"%PDF")
    assert subprocess.run(["git", "status", "--short"], cwd=project, check=True, capture_output=True).stdout == before
    assert not (project / "results/simcse").exists() or not [*(project / "results/simcse").rglob("records.json")]
