"""Verdicts from seeds with known answers, and the sentences built on them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from report_fixture import fail, record, write_json, write_results

from methods.core.encoder import POOLINGS
from pipelines.params import Train
from reports import comparison, paper, prose, records, scores, verdicts, wording
from reports.document import Table
from reports.families import STS
from reports.stats import summarise
from reports.verdicts import Comparison, Comparisons

REPORTS = Path(__file__).parents[2] / "reports"
PAPERS = paper.load_all(REPORTS / "paper")
BERT = "bert-base-uncased"


def compare(results: Path) -> dict[str, Comparisons]:
    return {one.method.name: one for one in verdicts.compare(records.load(results), PAPERS)}


def simcse(folder: Path, scores: list[float], **conditions: Any) -> Comparison:
    """The verdict on SimCSE's STS-B (reported: 76.85), our seeds having these scores."""
    results = write_results(folder, seeds=len(scores), **{"comparable": "yes", "backbone": BERT, **conditions})
    for seed, value in enumerate(scores):
        file = results / f"simcse/{seed}/records.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        content["records"][[*STS.labels].index("STSB")] = record("STSB", value)
        write_json(file, content)
    return compare(results)["simcse"].tasks[[*STS.labels].index("STSB")]


def test_demo_is_never_comparable(tmp_path: Path) -> None:
    found = compare(write_results(tmp_path, backbone=BERT))
    assert sorted(found) == ["first_last_avg", "mocose", "simcse"]
    tasks = [task for one in found.values() for task in one.tasks]
    assert {task.verdict for task in tasks} == {"not comparable"}
    assert {task.reason for task in tasks} == {"generated data and a tiny backbone"}


def test_what_others_found_stands_beside_the_reported_score(tmp_path: Path) -> None:
    found = comparison.section(verdicts.compare(records.load(write_results(tmp_path, backbone=BERT)), PAPERS))
    (table,) = (block for block in found.blocks if isinstance(block, Table))
    beside = next(row for group in table.groups if "SimCSE" in group.title for row in group.rows if row.note)
    note = table.notes[beside.note]
    assert note.startswith("Averages that others found: 73.47 (torch 1.7.1, CUDA 11.1, one 3090); 74.84 (")
    assert "; 74.90, 75.70 (a first seed, then others); " in note
    assert note.endswith("74.80 to 76.00 (typical runs by others).")


def test_small_compares_directions_only(tmp_path: Path) -> None:
    task = simcse(tmp_path, [76.85, 76.85], comparable="direction")
    assert task.verdict == "not comparable"
    assert task.reason.startswith("direction only")


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ([76.84, 76.86, 76.85], "reproduced"),
        ([77.3, 77.5, 77.4], "reproduced"),  # 0.55 ± 0.25 off, and 1.2 is near
        ([76.0, 77.0, 76.5], "undecided"),  # 0.35 ± 1.24
        ([70.85, 76.95, 82.85], "undecided"),  # 0.03 ± 14.90: a mean that is on the spot by chance
        ([75.1, 75.2, 75.6], "undecided"),  # 1.55 ± 0.66
        ([72.0, 74.5, 72.5], "undecided"),  # 3.85 ± 3.29, where a further run may be 6.6 off
        ([75.1, 75.2, 75.3], "not reproduced"),  # 1.65 ± 0.25
        ([78.4, 78.5, 78.6], "not reproduced"),  # too high is as far off as too low
    ],
)
def test_verdicts(tmp_path: Path, scores: list[float], verdict: str) -> None:
    task = simcse(tmp_path, scores)
    assert task.verdict == verdict
    assert task.delta == pytest.approx(sum(scores) / len(scores) - 76.85)


@pytest.mark.parametrize(("centre", "wrong"), [(76.85, "not reproduced"), (76.85 + 1.2, "reproduced")])
def test_a_verdict_errs_once_in_twenty_at_most(centre: float, wrong: str) -> None:
    """Refuting a true mean that is the reported number, and confirming one that is no longer near."""
    random = np.random.default_rng(0)
    for n in (3, 5):
        for scale in (0.1, 0.4, 2.0):
            samples = [summarise(own) for own in random.normal(centre, scale, (1000, n)).tolist()]
            found = [
                verdicts._verdict(abs(own.mean - 76.85), own.half_width or 0, 1.2, own.reach() or 0)[0]
                for own in samples
            ]
            assert np.mean([verdict == wrong for verdict in found]) <= 0.05


