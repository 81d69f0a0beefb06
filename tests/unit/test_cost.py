"""What an experiment will cost: counts against naive ones, times from a stand-in for the clock, and once for real."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import BertConfig

from pipelines import cost, params, profile
from pipelines.sources.published import EXPECTED_ROWS

STEP, RATE = {"simcse": 2.0, "mocose": 3.0}, 100.0  # seconds a step; word pieces a second


class Clock:
    """In the place of a Bench."""

    pretraining, fit, longest = 5.0, 1e-9, 64

    def step(self, run: Any) -> float:
        return STEP[run.name]

    def rate(self, length: int, model: Path | None = None) -> float:
        return RATE / 5 if model else RATE


def settings(*overrides: str) -> params.Params:
    chosen = ["trained=[simcse,mocose]", "untrained=[cls]", "seeds=[0,1,2]", "study=[ema_decay]", *overrides]
    return params.check(yaml.safe_load(profile.compose("demo", chosen)), "here")


def items(*overrides: str) -> dict[str, cost.Item]:
    return {item.stage: item for item in cost.items(settings(*overrides), Clock())}  # type: ignore[arg-type]


def test_steps_are_those_that_the_settings_ask_for() -> None:
    found, chosen = items(), settings()
    mocose = {**chosen.train.model_dump(), **chosen.methods["mocose"]["train"]}
    each = math.ceil(mocose["sentences"] / mocose["batch_size"]) * mocose["epochs"]
    assert (found["train mocose"].count, found["train mocose"].steps) == (3, 3 * each)
    study = chosen.ablate["ema_decay"]
    each = math.ceil(study.train["sentences"] / mocose["batch_size"])
    runs = len(study.cells) * len(study.seeds)
    assert (found["ablate ema_decay"].count, found["ablate ema_decay"].steps) == (runs, runs * each)
    backbone = chosen.backbone
    assert found["backbone"].steps == math.ceil(backbone.sentences / backbone.batch_size) * backbone.epochs
    assert found["backbone"].seconds == found["backbone"].steps * Clock.pretraining
    assert found["mteb"].count == found["evaluate, untrained"].count == 2 * 3 + 1


@pytest.mark.parametrize(
    ("watch", "select"), [(True, "last"), (False, "stsb-dev"), (False, "sts-test"), (False, "last")]
)
def test_looks_cost_what_they_score(watch: bool, select: str) -> None:
    found = items(f"train.watch={str(watch).lower()}", f"train.select={select}", "train.eval_every=7")["train simcse"]
    pairs = {
        "stsb-dev": 1500,
        "sts-test": sum(rows["test"] for t, rows in EXPECTED_ROWS.items() if "STS" in t or "SICK" in t),
    }
    seen = sum(pairs.values()) if watch else pairs.get(select, 0)
    looks = 3 * math.ceil(found.steps / 3 / 7)
    assert found.seconds == pytest.approx(found.steps * STEP["simcse"] + looks * seen * 2 * cost.PIECES / RATE)


def test_a_teacher_embeds_at_its_own_rate() -> None:
    pieces = settings().train.sentences * cost.PIECES
    assert items()["teacher"].seconds == pieces / RATE
    both = items("teacher.large={model:data/models/large,pooling:mean}")["teacher"]
    assert (both.count, both.seconds) == (2, pieces / RATE + pieces / (RATE / 5))


def test_passages_are_cut_where_the_encoder_cuts_them() -> None:
    cut = items("mteb.tasks=[NFCorpus]", "mteb.passage_length=64")["mteb"].seconds
    assert items("mteb.tasks=[NFCorpus]", "mteb.passage_length=512")["mteb"].seconds == cut
    assert items("mteb.tasks=[NFCorpus]", "mteb.passage_length=32")["mteb"].seconds < cut


def test_a_given_backbone_is_not_pretrained() -> None:
    assert "backbone" not in items("backbone.source=folder", "backbone.folder=data/models/x")


def test_a_given_backbone_is_as_large_as_its_folder_says(tmp_path: Path) -> None:
    given = ["backbone.source=folder", f"backbone.folder={tmp_path}", "backbone.hidden=96", "backbone.heads=2"]
    assert cost.Bench(settings(*given)).encoder().dimension == 96  # what the profile says, while it is not here
    BertConfig(hidden_size=48, num_hidden_layers=1, num_attention_heads=2, vocab_size=99).to_json_file(
        tmp_path / "config.json"
    )
    assert cost.Bench(settings(*given)).encoder().dimension == 48
    assert cost.Bench(settings()).encoder(model=tmp_path).dimension == 48


@pytest.mark.parametrize(("name", "millions"), [("paper", 110), ("paper_large", 335)])
def test_the_papers_backbones_have_their_size(name: str, millions: int) -> None:
    """BERT's repository gives 110 and 340 million parameters; the latter rounds."""
    size = cost.Bench(params.check(yaml.safe_load(profile.compose(name, [])), name)).encoder()
    assert sum(weight.numel() for weight in size.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.slow
def test_it_times_every_stage_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    small = ["backbone.layers=1", "backbone.hidden=16", "train.batch_size=4", "backbone.batch_size=4"]
    small += [
        "mteb.tasks=[NFCorpus]",
        "methods.softcse_weight.similarity=backbone",
        "trained=[simcse,softcse_weight,mocose]",
    ]
    values = yaml.safe_dump(settings(*small).model_dump(mode="json"))
    (tmp_path / "params.yaml").write_text(values)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, "ROWS", 60)
    cost.cost(Namespace())
    lines = capsys.readouterr().out.splitlines()
    stages = [
        "backbone",
        "teacher",
        "train simcse",
        "train softcse_weight",
        "train mocose",
        "evaluate, untrained",
        "mteb",
    ]
    assert [line[:40].strip() for line in lines[2:-3]] == [*stages, "ablate ema_decay"]
    hours = [float(line.split()[-1].replace(",", "")) for line in lines[2:-2]]
    assert hours[-1] == pytest.approx(sum(hours[:-1]), abs=0.005 * len(hours))
    found = {item.stage: item.seconds for item in cost.items(params.load(), cost.Bench(params.load()))}
    assert min(found.values()) > 0
