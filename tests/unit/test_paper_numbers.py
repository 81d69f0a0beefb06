"""Reported numbers: each line adds up, copies agree, and figures agree with the tables that they show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml

from methods.core.contract import load_method, load_trained
from pipelines.params import Train, method_names
from reports import paper
from reports.block import TASKS, VALUES, Block
from reports.families import AVERAGE, STS
from reports.paper import Row
from reports.rules import Methods

FOLDER = Path(__file__).parents[2] / "reports" / "paper"
PAPERS = {one.key: one for one in paper.load_all(FOLDER)}
ROWS = {row.id: row for one in PAPERS.values() for row in one.lines}
BLOCKS = {block.id: block for one in PAPERS.values() for block in one.numbers}

DIGITISED = 0.03  # how far a number read off a figure of lines may be out
DIGITISED_BOX = 0.05  # and one of Figure 12

# Lines whose printed average is not the mean of their printed tasks, within rounding.
DO_NOT_ADD_UP = {
    "bert-average-transfer",  # 84.954, printed as 84.94
}
# Copies that differ from their originals.
MISPRINTS = {
    "mocose-bert-base-leaderboard",  # 71.58 for 71.48 in STS12
}


def adds_up(scores: dict[str, float]) -> bool:
    """Scores and their average, each off by half a hundredth at most."""
    exact = {task: Decimal(str(value)) for task, value in scores.items()}
    average = exact.pop(AVERAGE)
    return abs(sum(exact.values()) / len(exact) - average) <= Decimal("0.01")


def scores_of(row: Row) -> dict[str, float]:
    return {task: cell.value for task in row.tasks if (cell := row.cell(task))}


def cells(block: Block) -> list[dict[str, Any]]:
    """Each cell by column, with the settings that all share."""
    return [block.settings | dict(zip(block.columns, cell, strict=True)) for cell in block.cells]


def settings(cell: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cell.items() if name not in (*VALUES, *TASKS)}


def complete_lines() -> Iterator[tuple[str, dict[str, float]]]:
    """All scores of a table's tasks with their average, wherever they are kept."""
    for id_, row in ROWS.items():
        if len(scores := scores_of(row)) == len(row.tasks):
            yield id_, scores
    for id_, block in BLOCKS.items():
        if set(STS.labels) <= set(block.columns):
            for number, cell in enumerate(cells(block)):
                yield f"{id_} {number}", {task: cell[task] for task in STS.labels}
    for one in PAPERS.values():
        for other in one.reproductions:
            if len(other.tasks) == len(STS.labels) - 1:
                yield f"{other.row} by {other.source}", other.tasks | {AVERAGE: other.values[0]}


def test_every_line_adds_up() -> None:
    lines = dict(complete_lines())
    assert sum(id_.startswith("notebook-curves") for id_ in lines) == 77
    assert (
        len(lines) >= 37 + 77 + 5 + 4 + 8 + 2
    )  # rows, curves, slices, notebook's runs and augmentations, others' runs
    assert {id_ for id_, scores in lines.items() if not adds_up(scores)} == DO_NOT_ADD_UP


def test_a_misprint_does_not_add_up() -> None:
    assert not adds_up(scores_of(ROWS["mocose-bert-base"]) | scores_of(ROWS["mocose-bert-base-leaderboard"]))


def test_tables_1_and_2_are_complete() -> None:
    assert sum(row.where == "Table 1" for row in PAPERS["mocose"].rows) == 14
    assert sum(row.where == "Table 2" for row in PAPERS["mocose"].transfer) == 9


def test_which_transfer_numbers_can_be_test_accuracies() -> None:
    """TREC has 500 test sentences: a test accuracy in per cent is a multiple of 0.2, to two decimals."""
    possible = {id_: round(row.cell("TREC").value * 5, 2) % 1 == 0 for id_, row in ROWS.items() if "transfer" in id_}
    assert {id_ for id_, is_possible in possible.items() if not is_possible} == {
        id_ for id_, row in ROWS.items() if row.metric == "devacc"
    }
    assert BLOCKS["trec-test"].column("value")[0] * 5 % 1 == pytest.approx(0)
    assert BLOCKS["trec-dev"].column("value")[0] * 5 % 1 == pytest.approx(0.5)


def test_repeated_rows_agree_with_their_originals() -> None:
    copies = [row for row in ROWS.values() if row.repeats]
    assert len(copies) >= 7
    differ = {copy.id for copy in copies if not scores_of(copy).items() <= scores_of(ROWS[str(copy.repeats)]).items()}
    assert differ == MISPRINTS


def test_the_leaderboard_has_the_averages_of_the_rows() -> None:
    rows = [row for one in PAPERS.values() for row in one.rows if row.methods]
    ours = {(row.label.split(" (")[0], row.backbone): scores_of(row)[AVERAGE] for row in rows}
    copied = [(cell["method"], cell["backbone"], cell["value"]) for cell in cells(BLOCKS["leaderboard"])]
    shared = [(ours[method, backbone], value) for method, backbone, value in copied if (method, backbone) in ours]
    assert len(shared) >= 8
    assert all(own == value for own, value in shared)