@pytest.mark.parametrize(("n", "runs"), [(3, 1), (5, 1), (5, 3)])
def test_a_paper_that_ran_what_we_run_is_reached_nineteen_times_in_twenty(n: int, runs: int) -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(76, 0.4, (4000, n)), random.normal(76, 0.4, (4000, runs)).mean(1)
    samples = [summarise(scores) for scores in ours.tolist()]
    reached = [abs(own.mean - value) <= (own.reach(runs) or 0) for own, value in zip(samples, theirs, strict=True)]
    assert np.mean(reached) == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 4000) ** 0.5)


@pytest.mark.parametrize(("noise", "offset", "verdict"), [(0.7, 0.69, "reproduced"), (0.7, -0.71, "not reproduced")])
def test_where_a_paper_tells_its_noise_that_is_what_is_near(
    tmp_path: Path, noise: float, offset: float, verdict: str
) -> None:
    shutil.copytree(REPORTS / "paper", tmp_path / "paper")
    file = tmp_path / "paper/mocose.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("noise: {value: 0.89") == 1
    file.write_text(text.replace("noise: {value: 0.89", f"noise: {{value: {noise}"), encoding="utf-8")
    settings = {"select": "sts-test"}
    results = write_results(tmp_path / "results", comparable="yes", backbone=BERT, settings=settings)
    place = [*STS.labels].index("STSB")
    reported = compare(results)["mocose"].row.cell("STSB")
    assert reported
    for run in results.glob("mocose/*/records.json"):  # equal scores: all the noise is the paper's
        content = json.loads(run.read_text(encoding="utf-8"))
        content["records"][place] = record("STSB", reported.value + offset)
        write_json(run, content)
    compared = verdicts.compare(records.load(results), paper.load_all(tmp_path / "paper"))
    assert {one.method.name: one.tasks[place].verdict for one in compared}["mocose"] == verdict


def test_what_is_left_of_lost_seeds_is_not_reproduced(tmp_path: Path) -> None:
    simcse(tmp_path, [76.84, 76.86, 76.85, 0.0])
    fail(tmp_path / "simcse/3", "STSB", "loss is nan at step 9")
    (task,) = (one for one in compare(tmp_path)["simcse"].tasks if one.task == "STSB")
    reason = "the 95% interval of our mean lies within 1.2 points; one of four seeds without a score"
    assert (task.verdict, task.reason) == ("undecided", reason)


def test_methods_that_the_test_scores_chose_are_not_ranked(tmp_path: Path) -> None:
    """The highest is, and so are what exceeds the baseline and what is bold, of the others alone."""
    results = write_results(tmp_path / "results")
    before = prose.answer(records.load(results), [])
    best = before.split(" is highest")[0].split(". ")[-1]
    (name,) = {
        run.parent.parent.name for run in results.glob("*/0/run.json") if best in run.read_text(encoding="utf-8")
    }
    for file in (results / name).glob("*/run.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        write_json(file, {**content, "train": {**content.get("train", {}), "select": "sts-test"}})
    after = prose.answer(records.load(results), [])
    assert f"{best} is highest" not in after
    assert after.startswith("All three trained methods exceed")
    assert f"{best} (" in after and "chose its checkpoints by these very scores and is not counted." in after
    table = scores.build(records.load(results), [], STS)
    assert table is not None
    bold = {row.label for row in table.rows if row.cells[-1].best}
    assert bold and best not in bold


def test_what_differs_is_not_comparable(tmp_path: Path) -> None:
    assert simcse(tmp_path / "a", [76.85]).reason == "one seed: too few to judge by"
    assert simcse(tmp_path / "e", [76.85, 76.86]).reason == "two seeds: too few to judge by"
    other = simcse(tmp_path / "b", [76.85, 76.85], backbone="tiny")
    assert other.reason == "backbone: tiny, the paper's is bert-base-uncased"
    assert simcse(tmp_path / "c", [76.85, 76.85], backbone=None).reason.startswith("backbone: not recorded")
    pooled = simcse(tmp_path / "d", [76.85, 76.85], settings={"pooling": "mean"})
    assert pooled.reason == "pooling: mean, the paper's is cls_before_pooler"


def test_a_checkpoint_chosen_on_test_scores_is_another_protocol(tmp_path: Path) -> None:
    found = compare(write_results(tmp_path, comparable="yes", backbone=BERT))["mocose"]
    assert {task.reason for task in found.tasks} == {
        "selection: STS-B dev, the paper's is average of the seven STS test scores"
    }
    settings = {"select": "sts-test"}
    as_published = compare(write_results(tmp_path / "t", comparable="yes", backbone=BERT, settings=settings))
    assert {task.verdict for task in as_published["mocose"].tasks} <= {"reproduced", "undecided", "not reproduced"}
    assert all(task.reason.startswith("selection: average") for task in as_published["simcse"].tasks)


def test_every_way_to_select_has_a_name_in_the_papers_files() -> None:
    assert set(verdicts.SELECTIONS) == set(get_args(Train.model_fields["select"].annotation))


def test_the_row_with_our_backbone_is_chosen(tmp_path: Path) -> None:
    large = compare(write_results(tmp_path / "l", comparable="yes", backbone="bert-large-uncased"))
    assert large["mocose"].row.id == "mocose-bert-large"
    assert compare(write_results(tmp_path / "t"))["mocose"].row.id == "mocose-bert-base"


def test_an_untrained_baseline_needs_no_second_seed(tmp_path: Path) -> None:
    found = compare(write_results(tmp_path, comparable="yes", backbone=BERT))["first_last_avg"]
    assert {task.verdict for task in found.tasks} == {"not reproduced"}


@pytest.mark.parametrize(
    ("profile", "comparable", "line"),
    [
        (
            "demo",
            "never",
            "Profile demo: generated data and a tiny backbone. Not comparable with the papers.",
        ),
        ("paper", "yes", "Profile paper: the papers' own data and backbones."),
    ],
)
def test_notice(tmp_path: Path, profile: str, comparable: str, line: str) -> None:
    results = records.load(write_results(tmp_path, profile=profile, comparable=comparable))
    assert verdicts.notice(results.provenance).startswith(line)


def test_answer_names_the_best_and_the_baseline(tmp_path: Path) -> None:
    results = write_results(tmp_path)
    text = prose.answer(records.load(results), [])
    assert text.startswith("All four trained methods exceed the best untrained baseline, First-last avg. (47.50)")
    assert re.search(r"SoftCSE \(weight\) is highest with 6\d\.\d\d ± \d\.\d\d over three seeds, followed by", text)
    assert "because profile demo runs on generated data and a tiny backbone: " in text


def test_answer_counts_who_does_not_exceed(tmp_path: Path) -> None:
    results = write_results(tmp_path, seeds=1)
    for name in ("simcse", "mocose"):
        file = results / name / "0/records.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        content["records"][len(STS.labels) - 1] = record("avg", 10.0)
        write_json(file, content)
    text = prose.answer(records.load(results), [])
    assert text.startswith("Two of four trained methods exceed")
    assert "one seed cannot tell them apart" in text
    for name in ("simcse", "softcse_weight", "softcse_temperature"):
        shutil.rmtree(results / name)
    assert prose.answer(records.load(results), []).startswith("No trained method exceeds")


def test_answer_says_where_an_untrained_baseline_leads(tmp_path: Path) -> None:
    results = write_results(tmp_path, seeds=1)
    said = "no trained method exceeds the best untrained one"
    assert said not in prose.answer(records.load(results), [])
    file = results / "first_last_avg/0/records.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    for one in content["records"]:
        if (one["task"], one["metric"]) == ("avg", "acc"):
            one["value"] = 99.0
    write_json(file, content)
    text = prose.answer(records.load(results), [])
    assert f"In transfer {said}." in text
    assert "retrieval" not in text


def test_numbers_as_text() -> None:
    assert [wording.score(value) for value in (61.235, -0.001, -3.0, None)] == [
        "61.23",
        "0.00",
        "\N{MINUS SIGN}3.00",
        "—",
    ]
    assert [wording.signed(value) for value in (1.5, -1.5, None)] == ["+1.50", "\N{MINUS SIGN}1.50", "—"]
    assert [wording.listing(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_no_method_is_named_in_the_code_of_the_reports() -> None:
    methods = {path.stem for path in (REPORTS.parent / "methods").glob("*.py") if not path.stem.startswith("_")}
    names = methods - set(POOLINGS) | {one.name for one in PAPERS}  # a pooling may share its baseline's name
    assert {"simcse", "mocose"} <= methods
    for file in [*REPORTS.glob("*.py"), *(REPORTS / "template").iterdir()]:
        words = set(re.findall(r"\w+", file.read_text(encoding="utf-8").lower()))
        assert not words & {name.lower() for name in names}, file
