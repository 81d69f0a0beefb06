"""Two sets of results side by side: against scipy's tests, a simulation of nothing changed, and with parts missing."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import fail, write_results
from scipy import stats

from pipelines import compare
from pipelines.main import run
from reports import flat, records
from reports.changes import Change, changes
from reports.families import STS, TRANSFER


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """A results folder, and a copy of it."""
    first = write_results(tmp_path / "a", seeds=4)
    return first, Path(shutil.copytree(first, tmp_path / "b"))


def edit(run: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change every record of a run."""
    file = run / "records.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    for one in stored["records"]:
        change(one)
    file.write_text(json.dumps(stored), encoding="utf-8")


def lift(folder: Path, method: str, points: float, noise: float = 0.3) -> None:
    """Add to every score of a method's runs, to each seed's its own."""
    for seed, one in enumerate(sorted((folder / method).iterdir())):
        rng = np.random.default_rng(seed)

        def higher(found: dict[str, object], rng: np.random.Generator = rng) -> None:
            if isinstance(found["value"], float):
                found["value"] += points + rng.normal(0, noise)

        edit(one, higher)


def printed(capsys: pytest.CaptureFixture[str], *arguments: Path | str) -> str:
    assert run(compare.compare, compare.options(), [*map(str, arguments)]) == 0
    return capsys.readouterr().out


def of(found: list[Change], method: str, task: str, metric: str = "spearman_all") -> Change:
    return next(one for one in found if (one.method, one.task, one.metric) == (method, task, metric))


def values(folder: Path, method: str, task: str) -> dict[int, float]:
    found = next(one for one in records.load(folder).methods if one.name == method)
    return found.values(task, "spearman_all")


def found(a: Path, b: Path) -> list[Change]:
    return changes(compare.load(a).records, compare.load(b).records)


def test_equal_seeds_are_paired_as_by_scipy(sides: tuple[Path, Path]) -> None:
    lift(sides[1], "mocose", 0.5)
    every = found(*sides)
    for task in STS.labels:
        before, after = (values(side, "mocose", task) for side in sides)
        theirs = stats.ttest_rel([after[seed] for seed in range(4)], [before[seed] for seed in range(4)])
        low, high = theirs.confidence_interval(0.95)
        one = of(every, "mocose", task)
        assert one.paired and one.effect
        assert one.effect.p == pytest.approx(theirs.pvalue)
        assert (one.effect.low, one.effect.high) == pytest.approx((low, high))
        assert (one.effect.n, one.identical) == (4, False)


