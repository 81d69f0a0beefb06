"""Stage ablate: what a study refuses before it trains, what it keeps, and what runs again."""

from __future__ import annotations

import csv
import json
import math
import random
import shutil
import time
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from words import WORDS

from eval import sts
from methods.core.contract import Schedule, load_trained
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.core.trainer import train
from pipelines import ablate, params, profile
from pipelines.errors import NegbenchError
from pipelines.paths import CHECKPOINTS, DATA
from reports import study

STUDY = {
    "method": "simcse",
    "seeds": [0, 1],
    "train": {"sentences": 32, "batch_size": 16, "eval_every": 1, "lr": 0.01, "max_length": 16},
    "cells": [{"temperature": 0.05}, {"temperature": 0.5}],
}
Runner = Callable[..., list[str]]


@pytest.fixture
def project(tiny_encoder_folder: Path, sts_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with all that a study needs: the tiny encoder, seven STS sets and a training text."""
    monkeypatch.chdir(tmp_path)
    chance = random.Random(3)
    (sts_tree / "corpus").mkdir()
    lines = (" ".join(chance.choices(WORDS, k=6)) for _ in range(40))
    (sts_tree / "corpus" / "generated.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (sts_tree / "manifest.json").write_text("{}", encoding="utf-8")
    shutil.copytree(tiny_encoder_folder, tmp_path / "runs/backbone/model")
    return tmp_path


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A function that runs a study under the name `one` and gives the labels of the runs that were trained."""

    def of(name: str = "one", stop_at: int | None = None, **changes: Any) -> list[str]:
        values = yaml.safe_load(profile.compose("demo", []))
        values["ablate"] = {name: {**STUDY, **changes}}
        (project / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        trained: list[str] = []
        execute = ablate.execute

        def counted(chosen: Any, text: Any, label: str) -> Any:
            if len(trained) == stop_at:
                raise KeyboardInterrupt
            trained.append(label)
            return execute(chosen, text, label)

        with monkeypatch.context() as patch:
            patch.setattr(ablate, "execute", counted)
            ablate.stage(Namespace(study=name))
        return trained

    return of


def table(name: str = "one") -> list[dict[str, str]]:
    with Path(f"results/ablate/{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", profile.names())
def test_every_cell_of_every_profile_is_a_run(name: str) -> None:
    settings = params.check(yaml.safe_load(profile.compose(name, [])), name)
    for one, about in settings.ablate.items():
        found = ablate.runs(settings, one)
        assert [(cell, run.seed) for cell, run in found] == [
            (cell, seed) for cell in range(len(about.cells)) for seed in about.seeds
        ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cells": [{"temperature": 0.5}, {"temperature": 0.05}, {}]}, "cells 1 and 2 have the same settings"),
        ({"cells": [{"train": {"lr": 0.01}}, {}]}, "cells 0 and 1 have the same settings"),
        ({"seeds": [1, 1]}, "'ablate.one.seeds' names one entry twice"),
        ({"cells": [{}, {"temprature": 1}]}, "unknown setting 'temprature'.*ablate.one.*Did you mean 'temperature'"),
        ({"cells": [{"train": 3}]}, "`train` of cell 0 holds no settings by name"),
        ({"cells": [{"train": {"batchsize": 3}}]}, "unknown setting 'batchsize'.*Did you mean 'batch_size'"),
        ({"cells": []}, "ablate.one.cells"),
        ({"method": "simsce"}, "no such method 'simsce'.*Did you mean 'simcse'"),
        ({"method": "bag_of_words", "cells": [{}]}, "no settings"),
    ],
)
def test_what_is_wrong_with_a_study_is_told_before_any_training(run: Runner, change: Any, says: str) -> None:
    with pytest.raises(NegbenchError, match=says) as caught:
        run(**change)
    assert "\n" not in str(caught.value)
    assert not CHECKPOINTS.exists()
    assert not Path("results").exists()


def test_an_unknown_study_offers_the_nearest(run: Runner) -> None:
    run(cells=[{}], seeds=[0])
    with pytest.raises(NegbenchError, match=r"no such study 'oen'.*Did you mean 'one'\?"):
        ablate.stage(Namespace(study="oen"))


def test_a_score_is_that_of_the_run_trained_by_itself(run: Runner, project: Path) -> None:
    run()
    settings = params.load()
    chosen = dict(enumerate(ablate.runs(settings, "one")))[3][1]  # cell 1, seed 1
    method, history = ablate.execute(chosen, ablate.Text(settings), "alone")
    expected = {task: result.scores["all"].value for task, result in sts.evaluate(method.encoder, DATA).items()}
    lines = [line for line in table() if (line["cell"], line["seed"], line["metric"]) == ("1", "1", "spearman_all")]
    found = {line["task"]: float(line["value"]) for line in lines}
    assert found.pop("avg") == pytest.approx(np.mean([*expected.values()]))
    assert found == expected
    assert {line["temperature"] for line in lines} == {"0.5"}
    about = json.loads(Path("results/ablate/one.json").read_text(encoding="utf-8"))
    assert (about["method"], about["label"], about["varied"]) == ("simcse", "SimCSE", ["temperature"])
    assert about["fixed"]["batch_size"] == 16
    last = about["runs"][3]
    assert (last["cell"], last["seed"], last["best_step"]) == (1, 1, history.best_step)
    assert [look["step"] for look in last["looks"]] == [1, 2]
    assert max(look["stsb_dev"] for look in last["looks"]) == history.best_score


def test_the_report_reads_what_the_stage_writes(run: Runner) -> None:
    run(method="mocose", cells=[{"queue_slice": "newest"}, {"train": {"lr": 0.02}}, {"temperature": 1e-39}])
    found = study.load(Path("results"))["one"]
    averages = [line for line in table() if (line["task"], line["metric"]) == ("avg", "spearman_all")]
    assert found.varied == ("queue_slice", "lr", "temperature")
    assert [cell.settings["queue_slice"] for cell in found.cells] == ["newest", "all", "all"]
    assert [cell.settings["lr"] for cell in found.cells] == [0.01, 0.02, 0.01]
    for cell in found.cells[:2]:
        own = [line for line in averages if line["cell"] == str(cell.number)]
        assert cell.scores == {int(line["seed"]): float(line["value"]) for line in own}
        assert cell.facts == {"d_trace": pytest.approx(1 / (1 - 0.95) + 128 / 16)}
    assert found.cells[2].missing == ("loss is nan at step 1",) * 2


def test_a_study_that_watches_has_curves(run: Runner) -> None:
    run(train={**STUDY["train"], "select": "last", "watch": True}, cells=[{}], seeds=[0])
    (cell,) = study.load(Path("results"))["one"].cells
    assert [step for step, _ in cell.curve[0]] == [1, 2]
    assert cell.curve[0][-1][1] == pytest.approx(cell.scores[0])  # the last weights are the ones that are kept


def test_a_stopped_study_goes_on_where_it_was_and_ends_the_same(run: Runner) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(stop_at=3)
    assert not Path("results").exists()
    assert run() == ["one 4/4"]
    resumed = [Path(f"results/ablate/one.{suffix}").read_bytes() for suffix in ("csv", "json")]
    shutil.rmtree(CHECKPOINTS)
    assert len(run()) == 4
    assert [Path(f"results/ablate/one.{suffix}").read_bytes() for suffix in ("csv", "json")] == resumed


def test_an_edited_cell_costs_only_itself(run: Runner) -> None:
    run()
    before = [line for line in table() if line["cell"] == "0"]
    assert run(cells=[{"temperature": 0.05}, {"temperature": 0.7}]) == ["one 3/4", "one 4/4"]
    assert [line for line in table() if line["cell"] == "0"] == before
    assert run(cells=[{"temperature": 0.7}, {"temperature": 0.05}]) == []  # another order of the same
    assert run(name="two", cells=[{"temperature": 0.7}, {"temperature": 0.9}]) == ["two 3/4", "two 4/4"]


def test_a_cell_that_diverges_is_a_result_and_the_study_goes_on(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [{"temperature": 1e-39}, {"temperature": 0.5}]  # cosines over it overflow
    assert len(run(cells=cells)) == 4
    failed = [line for line in table() if line["cell"] == "0"]
    assert [line["task"] for line in failed[:8]] == [*sts.TASKS, "avg"]
    assert {(line["value"], line["status"], line["metric"]) for line in failed} == {("", "failed", "spearman_all")}
    assert {line["reason"] for line in failed} == {"loss is nan at step 1"}
    assert all(line["value"] for line in table() if line["cell"] == "1")
    assert run(cells=cells) == []  # the same settings would diverge again


def test_an_encoder_that_collapses_is_a_failed_cell(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = ablate.execute

    def collapsing(chosen: Any, text: Any, label: str) -> Any:
        method, history = execute(chosen, text, label)
        if chosen.settings.temperature == 0.05:
            last: Any = method.encoder.backbone.encoder.layer[-1].output.LayerNorm
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.ones_(last.bias)
        return method, history

    monkeypatch.setattr(ablate, "execute", collapsing)
    run()
    averages = [line for line in table() if (line["task"], line["metric"]) == ("avg", "spearman_all")]
    assert [line["status"] for line in averages] == ["failed", "failed", "ok", "ok"]
    assert {line["value"] for line in averages[:2]} == {""}
    assert averages[0]["reason"].startswith("no score: STS12")


def test_two_studies_at_once_train_the_cell_that_they_share_once(run: Runner, project: Path) -> None:
    run(seeds=[0], cells=[{"temperature": 0.05}])
    shutil.rmtree(project / CHECKPOINTS)
    settings = params.load()
    ((_, cell),) = ablate.runs(settings, "one")
    begun: list[str] = []
    execute = ablate.execute

    def slowly(chosen: Any, text: Any, label: str) -> Any:
        begun.append(label)
        time.sleep(0.5)
        return execute(chosen, text, label)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(ablate, "execute", slowly)
        one, two = threads.map(lambda label: ablate._cell(cell, ablate.Text(settings), label), ("first", "second"))
    assert len(begun) == 1
    assert one == two


def test_a_missing_input_ends_the_study(run: Runner, project: Path) -> None:
    """It is no result of the settings: the next cells would lack it too."""
    (project / "data/corpus/generated.txt").unlink()
    with pytest.raises(NegbenchError, match=r"generated\.txt"):
        run()


@pytest.mark.parametrize("name", ["softcse_weight", "softcse_temperature"])
def test_softcse_at_infinite_sharpness_is_simcse(tiny_encoder_folder: Path, name: str) -> None:
    """The studies of T_s take that cell for their reference."""

    def losses(method: str, **own: Any) -> list[float]:
        kind, settings = load_trained(method, own, "here")
        torch.manual_seed(0)
        encoder = Encoder.load(tiny_encoder_folder)
        recipe = params.Train(sentences=32, batch_size=8, lr=1e-3, max_length=16)
        tokens = TokenTable([" ".join(random.Random(i).choices(WORDS, k=5)) for i in range(32)], encoder.tokenizer, 16)
        trained = kind(encoder, settings, Schedule(4, 8, 16, 32))
        return [row["loss"] for row in train(trained, tokens, recipe, seed=0, look=None).rows]

    soft = losses(name, similarity="self", sharpness=math.inf)
    assert soft == pytest.approx(losses("simcse"), rel=1e-5)
    assert soft != pytest.approx(losses(name, similarity="self", sharpness=0.1), rel=1e-3)


def test_an_infinite_setting_survives_json(project: Path) -> None:
    settings = params.check(yaml.safe_load(profile.compose("demo", [])), "demo")
    run = ablate.Run.resolve(settings, "softcse_weight", 0, method={"sharpness": math.inf}, train={})
    text = json.dumps(run.describe(), allow_nan=False)
    assert float(json.loads(text)["settings"]["sharpness"]) == math.inf


def test_without_a_predictor_queries_are_what_the_projector_says(tiny_encoder: Encoder) -> None:
    kind, settings = load_trained("mocose", {"predictor_layers": 0}, "here")
    method: Any = kind(tiny_encoder, settings, Schedule(4, 8, 16, 32)).eval()
    states = torch.randn(5, tiny_encoder.dimension)
    assert torch.equal(method.predictor(states), states)
