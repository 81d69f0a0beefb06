"""The README's table of a published report: its numbers against a plain loop over the records."""

from __future__ import annotations

import gzip
import json
import statistics
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from report_fixture import write_results

from pipelines import marked, params
from pipelines.errors import NegbenchError
from reports import flat, readme, records

PUBLISHED = sorted((params.ROOT / "results").glob("*/origin.json"))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    results = records.load(write_results(tmp_path / "results"))
    keep(flat.frame(results, {}), tmp_path)
    return tmp_path


def keep(table: pd.DataFrame, folder: Path) -> None:
    text = table.to_csv(index=False, lineterminator="\n")
    (folder / readme.RECORDS).write_bytes(gzip.compress(text.encode()))


def lose(folder: Path, method: str) -> None:
    table = flat.read(folder / readme.RECORDS)
    gone = (table["task"] == "avg") & (table["method"] == method) & (table["metric"] == "spearman_all")
    table.loc[gone, ["value", "status", "reason"]] = [None, "failed", "the loss is not finite"]
    keep(table, folder)


def load(file: Path) -> Any:
    return json.loads(file.read_text())


def cells(line: str) -> list[str]:
    return [cell.strip().replace("**", "") for cell in line.strip().strip("|").split("|")]


def test_each_average_is_the_mean_over_seeds_beside_their_spread(published: Path) -> None:
    head, _, *lines = readme.table(published).splitlines()
    assert cells(head) == ["", "STS", "transfer", "retrieval", "seeds"]
    metrics = ("spearman_all", "acc", "retrieval_main_score")
    expected = {}
    for folder in (published / "results").glob("*/0"):
        runs = [
            [one for part in ("records.json", "mteb/records.json") for one in load(run / part)["records"]]
            for run in sorted(folder.parent.glob("*"))
        ]
        label = load(folder / "run.json")["label"]
        scores = [
            [one["value"] for run in runs for one in run if (one["task"], one["metric"]) == ("avg", metric)]
            for metric in metrics
        ]
        spread = [f" ± {statistics.stdev(of):.2f}" if len(of) > 1 else "" for of in scores]
        means = [f"{statistics.fmean(of):.2f}{told}" for of, told in zip(scores, spread, strict=True)]
        expected[label] = [*means, str(len(runs))]
    assert {first: rest for first, *rest in map(cells, lines)} == expected


def test_the_best_come_first_and_what_has_no_score_last(published: Path) -> None:
    scores = [float(cells(line)[1].split()[0]) for line in readme.table(published).splitlines()[2:]]
    assert scores == sorted(scores, reverse=True)
    lose(published, "simcse")
    assert cells(readme.table(published).splitlines()[-1])[:2] == ["SimCSE", "—"]


def test_the_best_of_a_column_is_bold(published: Path) -> None:
    lines = readme.table(published).splitlines()[2:]
    for column in (1, 2, 3):
        means = {line: float(cells(line)[column].split()[0]) for line in lines}
        assert [line for line in lines if "**" in line.split("|")[column + 1]] == [max(means, key=means.__getitem__)]


def test_scores_that_chose_their_own_checkpoints_are_not_the_best(published: Path) -> None:
    table = flat.read(published / readme.RECORDS)
    of = table["method"] == "mocose"
    table.loc[of & table["value"].notna(), "value"] = 99.0
    lines = {}
    for select in ("stsb-dev", "sts-test"):
        table.loc[of, "settings"] = json.dumps({"select": select})
        keep(table, published)
        lines[select] = next(line for line in readme.table(published).splitlines() if line.startswith("| MoCoSE |"))
    assert [lines[select].count("**99.00 ± 0.00**") for select in ("stsb-dev", "sts-test")] == [3, 2]
    assert lines["sts-test"].startswith("| MoCoSE | 99.00 ± 0.00 | **")


def test_a_missing_average_is_a_dash_and_counts_in_no_mean(published: Path) -> None:
    before = {first: rest for first, *rest in map(cells, readme.table(published).splitlines())}
    lose(published, "simcse")
    after = {first: rest for first, *rest in map(cells, readme.table(published).splitlines())}
    assert after == before | {"SimCSE": ["—", *before["SimCSE"][1:]]}


@pytest.mark.parametrize("metrics", [["spearman_all"], ["spearman_all", "acc", "retrieval_main_score"]])
def test_a_seed_without_a_score_is_told_from_one_with(metrics: list[str], published: Path) -> None:
    table = flat.read(published / readme.RECORDS)
    gone = (table["method"] == "simcse") & (table["seed"] == 1) & table["metric"].isin(metrics)
    table.loc[gone, ["value", "status", "reason"]] = [None, "failed", "the loss is not finite"]
    keep(table, published)
    seeds = {first: rest[-1] for first, *rest in map(cells, readme.table(published).splitlines()[2:])}
    assert seeds.pop("SimCSE") == "2 of 3"
    assert {*seeds.values()} == {"1", "3"}


def test_methods_of_one_label_are_not_averaged(published: Path) -> None:
    lines = readme.table(published).splitlines()
    table = flat.read(published / readme.RECORDS)
    keep(table.assign(label="Same"), published)
    assert [cells(line)[1:] for line in readme.table(published).splitlines()] == [cells(line)[1:] for line in lines]


def test_without_any_average_there_is_no_number(published: Path) -> None:
    table = flat.read(published / readme.RECORDS)
    keep(table[table["task"] != "avg"], published)
    assert readme.table(published).splitlines() == ["|  | seeds |", "| --- | --: |"]


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    new = marked.replace(text, "x", "new\nlines\n", "file")
    assert new == "a\n<!-- x -->\nnew\nlines\n<!-- /x -->\nb\n"
    assert marked.part(new, "x") == "new\nlines\n"
    assert marked.part(new, "y") is None
    assert marked.part("<!-- /x -->\n<!-- x -->\n", "x") is None
    with pytest.raises(NegbenchError, match=r"no place for y \(file\)"):
        marked.replace(text, "y", "", "file")


@pytest.mark.parametrize("folder", [file.parent for file in PUBLISHED], ids=lambda folder: folder.name)
def test_the_readme_shows_what_is_published(folder: Path) -> None:
    text = (params.ROOT / "README.md").read_text(encoding="utf-8")
    assert marked.part(text, folder.relative_to(params.ROOT).as_posix()) == readme.table(folder)


def test_the_row_from_scratch_is_told_as_it_was_measured() -> None:
    told = " ".join((params.ROOT / "README.md").read_text(encoding="utf-8").split())

    def average(folder: str, method: str) -> float:
        of = flat.read(params.ROOT / "results" / folder / readme.RECORDS)
        runs = of[(of["method"] == method) & (of["task"] == "avg") & (of["metric"] == "spearman_all")]
        return statistics.mean(runs[runs["study"].isna()]["value"])

    (then, plain), (again, bare) = (
        [average(of, method) for method in ("dcl", "cls")] for of in ("small", "small_again")
    )
    assert f"its average STS is {again:.2f}, lower by {then - again:.2f} with" in told
    assert f"has {bare:.2f} untrained where the published one has {plain:.2f}" in told
    assert f"alike, {again - bare:.2f} and {then - plain:.2f}" in told
