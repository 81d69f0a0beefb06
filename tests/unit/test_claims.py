"""Claims put to made-up records and studies whose answer is known, and what may stand in a claim."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from report_fixture import fail, record, write_json, write_results

from eval import sts
from pipelines.errors import NegbenchError
from reports import claims, paper, records, rules
from reports.claims import Finding
from reports.evidence import Evidence
from reports.records import Results
from reports.study import Cell, Study
from reports.tested import Comparison, Difference, FamilyDifferences, Significance

PAPERS = paper.load_all(Path(__file__).parents[2] / "reports" / "paper")


def score(results: Path, method: str, values: list[float], task: str = "avg", metric: str = "spearman_all") -> None:
    """Give the seeds of a method these scores."""
    for seed, value in enumerate(values):
        name = "mteb/records.json" if "main_score" in metric else "records.json"
        file = results / method / str(seed) / name
        content = json.loads(file.read_text(encoding="utf-8"))
        content["records"] = [one for one in content["records"] if (one["task"], one["metric"]) != (task, metric)]
        content["records"].append({**record(task, value), "metric": metric})
        write_json(file, content)


DIVERGED = "loss is nan at step 3"


def study(name: str, *cells: tuple[dict[str, Any], list[float]]) -> dict[str, Study]:
    built = tuple(
        Cell(number, settings, {}, dict(enumerate(values)), () if values else (DIVERGED,))
        for number, (settings, values) in enumerate(cells)
    )
    return {name: Study(name, "mocose", "MoCoSE", tuple(cells[0][0]), {}, {}, built)}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


def judge(
    results: Results, studies: dict[str, Study] | None = None, significance: Significance | None = None
) -> dict[str, Finding]:
    found = claims.judge(Evidence(results, PAPERS, studies or {}, None, significance))
    return {f"{one.paper.key}/{one.claim.id}{f': {one.subject}' if one.subject else ''}": one for one in found}


def test_a_claim_about_several_methods_names_each(results: Path) -> None:
    titles = [one.title for key, one in judge(records.load(results)).items() if key.startswith("softcse/sts")]
    assert titles == [
        f"SoftCSE ({form}) scores higher than SimCSE on the seven STS tasks" for form in ("weight", "temperature")
    ]
    assert not any("{" in one.title for one in judge(records.load(results)).values())


@pytest.mark.parametrize(
    ("ours", "theirs", "answer"),
    [
        ([62.0, 62.2, 62.1], [60.0, 60.3, 60.1], "supported"),
        ([60.0, 60.3, 60.1], [62.0, 62.2, 62.1], "contradicted"),
        ([60.0, 62.0, 61.0], [60.5, 61.5, 60.0], "undecided"),
    ],
)
@pytest.mark.parametrize(
    ("claim", "task", "metric"),
    [
        ("sts", "avg", "spearman_all"),
        ("transfer", "avg", "acc"),
        ("retrieval", "avg", "retrieval_main_score"),
        ("reranking", "avg", "reranking_main_score"),
    ],
)
def test_one_method_above_another(
    results: Path, ours: list[float], theirs: list[float], answer: str, claim: str, task: str, metric: str
) -> None:
    score(results, "softcse_weight", ours, task, metric)
    score(results, "simcse", theirs, task, metric)
    found = judge(records.load(results))[f"softcse/{claim}: SoftCSE (weight)"]
    assert found.answer == answer
    assert found.seeds == 3
    assert found.contrast is not None
    assert found.contrast.difference == pytest.approx(sum(ours) / 3 - sum(theirs) / 3)


def stage_says(estimate: float, low: float, high: float, adjusted: float = 0.4) -> Significance:
    """What stage significance says of one method on STS."""
    average = Difference(estimate=estimate, low=low, high=high, p=0.2, adjusted=adjusted, seeds=3)
    one = Comparison(
        method="softcse_weight", label="SoftCSE (weight)", of=("", ""), average=average, iqm=None, tasks={}
    )
    families = [FamilyDifferences(name="sts", comparisons=[one])]
    return Significance(reference="SimCSE", resamples=100, families=families)


def test_the_noise_of_the_items_counts_where_it_is_known(results: Path) -> None:
    score(results, "softcse_weight", [62.0, 62.2, 62.1])
    score(results, "simcse", [60.0, 60.3, 60.1])
    loaded, key = records.load(results), "softcse/sts: SoftCSE (weight)"
    estimate = 62.1 - (60.0 + 60.3 + 60.1) / 3
    wide = judge(loaded, significance=stage_says(estimate, -0.5, 4.4))
    assert (wide[key].answer, wide[key].reason) == ("undecided", "the interval over seeds and items holds zero")
    assert wide[key].contrast is not None and wide[key].contrast.p == 0.2
    other = judge(loaded, significance=stage_says(estimate + 1, -0.5, 4.4))[key]  # of other records
    assert (other.answer, other.reason) == ("supported", "the interval over seeds lies above zero")
    changed = {name for name, one in wide.items() if one != judge(loaded)[name]}
    assert changed == {key}
    for adjusted, answer, noise in ((0.04, "supported", False), (0.06, "undecided", True)):
        narrow = judge(loaded, significance=stage_says(estimate, 0.5, 3.4, adjusted))[key]
        assert narrow.answer == answer
        assert narrow.reason.startswith("the interval over seeds and items lies above zero")
        assert narrow.reason.endswith("no more than noise") == noise


def test_what_printing_rounds_off_decides_nothing(results: Path) -> None:
    """Runs that end in nearly one checkpoint differ by next to nothing, but by that at every seed."""
    for lead, answer in ((0.004, "undecided"), (0.006, "supported")):
        score(results, "softcse_weight", [60 + lead, 61 + lead, 62 + lead + 1e-4])
        score(results, "simcse", [60.0, 61.0, 62.0])
        found = judge(records.load(results))["softcse/sts: SoftCSE (weight)"]
        assert found.contrast is not None and found.contrast.low is not None and found.contrast.low > 0
        assert found.answer == answer


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    found = judge(records.load(write_results(tmp_path / "results", seeds=1)))["softcse/sts: SoftCSE (weight)"]
    assert (found.answer, found.reason) == ("undecided", "one seed a setting: no interval")
    assert found.contrast is not None and found.contrast.p is None


def test_a_method_without_runs_is_not_tested_and_the_command_adds_it(results: Path) -> None:
    found = judge(records.load(results))["mocose/above-simcse: mocose_released"]
    assert (found.answer, found.reason) == ("not tested", "no run of mocose_released")
    trained = "mocose,simcse,softcse_temperature,softcse_weight,mocose_released"
    assert found.command == f'make repro PROFILE=demo SET="trained=[{trained}]"'


def test_a_study_that_was_not_run_is_not_tested_and_the_command_adds_it(results: Path) -> None:
    studies = study("ema_decay", ({"ema_decay": 0.85}, [1.0, 2.0]), ({"ema_decay": 0.99}, [1.0, 2.0]))
    found = judge(records.load(results), studies)["mocose/fgsm"]
    assert (found.answer, found.reason) == ("not tested", "study fgsm has not been run")
    assert found.command == 'make repro PROFILE=demo SET="study=[ema_decay,fgsm]"'


def test_reported_differences_are_those_of_the_papers(results: Path) -> None:
    found = judge(records.load(results))
    assert found["mocose/above-simcse: MoCoSE"].reported == pytest.approx(77.27 - 76.25)  # Table 1
    assert found["mocose/ema-decay"].reported == pytest.approx(76.49 - 76.08)  # Table 3: 0.85 and 0.95
    assert found["mocose/batch-size"].reported == pytest.approx(77.25 - 76.78)  # Table 6b: 64 and 128
    assert found["mocose/heads"].reported == pytest.approx(76.89 - 76.74)  # Table 4: (1, 2) and (1, 1)
    assert found["mocose/initial-fill"].reported == pytest.approx(77.30 - 76.29)  # Table 7
    assert found["mocose/queue-middle"].reported == pytest.approx(77.02 - 76.10)  # Table 8
    assert found["mocose/distance-peak"].reported == pytest.approx(76.89 - 76.82)  # Figure 2: 14.67 and 6
    assert found["mocose/distance-falls"].reported == pytest.approx(76.89 - 76.11)  # Figure 2: 14.67 and 21
    assert found["mocose/large-queue"].reported == pytest.approx(77.30 - 50.42)  # Table 7: 1024 at most, and 4096
    assert found["mocose/fgsm"].reported == pytest.approx(76.64 - 76.26)  # Table 9
    assert found["softcse/sts: SoftCSE (weight)"].reported is None  # its tables are not transcribed


def test_the_papers_own_numbers_bear_out_every_claim(results: Path) -> None:
    """A rule that its paper's numbers go against reads something else out of them than the claim says."""
    found = judge(records.load(results))
    assert all(one.reported is None or one.reported > 0 for one in found.values())
    untold = {key.partition(":")[0] for key, one in found.items() if one.reported is None}
    softcse = (f"softcse/{name}" for name in ("sts", "transfer", "retrieval", "reranking"))
    assert untold == {"mocose/collapse", "mocose/collapse-released", *softcse}