@pytest.mark.parametrize("reason", ["seeds", "data"])
def test_seeds_without_a_partner_and_other_data_are_compared_as_by_welch(sides: tuple[Path, Path], reason: str) -> None:
    lift(sides[1], "mocose", 0.5)
    if reason == "seeds":
        for seed in range(4):
            (sides[1] / f"mocose/{seed}").rename(sides[1] / f"mocose/{seed + 7}")
    else:
        for file in sides[1].rglob("*.json"):
            file.write_text(file.read_text(encoding="utf-8").replace("77aa10c2e95d3b08", "0" * 16), encoding="utf-8")
    before, after = ([*values(side, "mocose", "avg").values()] for side in sides)
    theirs = stats.ttest_ind(after, before, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    one = of(found(*sides), "mocose", "avg")
    assert not one.paired and one.effect
    assert (one.effect.p, one.effect.low, one.effect.high) == pytest.approx((theirs.pvalue, low, high))


def test_of_too_few_common_seeds_no_pairs_are_made(tmp_path: Path) -> None:
    """Five seeds on either side and two in common: both sides say what seeds do."""
    first = write_results(tmp_path / "a", seeds=8)
    second = Path(shutil.copytree(first, tmp_path / "b"))
    lift(second, "mocose", 5)
    for seed in range(8):
        gone = [side for side, kept in ((first, range(5)), (second, range(3, 8))) if seed not in kept]
        for side in gone:
            shutil.rmtree(side / "mocose" / str(seed))
    one = of(found(first, second), "mocose", "avg")
    assert not one.paired and one.effect
    theirs = stats.ttest_ind(*([*values(side, "mocose", "avg").values()] for side in (second, first)), equal_var=False)
    assert (one.effect.n, one.effect.p) == (5, pytest.approx(theirs.pvalue))


def test_a_geometry_that_moved_alone_is_no_average_that_moved(
    sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    def flatter(one: dict[str, object]) -> None:
        if one["metric"] == "effective_rank" and isinstance(one["value"], float):
            one["value"] += 1

    edit(sides[1] / "mocose" / "0", flatter)
    first, *_ = printed(capsys, *sides).splitlines()
    assert re.fullmatch(
        r"No: \d+ averages of tasks are the same to the last digit, seed by seed; other scores differ.", first
    )


def test_seeds_that_both_have_are_paired_and_the_others_named(sides: tuple[Path, Path]) -> None:
    lift(sides[1], "mocose", 0.5)
    shutil.rmtree(sides[1] / "mocose/0")
    before, after = (values(side, "mocose", "avg") for side in sides)
    one = of(found(*sides), "mocose", "avg")
    assert one.difference == pytest.approx(np.mean([after[seed] - before[seed] for seed in (1, 2, 3)]))
    assert (one.paired, one.effect.n if one.effect else 0, one.note) == (True, 3, "seed 0 on one side alone")


def test_p_are_adjusted_by_holm_among_what_differs(sides: tuple[Path, Path]) -> None:
    lift(sides[1], "mocose", 0.4)
    lift(sides[1], "simcse", 0.1)
    every = found(*sides)
    averages = [of(every, name, "avg") for name in ("mocose", "simcse")]
    smaller, larger = sorted(one.effect.p for one in averages if one.effect and one.effect.p is not None)
    assert sorted(one.adjusted or 0 for one in averages) == pytest.approx([2 * smaller, max(2 * smaller, larger)])
    assert of(every, "softcse_weight", "avg").identical
    assert of(every, "softcse_weight", "avg").adjusted is None


def drawn(rng: np.random.Generator, methods: int, steps: dict[str, float]) -> pd.DataFrame:
    """Scores of methods with three seeds, all alike, as shares of the items that a step of each task stands for."""
    rows = []
    for method, seed, (task, step) in product(range(methods), range(3), steps.items()):
        named = {"method": f"m{method}", "label": "", "seed": seed, "task": task, "metric": "acc", "reason": None}
        value = np.round(rng.normal(85, 0.5) / step) * step
        rows.append({**named, "value": value, "n": round(100 / step), "protocol": "", "data_hash": ""})
    return pd.DataFrame(rows)


def test_nothing_changed_is_called_a_change_as_rarely_as_promised() -> None:
    """Five methods with three seeds each, both sides drawn alike, 400 times: of the averages one in twenty at most."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        wrong += any(one.real for one in changes(drawn(rng, 5, {"avg": 1e-4}), drawn(rng, 5, {"avg": 1e-4})))
    assert stats.binomtest(wrong, 400, 0.05, alternative="greater").pvalue > 0.01
    assert wrong > 0  # a test that never errs has no power either


@pytest.mark.parametrize(
    "steps",
    [
        {"MR": 0.01, "CR": 0.026, "SUBJ": 0.01, "MPQA": 0.01, "SST2": 100 / 1821, "TREC": 0.2, "MRPC": 100 / 1725},
        dict.fromkeys(TRANSFER.labels, 0.5),
    ],
    ids=["SentEval's sets", "sets of 200"],
)
def test_seeds_that_agree_to_an_item_by_chance_make_no_change(steps: dict[str, float]) -> None:
    """The tasks of one method are judged together, so one method in twenty may have a false change among them."""
    rng = np.random.default_rng(0)
    found = changes(drawn(rng, 800, steps), drawn(rng, 800, steps))
    wrong = len({one.method for one in found if one.real})
    assert stats.binomtest(wrong, 800, 0.05, alternative="greater").pvalue > 0.01


def test_one_more_example_right_in_every_seed_is_no_change_of_an_average() -> None:
    """The average of several tasks has the spread of counting in each of them."""
    tasks = [*TRANSFER.labels]
    sizes = dict.fromkeys(tasks, 1000) | {"avg": 7000}
    steps = {task: 100 / size for task, size in sizes.items()}
    rows = drawn(np.random.default_rng(0), 1, steps)
    rows["n"] = rows["task"].map(sizes)
    rows["value"] = rows["seed"].map({0: 80.0, 1: 81.0, 2: 79.5})
    more = rows.copy()
    more.loc[more["task"] == tasks[0], "value"] += 0.1
    more.loc[more["task"] == "avg", "value"] += 0.1 / 7
    (average,) = [one for one in changes(rows, more) if one.task == "avg"]
    assert average.difference == pytest.approx(0.1 / 7)
    assert not average.real
    # Student's with two degrees of freedom; of each task a variance of 2/12 of a step squared, over three seeds
    assert average.half_width == pytest.approx(4.303 * (2 * 7 * 0.1**2 / 12 / 49 / 3) ** 0.5, rel=1e-3)


def test_a_method_that_lost_its_scores_is_told_first(
    sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(4):
        for task in (*STS.labels, "avg"):
            fail(sides[1] / f"mocose/{seed}", task, "loss is nan at step 9")
    lines = printed(capsys, *sides).splitlines()
    assert lines[0] == "Only A has a score of MoCoSE on sts."
    found = of(changes(compare.load(sides[0]).records, compare.load(sides[1]).records), "mocose", "avg")
    assert found.after is None
    assert found.before == pytest.approx(np.mean([*values(sides[0], "mocose", "avg").values()]))


FITTED = ("acc", "devacc", "f1")


@pytest.mark.parametrize(
    ("method", "setting", "reaches"),
    [
        ("mocose", "transfer", lambda metric: metric in FITTED),
        ("mocose", "fit_sentences", lambda _: False),
        ("cls", "fit_sentences", lambda _: True),
    ],
)
def test_a_setting_counts_where_it_reaches(
    sides: tuple[Path, Path], method: str, setting: str, reaches: Callable[[str], bool]
) -> None:
    for file in (sides[1] / method).glob("*/records.json"):
        stored = json.loads(file.read_text(encoding="utf-8"))
        stored["provenance"]["evaluation"] = {setting: "other"}
        file.write_text(json.dumps(stored), encoding="utf-8")
    unlike = {(one.method, one.metric): "another protocol" in one.note for one in found(*sides)}
    measured = {one["metric"] for one in stored["records"]}
    assert unlike == {(of, metric): of == method and metric in measured and reaches(metric) for of, metric in unlike}


def change_items(folder: Path, task: str) -> None:
    def fewer(found: dict[str, object]) -> None:
        found["n"] = 100 if found["task"] == task else found["n"]

    for one in (folder / "mocose").iterdir():
        edit(one, fewer)


def change_protocol(folder: Path) -> None:
    for file in (folder / "mocose").glob("*/records.json"):
        stored = json.loads(file.read_text(encoding="utf-8"))
        stored["provenance"]["evaluation"] = {"rounded": 2, "poolings": ["cls"]}
        file.write_text(json.dumps(stored), encoding="utf-8")


def drop_task(folder: Path, task: str) -> None:
    for file in (folder / "mocose").glob("*/records.json"):
        stored = json.loads(file.read_text(encoding="utf-8"))
        stored["records"] = [one for one in stored["records"] if one["task"] != task]
        file.write_text(json.dumps(stored), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "unlike", "note"),
    [
        (lambda folder: change_items(folder, "STS13"), "STS13", "other items: 1379; 100"),
        (lambda folder: change_items(folder, "avg"), "avg", "other items: 1379; 100"),
        (lambda folder: drop_task(folder, "STS13"), "avg", "an average of other tasks: STS13; none"),
        (change_protocol, "STS13", 'another protocol: {}; {"rounded": 2}'),
    ],
)
def test_what_was_not_measured_alike_is_not_compared(
    sides: tuple[Path, Path],
    change: Callable[[Path], None],
    unlike: str,
    note: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lift(sides[1], "mocose", 25)
    alike = of(found(*sides), "mocose", "STS14")
    assert alike.real
    change(sides[1])
    one = of(found(*sides), "mocose", unlike)
    assert (one.effect, one.difference, one.real, one.note) == (None, None, False, note)
    assert one.before is not None and one.after is not None
    if "protocol" not in note:
        assert of(found(*sides), "mocose", "STS14").effect == alike.effect
    assert "cannot be compared: the two sides did not measure the same" in printed(capsys, *sides)


def test_more_sets_to_measure_are_no_other_protocol(sides: tuple[Path, Path]) -> None:
    lift(sides[1], "mocose", 25)
    for file in (sides[1] / "mocose").rglob("records.json"):
        stored = json.loads(file.read_text(encoding="utf-8"))
        stored["provenance"]["evaluation"] = {"poolings": ["cls"], "tasks": ["NFCorpus"]}
        file.write_text(json.dumps(stored), encoding="utf-8")
    assert of(found(*sides), "mocose", "avg").real


def test_two_seeds_are_too_few_to_tell(sides: tuple[Path, Path]) -> None:
    lift(sides[1], "mocose", 25)
    for side in sides:
        for seed in (2, 3):
            shutil.rmtree(side / f"mocose/{seed}")
    one = of(found(*sides), "mocose", "avg")
    assert one.effect and one.effect.n == 2
    assert (one.effect.low, one.effect.p, one.adjusted, one.real) == (None, None, None, False)


def test_a_table_of_records_says_the_same_as_its_folder(sides: tuple[Path, Path], tmp_path: Path) -> None:
    lift(sides[1], "mocose", 0.5)
    (tmp_path / "published").mkdir()
    for side, name in zip(sides, ("a.csv", "published/records.csv.xz"), strict=True):
        flat.frame(records.load(side), {side / "ablate/queue_distance.csv": {}}).to_csv(tmp_path / name, index=False)
    assert found(tmp_path / "a.csv", tmp_path / "published") == found(*sides)


@pytest.mark.parametrize("column", ["data_hash", "profile"])
def test_a_table_of_two_experiments_is_refused(
    sides: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    table = flat.frame(records.load(sides[0]), {})
    table.loc[table["method"] == "mocose", column] = "other"
    table.to_csv(tmp_path / "a.csv", index=False)
    assert run(compare.compare, compare.options(), [str(tmp_path / "a.csv"), str(sides[1])]) == 1
    assert f" and other by their {column} (" in capsys.readouterr().err


def test_a_table_tells_that_versions_and_the_evaluation_of_retrieval_differ(
    sides: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for side, table in zip(sides, tables, strict=True):
        flat.frame(records.load(side), {}).to_csv(table, index=False)
    assert "Nothing that the records say they depend on differs: data, code, settings, versions." in printed(
        capsys, *tables
    )
    for file in (sides[1] / "mocose").glob("*/mteb/records.json"):
        text = file.read_text(encoding="utf-8").replace("b0d3a6627c1f9e54", "0123456789abcdef")
        file.write_text(text.replace("2.13.0", "2.14.1"), encoding="utf-8")
    flat.frame(records.load(sides[1]), {}).to_csv(tables[1], index=False)
    lines = [" ".join(line.split()) for line in printed(capsys, *tables).splitlines()]
    assert lines.count("code mocose") == lines.count("versions mocose") == 1


def test_the_same_is_said_to_be_the_same(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, *sides)
    assert text.startswith("No: all ")
    assert "Nothing that the records say they depend on differs" in text
    assert "±" not in text


def test_without_a_seed_in_common_nothing_is_said_to_be_equal(
    sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in sides[1].glob("*/[0-9]"):
        folder.rename(folder.with_name(f"1{folder.name}"))
    text = printed(capsys, *sides)
    assert "cannot be compared: no method has a seed in common" in text
    assert "Nothing that" not in text


def test_the_answer_comes_first(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    lift(sides[1], "mocose", 3)
    assert printed(capsys, *sides).startswith("Yes: 2 of 2 averages moved by more than the noise of seeds: MoCoSE on ")
    lift(sides[1], "mocose", -3, noise=4)
    assert printed(capsys, *sides).startswith(
        "No: of 2 averages that differ none moved by more than the noise of seeds"
    )
    for side in sides:
        for seed in (1, 2, 3):
            shutil.rmtree(side / f"mocose/{seed}")
    assert printed(capsys, *sides).startswith("Nobody can tell: ")


def test_what_differs_beside_the_scores_is_listed(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(sides[1] / "cls")
    shutil.rmtree(sides[0] / "simcse/3")
    for file in (sides[1] / "mocose").rglob("*.json"):
        text = file.read_text(encoding="utf-8").replace("b0d3a6627c1f9e54", "0123456789abcdef")
        file.write_text(text.replace('"lr": 0.0005', '"lr": 0.001').replace("2.13.0", "2.14.1"), encoding="utf-8")
    lines = [" ".join(line.split()) for line in printed(capsys, *sides).splitlines()]
    assert f"Only in {sides[0]}: method cls." in lines
    assert f"Only in {sides[1]}: seed 3 of simcse." in lines
    for line in ("code mocose", "train.lr 0.0005 0.001 mocose", "version.torch 2.13.0 2.14.1 mocose"):
        assert line in lines


def test_seeds_of_two_experiments_are_told(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    file = sides[1] / "mocose/1/records.json"
    file.write_text(file.read_text(encoding="utf-8").replace("b0d3a6627c1f9e54", "0123456789abcdef"), encoding="utf-8")
    text = printed(capsys, *sides)
    assert f"Mind that in {sides[1]} the seeds of mocose differ in their code." in text.splitlines()
    assert f"Mind that in {sides[0]}" not in text


def test_a_missing_score_is_a_dash_with_its_reason(
    sides: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(4):
        fail(sides[1] / f"mocose/{seed}", "STS13", "loss is nan at step 9")
    fail(sides[1] / "simcse/0", "STS12", "out of luck")
    text = printed(capsys, *sides, "--csv", tmp_path / "out.csv")
    line = next(line for line in text.splitlines() if "MoCoSE" in line and "STS13" in line)
    assert line.split()[4:7] == ["—", "—", "—"]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["method"], row["task"], row["metric"]): row for row in csv.DictReader(stream)}
    missing = rows["mocose", "STS13", "spearman_all"]
    assert (missing["after"], missing["difference"], missing["seeds"]) == ("", "", "0")
    assert missing["note"] == "no score on side B in four of four seeds: loss is nan at step 9"
    assert rows["simcse", "STS12", "spearman_all"]["seeds"] == "3"
    before = values(sides[0], "simcse", "STS12")
    assert float(rows["simcse", "STS12", "spearman_all"]["before"]) == np.mean([before[seed] for seed in (1, 2, 3)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no results here"),
        ("", "not a table of records"),
        ("profile,seed\ndemo,0\n", "not a table of records: no column study"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,,ok,,9,,{},a,b,c,d\n", "a value without the status ok"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,inf,ok,,9,,{},a,b,c,d\n", "a value without the status ok"),
        ("HEAD\n" + 2 * "demo,,,simcse,SimCSE,0,avg,spearman_all,1.5,ok,,9,,{},a,b,c,d\n", "a score stands twice"),
        ("HEAD\ndemo,,,simcse,SimCSE,zero,avg,spearman_all,1.5,ok,,9,,{},a,b,c,d\n", "not a table of records"),
        ("HEAD\ndemo,,,simcse,SimCSE,1.5,avg,spearman_all,1.5,ok,,9,,{},a,b,c,d\n", "not a table of records"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,,failed,,9,,{},a,b,c,d\n", "neither a value nor a reason"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,1.5,ok,,9,x,{},a,b,c,d\n", "not a table of records"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,1.5,ok,,9,[],{},a,b,c,d\n", "settings that are no JSON object"),
        ("HEAD\ndemo,,,simcse,SimCSE,0,avg,spearman_all,1.5,ok,,9,,{},a,b,,d\n", "a run without a label or a hash"),
        ("HEAD\ndemo,,,nobody,Nobody,0,avg,spearman_all,1.5,ok,,9,,{},a,b,c,d\n", "no score is both here and in"),
    ],
)
def test_bad_input_is_one_line(
    sides: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    message: str,
) -> None:
    file = tmp_path / "records.csv"
    if content is not None:
        file.write_text(content.replace("HEAD", ",".join(flat.COLUMNS)), encoding="utf-8")
    csv_file = tmp_path / "out.csv"
    assert run(compare.compare, compare.options(), [str(sides[0]), str(file), "--csv", str(csv_file)]) == 1
    shown = capsys.readouterr()
    assert message in shown.err
    assert (shown.err.count("\n"), shown.out, csv_file.exists()) == (1, "", False)


@pytest.mark.parametrize("suffix", ["gz", "xz", "bz2", "zip"])
def test_a_damaged_table_is_one_line(sides: tuple[Path, Path], tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"records.csv.{suffix}"
    flat.frame(records.load(sides[0]), {}).to_csv(file, index=False)
    content = bytearray(file.read_bytes())
    for damaged in (content[: len(content) // 2], b"\0" * 40, content[:200] + bytes(40) + content[240:]):
        file.write_bytes(damaged)
        assert run(compare.compare, compare.options(), [str(file), str(sides[0])]) == 1