# Figures against tables.


def test_a_band_contains_its_value() -> None:
    banded = [block for block in BLOCKS.values() if {"value", "low", "high"} <= set(block.columns)]
    assert banded
    assert all(cell["low"] < cell["value"] < cell["high"] for block in banded for cell in cells(block))


def test_a_range_has_a_lower_and_an_upper_end() -> None:
    ranges = [block for block in BLOCKS.values() if {"low", "high"} <= set(block.columns)]
    assert all(cell["low"] <= cell["high"] for block in ranges for cell in cells(block))


def test_a_number_read_off_a_figure_says_how_exact_it_is() -> None:
    digitised = [block for block in BLOCKS.values() if block.certainty == "A-fig"]
    assert {block.where for block in digitised} >= {"Figure 2", "Figure 3", "Figures 5 and 6", "Figure 7", "Figure 12"}
    assert all(block.note for block in digitised)


def test_figure_2_is_the_mean_of_figure_3() -> None:
    by_batch = cells(BLOCKS["queue-distance-by-batch"])
    for mean in cells(BLOCKS["queue-distance"]):
        batches = [cell for cell in by_batch if cell["d_trace"] == mean["d_trace"]]
        assert [cell["batch_size"] for cell in batches] == [64, 128, 256]
        assert {cell["ema_decay"] for cell in batches} == {mean["ema_decay"]}
        assert {cell["queue_size"] / cell["batch_size"] for cell in batches} == {mean["batches_in_queue"]}
        assert fmean(cell["value"] for cell in batches) == pytest.approx(mean["value"], abs=DIGITISED)


def test_distances_follow_from_their_settings() -> None:
    for cell in cells(BLOCKS["queue-distance"]):
        distance = 1 / (1 - cell["ema_decay"]) + cell["batches_in_queue"]
        assert cell["d_trace"] == pytest.approx(distance, abs=0.005)


def test_ema_table_lies_in_the_band_of_its_figure() -> None:
    table = dict(BLOCKS["ema-decay"].cells)
    band = cells(BLOCKS["ema-decay-band"])
    assert table.keys() - {cell["ema_decay"] for cell in band} == {0.5}  # the figure leaves it out
    assert all(cell["low"] < table[cell["ema_decay"]] < cell["high"] for cell in band)


def test_table_7_is_the_mean_of_the_boxes_of_figure_12() -> None:
    """A box of three runs is its minimum, median and maximum."""
    table = {(cell["queue_size"], cell["initial_fill"]): cell["value"] for cell in cells(BLOCKS["queue-fill"])}
    boxes = cells(BLOCKS["queue-fill-boxes"])
    assert len(boxes) == 16
    for box in boxes:
        three = fmean([box["min"], box["median"], box["max"]])
        assert three == pytest.approx(table[box["queue_size"], box["initial_fill"]], abs=DIGITISED_BOX)


def test_boxes_are_of_three_runs() -> None:
    """With three runs each quartile is the mean of the median and an end: why `seeds` is 3."""
    for box in cells(BLOCKS["queue-fill-boxes"]):
        assert box["q1"] == pytest.approx((box["min"] + box["median"]) / 2, abs=DIGITISED_BOX)
        assert box["q3"] == pytest.approx((box["max"] + box["median"]) / 2, abs=DIGITISED_BOX)


@pytest.mark.parametrize("id_", ["queue-fill-boxes", "out-size"])
def test_boxes_are_in_order(id_: str) -> None:
    for box in cells(BLOCKS[id_]):
        five = [box[name] for name in ("min", "q1", "median", "q3", "max")]
        assert five == sorted(five)


def test_the_shares_of_table_7_are_its_fills() -> None:
    shares = {"none": 0, "1/4": 1 / 4, "1/2": 1 / 2, "all": 1}
    table = cells(BLOCKS["queue-fill"])
    assert len(table) == 4 * 5
    assert all(cell["initial_fill"] == max(1, shares[cell["share"]] * cell["queue_size"]) for cell in table)


def test_the_noise_is_the_spread_of_one_setting() -> None:
    """Blocks whose settings are the base model's, known to be so, and the four values that they have for it."""
    base = {"ema_decay": 0.85, "queue_size": 512, "batch_size": 64}
    found = {
        cell["value"]
        for block in BLOCKS.values()
        if block.study and block.certainty == "A"
        for cell in cells(block)
        if base.items() <= cell.items() and cell.get("initial_fill", 128) == 128 and not cell.get("queue_clusters")
    }
    assert found == {76.41, 76.49, 77.25, 77.30}
    noise = next(row.noise for row in PAPERS["mocose"].rows if row.id == "mocose-bert-base")
    assert noise
    assert noise.value == pytest.approx(max(found) - min(found))