def test_the_rest_of_a_study_is_what_a_setting_is_held_against(results: Path) -> None:
    cells = [({"batch_size": size}, [level, level + 0.1]) for size, level in ((32, 50.0), (64, 60.0), (128, 55.0))]
    loaded = records.load(results)
    found = judge(loaded, study("batch_size", *cells))["mocose/batch-size"]
    assert found.answer == "supported"
    assert found.contrast is not None and found.contrast.difference == pytest.approx(5.0)
    higher = ({"batch_size": 256}, [70.0, 70.1])
    assert judge(loaded, study("batch_size", *cells, higher))["mocose/batch-size"].answer == "contradicted"


def test_a_run_without_a_score_is_left_out_and_told(results: Path) -> None:
    cells = [({"batch_size": size}, [level, level + 0.1]) for size, level in ((64, 60.0), (128, 55.0))]
    studies = study("batch_size", *cells)
    whole = studies["batch_size"]
    loaded = records.load(results)
    told = {}
    for place in (0, 1):
        cells_now = [replace(cell, missing=(DIVERGED,) * (cell.number == place)) for cell in whole.cells]
        found = judge(loaded, {"batch_size": replace(whole, cells=tuple(cells_now))})["mocose/batch-size"]
        assert found.contrast == judge(loaded, studies)["mocose/batch-size"].contrast
        told[place] = (found.answer, found.reason)
    reason = "the interval over seeds lies above zero; one run without a score left out"
    assert told[1] == ("supported", reason)
    assert told[0] == ("undecided", f"{reason}; but some of these are of the side that leads")


