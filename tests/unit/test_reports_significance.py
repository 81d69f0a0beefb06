"""The section on significance and its forest plot: what they say follows from what the stage found."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Drawing

from pipelines.errors import NegbenchError
from reports import figures, layout, tested
from reports.document import Figure, Section, Table
from reports.forest_figure import forest
from reports.records import Results
from reports.significance import FIGURE, section
from reports.style import GREY, INK, STYLE
from reports.tested import Comparison, Difference, FamilyDifferences, Significance
from reports.wording import signed

REAL = Difference(
    estimate=-2.6, low=-3.8, high=-1.4, p=0.012, adjusted=0.024, seed_share=0.6, items_p=0.001, seeds=3, items=700
)
NOISE = Difference(
    estimate=1.5, low=-2.0, high=5.0, p=0.2, adjusted=0.2, seed_share=0.9, items_p=0.004, seeds=3, items=700
)
ONE_SEED = Difference(estimate=0.7, items_p=0.03, seeds=1, items=700)
ABSENT = Difference(estimate=None, reason="no seed has a score of both")


def found(first: Difference, second: Difference) -> Significance:
    """Two methods on one family of tasks, every task like the average."""
    comparisons = [
        Comparison(
            method=f"m{index}",
            label=f"Method {index}",
            of=("", ""),
            average=one,
            iqm=one,
            tasks={"STS12": one, "world-qa": one},
        )
        for index, one in enumerate((first, second))
    ]
    return Significance(
        reference="Base", resamples=500, families=[FamilyDifferences(name="sts", comparisons=comparisons)]
    )


def built(first: Difference, second: Difference) -> tuple[Section, str, Table, Table]:
    """The section, its paragraphs, the table of averages and that of tasks."""
    made = section(found(first, second))
    assert made is not None
    averages, tasks = (block for block in made.blocks if isinstance(block, Table))
    return made, " ".join(block for block in made.blocks if isinstance(block, str)), averages, tasks


def test_it_names_the_real_differences_and_the_family() -> None:
    _, text, averages, _ = built(REAL, NOISE)
    assert "One of two average differences is more than noise" in text
    assert f"Method 0 on STS ({signed(-2.6)})" in text
    assert "Method 1 on STS" not in text
    assert "Holm" in text and "family" in text
    assert [row.cells[0].best for row in averages.rows] == [True, False]
    assert averages.rows[0].cells[1].text == f"{signed(-3.8)} to {signed(-1.4)}"


def test_numbers_are_set_as_numbers() -> None:
    _, _, averages, tasks = built(REAL.model_copy(update={"items_p": 0.0005}), NOISE)
    assert averages.rows[0].cells[4].text == "< 0.001"
    assert layout.numeric(averages) == [True, False, *[True] * 6]  # all but the interval
    assert layout.numeric(tasks) == [True, True]


def test_it_counts_what_items_alone_would_have_called_different() -> None:
    _, text, _, _ = built(REAL, NOISE)
    assert "On single tasks it is 2 of 4." in text
    assert "calls 4 of these different" in text


def test_nothing_real_is_said_plainly() -> None:
    _, text, averages, tasks = built(NOISE, NOISE)
    assert "**No of two" not in text
    assert "None of two average differences is more than noise" in text
    assert not any(cell.best for table in (averages, tasks) for row in table.rows for cell in row.cells)


def test_everything_real_leaves_no_others() -> None:
    assert "The others" not in built(REAL, REAL)[1]


def test_what_chance_yields_on_single_tasks_is_said() -> None:
    assert "Of two such families of tasks" in built(REAL, NOISE)[1]
    assert "something in about 0.1 at most" in built(REAL, NOISE)[1]


def test_one_seed_gets_no_interval() -> None:
    _, text, averages, tasks = built(ONE_SEED, ONE_SEED)
    assert "No difference has enough seeds in common to be judged." in text
    assert [cell.text for cell in averages.rows[0].cells[:6]] == ["+0.70", "—", "—", "—", "0.030", "—"]
    assert all(not cell.spread for row in tasks.rows for cell in row.cells)


def test_a_missing_difference_is_a_dash_with_its_reason() -> None:
    _, _, averages, tasks = built(ABSENT, REAL)
    for table in (averages, tasks):
        cell = table.rows[0].cells[0]
        assert (cell.text, cell.value) == ("—", None)
        assert table.notes[cell.note] == "No seed has a score of both."


def test_seeds_left_out_are_counted() -> None:
    _, _, averages, _ = built(REAL.model_copy(update={"left_out": 2}), NOISE)
    assert averages.notes[averages.rows[0].cells[0].note].startswith("Over three seeds; two left out")


def test_a_comparison_that_selection_by_the_test_scores_lifts_is_marked() -> None:
    lifted = found(REAL, NOISE)
    one, other = lifted.families[0].comparisons
    family = lifted.families[0].model_copy(update={"comparisons": [one.model_copy(update={"by_test": True}), other]})
    made = section(lifted.model_copy(update={"families": [family]}))
    assert made is not None
    averages = next(block for block in made.blocks if isinstance(block, Table))
    first, second = averages.rows
    assert "selected by these very test scores" in averages.notes[first.note]
    assert second.note == ""


def test_tasks_keep_their_headings() -> None:
    assert built(REAL, NOISE)[3].columns == ("STS12", "world-qa")


def test_nothing_to_compare_is_no_section(tmp_path: Path) -> None:
    assert section(None) is None
    file = tmp_path / "significance.json"
    nothing = Results((), {})
    assert tested.load(file, nothing) == (None, ())
    file.write_text(Significance(reference=None, resamples=500, families=[]).model_dump_json(), encoding="utf-8")
    assert tested.load(file, nothing) == (None, ())
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(NegbenchError):
        tested.load(file, nothing)


def drawn(first: Difference, second: Difference) -> Drawing:
    with mpl.rc_context(fname=STYLE):
        return forest(found(first, second))


def test_the_forest_sets_real_differences_apart_from_noise() -> None:
    """In hue, and in what is left of it in grey: filled or open, thick or thin."""
    lines = drawn(REAL, NOISE).axes[0].lines
    points = [line for line in lines if line.get_marker() == "o"]
    assert [to_hex(point.get_color()) for point in points] == [INK.lower(), GREY.lower()]
    assert [point.get_markerfacecolor() for point in points] == [INK, "white"]
    assert [list(point.get_xdata()) for point in points] == [[-2.6], [1.5]]
    bars = [line for line in lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]
    assert [list(bar.get_xdata()) for bar in bars] == [[-3.8, -1.4], [-2.0, 5.0]]
    assert bars[0].get_linewidth() > bars[1].get_linewidth()


def test_the_forest_shows_zero_even_where_all_lies_on_one_side() -> None:
    low, high = drawn(REAL, REAL).axes[0].get_xlim()
    assert low < 0 < high


def test_the_forest_draws_no_interval_that_there_is_not() -> None:
    axis = drawn(ONE_SEED, ABSENT).axes[0]
    assert len([line for line in axis.lines if line.get_marker() == "o"]) == 1
    assert not [line for line in axis.lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]
    assert "no interval" in [text.get_text() for text in axis.texts]


def test_the_forest_of_many_methods_fits_a_page() -> None:
    one = found(REAL, NOISE)
    crowded = one.families[0].model_copy(update={"comparisons": one.families[0].comparisons * 12})
    with mpl.rc_context(fname=STYLE):
        figure = forest(one.model_copy(update={"families": [crowded] * 4}))
    assert figure.get_size_inches()[1] <= 9


def test_the_forest_is_drawn_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        figures.save(drawn(REAL, NOISE), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_figure_of_the_section_is_the_one_that_is_drawn() -> None:
    made = built(REAL, NOISE)[0]
    assert [block.id for block in made.blocks if isinstance(block, Figure)] == [FIGURE]
