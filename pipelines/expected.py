"""The records that the present settings, code and data lead to, by their hashes: all others are stale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines import provenance
from pipelines.params import Params
from reports.records import Expected


def expected(settings: Params) -> dict[str, dict[int, Expected]]:
    """Hashes of the records of every run that the settings name, by method and seed."""
    from methods.core.contract import load_untrained
    from pipelines.train import Run

    trained = {
        name: {
            seed: _hashes(settings, Run.resolve(settings, name, seed, method={}, train={}).describe())
            for seed in settings.seeds
        }
        for name in settings.trained
    }
    untrained = {name: {0: _hashes(settings, load_untrained(name).describe(name))} for name in settings.untrained}
    return untrained | trained


def expected_studies(settings: Params) -> dict[str, dict[str, str]]:
    """Hashes of every study that the settings name."""
    from pipelines.ablate import hashes, runs

    return {name: hashes(settings, runs(settings, name)) for name in settings.ablate}


def _hashes(settings: Params, described: Mapping[str, Any]) -> Expected:
    return Expected(*(provenance.hashes(settings, described, part) for part in (settings.evaluate, settings.mteb)))
