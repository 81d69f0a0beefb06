"""Settings: each kind of mistake is one line that names the key and the nearest valid name."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from methods.core.contract import TrainedMethod, load_method, load_trained, load_untrained
from pipelines import ablate, params, profile
from pipelines.errors import NegbenchError


def demo() -> dict[str, Any]:
    values = yaml.safe_load(profile.compose("demo", []))
    assert isinstance(values, dict)
    return values


def error_of(values: dict[str, Any]) -> str:
    with pytest.raises(NegbenchError) as caught:
        params.check(values, "params.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", profile.names())
def test_every_profile_composes(name: str) -> None:
    assert params.check(yaml.safe_load(profile.compose(name, [])), name).profile == name


def test_committed_params_are_the_demo_profile() -> None:
    assert yaml.safe_load((params.ROOT / "params.yaml").read_text(encoding="utf-8")) == demo()


def test_unknown_key_offers_the_nearest() -> None:
    values = demo()
    values["train"]["batchsize"] = 3
    assert error_of(values) == "unknown setting 'train.batchsize' (params.yaml). Did you mean 'batch_size'?"


def test_unknown_section_offers_the_nearest() -> None:
    assert "Did you mean 'teacher'?" in error_of({**demo(), "techer": {}})


def test_wrong_type_says_what_was_given() -> None:
    values = demo()
    values["train"]["lr"] = "fast"
    message = error_of(values)
    assert "train.lr" in message
    assert "'fast'" in message


def test_out_of_range_is_refused() -> None:
    values = demo()
    values["fetch"]["generated"]["corpus_sentences"] = 0
    assert "fetch.generated.corpus_sentences" in error_of(values)


def test_missing_setting_is_named() -> None:
    values = demo()
    del values["fetch"]["corpus"]
    assert "'fetch.corpus' is missing" in error_of(values)


def test_method_without_a_file_offers_the_nearest() -> None:
    message = error_of({**demo(), "trained": ["simsce"]})
    assert message == "no such method 'simsce' (params.yaml). Did you mean 'simcse'?"


def test_method_without_settings_says_how_to_add_them() -> None:
    values = demo()
    del values["methods"]["simcse"]
    assert "Add `methods.simcse: {}`." in error_of(values)


def test_doubled_seed_is_refused() -> None:
    assert "'seeds' names one entry twice" in error_of({**demo(), "seeds": [1, 1]})


def test_inconsistent_backbone_is_refused() -> None:
    values = demo()
    values["backbone"].update(hidden=64, heads=3)
    assert "hidden 64 is not a multiple of heads 3" in error_of(values)


def test_a_methods_own_settings_are_checked() -> None:
    with pytest.raises(NegbenchError, match=r"unknown setting 'temprature'.*Did you mean 'temperature'\?"):
        load_trained("simcse", {"temprature": 1}, "here")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("methods.mocose.train.batchsize=3", "unknown setting 'batchsize'.*Did you mean 'batch_size'"),
        ("untrained=[simcse]", "method 'simcse' needs training"),
        ("train.pooling=cls", "'train.pooling'.*got 'cls'"),
        ("teacher.backbone.pooling=maen", "'teacher.backbone.pooling'.*got 'maen'"),
        ("methods.simcse.temperature=0", "'temperature'.*greater than 0"),
        ("trian.lr=1", "unknown setting 'trian'.*Did you mean 'train'"),
        ("methods.softcse_weight.similarity=bakcbone", "no such teacher 'bakcbone'.*Did you mean 'backbone'"),
        ("ablate.queue_distance.train.lrr=1", "unknown setting 'lrr'.*ablate.queue_distance.*Did you mean 'lr'"),
        ("ablate.queue_distance.cells=[{queue_siz:3}]", "unknown setting 'queue_siz'.*ablate.queue_distance"),
        ("ablate.queue_distance.cells=[{train:{lrr:1}}]", "unknown setting 'lrr'.*ablate.queue_distance"),
        ("trained=[isogclr] methods.isogclr.temperature=0.01", "temperature 0.01 lies outside 0.05 to 1.0"),
        ("trained=[isogclr] methods.isogclr.tau_max=0.05", "temperature 0.07 lies outside 0.05 to 0.05"),
        ("trained=[soft_infonce] methods.soft_infonce.alpha=2", "alpha 2.0 exceeds beta 1.0"),
        ("methods.mocose_released.train=null", "'train'.*valid dictionary"),
        ("train.lr", "cannot apply 'train.lr'.*key=value"),
        ("seeds=[0] trained=[simcse", "cannot apply 'trained=\\[simcse'.*key=value"),
        ("=3", "cannot apply '=3'.*key=value"),
        ("study=3", "cannot apply 'study=3': .*Got int.*key=value"),
        ("study=[[a]]", "cannot apply 'study=\\[\\[a\\]\\]'.*key=value"),
        ("~methods.dcl ~methods.dcl", "cannot apply '~methods.dcl': .*key=value"),
        ("ablate=3", "setting 'ablate'.*valid dictionary"),
        ("ablate.ema_decay=3", "setting 'ablate.ema_decay'.*valid dictionary"),
        ("methods.mocose.queue=3", "unknown setting 'queue' \\(profile demo: methods.mocose\\)"),
        ("train.lr=${x}", "cannot apply 'train.lr=\\$\\{x\\}'.*key=value"),
        ("study=[ema_dekay]", "no such study 'ema_dekay'.*Did you mean 'ema_decay'"),
    ],
)
def test_what_would_fail_later_is_refused_at_once(override: str, says: str) -> None:
    with pytest.raises(NegbenchError, match=says):
        profile.compose("demo", override.split())


def test_an_empty_setting_is_told_as_it_stands() -> None:
    """As of an empty variable of a shell."""
    with pytest.raises(NegbenchError, match=r"cannot apply '': .*key=value"):
        profile.compose("demo", ["seeds=[0]", ""])


def test_a_cells_recipe_wins_over_the_studys_and_that_over_the_methods() -> None:
    values = demo()
    values["ablate"]["queue_distance"] |= {"cells": [{"train": {"batch_size": 16}}, {}], "train": {"batch_size": 8}}
    found = ablate.runs(params.check(values, "here"), "queue_distance")
    assert [(cell, run.recipe.batch_size) for cell, run in found] == [(0, 16), (0, 16), (1, 8), (1, 8)]
    assert {run.recipe.weight_decay for _, run in found} == {1e-6}  # the method's own


@pytest.mark.parametrize("load", [load_method, load_untrained, lambda name: load_trained(name, {}, "here")])
def test_an_unknown_method_offers_the_nearest(load: Callable[[str], object]) -> None:
    with pytest.raises(NegbenchError, match=r"no such method 'simcs'.*Did you mean 'simcse'\?"):
        load("simcs")


def test_an_untrained_method_cannot_be_trained() -> None:
    with pytest.raises(NegbenchError, match="takes no training"):
        load_trained("bag_of_words", {}, "here")


def test_every_trained_method_runs_when_its_name_is_added() -> None:
    names = [name for name in params.method_names() if issubclass(load_method(name), TrainedMethod)]
    composed = profile.compose("demo", [f"trained=[{','.join(names)}]"])
    assert yaml.safe_load(composed)["trained"] == names


def test_a_setting_that_the_profile_leaves_out_can_be_given() -> None:
    composed = yaml.safe_load(profile.compose("demo", ["methods.simcse.temperature=0.1", "~ablate.queue_distance"]))
    assert composed["methods"]["simcse"]["temperature"] == 0.1
    assert demo()["ablate"].keys() - composed["ablate"].keys() == {"queue_distance"}


@pytest.mark.parametrize("name", ["demo", "small", "paper"])
def test_a_study_can_be_chosen_alone(name: str) -> None:
    composed = yaml.safe_load(profile.compose(name, ["study=[queue_slices]"]))
    assert [*composed["ablate"]] == ["queue_slices"]
    with pytest.raises(NegbenchError, match=r"'ablate.queue_slice.method' is missing"):
        profile.compose(name, ["study=[queue_slices]", "ablate.queue_slice.seeds=[0]"])


def test_a_study_that_nobody_chose_is_cut_down_in_vain() -> None:
    chosen = {"ema_decay", "queue_distance", "softcse_sharpness", "softcse_similarity"}
    assert yaml.safe_load(profile.compose("small", []))["ablate"].keys() == chosen
    fgsm = yaml.safe_load(profile.compose("small", ["study=[fgsm]"]))["ablate"]["fgsm"]
    assert fgsm["train"]["sentences"] == 20_000
    with pytest.raises(NegbenchError, match=r"'ablate.fgsm.method' is missing"):
        profile.compose("small", ["ablate.fgsm.seeds=[0]"])


@pytest.mark.parametrize(
    ("content", "says"),
    [("a: [", "not valid YAML"), ("", "holds no settings"), ("- 1", "holds no settings")],
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NegbenchError, match=says) as caught:
        params.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="make profile PROFILE=demo"):
        params.load(tmp_path / "params.yaml")


def test_unknown_profile_offers_the_nearest() -> None:
    with pytest.raises(NegbenchError, match=r"unknown profile 'smal'.*Did you mean 'small'\?"):
        profile.compose("smal", [])


@pytest.fixture
def evening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, yet to be written, of one more profile beside those there are."""
    folder = tmp_path / "profiles"
    shutil.copytree(profile.PROFILES, folder)
    monkeypatch.setattr(profile, "PROFILES", folder)
    return folder / "evening.yaml"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("defaults: [demo, _self_]\nseeds: [0]\n", "it says 'profile: demo' .*Write `profile: evening`"),
        ("defaults: [demoo, _self_]\nprofile: evening\n", "no such profile 'demoo' .*Did you mean 'demo'"),
        ("defaults: [base, {study: [ema_dekay]}, _self_]\n", "no such study 'ema_dekay' .*Did you mean 'ema_decay'"),
        ("profile: evening\n", "setting 'comparable' is missing"),
        ("", "setting 'profile' is missing"),
        ("defaults: [demo, _self_]\nseeds: [0\n", "cannot be composed: .*line 3.*Correct its file"),
        ("defaults: [demo, _self_]\nseeds: ${nowhere}\n", "cannot be composed: .*nowhere.*Correct its file"),
    ],
)
def test_a_mistake_in_a_profile_is_one_line(text: str, says: str, evening: Path) -> None:
    evening.write_text(text, encoding="utf-8")
    with pytest.raises(NegbenchError, match=rf"^{says}") as caught:
        profile.compose("evening", [])
    assert "\n" not in str(caught.value)


