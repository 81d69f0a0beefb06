"""Method against reference from the files of runs: against loops over resamples and seeds, and with parts missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import items_fixture as fixture
import numpy as np
import pytest
from scipy import stats as oracle

from pipelines.errors import NegbenchError
from reports import differences, items, records
from reports.families import STS, TRANSFER
from reports.tested import Comparison, Significance


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixture.write(tmp_path_factory.mktemp("results"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "results"))


def compare(folder: Path, reference: str = "reference", resamples: int = 400) -> Significance:
    return differences.compare(records.load(folder), folder, reference, resamples)


def of(found: Significance, family: str, method: str) -> Comparison:
    tests = next(tests for tests in found.families if tests.name == family)
    return next(one for one in tests.comparisons if one.method == method)


def score(folder: Path, method: str, seed: int, task: str) -> float:
    stored = json.loads((folder / method / str(seed) / "records.json").read_text(encoding="utf-8"))
    return float(next(r["value"] for r in stored["records"] if r["task"] == task))


def forget(folder: Path, method: str, seed: int, task: str) -> None:
    """Turn a score into a failure."""
    file = folder / method / str(seed) / "records.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    for one in stored["records"]:
        if one["task"] == task:
            one.update(value=None, status="failed", reason="diverged")
    file.write_text(json.dumps(stored), encoding="utf-8")


def test_the_estimate_is_the_mean_of_the_recorded_differences(whole: Path) -> None:
    found = of(compare(whole), "sts", "better")
    by_task = {
        t: [score(whole, "better", s, t) - score(whole, "reference", s, t) for s in range(3)] for t in found.tasks
    }
    for task, apart in by_task.items():
        assert found.tasks[task].estimate == pytest.approx(np.mean(apart))
    assert found.average.estimate == pytest.approx(np.mean([*by_task.values()]))
    assert found.iqm is not None
    per_seed = [np.repeat([apart[seed] for apart in by_task.values()], 4) for seed in range(3)]
    per_seed = [np.sort(own)[len(by_task) : 3 * len(by_task)].mean() for own in per_seed]  # quarters made whole
    assert found.iqm.estimate == pytest.approx(np.mean(per_seed))


def test_the_interval_is_that_of_a_loop_over_resamples(whole: Path) -> None:
    """Pairs resampled with scipy's own Spearman; the two differ by the noise of so many resamples."""
    task, rng = "STS12", np.random.default_rng(0)
    stored = {(m, s): np.load(whole / m / str(s) / "pairs.npz") for m in ("better", "reference") for s in range(3)}

    def column(run: tuple[str, int], kind: str = "") -> np.ndarray:
        return np.concatenate([stored[run][f"{kind}{task}/{subset}"] for subset in fixture.SUBSETS])

    gold = column(("better", 0), "gold/")
    drawn = []
    for _ in range(1000):
        items = rng.integers(len(gold), size=len(gold))
        rho = {run: 100 * oracle.spearmanr(column(run)[items], gold[items]).statistic for run in stored}
        drawn.append([rho["better", seed] - rho["reference", seed] for seed in range(3)])
    covariance = np.cov(np.array(drawn).T)
    shared = np.mean([covariance[i, j] for i in range(3) for j in range(3) if i != j])
    own = np.var([score(whole, "better", s, task) - score(whole, "reference", s, task) for s in range(3)], ddof=1) / 3
    found = of(compare(whole, resamples=2000), "sts", "better").tasks[task]
    assert found.seed_share == pytest.approx(own / (own + shared), abs=0.06)
    assert found.low is not None and found.high is not None
    narrowest, widest = oracle.norm.isf(0.025), oracle.t.isf(0.025, 2)
    error = (own + shared) ** 0.5
    assert 0.9 * narrowest * error < (found.high - found.low) / 2 < 1.1 * widest * error


def test_a_large_difference_is_real_and_none_is_not(whole: Path) -> None:
    found = compare(whole)
    assert of(found, "sts", "better").average.real
    assert not of(found, "sts", "same").average.real
    assert of(found, "transfer", "better").average.real