@pytest.mark.parametrize(
    ("failed", "answer", "doubt"),
    [("mocose", "undecided", "; but some of these are of the side that leads"), ("simcse", "supported", "")],
)
def test_a_method_may_not_lead_with_what_is_left_of_its_seeds(
    results: Path, failed: str, answer: str, doubt: str
) -> None:
    for method, levels in (("mocose", [62.0, 62.2, 62.1]), ("simcse", [60.0, 60.3, 60.1])):
        score(results, method, levels)
    fail(results / failed / "2", "STS12", DIVERGED)
    found = judge(records.load(results))["mocose/above-simcse: MoCoSE"]
    reason = f"the interval over seeds lies above zero; one run without a score left out{doubt}"
    assert (found.answer, found.reason) == (answer, reason)


def test_equal_seeds_of_two_settings_are_paired(results: Path) -> None:
    """What a seed gives all settings alike is no noise of their difference."""
    luck = [0.0, 5.0, -4.0]
    cells = [
        ({"batch_size": size}, [level + own + other for own, other in zip(luck, noise, strict=True)])
        for size, level, noise in ((64, 61.0, [0.1, 0.0, -0.1]), (128, 60.0, [0.0, 0.1, 0.0]))
    ]
    assert judge(records.load(results), study("batch_size", *cells))["mocose/batch-size"].answer == "supported"


def test_a_checkpoint_that_the_scores_themselves_chose_supports_nothing(results: Path) -> None:
    """But where it falls short even so, it does."""
    for method, levels in (("mocose", [62.0, 62.2, 62.1]), ("simcse", [60.0, 60.2, 60.1])):
        score(results, method, levels)
    for file in (results / "mocose").glob("*/run.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        write_json(file, {**content, "train": {**content.get("train", {}), "select": "sts-test"}})
    key = "mocose/above-simcse: MoCoSE"
    found = judge(records.load(results))[key]
    assert found.answer == "undecided"
    assert found.reason.endswith("; but its checkpoint was chosen by these very scores, the other's was not")
    score(results, "mocose", [50.0, 50.2, 50.1])
    assert judge(records.load(results))[key].answer == "contradicted"


def test_reported_differences_are_those_at_our_settings(results: Path) -> None:
    """Figure 2 is a mean over batch sizes; beside runs of one batch size stand those of Figure 3."""
    grid = [(64, 0.85, 76.64), (128, 0.75, 76.66), (512, 0.85, 77.30), (64, 0.95, 76.33)]
    cells = tuple(
        Cell(
            number,
            {"ema_decay": decay, "queue_size": size},
            {"d_trace": 1 / (1 - decay) + size / 64},
            {0: 1.0, 1: 2.0},
        )
        for number, (size, decay, _) in enumerate(grid)
    )
    one = Study("queue_distance", "mocose", "MoCoSE", ("ema_decay", "queue_size"), {"batch_size": 64}, {}, cells)
    found = judge(records.load(results), {one.name: one})
    assert found["mocose/distance-peak"].reported == pytest.approx(77.30 - 76.66)
    assert found["mocose/distance-falls"].reported == pytest.approx(77.30 - 76.33)


def test_one_edited_score_changes_one_answer(results: Path) -> None:
    """SoftCSE by weight beats SimCSE in retrieval until SimCSE's retrieval scores are raised; nothing else moves."""
    for method, level in (("simcse", 40.0), ("softcse_weight", 45.0), ("softcse_temperature", 45.0)):
        for metric in ("spearman_all", "acc", "retrieval_main_score", "reranking_main_score"):
            score(results, method, [level, level + 0.2, level + 0.1], metric=metric)
    before = judge(records.load(results))
    score(results, "softcse_weight", [30.0, 30.1, 30.2], metric="retrieval_main_score")
    after = judge(records.load(results))
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"softcse/retrieval: SoftCSE (weight)"}
    assert (before[min(changed)].answer, after[min(changed)].answer) == ("supported", "contradicted")


