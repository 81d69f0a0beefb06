"""Stage train refuses before its first step what would end the run later."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipelines import params, profile, train
from pipelines.errors import NegbenchError
from pipelines.paths import teacher_of

SENTENCES = ["a man plays", "the dog eats", "a big cat", "two men ride"]


@pytest.fixture
def run(tiny_encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that trains SoftCSE from the tiny encoder under a recipe, in a folder without data or teacher."""
    values = yaml.safe_load(profile.compose("demo", ["train.max_length=16"]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "BACKBONE", tiny_encoder_folder)
    monkeypatch.setattr(train, "stream", lambda path, count: SENTENCES[:count])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text("{}")
    settings = params.check(values, "here")

    def execute(similarity: str, **recipe: Any) -> None:
        method = {"similarity": similarity}
        chosen = train.Run.resolve(settings, "softcse_weight", 0, method=method, train=recipe)
        train.execute(chosen, train.Text(settings), "test")

    return execute


def test_a_sentence_longer_than_the_backbone_takes_is_refused(run: Any) -> None:
    with pytest.raises(NegbenchError, match="max_length 64 exceeds the backbone's 48"):
        run("self", max_length=64)


def test_a_missing_manifest_says_what_makes_it(run: Any) -> None:
    Path("data/manifest.json").unlink()
    with pytest.raises(NegbenchError, match=r"the file is missing \(data/manifest.json\). Run `dvc repro`"):
        run("self")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_the_key_of_a_run_covers_every_file_of_the_backbone(run: Any, tmp_path: Path, name: str) -> None:
    """Dropout is in one, casing in another: a half-trained run must not go on under others."""
    folder = Path(shutil.copytree(train.BACKBONE, tmp_path / "backbone"))
    settings = params.check(yaml.safe_load(profile.compose("demo", [])), "here")
    chosen = train.Run.resolve(settings, "simcse", 0, method={}, train={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "BACKBONE", folder)
        before = chosen.key()
        assert chosen.key() == before
        (folder / name).write_bytes((folder / name).read_bytes() + b" ")
        assert chosen.key() != before


def test_a_teacher_that_embedded_nothing_says_how_to_ask_it(run: Any) -> None:
    with pytest.raises(NegbenchError, match=r"the file is missing .*teacher/backbone.*Run `dvc repro`"):
        run("backbone", select="last")


def test_a_teacher_that_embedded_too_few_sentences_is_asked_again(run: Any) -> None:
    file = teacher_of("backbone")
    file.parent.mkdir(parents=True)
    np.save(file, np.ones((3, 2), np.float16))
    with pytest.raises(NegbenchError, match=r"embedded 3 sentences and the run takes 4 .*teacher@backbone"):
        run("backbone", select="last")


def test_more_text_than_the_teacher_is_given_is_refused_with_the_setting_at_fault() -> None:
    with pytest.raises(NegbenchError, match=r"ablate.softcse_sharpness.train.sentences\)\. Lower it, or raise"):
        profile.compose("demo", ["train.sentences=2000", "methods.softcse_weight.similarity=backbone"])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array"])
def test_damaged_embeddings_of_a_teacher_say_how_to_ask_it_again(run: Any, content: bytes) -> None:
    file = teacher_of("backbone")
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(NegbenchError, match=r"cannot be read .*dvc repro --force teacher@backbone"):
        run("backbone", select="last")


@pytest.mark.parametrize(("select", "watch"), [("sts-test", False), ("stsb-dev", False), ("last", True)])
def test_a_score_without_its_files_is_refused(
    run: Any, select: str, watch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "train", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(NegbenchError, match="STS"):
        run("self", select=select, watch=watch)


@pytest.mark.parametrize(
    ("select", "watch", "wanted"),
    [
        ("stsb-dev", True, ["stsb_dev", "sts_test"]),
        ("sts-test", True, ["sts_test", "stsb_dev"]),
        ("last", True, ["stsb_dev", "sts_test"]),
        ("stsb-dev", False, ["stsb_dev"]),
        ("sts-test", False, ["sts_test"]),
        ("last", False, None),
    ],
)
def test_what_selects_is_scored_first_and_the_rest_where_it_is_watched(
    select: Any, watch: bool, wanted: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "Looks", lambda _, scores: scores)
    assert train.looks(params.Train(sentences=2, select=select, watch=watch)) == wanted
