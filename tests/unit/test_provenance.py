"""Other settings, text or teachers make other hashes: what was measured under the old ones is stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import params, profile, train
from pipelines.expected import expected, expected_studies


def settings(*overrides: str) -> params.Params:
    values: dict[str, Any] = yaml.safe_load(profile.compose("demo", [*overrides]))
    return params.check(values, "here")


@pytest.fixture
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder_folder: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text("{}")
    monkeypatch.setattr(train, "BACKBONE", tiny_encoder_folder)


@pytest.mark.usefixtures("_data")
@pytest.mark.parametrize(
    "override", ["fetch.corpus=other.txt", "teacher.backbone.pooling=cls", "backbone.seed=1", "evaluate.transfer=full"]
)
def test_another_setting_makes_records_stale(override: str) -> None:
    before, after = expected(settings()), expected(settings(override))
    assert all(before[name][seed].evaluated != after[name][seed].evaluated for name in before for seed in before[name])
    if override != "evaluate.transfer=full":
        assert all(before[name][0].searched != after[name][0].searched for name in before)
        studies = expected_studies(settings())
        assert all(studies[name] != hashes for name, hashes in expected_studies(settings(override)).items())


@pytest.mark.usefixtures("_data")
def test_what_an_untrained_method_fits_itself_to_is_a_setting_of_its_search_too() -> None:
    chosen = "untrained=[whitening]"
    before, after = expected(settings(chosen)), expected(settings(chosen, "evaluate.fit_sentences=77"))
    assert before["whitening"][0].searched != after["whitening"][0].searched
    assert before["simcse"][0].searched == after["simcse"][0].searched


@pytest.mark.usefixtures("_data")
def test_a_run_does_not_go_on_from_the_state_of_another_text() -> None:
    """Two texts can lie in one data folder, with one manifest."""
    one, other = (
        train.Run.resolve(chosen, "simcse", 0, method={}, train={}).key()
        for chosen in (settings(), settings("fetch.corpus=other.txt"))
    )
    assert one != other
