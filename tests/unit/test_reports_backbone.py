"""The backbone's pretraining in the report: the curve is the log's, and the text says where it ended."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import NegbenchError
from reports import backbone, backbone_figure, cost, runs
from reports.document import Figure

RECIPE = {"layers": 4, "hidden": 256, "heads": 4, "parameters": 11_200_000, "vocabulary": 30_522, "precision": "bf16"}
RECIPE |= {"corpus": "wiki.txt", "sentences": 1000, "max_length": 64, "predicted": 0.3}
RECIPE |= {"epochs": 2, "batch_size": 128, "lr": 0.0005}
MACHINE = {"platform": "Linux x86_64", "device": "CPU", "cores": 2, "threads": 2}
STEPS = 16  # ceil(1000 / 128) * 2; the last batch of each pass holds 104


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text(json.dumps(RECIPE))
    (tmp_path / "machine.json").write_text(json.dumps(MACHINE))
    rows = [f"{step},{9 / step},{step / 32},100" for step in range(1, STEPS + 1)]
    (tmp_path / "log.csv").write_text("\n".join(["step,loss,accuracy,sentences_per_second", *rows]) + "\n")
    return tmp_path


@given(values=st.lists(st.floats(0, 20), min_size=1, max_size=700), count=st.integers(1, 120))
def test_blocks_cover_every_step_once(values: list[float], count: int) -> None:
    ends, means = backbone.blocks(values, count)
    sizes = np.diff([0, *ends])
    assert len(ends) == min(count, len(values))
    assert ends[-1] == len(values)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1
    assert np.dot(sizes, means) == pytest.approx(sum(values))


def test_the_section_says_what_was_done_and_where_it_ended(folder: Path) -> None:
    found = backbone.load(folder)
    section = backbone.section(found)
    assert found
    assert section
    text, figure = section.blocks
    assert isinstance(figure, Figure)
    loss = np.mean([9 / step for step in range(1, STEPS + 1)])
    assert f"the loss is {loss:.2f} nats" in str(text)
    assert f"a perplexity of {math.exp(loss):.1f}" in str(text)
    assert f"{100 * np.mean(np.arange(1, STEPS + 1) / 32):.1f}\N{NO-BREAK SPACE}% of them are found" in str(text)
    assert "four layers, 256 units and four heads, 11.20 million parameters over 30,522 word pieces" in str(text)
    assert "cut at 64 word pieces, 30\N{NO-BREAK SPACE}% of them to be predicted: two passes" in str(text)
    assert "two passes in batches of 128, 16 steps in bf16" in str(text)


def test_the_figure_draws_the_log(folder: Path) -> None:
    found = backbone.load(folder)
    assert found
    drawn = backbone_figure.curves(found)
    (loss,), (accuracy,) = (axis.lines for axis in drawn.axes)
    np.testing.assert_allclose(loss.get_xydata(), [(step, 9 / step) for step in range(1, STEPS + 1)])
    np.testing.assert_allclose(accuracy.get_ydata(), [100 * step / 32 for step in range(1, STEPS + 1)])


def test_its_time_is_that_of_its_steps(folder: Path) -> None:
    found = runs.pretraining(folder)
    assert found
    assert found.seconds == pytest.approx(2 * (7 * 128 + 104) / 100)
    training = runs.Training("a", "A", 0, 1, 1, 2, 3.0, None)
    section = cost.section([training], found)
    assert section
    said = "Pretraining the backbone took 20 s: Linux x86_64, CPU, 2 cores, threads for one operation: 2."
    assert section.blocks[0] == said


def test_a_given_encoder_has_no_section(folder: Path) -> None:
    (folder / "run.json").write_text("null\n")
    assert backbone.load(folder) is None
    assert runs.pretraining(folder) is None
    assert backbone.section(None) is None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("run.json", "{", "not valid JSON"),
        ("run.json", json.dumps({**RECIPE, "layers": "x"}), "layers"),
        ("log.csv", "", "no losses of the pretraining"),
        ("log.csv", "step,loss,accuracy\n1,nan,0\n", "no losses of the pretraining"),
        ("log.csv", "step,loss\n1,2\n", "no losses of the pretraining"),
    ],
)
def test_what_is_damaged_is_named(folder: Path, name: str, content: Any, says: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(NegbenchError, match=rf"{says}.*{name}"):
        backbone.load(folder)
