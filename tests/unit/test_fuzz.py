"""Whatever a file was turned into, it is read or refused in one line that names it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.mutation import mutate
from benchmarks.fuzz.targets import TARGETS, Target

INPUTS = {"params": 60, "model": 60, "paper": 60}  # where one takes long


@pytest.fixture(scope="module", params=TARGETS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Target, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    target = TARGETS[request.param]()
    target.write(folder)
    return request.param, target, folder


def test_a_damaged_file_is_read_or_refused_in_one_line(written: tuple[str, Target, Path]) -> None:
    name, target, folder = written
    target.read(folder)  # undamaged

    @settings(max_examples=INPUTS.get(name, 300), suppress_health_check=[*HealthCheck])
    @given(file=st.sampled_from([*target.files]), seed=st.integers(0, 2**32))
    def damaged(file: str, seed: int) -> None:
        error = target.attempt(folder, file, mutate(target.files[file], random.Random(seed)))
        assert error is None or len(str(error).splitlines()) == 1

    damaged()
    target.read(folder)


def test_damage_reaches_beyond_the_grammar() -> None:
    """Some changed files are still JSON, with other values in them: else only parsers would be tried."""
    content = json.dumps({"a": [1, {"b": 2.5}], "c": "text"}).encode()
    changed = [mutate(content, random.Random(seed)) for seed in range(200)]
    parsed = []
    for one in changed:
        try:
            parsed.append(json.loads(one))
        except (ValueError, RecursionError):
            continue
    assert len(changed) > len(parsed) > 40
    assert sum(isinstance(one, dict) and one != json.loads(content) for one in parsed) > 30
