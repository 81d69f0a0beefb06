"""Results as they are read: strict about what belongs together, and never a number for a missing score."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixture import HASHES, TRAINED, UNTRAINED, write_json, write_results

from pipelines.errors import NegbenchError
from reports import negatives, records, stats
from reports.records import Expected, LeftOut


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


def edit(file: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    write_json(file, content)


def test_reads_every_run(results: Path) -> None:
    loaded = records.load(results)
    assert [method.name for method in loaded.methods] == sorted([*UNTRAINED, *TRAINED])
    assert [method.name for method in loaded.ours(trained=False)] == sorted(UNTRAINED)
    assert all(len(method.runs) == 3 for method in loaded.ours(trained=True))
    assert loaded.warnings == {}


def test_seeds_are_in_numeric_order(results: Path) -> None:
    shutil.copytree(results / "simcse" / "0", results / "simcse" / "10")
    method = next(one for one in records.load(results).methods if one.name == "simcse")
    assert [run.seed for run in method.runs] == [0, 1, 2, 10]


def wanted() -> dict[str, dict[int, Expected]]:
    """What write_results leaves."""
    seeds = dict.fromkeys(UNTRAINED, 1) | dict.fromkeys(TRAINED, 3)
    return {name: {seed: Expected(HASHES, HASHES) for seed in range(count)} for name, count in seeds.items()}


def test_fresh_records_are_all_read(results: Path) -> None:
    loaded = records.load(results, wanted())
    assert loaded == records.load(results)
    assert loaded.left_out == ()


@pytest.mark.parametrize(("field", "what"), [("params_hash", "settings"), ("code_hash", "code"), ("data_hash", "data")])
def test_a_stale_run_counts_nowhere(results: Path, field: str, what: str) -> None:
    for name in ("records.json", "mteb/records.json"):
        edit(results / "simcse/1" / name, lambda content: content["provenance"].update({field: "0"}))
    loaded = records.load(results, wanted())
    assert loaded.left_out == (LeftOut("simcse, seed 1", f"stale, of other {what}"),)
    assert [run.seed for method in loaded.methods if method.name == "simcse" for run in method.runs] == [0, 2]


def test_stale_retrieval_counts_nowhere_and_the_rest_of_the_run_does(results: Path) -> None:
    edit(results / "simcse/1/mteb/records.json", lambda content: content["provenance"].update(params_hash="0"))
    loaded = records.load(results, wanted())
    assert loaded.left_out == (LeftOut("simcse, seed 1", "retrieval and reranking stale, of other settings"),)
    run = next(run for method in loaded.methods for run in method.runs if (run.method, run.seed) == ("simcse", 1))
    assert run.score("avg", "spearman_all") and not run.score("avg", "retrieval_main_score")


def test_a_missing_run_is_told_and_one_too_many_is_not_read(results: Path) -> None:
    shutil.rmtree(results / "simcse/1")
    shutil.copytree(results / "simcse/0", results / "simcse/10")
    loaded = records.load(results, wanted())
    assert loaded.left_out == (LeftOut("simcse, seed 1", "not there"),)
    assert [run.seed for method in loaded.methods if method.name == "simcse" for run in method.runs] == [0, 2]


def test_nothing_but_stale_records(results: Path) -> None:
    other = Expected(HASHES | {"code_hash": "0"}, HASHES)
    with pytest.raises(NegbenchError, match="the results here are stale, of other code"):
        records.load(results, {"simcse": {0: other}})


def test_a_score_that_stands_twice_is_refused(results: Path) -> None:
    edit(results / "simcse/1/records.json", lambda content: content["records"].append(content["records"][0]))
    with pytest.raises(NegbenchError, match="STS12 has spearman_all twice"):
        records.load(results)


@pytest.mark.parametrize("field", ["profile", "comparable", "data_hash"])
def test_runs_of_different_data_or_profile_are_refused(results: Path, field: str) -> None:
    other = "direction" if field == "comparable" else "other"
    for name in ("records.json", "mteb/records.json"):
        edit(results / "simcse/1" / name, lambda content: content["provenance"].update({field: other}))
    with pytest.raises(NegbenchError, match=rf"differ in {field}: .*simcse/1 has '{other}'"):
        records.load(results)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"code_hash": "0"}, "code"),
        ({"backbone": "another"}, "settings"),
        ({"versions": {"torch": "1.7"}}, "library versions"),
    ],
)
def test_seeds_that_differ_in_code_settings_or_versions_are_marked(
    results: Path, change: dict[str, Any], what: str
) -> None:
    edit(results / "simcse/1/records.json", lambda content: content["provenance"].update(change))
    assert records.load(results).warnings == {"simcse": f"its seeds differ in {what}"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "failed", "reason": "collapsed"}, "STS12 is 'failed' with the value"),
        ({"value": None}, "STS12 is 'ok' with the value None"),
        ({"value": None, "status": "failed"}, "STS12 is 'failed' without a reason"),
        ({"value": "high"}, "valid number"),
        ({"metric": None}, "metric: Input should be a valid string"),
    ],
)
def test_a_record_has_a_value_or_a_reason(results: Path, change: dict[str, Any], message: str) -> None:
    edit(results / "simcse/1/records.json", lambda content: content["records"][0].update(change))
    with pytest.raises(NegbenchError, match=message):
        records.load(results)


def test_nan_is_no_score(results: Path) -> None:
    file = results / "simcse/1/records.json"
    edit(file, lambda content: content["records"][0].update(value=12.5))
    file.write_text(file.read_text(encoding="utf-8").replace("12.5", "NaN"), encoding="utf-8")
    with pytest.raises(NegbenchError, match="finite number"):
        records.load(results)


def test_missing_broken_and_stray_files(results: Path) -> None:
    file = results / "simcse/1/run.json"
    for broken in (b"{", b"\xff\xfe"):
        file.write_bytes(broken)
        with pytest.raises(NegbenchError, match="not valid JSON"):
            records.load(results)
    file.unlink()
    with pytest.raises(NegbenchError, match=r"the file is missing .*simcse/1/run\.json"):
        records.load(results)
    shutil.rmtree(results / "simcse/1")
    shutil.copytree(results / "simcse/0", results / "simcse/best")
    with pytest.raises(NegbenchError, match="'best' is no seed"):
        records.load(results)
    with pytest.raises(NegbenchError, match="no results here"):
        records.load(results / "nowhere")


def test_a_folder_that_git_left_without_records_is_no_run(results: Path) -> None:
    write_json(results / "simcse/9/metrics.json", {"avg": 50.0})
    method = next(one for one in records.load(results).methods if one.name == "simcse")
    assert [run.seed for run in method.runs] == [0, 1, 2]


def test_histograms_integrate_to_one_and_average_over_seeds(results: Path) -> None:
    pooled = negatives.pool(records.load(results))
    assert len(pooled) == len(TRAINED)
    for histogram in pooled:
        widths = histogram.edges[1:] - histogram.edges[:-1]
        assert (histogram.before * widths).sum() == pytest.approx(1)
        assert (histogram.after * widths).sum() == pytest.approx(1)
        name = next(name for name, (label, *_) in TRAINED.items() if label == histogram.label)
        stored = [json.loads((results / name / str(s) / "negatives.json").read_text()) for s in range(3)]
        assert histogram.mean_after == pytest.approx(sum(one["mean_after"] for one in stored) / 3)
        assert histogram.after[40] * widths[40] == pytest.approx(sum(one["after"][40] for one in stored) / 12_000)
    assert [one.mean_after for one in pooled] == sorted(one.mean_after for one in pooled)


def test_histograms_of_different_bins_are_refused(results: Path) -> None:
    edit(results / "simcse/1/negatives.json", lambda content: content["edges"].__setitem__(0, -1.5))
    with pytest.raises(NegbenchError, match=r"different bins \(simcse\)"):
        negatives.pool(records.load(results))


scores = st.lists(st.floats(-100, 100), min_size=2, max_size=8)


@given(scores)
def test_mean_and_std_against_the_standard_library(values: list[float]) -> None:
    sample = stats.summarise(values)
    assert sample.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert sample.std == pytest.approx(statistics.stdev(values), abs=1e-9)
    assert (sample.low, sample.high, sample.n) == (min(values), max(values), len(values))


@pytest.mark.parametrize(("n", "quantile"), [(2, 12.7062), (3, 4.3027), (5, 2.7764), (10, 2.2622)])
def test_interval_against_the_printed_t_table(n: int, quantile: float) -> None:
    values = [float(i) for i in range(n)]
    expected = quantile * statistics.stdev(values) / n**0.5
    assert stats.summarise(values).half_width == pytest.approx(expected, rel=1e-4)


def test_one_seed_has_no_spread() -> None:
    sample = stats.summarise([50.0])
    assert (sample.mean, sample.std, sample.half_width) == (50.0, None, None)


def test_retrieval_of_other_data_is_refused(results: Path) -> None:
    edit(results / "simcse/1/mteb/records.json", lambda content: content["provenance"].update(data_hash="other"))
    with pytest.raises(NegbenchError, match=r"data_hash differs from that in .*simcse/1/records.json"):
        records.load(results)
