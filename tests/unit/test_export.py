"""A run as a model folder: it embeds as the run does, its card holds the records' scores, and no bad run gets out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from beir_fixture import write_set
from huggingface_hub import ModelCard
from report_fixture import fail, write_json, write_run

from methods.core.encoder import Encoder
from pipelines import export, mteb, params, profile, provenance
from pipelines.main import run
from pipelines.paths import run_of
from pipelines.train import Run
from reports.wording import MINUS

pytestmark = pytest.mark.slow
SENTENCES = ["a man plays a guitar", "two dogs", "the cat eats a big flute in the house"]


@pytest.fixture(scope="module")
def whole(tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SimCSE from two seeds as the stages leave it, trained or not, and MoCoSE diverged."""
    folder = tmp_path_factory.mktemp("export") / "project"
    write_set(folder / "data/beir/own", seed=1)
    (folder / "data/manifest.json").write_text("{}", encoding="utf-8")
    text = profile.compose("demo", ["trained=[simcse,mocose]", "seeds=[0,1]", "mteb.tasks=[own]"])
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    (folder / "reports").mkdir()
    (folder / "reports/paper").symlink_to(params.ROOT / "reports/paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = params.load()
        for seed, rng in enumerate(np.random.default_rng(0).spawn(2)):
            described = {
                **Run.resolve(settings, "simcse", seed, method={}, train={}).describe(),
                **{
                    "label": "SimCSE",
                    "paper": "simcse",
                    "trained": True,
                    "status": "ok",
                    "steps": 300,
                    "best_step": 250,
                },
            }
            run = folder / f"runs/simcse/{seed}"
            shutil.copytree(tiny_encoder_folder, run / "model")
            write_json(run / "run.json", described)
            origin = provenance.origin(settings, described, settings.evaluate)
            write_run(folder / f"results/simcse/{seed}", rng, 50.0, 1.0, origin, described)
        mteb.measure(settings, provenance.described(run_of("simcse", 0)), 0, Encoder.load(tiny_encoder_folder))
        write_json(folder / "runs/mocose/0/run.json", {**described, "status": "failed", "reason": "loss is nan"})
    return folder


@pytest.fixture
def project(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(whole, tmp_path / "project", symlinks=True))
    monkeypatch.chdir(folder)
    return folder


def exported(*arguments: str) -> int:
    return run(export.export, export.options(), [*arguments])


@pytest.fixture
def model(project: Path) -> Path:
    assert exported("simcse/0", "--to", "model") == 0
    return project / "model"


def stored(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_folder_embeds_as_the_run_does(project: Path, model: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel, AutoTokenizer

    ours = Encoder.load(project / "runs/simcse/0/model").encode(SENTENCES)
    np.testing.assert_allclose(SentenceTransformer(str(model)).encode(SENTENCES), ours, atol=1e-5)
    inputs = AutoTokenizer.from_pretrained(model)(SENTENCES, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(model)(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    np.testing.assert_allclose(((states * mask).sum(1) / mask.sum(1)).numpy(), ours, atol=1e-5)


def test_a_long_text_is_cut_where_the_model_ends(model: Path) -> None:
    """By transformers alone, which does not read sentence-transformers' files."""
    from transformers import AutoModel, AutoTokenizer

    limit = Encoder.load(model).max_length
    inputs = AutoTokenizer.from_pretrained(model)("two dogs " * limit, truncation=True, return_tensors="pt")
    assert inputs["input_ids"].shape[1] == limit
    with torch.inference_mode():
        assert AutoModel.from_pretrained(model)(**inputs).last_hidden_state.isfinite().all()
    assert f"passages after {limit}." in (model / "README.md").read_text(encoding="utf-8")
    assert "local" not in (model / "tokenizer_config.json").read_text(encoding="utf-8")


def test_the_card_holds_the_records_scores(project: Path, model: Path) -> None:
    card = ModelCard.load(model / "README.md")
    metrics = {
        "sentence-similarity": "spearman_all",
        "text-classification": "acc",
        "text-retrieval": "retrieval_main_score",
    }
    found = {
        (one.dataset_name.removesuffix(" (generated)"), metrics[one.task_type]): one.metric_value
        for one in card.data.eval_results or []
    }
    measured = [
        record
        for file in ("records.json", "mteb/records.json")
        for record in stored(project / "results/simcse/0" / file)["records"]
        if record["metric"] in metrics.values() and record["task"] != "avg"
    ]
    assert found == {(one["task"], one["metric"]): one["value"] for one in measured}
    assert len(found) == 7 + 7 + 1
    assert all(one.dataset_name.endswith(" (generated)") for one in card.data.eval_results or [])
    for one in measured:
        assert f"| {one['value']:.2f} |".replace("-", MINUS) in card.text


def test_the_card_says_what_made_the_model(project: Path, model: Path) -> None:
    card = ModelCard.load(model / "README.md")
    told = card.data.to_dict()
    assert (told["library_name"], told["pipeline_tag"], told["language"]) == (
        "sentence-transformers",
        "sentence-similarity",
        "en",
    )
    assert not told.keys() & {"license", "base_model"}  # ours to know is neither
    origin = stored(project / "results/simcse/0/records.json")["provenance"]
    for name in ("params_hash", "code_hash", "data_hash"):
        assert f"`{origin[name]}`" in card.text
    for name, version in origin["versions"].items():
        assert f"| {name} | {version} |" in card.text
    recipe = stored(project / "runs/simcse/0/run.json")["train"]
    assert f"| batch_size | {recipe['batch_size']} |" in card.text
    assert "Not comparable with the papers." in card.text
    averages = [
        one["value"]
        for seed in (0, 1)
        for one in stored(project / f"results/simcse/{seed}/records.json")["records"]
        if (one["task"], one["metric"]) == ("avg", "spearman_all")
    ]
    mean, std = np.mean(averages), np.std(averages, ddof=1)
    assert f"{averages[0]:.2f} here, and {mean:.2f} ± {std:.2f} over two seeds" in card.text
    assert not [line for line in card.text.splitlines() if "{{" in line or "None |" in line or line.endswith(" ")]


def test_a_missing_score_is_a_dash_with_its_reason_and_no_entry(project: Path) -> None:
    fail(project / "results/simcse/0", "STS13", "not | finite")
    assert exported("simcse/0") == 0
    card = ModelCard.load(project / "exports/simcse-0/README.md")
    assert "| STS13 | — |" in card.text
    assert "STS13 has no score: not | finite." in card.text
    assert "Average of the seven STS tasks: — here" not in card.text
    assert "STS13 (generated)" not in [one.dataset_name for one in card.data.eval_results or []]


def test_mteb_reads_its_result_files_there(project: Path, model: Path) -> None:
    from mteb import ResultCache

    call = 'load_results(load_experiments="match_name")'
    assert call in (model / "README.md").read_text(encoding="utf-8")
    (found,) = ResultCache(model / "mteb").load_results(load_experiments="match_name").model_results
    (kept,) = (
        one["value"]
        for one in stored(project / "results/simcse/0/mteb/records.json")["records"]
        if (one["task"], one["metric"]) == ("own", "retrieval_main_score")
    )
    assert {one.task_name: 100 * one.get_score() for one in found.task_results} == {"own": pytest.approx(kept)}


def test_the_same_run_gives_the_same_bytes(project: Path, model: Path) -> None:
    assert exported("runs/simcse/0/") == 0
    again = project / "exports/simcse-0"
    files = sorted(path.relative_to(model) for path in model.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for file in files:
        assert (model / file).read_bytes() == (again / file).read_bytes()


def edit(file: Path, key: str, value: object) -> None:
    content = stored(file)
    content.get("provenance", content)[key] = value
    file.write_text(json.dumps(content), encoding="utf-8")


REFUSED: list[tuple[str, Callable[[], object], str]] = [
    ("simcse/0", lambda: Path("model").mkdir(), "the folder exists already"),
    ("simcse", lambda: None, "not the name of a run"),
    ("simcse/x", lambda: None, "not the name of a run"),
    ("simces/0", lambda: None, "Did you mean 'simcse'"),
    ("simcse/7", lambda: None, "params.yaml names no such run"),
    ("mocose/0", lambda: None, "the run diverged, so that there is no model: loss is nan"),
    ("mocose/1", lambda: None, "the run has not been trained"),
    ("simcse/0", lambda: shutil.rmtree("results/simcse/0"), "the run has no results (results/simcse/0)"),
    ("simcse/0", lambda: shutil.rmtree("results/simcse/0/mteb"), "not measured on retrieval and reranking"),
    ("simcse/0", lambda: shutil.rmtree("runs/simcse/0/mteb"), "MTEB's result files are missing"),
    ("simcse/0", lambda: edit(Path("results/simcse/0/records.json"), "params_hash", "0"), "stale, of other settings"),
    ("simcse/0", lambda: edit(Path("results/simcse/0/mteb/records.json"), "code_hash", "0"), "stale, of other code"),
    ("simcse/0", lambda: edit(Path("runs/simcse/0/run.json"), "best_step", 3), "of another training than the model"),
    ("simcse/0", lambda: Path("runs/simcse/0/model/config.json").unlink(), "Run `dvc checkout`"),
]


@pytest.mark.parametrize(("name", "prepare", "message"), REFUSED)
def test_what_is_no_good_model_is_refused_in_a_line(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, prepare: Callable[[], object], message: str
) -> None:
    prepare()
    before = sorted(project.rglob("*"))
    assert exported(name, "--to", "model") == 1
    shown = capsys.readouterr()
    assert message in shown.err
    assert (shown.err.count("\n"), shown.out) == (1, "")
    assert sorted(project.rglob("*")) == before


def test_nothing_half_written_stays(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.card, "build", full)
    before = sorted(project.rglob("*"))
    assert exported("simcse/0", "--to", "model") == 1
    assert sorted(project.rglob("*")) == before


def test_the_base_model_is_named_as_the_hub_names_it() -> None:
    def base(name: str, *overrides: str) -> str | None:
        return export._base(params.check(yaml.safe_load(profile.compose(name, [*overrides])), "here"))

    assert base("paper") == "google-bert/bert-base-uncased"
    assert base("demo") is None
    assert base("demo", "backbone.source=folder", "backbone.folder=data/models/my-bert") == "my-bert"
    assert base("demo", "backbone.source=folder", "backbone.folder=runs/checkpoint-500") is None