def test_the_noise_of_a_recipe_that_others_ran_is_the_spread_of_their_runs() -> None:
    paper = PAPERS["simcse"]
    (typical,) = (other for other in paper.reproductions if other.setting.startswith("typical"))
    noise = next(row.noise for row in paper.rows if row.id == typical.row)
    assert noise and typical.range
    assert noise.value == pytest.approx(typical.range[1] - typical.range[0])
    assert (noise.source, noise.certainty) == (typical.source, typical.certainty)


# The notebook.


def test_the_curves_contain_the_runs_best_and_last_looks() -> None:
    curves = cells(BLOCKS["notebook-curves"])
    for run in cells(BLOCKS["notebook-runs"]):
        curve = [look for look in curves if look["notebook_cell"] == run["notebook_cell"]]
        assert max(curve, key=lambda look: look[AVERAGE]) == run
        assert [look["step"] for look in curve] == [175 * (number + 1) for number in range(len(curve))]
    last = {look["notebook_cell"]: (look["step"], look[AVERAGE]) for look in curves}
    assert last == {cell["notebook_cell"]: (cell["step"], cell["value"]) for cell in cells(BLOCKS["notebook-last"])}


def test_the_augmentation_table_prints_the_notebooks_best_looks() -> None:
    listed = {c["augmentation"]: c[AVERAGE] for c in cells(BLOCKS["notebook-augmentation"]) if not c["fgsm_epsilon"]}
    best = {c["augmentation"]: c["value"] for c in cells(BLOCKS["notebook-augmentation-best"]) if not c["fgsm_epsilon"]}
    assert listed | best == dict(BLOCKS["augmentation-of-text"].cells)
    assert all(listed[name] < value for name, value in best.items())


def test_paraphrase_is_one_run() -> None:
    """Cells 21 and 23 of the notebook, and so the table's row."""
    run = next(cell for cell in cells(BLOCKS["notebook-runs"]) if cell["notebook_cell"] == 21)
    listed = [cell for cell in cells(BLOCKS["notebook-augmentation"]) if cell["augmentation"] == run["augmentation"]]
    assert {task: run[task] for task in STS.labels} == {task: listed[0][task] for task in STS.labels}


def test_alignment_falls_and_uniformity_rises_together() -> None:
    """In the notebook the checkpoint that aligns best is the least uniform, on all pairs and on the positive ones."""
    for pairs in ("all", "positive"):
        alignment, uniformity = (
            BLOCKS[f"notebook-{what}-{pairs}"].column("value") for what in ("alignment", "uniformity")
        )
        assert alignment == sorted(alignment)
        assert uniformity == sorted(uniformity, reverse=True)


# Names that others rely on.


@pytest.mark.parametrize("block", [one for one in BLOCKS.values() if one.study], ids=lambda block: block.id)
def test_a_study_has_the_settings_of_our_method(block: Block) -> None:
    """Whatever is a switch of MoCoSE or of its recipe by name has a value that it takes; the others describe."""
    switches = load_trained("mocose", {}, "mocose")[1]
    described = {"d_trace", "batches_in_queue", "share", "slots", "queue", "augmentation", "step", "until"}
    for cell in map(settings, cells(block)):
        of_method = {name: value for name, value in cell.items() if name in type(switches).model_fields}
        recipe = {name: value for name, value in cell.items() if name in Train.model_fields}
        assert cell.keys() - of_method.keys() - recipe.keys() <= described
        load_trained("mocose", {"initial_fill": 0} | of_method, block.id)  # the default may exceed a small queue
        Train.model_validate({"sentences": 2} | recipe)
    assert len({tuple(settings(cell).items()) for cell in cells(block)}) == len(block.cells)


def test_every_source_is_used_and_every_method_exists() -> None:
    for file in FOLDER.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        for source in yaml.safe_load(text)["sources"]:
            assert text.count(source) > 1, f"{file.name}: {source}"
    assert {name for row in ROWS.values() for name in row.methods} <= set(method_names())
    for name in method_names():
        if (key := load_method(name).paper) is not None:
            assert key in PAPERS
            assert not PAPERS[key].rows or any(name in row.methods for row in PAPERS[key].rows)


def test_softcse_claims_each_task_family() -> None:
    measured = [claim.rule.measure for claim in PAPERS["softcse"].claims if isinstance(claim.rule, Methods)]
    assert measured == ["sts", "transfer", "retrieval", "reranking"]


def test_figure_7_does_not_show_mocose_flatter_than_simcse() -> None:
    """As shares of the largest, whatever the matrix's scale: what the note of the claim says."""
    values = {(cell["model"], cell["index"]): cell["value"] for cell in cells(BLOCKS["singular-values"])}
    for index in (50, 100, 200):
        shares = {model: values[model, index] / values[model, 0] for model in ("BERT", "MoCoSE", "SimCSE")}
        assert shares["BERT"] < shares["MoCoSE"] < shares["SimCSE"]