COLLAPSED = {"ema_decay": 0.0, "predictor_layers": 2}
SOUND = {"ema_decay": 0.85, "predictor_layers": 2}


@pytest.mark.parametrize(
    ("ends", "answer"), [([0.1, -2.0], "supported"), ([0.1, 40.0], "undecided"), ([41.0, 40.0], "contradicted")]
)
def test_collapse_is_told_by_where_the_seeds_end(results: Path, ends: list[float], answer: str) -> None:
    studies = study("collapse", (COLLAPSED, ends), (SOUND, [60.0, 61.0]))
    assert judge(records.load(results), studies)["mocose/collapse"].answer == answer


@pytest.mark.parametrize(
    ("sentences", "ends", "answer"),
    [
        (64 * 3999, [41.0, 40.0], "undecided"),
        (64 * 4000, [41.0, 40.0], "contradicted"),
        (64 * 10, [0.1, -2.0], "supported"),
    ],
)
def test_a_run_too_short_to_collapse_contradicts_nothing(
    results: Path, sentences: int, ends: list[float], answer: str
) -> None:
    (one,) = study("collapse", (COLLAPSED, ends), (SOUND, [60.0, 61.0])).values()
    fixed = {"sentences": sentences, "epochs": 1, "batch_size": 64}
    found = judge(records.load(results), {one.name: replace(one, fixed=fixed)})["mocose/collapse"]
    assert found.answer == answer
    assert ("the paper's fell within 4,000" in found.reason) == (answer == "undecided")


@pytest.mark.parametrize(
    ("ends", "others", "answer"),
    [
        ([0.1, -2.0], [60.0, 3.0], "undecided"),
        ([0.1, -2.0], [1.0, 3.0], "undecided"),
        ([40.0, 41.0], [1.0, 3.0], "contradicted"),
    ],
)
def test_where_all_settings_collapse_nothing_is_told_of_these(
    results: Path, ends: list[float], others: list[float], answer: str
) -> None:
    studies = study("collapse", (COLLAPSED, ends), (SOUND, others))
    found = judge(records.load(results), studies)["mocose/collapse"]
    assert found.answer == answer
    assert found.reason.endswith(f"and {sum(one < 10 for one in others)} of two runs of the other settings")


def test_one_embedding_for_all_is_a_collapse_and_a_diverged_run_is_none(results: Path) -> None:
    (one,) = study("collapse", (COLLAPSED, []), (SOUND, [60.0, 61.0])).values()
    loaded, found = records.load(results), []
    for why in ((claims.SAME_COSINE,) * 2, (claims.SAME_COSINE, claims.SAME_COSINE, DIVERGED), (DIVERGED, DIVERGED)):
        cells = (replace(one.cells[0], missing=why), one.cells[1])
        found.append(judge(loaded, {one.name: replace(one, cells=cells)})["mocose/collapse"])
    told = "ended below 10.00 or with one embedding for all: 2 of two runs"
    assert [(one.answer, one.reason) for one in found] == [
        ("supported", told),
        ("supported", f"{told}; one run that diverged left out"),
        ("not tested", DIVERGED),
    ]


def test_the_reason_is_that_of_the_evaluation() -> None:
    same = sts.spearman(np.ones(3, dtype=np.float32), np.arange(3.0))
    assert same.reason == claims.SAME_COSINE


