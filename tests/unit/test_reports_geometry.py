"""Geometry in the report: which methods stand where, and what they are drawn against."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from report_fixture import TRAINED, UNTRAINED, write_results

from reports import geometry, geometry_figures, records


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


def test_a_point_is_the_mean_of_its_seeds(results: Path) -> None:
    shapes = {shape.label: shape for shape in geometry.shapes(records.load(results))}
    assert len(shapes) == len(TRAINED) + len(UNTRAINED)
    for name, (label, *_) in TRAINED.items():
        stored = [json.loads((results / name / str(seed) / "records.json").read_text()) for seed in range(3)]
        means = [
            np.mean([one["value"] for run in stored for one in run["records"] if one["metric"] == metric])
            for metric in ("uniformity_all", "alignment_positive")
        ]
        assert shapes[label].point == pytest.approx(tuple(means))


def test_untrained_first_then_by_effective_rank(results: Path) -> None:
    shapes = geometry.shapes(records.load(results))
    assert [shape.trained for shape in shapes] == sorted(shape.trained for shape in shapes)
    ranks = [np.mean(shape.values["effective_rank"]) for shape in shapes if shape.trained]
    assert ranks == sorted(ranks)


def test_spectra_of_another_width_are_not_drawn(results: Path) -> None:
    drawn = geometry.spectra(geometry.shapes(records.load(results)))
    assert "Bag of words" not in {shape.label for shape in drawn}
    assert len(drawn) == len(TRAINED) + len(UNTRAINED) - 1


def test_a_method_without_geometry_is_left_out_and_the_rest_is_drawn(results: Path) -> None:
    for file in results.glob("simcse/*/records.json"):
        content = json.loads(file.read_text())
        for one in content["records"]:
            if one["task"] == "geometry":
                one.update(value=None, status="failed", reason="3 of 48 embeddings are not finite")
        file.write_text(json.dumps(content))
    shapes = geometry.shapes(records.load(results))
    assert "SimCSE" not in {shape.label for shape in shapes}
    figure = geometry_figures.plane(shapes)
    named = {text.get_text() for text in figure.axes[0].texts}
    assert named == {shape.label for shape in shapes}


def test_names_beside_the_plane_do_not_overlap(results: Path) -> None:
    figure = geometry_figures.plane(geometry.shapes(records.load(results)))
    heights = sorted(text.xyann[1] for text in figure.axes[0].texts)
    assert min(np.diff(heights)) >= 0.08
    assert heights[-1] <= 1
