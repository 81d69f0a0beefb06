"""How cost grows: exponents of known power laws, and what the report shows of a measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import params
from pipelines.errors import NegbenchError
from pipelines.paths import SCALE
from reports import figures, scale
from reports.document import Figure, Table
from reports.evidence import Evidence
from reports.records import Results
from reports.scale_figure import growth
from reports.style import GREY, INK

SIZES = [10, 100, 1_000, 10_000]


def curve(name: str, power: float, constant: float = 0.0) -> dict[str, Any]:
    """Ours grows by a power law behind a constant, the reference in proportion and twice as slow at 1,000."""
    ours = [{"size": n, "seconds": constant + 0.002 * n**power, "mib": 3.0 * n} for n in SIZES]
    plain = [{"size": n, "seconds": 2 * ours[2]["seconds"] * n / 1_000, "mib": None} for n in SIZES[:3]]
    return {"id": name, "label": name, "what": "a step", "plain": "a loop", "ours": ours, "reference": plain}


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    machine = {"platform": "Linux x86_64", "device": "CPU", "cores": 2, "threads": 1}
    content = {
        "commit": "0123456789ab",
        "model": "BERT, 2 layers of 128",
        "machine": machine,
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "curves": [curve("linear", 1.0), curve("quadratic", 2.0), curve("late", 1.0, 5.0)],
    }
    file = tmp_path / "scale.json"
    file.write_text(json.dumps(content))
    return file


def test_the_exponent_is_that_of_the_power_law(measured: Path) -> None:
    found = scale.load(measured)
    assert found
    linear, quadratic, late = found.curves
    assert scale.exponent(linear.ours) == pytest.approx(1)
    assert scale.exponent(quadratic.ours) == pytest.approx(2)
    slope = np.log(late.ours[-1].seconds / late.ours[-2].seconds) / np.log(10)
    assert scale.exponent(late.ours[-2:]) == pytest.approx(slope)
    assert scale.exponent(late.ours) < scale.exponent(late.ours[-2:]) < 1
    assert quadratic.speedup() == (1_000, pytest.approx(2))


def test_the_section_says_what_was_measured_and_where(measured: Path) -> None:
    section = scale.section(scale.load(measured))
    assert section
    where, figure, table = section.blocks
    assert isinstance(where, str)
    assert isinstance(figure, Figure)
    assert isinstance(table, Table)
    assert all(said in where for said in ("0123456789ab", "torch 2.13.0", "Linux x86_64", "2 cores", "2 layers of 128"))
    assert "three sizes" in figure.caption
    (quadratic,) = (row for row in table.rows if row.label == "quadratic")
    assert [cell.text for cell in quadratic.cells] == ["10,000", "200,000.00", "2.00", "2.00", "30,000", "1.00", "2.00"]
    assert quadratic.cells[-1].spread == "at 1,000"


def test_every_point_is_drawn_and_proportion_beside_it(measured: Path) -> None:
    found = scale.load(measured)
    assert found
    drawn = figures.draw(Evidence(Results((), {}), [], {}, None, scale=found))[scale.ID]
    above, below = drawn.axes[1], drawn.axes[4]
    ours = [next(line for line in axis.lines if line.get_color() == INK) for axis in (above, below)]
    np.testing.assert_allclose(ours[0].get_ydata(), [0.002 * n**2 for n in SIZES])
    np.testing.assert_allclose(ours[1].get_ydata(), [3.0 * n for n in SIZES])
    dotted = next(line for line in above.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(np.diff(np.log10(np.asarray(dotted.get_ydata(), dtype=float))), 1)
    for axis in drawn.axes:
        low, high = axis.get_ylim()
        points = [line for line in axis.lines if line.get_linestyle() == "-"]
        assert all(low < value < high for line in points for value in np.asarray(line.get_ydata(), dtype=float))
    plain = [line for line in below.lines if line.get_color() == GREY and line.get_linestyle() == "-"]
    assert [len(np.asarray(line.get_xdata())) for line in plain] == [0]  # its memory was not measured


def test_without_a_measurement_there_is_nothing(tmp_path: Path) -> None:
    assert scale.load(tmp_path / "scale.json") is None
    assert scale.section(None) is None


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_text('{"commit": "x"}')
    with pytest.raises(NegbenchError, match="model: Field required"):
        scale.load(tmp_path / "scale.json")


def test_what_is_kept_is_whole() -> None:
    kept = scale.load(params.ROOT / SCALE)
    if kept is None:
        pytest.skip("nothing is kept: python -m benchmarks.scale has not been run")
    assert [one.id for one in kept.curves] == ["sentences", "queue", "batch", "length", "runs", "jobs"]
    assert kept.curves[0].ours[-1].size == 1_000_000
    panels = growth(kept).axes
    named = [axis for axis in panels if axis.get_visible() and axis.get_xticklabels()]
    assert len(named) == len(kept.curves)  # the sizes stand once below each column
    assert [axis.get_visible() for axis in panels] == [True] * 10 + [False] * 2
