"""Studies as the report sees them: reading, what papers report beside them, figures and words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from report_fixture import write_results, write_study
from study_fixture import made_up, settings, with_failed

from pipelines.errors import NegbenchError
from reports import ablations, figures, paper, reported, study, study_figures, study_wording
from reports.document import Document, Table, names
from reports.study import Cell, Study
from reports.style import STYLE
from reports.wording import MINUS

PAPERS = paper.load_all(Path(__file__).parents[2] / "reports" / "paper")
STUDIES = [*settings().ablate]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_study(tmp_path / "ablate" / "queue_distance.csv", np.random.default_rng(3), 2)
    return tmp_path


def draw(one: Study) -> Figure:
    with mpl.rc_context(fname=STYLE):
        return study_figures.draw({one.name: one}, PAPERS)[one.name]


# Reading


def test_a_study_is_read_as_it_was_written(results: Path) -> None:
    found = study.load(results)["queue_distance"]
    assert (found.method, found.label, found.varied) == ("mocose", "MoCoSE", ("ema_decay", "queue_size"))
    assert [round(cell.facts["d_trace"], 2) for cell in found.cells] == [5.0, 8.0, 10.67, 14.67, 21.0, 52.0]
    assert found.cells[3].settings == {"ema_decay": 0.85, "queue_size": 512}
    assert all(sorted(cell.scores) == [0, 1] for cell in found.cells)
    best = max(found.cells, key=lambda cell: sum(cell.values) / 2)
    assert found.best == best
    assert found.seeds == 2


def test_a_study_that_was_not_run_or_not_asked_for_is_left_out(results: Path) -> None:
    assert study.load(results / "absent") == {}
    assert study.load(results, ["ema_decay"]) == {}
    assert [*study.load(results, ["ema_decay", "queue_distance"])] == ["queue_distance"]


def test_a_failed_seed_keeps_its_reason(results: Path) -> None:
    file = results / "ablate/queue_distance.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    at = next(index for index, line in enumerate(lines) if ",avg," in line)
    before, after = lines[at].split(",avg,spearman_all,")
    lines[at] = f"{before.rpartition(',')[0]},,avg,spearman_all,,failed,loss is nan at step 3,0"  # and no d_trace
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    cell = study.load(results)["queue_distance"].cells[0]
    assert (list(cell.scores), cell.missing) == ([1], ("loss is nan at step 3",))
    assert cell.facts == {"d_trace": 5.0}  # from the other seed
    assert after.split(",")[1] == "ok"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ema_decay,queue_size", "ema_decay,size", "no column queue_size"),
        (",5.0,avg,", ",far,avg,", "d_trace is no number: 'far'"),
        (",5.0,avg,", ",nan,avg,", "d_trace is no number: 'nan'"),
        ("0,mocose,0,", "0,mocose,x,", "seed is no number: 'x'"),
        (",ok,,", ",failed,,", "without a reason"),
        (",avg,", ",mean,", "no cell has a line for the average"),
    ],
)
def test_a_broken_table_is_one_line(results: Path, old: str, new: str, message: str) -> None:
    file = results / "ablate/queue_distance.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(NegbenchError, match=message) as caught:
        study.load(results)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text[: len(text) // 2], "line is cut short"),
        (
            lambda text: text[: text.index("\n3,") + 1],
            "cell 3, seed 0 stands 0 times among the averages, 1 in",
        ),
        (lambda text: text + text.splitlines(keepends=True)[8], "cell 0, seed 0 stands 2 times among the averages"),
        (lambda text: text.replace("\n0,mocose,1,", "\n0,mocose,2,"), "cell 0, seed 1 stands 0 times"),
        (lambda text: "\udcff" + text, "not a table"),
    ],
)
def test_a_table_that_was_cut_or_edited_counts_for_nothing(
    results: Path, edit: Callable[[str], str], message: str
) -> None:
    file = results / "ablate/queue_distance.csv"
    file.write_text(edit(file.read_text(encoding="utf-8")), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(NegbenchError, match=message) as caught:
        study.load(results)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda file: file.unlink(), "the file is missing"),
        (lambda file: file.write_text("{"), "not valid JSON"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "not valid JSON"),
        (lambda file: file.write_text("{}"), "method: Field required"),
        (lambda file: file.write_text("[]"), "valid dictionary"),
        (lambda file: file.write_text(file.read_text().replace('"cell": 5', '"cell": 6')), "cell 5, seed 0 stands 1"),
    ],
)
def test_a_broken_description_is_one_line(results: Path, break_it: Callable[[Path], Any], message: str) -> None:
    break_it(results / "ablate/queue_distance.json")
    with pytest.raises(NegbenchError, match=message):
        study.load(results)


@pytest.mark.parametrize("value", [0.85, 5e-9, 512, True, False, None, "middle", math.inf])
def test_settings_come_back_from_a_table_as_they_were(results: Path, value: Any) -> None:
    file = results / "ablate/queue_distance.csv"
    text = file.read_text(encoding="utf-8").replace("mocose,0,0.75,", f"mocose,0,{'' if value is None else value},")
    file.write_text(text, encoding="utf-8")
    found = study.load(results)["queue_distance"].cells[0].settings["ema_decay"]
    assert found == value
    assert type(found) is type(value)


def test_curves_are_the_looks_at_the_test_sets(results: Path) -> None:
    file = results / "ablate/queue_distance.json"
    about = json.loads(file.read_text(encoding="utf-8"))
    about["runs"][1]["looks"] = [
        {"step": 50, "stsb_dev": 1.0, "sts_test": 2.0},
        {"step": 100, "stsb_dev": None, "sts_test": None},
        {"step": 150, "stsb_dev": 3.0, "sts_test": 4.0},
    ]
    about["runs"][2]["looks"] = [{"step": 50, "stsb_dev": 1.0}]
    file.write_text(json.dumps(about), encoding="utf-8")
    cells = study.load(results)["queue_distance"].cells
    assert [cell.curve for cell in cells[:2]] == [{1: ((50, 2.0), (150, 4.0))}, {}]


# Beside the papers


@pytest.mark.parametrize("name", STUDIES)
def test_the_grid_is_the_papers_own(name: str) -> None:
    """Every number that a paper reports at a setting of the study has a cell, and every cell a number.

    But for runs evaluated without the augmentation that they were trained with, of which the papers have none.
    """
    one = made_up(name)
    reported_at: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}
    for block in reported.blocks(one, PAPERS):
        found = reported.points(block)
        shared = tuple(key for key in one.varied if key in found[0].settings)
        if shared:  # not the steps of a run
            at = {tuple(point.settings[key] for key in shared) for point in found}
            reported_at.setdefault(shared, set()).update(at)
        fixed = {key: value for key, value in block.settings.items() if key in one.fixed}
        assert fixed == {key: one.fixed[key] for key in fixed}, block.id
    for shared, at in reported_at.items():
        ours = {tuple(cell.settings[key] for key in shared) for cell in one.cells}
        assert at <= ours
        rest = [dict(zip(shared, own, strict=True)) for own in ours - at]
        assert not any(own.get("augment_at_evaluation", True) for own in rest)


def test_the_number_beside_a_cell_is_that_of_the_nearest_settings() -> None:
    one = made_up("queue_distance")
    blocks = {block.id: block for block in reported.blocks(one, PAPERS)}
    for cell in one.cells:
        found = reported.beside(one, cell, [*blocks.values()])
        assert found is not None
        block, point = found
        assert block.id == "queue-distance-by-batch"  # which states the batch size too
        naive = [
            value
            for distance, _, _, batch, value in block.cells
            if abs(distance - cell.facts["d_trace"]) < 0.01 and batch == cell.settings["batch_size"]
        ]
        assert [point.value] == naive
    other = replace(one.cells[0], settings=one.cells[0].settings | {"ema_decay": 0.6}, facts={"d_trace": 3.5})
    assert reported.beside(one, other, [*blocks.values()]) is None


def test_a_number_at_other_settings_stands_beside_none_of_ours() -> None:
    one = made_up("queue_slices")
    found = reported.blocks(one, PAPERS)
    assert reported.beside(one, one.cells[0], found) is not None  # its looks came every 175 steps and ours do not
    for name, value in (("batch_size", 64), ("queue_size", 512)):
        assert name not in one.varied
        other = replace(one, fixed=one.fixed | {name: value})
        assert reported.beside(other, one.cells[0], found) is None


def test_the_papers_highest_number() -> None:
    one = made_up("queue_slices")
    found = reported.peak(one, reported.blocks(one, PAPERS))
    assert found is not None
    block, point = found
    values = block.column("avg")
    assert (point.value, point.settings["queue_slice"]) == (max(values), "middle")
    assert reported.peak(one, []) is None


def test_the_highest_number_is_of_what_stands_beside_our_cells() -> None:
    """Figure 2 is a mean over batch sizes, Figure 3 has each: runs of one batch size are beside the second."""
    one = made_up("queue_distance")
    found = reported.peak(one, reported.blocks(one, PAPERS))
    assert found is not None
    assert found[0].id == "queue-distance-by-batch"


# Figures


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_draws_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    for one in (made_up(name, 1), with_failed(made_up(name, 2), 0)):
        for file in ("one.svg", "two.svg"):
            figures.save(draw(one), tmp_path / file)
        assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_cut_down_or_widened_still_draws(name: str) -> None:
    """As `ablate.<study>.cells=[...]` may leave it: one cell, or cells that differ in something else too."""
    one = made_up(name, 2)
    cells = [
        replace(cell, settings=cell.settings | {"odd": value})
        for cell, value in zip(one.cells[:2], ("a", None), strict=True)
    ]
    for other in (
        replace(one, varied=(), cells=(replace(one.cells[0], settings={}),)),
        replace(one, varied=(*one.varied, "odd"), cells=tuple(cells)),
        replace(
            one, varied=("odd",), cells=tuple(replace(cell, settings={"odd": cell.settings["odd"]}) for cell in cells)
        ),
    ):
        draw(other)
        names(Document("", "", "", (ablations.section(other, PAPERS),)))


def test_a_study_without_a_score_has_no_figure() -> None:
    one = made_up("ema_decay", 2)
    for number in range(len(one.cells)):
        one = with_failed(one, number)
    assert study_figures.draw({"ema_decay": one}, PAPERS) == {}


def test_a_curve_is_means_with_one_deviation_to_either_side() -> None:
    one = made_up("ema_decay")
    ours, theirs = draw(one).axes
    x, y = ours.lines[0].get_data()
    expected = {cell.settings["ema_decay"]: cell.values for cell in one.cells}
    assert [*x] == sorted(expected)
    assert [*y] == pytest.approx([np.mean(expected[at]) for at in x])
    band = next(part for part in ours.collections if isinstance(part, PolyCollection))
    corners = np.concatenate([path.vertices for path in band.get_paths()])
    for at in x:
        reach = corners[corners[:, 0] == at, 1]
        deviation = np.std(expected[at], ddof=1)
        assert (max(reach) - min(reach)) / 2 == pytest.approx(deviation)
    seeds = next(part for part in ours.collections if isinstance(part, PathCollection))
    assert len(seeds.get_offsets()) == 3 * len(x)
    block = reported.blocks(one, PAPERS)[0]
    assert [*theirs.lines[0].get_ydata()] == block.column("value")


@pytest.mark.parametrize("name", ["ema_decay", "queue_distance", "softcse_sharpness"])
def test_one_seed_has_no_band(name: str) -> None:
    ours = draw(made_up(name, 1)).axes[0]
    assert not [part for part in ours.collections if isinstance(part, PolyCollection)]


def test_a_setting_at_infinity_is_a_level() -> None:
    one = made_up("softcse_sharpness")
    limit = next(cell for cell in one.cells if math.isinf(cell.settings["sharpness"]))
    axis = draw(one).axes[0]
    assert all(np.isfinite(line.get_xdata()).all() for line in axis.lines)
    level = next(line for line in axis.lines if len({*line.get_ydata()}) == 1 and len(line.get_xdata()) == 2)
    assert level.get_ydata()[0] == pytest.approx(np.mean(limit.values))


@pytest.mark.parametrize(("level", "named"), [(10.0, 1), (90.0, 0)])
def test_the_highest_point_is_named_unless_the_limit_is_higher(level: float, named: int) -> None:
    one = made_up("softcse_sharpness")
    cells = tuple(
        replace(cell, scores={0: level, 1: level}) if math.isinf(cell.settings["sharpness"]) else cell
        for cell in one.cells
    )
    axis = draw(replace(one, cells=cells)).axes[0]
    assert sum("highest" in text.get_text() for text in axis.texts) == named


def test_boxes_are_quartiles_and_too_few_seeds_make_none() -> None:
    three, two = draw(made_up("out_size", 3)).axes[0], draw(made_up("out_size", 2)).axes[0]
    cells = made_up("out_size", 3).cells
    medians = [line.get_ydata()[0] for line in three.lines if line.get_linewidth() == 1.4]
    assert medians == pytest.approx([np.median(cell.values) for cell in cells])
    assert not two.lines
    assert sum(len(part.get_offsets()) for part in two.collections) == 2 * len(cells)


def test_the_heat_table_prints_every_mean() -> None:
    one = with_failed(made_up("projector_predictor"), 4)
    ours, theirs = draw(one).axes
    printed = [text.get_text() for text in ours.texts]
    assert printed == ["—" if cell.number == 4 else f"{np.mean(cell.values or 0):.2f}" for cell in one.cells]
    assert next(text.get_text() for text in theirs.texts) == "60.46"


def test_collapse_is_drawn_over_steps() -> None:
    one = made_up("collapse", 2)
    ours = draw(one).axes[0]
    for line, cell in zip(ours.lines, one.cells, strict=True):
        steps = np.array([*cell.curve.values()])  # (seeds, looks, 2)
        assert [*line.get_xdata()] == [*steps[0, :, 0]]
        assert [*line.get_ydata()] == pytest.approx([*steps[:, :, 1].mean(axis=0)])
    ends = draw(replace(one, cells=tuple(replace(cell, curve={}) for cell in one.cells)))
    assert next(label.get_text() for label in ends.axes[0].get_yticklabels()) == "EMA decay η 0, predictor layers 0"


# Words


def cells_at(*scores: tuple[float, ...], missing: tuple[str, ...] = ()) -> Study:
    cells = [
        Cell(number, {"ema_decay": decay}, {}, dict(enumerate(values)), () if values else missing)
        for number, (decay, values) in enumerate(zip((0.5, 0.85, 0.95), scores, strict=False))
    ]
    return Study("ema_decay", "mocose", "MoCoSE", ("ema_decay",), {"sentences": 6400}, {}, tuple(cells))


@pytest.mark.parametrize("seeds", [1, 2])
def test_no_score_is_said_of_cells_without_one_alone(seeds: int) -> None:
    one = with_failed(made_up("augmentation", seeds), 1)
    said = [text for axis in draw(one).axes for text in axis.texts if text.get_text() == "no score"]
    assert [text.xy[1] for text in said] == [1]


def words(one: Study) -> str:
    return ablations.text(one, reported.blocks(one, PAPERS))


def test_the_words_name_both_optima_and_whether_seeds_separate_them() -> None:
    apart = words(cells_at((60.0, 61.0), (55.0, 56.0), (60.5, 59.0)))
    assert "The highest average of MoCoSE is 60.50 ± 0.71 (EMA decay η 0.5)." in apart
    assert "The highest reported is 76.49 (EMA decay η 0.85; Table 3)." in apart
    assert "Ours there is 55.50 ± 0.71." in apart
    assert "best of the three settings is with 95% confidence among these: 0.5; 0.95." in apart
    same = words(cells_at((50.0, 51.0), (55.0, 56.0)))
    assert "Ours is highest there too." in same
    assert "is with 95% confidence among these: 0.85." in same
    assert "any of the two settings may be the best" in words(cells_at((1.0, 3.0), (2.0, 2.5)))


def test_what_is_printed_alike_leads_alike() -> None:
    one = cells_at((60.001, 61.001), (60.0, 61.0), (50.0, 51.0))
    assert "is 60.50 ± 0.71 (EMA decay η 0.5); printed alike: 0.85." in words(one)
    assert "Ours is highest there too." in words(one)  # the paper's is at 0.85
    rows = ablations.table(one, reported.blocks(one, PAPERS)).groups[0].rows
    assert [any(cell.best for cell in row.cells) for row in rows] == [True, True, False]
    for drawn, named in ((one, 0), (cells_at((60.0, 61.0), (55.0, 56.0)), 1)):
        assert sum("highest" in text.get_text() for text in draw(drawn).axes[0].texts) == named


def test_a_cell_that_leads_with_what_is_left_of_its_seeds_says_so() -> None:
    one = cells_at((60.0, 61.0), (55.0, 56.0))
    best = replace(one.cells[0], missing=("loss is nan at step 3",))
    text = words(replace(one, cells=(best, *one.cells[1:])))
    assert "(EMA decay η 0.5), of what is left: one of three seeds ended without a score." in text
    assert "of what is left" not in words(one)
    three = cells_at((60.0, 61.0), (55.0, 56.0), (50.0, 51.0))
    text = words(replace(three, cells=(best, *three.cells[1:])))
    assert "the best of the two settings with a score of every seed is" in text


def test_a_cell_that_chose_by_these_scores_does_not_lead() -> None:
    """Where nothing else can lead it does."""
    one = made_up("fidelity")
    high = [replace(cell, scores=dict.fromkeys(cell.scores, 90.0 + cell.number)) for cell in one.cells]
    lifted = [cell.settings["select"] == "sts-test" for cell in one.cells]
    assert lifted == [False] * 5 + [True] * 2
    study = replace(one, cells=tuple(b if up else a for a, b, up in zip(one.cells, high, lifted, strict=True)))
    assert study.best == one.best
    text = words(study)
    assert "90" not in text
    assert "have their checkpoints chosen by these very scores and are not counted" in text
    assert "the five settings" in text and "a score of every seed" not in text  # what is not counted lost none
    assert replace(study, cells=study.cells[5:]).best == high[6]


def test_one_seed_separates_nothing() -> None:
    text = words(cells_at((60.0,), (55.0,)))
    assert "±" not in text
    assert text.endswith("There is one seed, so nothing tells settings from chance.")


def test_the_words_on_collapse_say_where_each_cell_began_and_ended() -> None:
    one = made_up("collapse", 2)
    text = words(one)
    for cell in one.cells:
        first, last = (np.mean([curve[look][1] for curve in cell.curve.values()]) for look in (0, -1))
        assert f"{first:.2f} to {last:.2f} ({study_wording.label(one, cell)})" in text


def test_cells_without_a_score_are_told_with_their_reason() -> None:
    one = cells_at((60.0, 61.0), (), (59.0, 60.5), missing=("loss is nan at step 3", "loss is nan at step 3"))
    assert words(one).endswith("One of three cells has no score.")
    table = next(block for block in ablations.section(one, PAPERS).blocks if isinstance(block, Table))
    value = table.rows[1].cells[0]
    assert (value.text, value.value) == ("—", None)
    assert table.notes[value.note] == "Two seeds without a score: loss is nan at step 3."
    none = cells_at((), (), missing=("why",))
    found = ablations.section(none, PAPERS)
    assert found.blocks[0].startswith("No cell of this study of MoCoSE has a score. The highest reported is 76.49")
    assert [type(block).__name__ for block in found.blocks] == ["str", "Table"]


@pytest.mark.parametrize("name", STUDIES)
def test_every_section_stands_by_itself(name: str) -> None:
    for one in (made_up(name), made_up(name, 1), with_failed(made_up(name, 2), 1)):
        found = ablations.section(one, PAPERS)
        names(Document("", "", "", (found,)))  # every reference leads somewhere
        table = next(block for block in found.blocks if isinstance(block, Table))
        assert len(table.rows) == len(one.cells)
        column = table.columns.index("average STS")
        for row, cell in zip(table.rows, one.cells, strict=True):
            value = row.cells[column].value
            assert value == (pytest.approx(np.mean(cell.values)) if cell.scores else None)
            assert row.cells[column].best == (cell is one.best)
            deviation = np.std(cell.values, ddof=1) if len(cell.scores) > 1 else None
            assert row.cells[column + 1].value == (None if deviation is None else pytest.approx(deviation))
            assert row.cells[column + 2].text == str(len(cell.scores))


def test_no_study_no_section(tmp_path: Path) -> None:
    assert ablations.sections({}, PAPERS) == []
    assert ablations.sections(study.load(write_results(tmp_path, study_seeds=0)), PAPERS) == []


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.85, "0.85"),
        (0.005, "0.005"),
        (44 / 3, "14.67"),
        (4096, "4096"),
        (512, "512"),
        (5e-9, f"5e{MINUS}9"),
        (True, "yes"),
        (None, "default"),
        (math.inf, "∞"),
    ],
)
def test_settings_in_print(value: Any, printed: str) -> None:
    assert study_wording.shown(value) == printed


def test_a_cell_is_named_by_what_is_switched_on() -> None:
    one = made_up("augmentation")
    found = [study_wording.label(one, cell) for cell in one.cells]
    assert found[:3] == ["none of these", f"FGSM ε 5e{MINUS}9", "shuffled positions"]
    assert len({*found}) == len(found)
    switches = made_up("fidelity")
    named = [study_wording.label(switches, cell) for cell in switches.cells]
    assert [named[place] for place in (0, 2, 3, 6)] == [
        "none of these",
        "no detached keys",
        "rise of the decay cosine 15000",
        "released",
    ]
    assert len({*named}) == len(named)