def test_one_seed_in_each_of_two_cells_is_one_seed(results: Path) -> None:
    bare = {**COLLAPSED, "predictor_layers": 0}
    found = judge(records.load(results), study("collapse", (COLLAPSED, [0.1]), (bare, [0.2]), (SOUND, [60.0, 61.0])))
    assert (found["mocose/collapse"].answer, found["mocose/collapse"].seeds) == ("undecided", 1)


def test_a_cell_that_failed_says_why(results: Path) -> None:
    studies = study("fgsm", ({"fgsm_epsilon": 5e-9}, []), ({"fgsm_epsilon": 0.0}, [60.0, 61.0]))
    found = judge(records.load(results), studies)["mocose/fgsm"]
    assert (found.answer, found.reason) == ("not tested", "loss is nan at step 3")


def test_settings_that_a_study_was_cut_down_to_are_still_its_settings(results: Path) -> None:
    """A profile that keeps one queue of the study on queue and first fill makes the queue a setting of all cells."""
    cells = [({"initial_fill": rows}, [level, level + 0.1]) for rows, level in ((1, 50.0), (128, 60.0), (512, 55.0))]
    (cut,) = study("queue_fill", *cells).values()
    found = judge(records.load(results), {cut.name: replace(cut, fixed={"queue_size": 512})})
    assert found["mocose/initial-fill"].answer == "supported"


def test_a_setting_that_no_cell_has_is_named(results: Path) -> None:
    studies = study("fgsm", ({"fgsm_epsilom": 5e-9}, [60.0, 61.0]))
    assert judge(records.load(results), studies)["mocose/fgsm"].reason == "study fgsm knows no fgsm_epsilon"


def test_a_stale_study_is_said_to_be_stale(results: Path) -> None:
    found = claims.judge(Evidence(records.load(results), PAPERS, {}, None, stale={"fgsm": "settings"}))
    (fgsm,) = (one for one in found if one.claim.id == "fgsm")
    assert (fgsm.reason, fgsm.command) == ("study fgsm is stale, of other settings", "dvc repro ablate@fgsm")


def test_a_range_holds_numbers_alone() -> None:
    assert rules.matches({"a": rules.Range(min=1)}, {"a": 1})
    assert not any(rules.matches({"a": rules.Range(min=1)}, {"a": value}) for value in ("middle", None, 0.5))


def entered(folder: Path, **changes: Any) -> paper.Paper:
    """A paper's file with one claim."""
    rule = {"kind": "cells", "study": "fgsm", "better": {"fgsm_epsilon": 5e-9}}
    claim = {"id": "c", "statement": "s", "rule": rule, "source": "PDF p.1", "certainty": "A", **changes}
    content = {"key": "x", "name": "X", "citation": "X.", "sources": {"PDF": "the paper"}, "protocols": {}}
    file = folder / "x.yaml"
    file.write_text(yaml.safe_dump({**content, "claims": [claim]}), encoding="utf-8")
    return paper.load(file)


def test_a_claim_is_entered(tmp_path: Path) -> None:
    assert entered(tmp_path).claims[0].id == "c"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "a friend"}, "source 'a friend' begins with no key of 'sources'"),
        ({"rule": {"kind": "guess"}}, "'guess'"),
        ({"rule": {"kind": "cells", "study": "fgms", "better": {"a": 1}}}, "study"),
        ({"rule": {"kind": "cells", "study": "fgsm", "better": {}}}, "at least 1"),
        ({"rule": {"kind": "cells", "study": "fgsm", "better": {"a": {}}}}, "better"),
        ({"rule": {"kind": "methods", "methods": ["mocoes"], "other": "simcse", "measure": "sts"}}, "'mocoes'"),
        ({"rule": {"kind": "methods", "methods": ["mocose"], "other": "simcse", "measure": "stts"}}, "measure"),
        ({"rule": {"kind": "cells", "study": "fgsm", "better": {"a": {"min": 2, "max": 1}}}}, "better"),
        ({"rule": {"kind": "methods", "methods": ["simcse"], "other": "simcse", "measure": "sts"}}, "against itself"),
        ({"certainty": "sure"}, "certainty"),
    ],
)
def test_a_broken_claim_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(NegbenchError, match=r".") as error:
        entered(tmp_path, **changes)
    assert message in str(error.value)


def test_two_claims_of_one_name_are_refused(tmp_path: Path) -> None:
    entered(tmp_path)
    file = tmp_path / "x.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**content, "claims": content["claims"] * 2}), encoding="utf-8")
    with pytest.raises(NegbenchError, match="two claims have the id 'c'"):
        paper.load(file)