def test_holm_is_over_tasks_and_over_methods(whole: Path) -> None:
    found = compare(whole)
    tasks = [*of(found, "sts", "better").tasks.values()]
    smallest = min(tasks, key=lambda task: task.p or 1)
    assert smallest.adjusted == pytest.approx(min(len(STS.labels) - 1, 7) * (smallest.p or 0))
    averages = [of(found, "sts", method).average for method in ("better", "same")]
    first = min(averages, key=lambda average: average.p or 1)
    assert first.adjusted == pytest.approx(2 * (first.p or 0))


def test_items_alone_are_tested_as_scipy_does(whole: Path) -> None:
    found = of(compare(whole, resamples=5000), "transfer", "same").tasks["MR"]
    means = [
        np.mean([np.load(whole / m / str(s) / "correct.npz")["MR"] for s in range(3)], axis=0)
        for m in ("same", "reference")
    ]
    expected = oracle.permutation_test(
        means, lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=5000,
        rng=np.random.default_rng(0),
    ).pvalue  # fmt: skip
    assert found.items_p == pytest.approx(expected, abs=4 * (0.5 / 5000) ** 0.5)


def test_all_families_of_the_report_are_compared(whole: Path) -> None:
    assert [tests.name for tests in compare(whole).families] == ["sts", "transfer", "retrieval", "reranking"]
    assert of(compare(whole), "retrieval", "better").iqm is None  # of one task


def test_the_same_records_give_the_same_bytes(whole: Path) -> None:
    assert compare(whole).model_dump_json() == compare(whole).model_dump_json()


def test_a_seed_without_a_score_is_left_out_and_counted(folder: Path) -> None:
    before = of(compare(folder), "sts", "same")
    forget(folder, "better", 2, "STS13")
    found = of(compare(folder), "sts", "better")
    assert (found.tasks["STS13"].seeds, found.tasks["STS13"].left_out) == (2, 1)
    assert found.tasks["STS13"].estimate == pytest.approx(
        np.mean([score(folder, "better", s, "STS13") - score(folder, "reference", s, "STS13") for s in range(2)])
    )
    assert (found.tasks["STS12"].seeds, found.tasks["STS12"].left_out) == (3, 0)
    assert found.average.seeds == 2
    assert found.average.p is None  # two seeds allow no interval
    assert of(compare(folder), "sts", "same").tasks == before.tasks  # the others do not notice


def test_one_seed_has_a_difference_and_no_interval(tmp_path: Path) -> None:
    found = of(compare(fixture.write(tmp_path, seeds=1)), "sts", "better").average
    assert found.estimate is not None
    assert (found.low, found.high, found.p, found.adjusted, found.seed_share) == (None,) * 5
    assert found.items_p is not None and found.items_p < 0.01


def test_without_a_seed_in_common_there_is_a_reason(folder: Path) -> None:
    for seed in range(3):
        forget(folder, "better", seed, "STS14")
    found = of(compare(folder), "sts", "better")
    assert found.tasks["STS14"].estimate is None
    assert found.tasks["STS14"].reason == "no seed has a score of both"
    assert found.average.reason == "no difference on STS14"


def test_other_items_than_the_references_are_refused(folder: Path) -> None:
    file = folder / "better/1/mteb/queries.npz"
    stored = dict(np.load(file))
    stored["world-qa/queries"][0] = "qx"
    np.savez(file, **stored)
    found = of(compare(folder), "retrieval", "better")
    assert found.tasks["world-qa"].reason == "not measured on the same items"
    assert found.average.estimate is None


def test_a_score_that_is_no_mean_of_the_kept_queries_is_refused(folder: Path) -> None:
    file = folder / "same/0/mteb/records.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    stored["records"][0]["value"] += 1
    file.write_text(json.dumps(stored), encoding="utf-8")
    assert "does not follow" in str(of(compare(folder), "retrieval", "same").tasks["world-qa"].reason)


def test_queries_that_were_asked_in_parts_are_the_items_where_they_are_kept(folder: Path) -> None:
    """As those of MTEB's MindSmallReranking."""
    before = of(compare(folder), "reranking", "better").average
    for file in folder.glob("*/*/mteb/queries.npz"):
        stored = dict(np.load(file))
        whole = stored["world-duplicates/map_at_1000"]
        parts = {"queries": np.array([f"q{i}_{j}" for i in range(len(whole)) for j in (0, 1)])}
        parts |= {"map_at_1000": np.zeros(2 * len(whole)), "merged": stored["world-duplicates/queries"], "main": whole}
        np.savez(file, **stored | {f"world-duplicates/{name}": values for name, values in parts.items()})
    assert of(compare(folder), "reranking", "better").average == before
    assert before.p is not None