def test_a_profile_without_studies_may_say_so(evening: Path) -> None:
    evening.write_text("defaults: [base, _self_]\nprofile: evening\nablate:\n", encoding="utf-8")
    assert yaml.safe_load(profile.compose("evening", []))["ablate"] == {}


def test_a_run_may_have_a_name_of_its_own() -> None:
    assert yaml.safe_load(profile.compose("demo", ["profile=evening"]))["profile"] == "evening"


def test_overrides_apply_and_misspelt_ones_are_named() -> None:
    assert yaml.safe_load(profile.compose("demo", ["train.epochs=7"]))["train"]["epochs"] == 7
    with pytest.raises(NegbenchError, match=r"unknown setting 'train.sentence'.*Did you mean 'sentences'\?"):
        profile.compose("demo", ["train.sentence=77"])


@pytest.mark.parametrize(
    ("override", "comparable"),
    [
        ("seeds=[0]", "yes"),
        ("train.watch=true", "yes"),
        ("methods.mocose.train.processes=4", "yes"),
        (f"fetch.hub.text.revision={40 * 'a'}", "yes"),
        ("mteb.passage_length=256", "yes"),
        ("train.sentences=2000", "direction"),
        ("++train.lr=1.0e-5", "direction"),
        ("methods.simcse.temperature=0.1", "direction"),
        ("fetch.corpus=mine.txt", "direction"),
        ("fetch.source=local", "direction"),
        ("fetch.hub.text.repo=a/b", "direction"),
        ("train.sentences=2000 comparable=yes", "yes"),
        ("train.sentences=2000 comparable=never", "never"),
    ],
)
def test_another_recipe_is_not_held_against_the_papers_numbers(override: str, comparable: str) -> None:
    assert yaml.safe_load(profile.compose("paper", override.split()))["comparable"] == comparable


@pytest.mark.parametrize("content", [b"a: [", b"", b"- 1", b"\xff\xfe", None])
def test_switching_mends_settings_that_cannot_be_read(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("params.yaml").write_bytes(content)
    profile.switch(Namespace(name="demo", overrides=[]))
    assert yaml.safe_load(Path("params.yaml").read_text()) == demo()
    assert "profile: (none) -> demo" in capsys.readouterr().out


def test_switching_shows_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    profile.switch(Namespace(name="demo", overrides=[]))
    capsys.readouterr()
    profile.switch(Namespace(name="demo", overrides=["train.epochs=7"]))
    assert capsys.readouterr().out.splitlines() == [
        f"train.epochs: {demo()['train']['epochs']} -> 7",
        "Profile demo: 1 setting changed in params.yaml.",
    ]
