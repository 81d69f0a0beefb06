"""The figure of theory, from the record of stage theory to the typeset report."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from report_fixture import write_json, write_theory

from pipelines.errors import NegbenchError
from reports import figures, theory, theory_figure
from reports.evidence import Evidence
from reports.records import Results
from reports.style import INK
from reports.theory import Theory


@pytest.fixture
def written(tmp_path: Path) -> Theory:
    write_theory(tmp_path / "theory.json")
    found = theory.load(tmp_path)
    assert found is not None
    return found


def pull(theory: Theory) -> Figure:
    return figures.draw(Evidence(Results((), {}), [], {}, theory))["pull"]


def test_without_the_stage_there_is_no_figure(tmp_path: Path) -> None:
    assert theory.load(tmp_path) is None
    assert not figures.draw(Evidence(Results((), {}), [], {}, None))
    assert theory.section(None) is None


def test_a_record_of_another_shape_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "theory.json", {"methods": []})
    with pytest.raises(NegbenchError, match="positive: Field required"):
        theory.load(tmp_path)


def test_the_loss_that_pulls_hardest_on_the_nearest_comes_first(written: Theory) -> None:
    assert [curve.label for curve in written.methods] == ["SimCSE", "Masked loss"]


def test_a_panel_holds_the_closed_form_and_the_points_of_its_loss(written: Theory) -> None:
    figure = pull(written)
    for axis, curve in zip(figure.axes, written.methods, strict=True):
        assert axis.get_title(loc="left") == curve.label
        own = [line for line in axis.lines if line.get_color() == INK]
        drawn = np.where(np.array(curve.autograd.negative) > 0, curve.autograd.negative, np.nan)
        assert len(own) == (2 if curve.closed_form else 1)
        for line in own:
            np.testing.assert_array_equal(line.get_ydata(), drawn)
            np.testing.assert_array_equal(line.get_xdata(), written.similarities)


def test_every_pull_has_its_place_on_the_axis(written: Theory) -> None:
    axis = pull(written).axes[0]
    assert axis.get_yscale() == "log"
    low, high = axis.get_ylim()
    assert low == theory_figure.FLOOR
    assert high > max(max(curve.autograd.negative) for curve in written.methods)


def test_drawn_twice_it_has_the_same_bytes(written: Theory, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        figures.save(pull(written), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second
    assert b">Masked loss</text>" in first
    assert mpl.rcParams["svg.hashsalt"] is None  # the style is the figure's own and stays with it


def test_the_order_of_the_record_does_not_matter(written: Theory, tmp_path: Path) -> None:
    content = json.loads((tmp_path / "theory.json").read_text(encoding="utf-8"))
    write_json(tmp_path / "theory.json", {**content, "methods": content["methods"][::-1]})
    assert theory.load(tmp_path) == written