def test_a_reference_that_was_not_trained_gives_way_to_the_first(whole: Path) -> None:
    found = compare(whole, reference="absent")
    assert found.reference == "Better"
    assert {one.method for one in found.families[0].comparisons} == {"reference", "same"}


def test_one_method_has_nothing_to_be_compared_with(folder: Path) -> None:
    for method in ("better", "same"):
        shutil.rmtree(folder / method)
    assert compare(folder).families == []


def test_pairs_that_share_a_sentence_are_one_unit(tmp_path: Path) -> None:
    """By a search through the pairs, across tasks."""
    rng = np.random.default_rng(3)
    sentences = {name: rng.integers(0, 60, (12, 2)).astype(np.int32) for name in ("STS12/a", "STS12/b", "STS13/a")}
    arrays = {f"sentences/{name}": own for name, own in sentences.items()}
    for name in ("STS12/a", "STS12/b"):  # STS13 has no score
        arrays |= {name: rng.random(12), f"gold/{name}": rng.random(12)}
    np.savez(tmp_path / "pairs.npz", **arrays)
    found = items.load(tmp_path, STS)["STS12"].units
    assert found is not None
    reached = [{*map(int, pair)} for own in sentences.values() for pair in own]
    for _ in reached:
        reached = [set.union(*(other for other in reached if other & own)) for own in reached]
    wanted = reached[:24]
    assert all((wanted[i] == wanted[j]) == (found.of[i] == found.of[j]) for i in range(24) for j in range(24))
    assert found.count >= len({frozenset(own) for own in reached})


def test_repeated_pairs_count_once(folder: Path) -> None:
    """A set whose every pair stands four times says no more than each of them once."""
    narrow = of(compare(folder), "sts", "better").tasks["STS12"]
    for run in folder.glob("*/*"):
        stored = dict(np.load(run / "pairs.npz"))
        for subset in fixture.SUBSETS:
            for kind in ("", "gold/", "sentences/"):
                key = f"{kind}STS12/{subset}"
                stored[key] = np.concatenate([stored[key]] * 4)
        np.savez(run / "pairs.npz", **stored)
    again = of(compare(folder), "sts", "better").tasks["STS12"]
    assert (again.low, again.high) == pytest.approx((narrow.low, narrow.high), rel=1e-6)


def test_only_counted_items_have_a_least_spread(folder: Path) -> None:
    """NDCG is no share of the queries: three seeds that agree do agree."""
    for run in (folder / "same").iterdir():
        shutil.copy(folder / "reference" / run.name / "mteb/queries.npz", run / "mteb/queries.npz")
        shutil.copy(folder / "reference" / run.name / "mteb/records.json", run / "mteb/records.json")
    found = of(compare(folder), "retrieval", "same").average
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("problem", ["absent", "gold/", "sentences/"])
def test_missing_items_end_in_one_clear_line(folder: Path, problem: str) -> None:
    file = folder / "better/0/pairs.npz"
    stored = {name: values for name, values in np.load(file).items() if not name.startswith(problem)}
    file.unlink()
    if problem != "absent":
        np.savez(file, **stored)
    with pytest.raises(NegbenchError, match="dvc repro") as caught:
        compare(folder)
    assert "pairs.npz" in caught.value.where


def test_selection_by_the_test_scores_is_told(folder: Path) -> None:
    for seed in range(3):
        file = folder / "same" / str(seed) / "run.json"
        described = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(described | {"train": {"select": "sts-test"}}), encoding="utf-8")
    found = compare(folder)
    assert of(found, "sts", "same").by_test
    assert not of(found, "sts", "better").by_test
    assert not of(found, "transfer", "same").by_test


def test_accuracies_on_the_test_part_are_what_is_compared(whole: Path) -> None:
    found = of(compare(whole), "transfer", "better")
    assert [*found.tasks] == [*TRANSFER.labels][:-1]
    assert found.tasks["CR"].items == fixture.EXAMPLES
