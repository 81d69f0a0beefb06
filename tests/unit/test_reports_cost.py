"""What training took, against the logs read naively."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_fixture import write_training

from pipelines import device
from pipelines.errors import NegbenchError
from reports import cost, environment, runs
from reports.runs import Machine

MACHINE = {"platform": "Linux x86_64", "device": "CPU", "cores": 2, "threads": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    for seed in range(3):
        write_training(tmp_path / f"simcse/{seed}", rng, "SimCSE", 150, MACHINE if seed else None)
    write_training(tmp_path / "mocose/0", rng, "MoCoSE", 64, {**MACHINE, "cores": 1})
    write_training(tmp_path / "simcse/9", rng, "left by an earlier profile", 150)
    return tmp_path


def test_the_time_of_a_run_is_that_of_its_steps(folder: Path) -> None:
    found = runs.load(folder, ["simcse", "mocose", "never_trained"], range(3))
    assert [(one.method, one.seed) for one in found] == [("simcse", 0), ("simcse", 1), ("simcse", 2), ("mocose", 0)]
    for one in found:
        size = 64 if one.method == "mocose" else 150
        with (folder / one.method / str(one.seed) / "log.csv").open() as log:
            speeds = [float(row["sentences_per_second"]) for row in csv.DictReader(log)]
        batches = [64] if size == 64 else [64, 64, 22]  # the last of an epoch is short
        assert one.seconds == pytest.approx(sum(n / v for n, v in zip(batches * 2, speeds, strict=True)))
        assert (one.steps, one.sentences, one.parameters) == (len(speeds), 2 * size, 11)


def test_a_row_a_method_with_its_spread_over_seeds(folder: Path) -> None:
    found = runs.load(folder, ["simcse", "mocose"], range(3))
    section = cost.section(found)
    assert section
    (table,) = section.blocks
    assert not isinstance(table, str)
    simcse, mocose = table.rows  # type: ignore[union-attr]
    seconds = [run.seconds for run in found if run.method == "simcse"]
    cell = simcse.cells[cost.COLUMNS.index("seconds a run")]
    assert cell.value == pytest.approx(np.mean(seconds))
    assert (cell.text, cell.spread) == (f"{np.mean(seconds):.1f}", f"{np.std(seconds, ddof=1):.1f}")
    assert [one.text for one in mocose.cells[1:3]] == ["2", "128"]
    assert not any(one.spread for one in mocose.cells)
    assert [one.cells[-1].text for one in (simcse, mocose)] == ["3", "1"]
    assert cost.section([]) is None


def test_machines_are_told_as_often_as_runs_name_them(folder: Path) -> None:
    found = runs.load(folder, ["simcse", "mocose"], range(3))
    assert environment.machines(found) == [
        "Two of four training runs: Linux x86_64, CPU, 2 cores, threads for one operation: 1.",
        "One of four training runs: Linux x86_64, CPU, 1 core, threads for one operation: 1.",
    ]
    assert environment.machines([replace(run, machine=None) for run in found]) == []
    assert found[1].machine
    several = replace(found[1], machine=found[1].machine.model_copy(update={"processes": 2}))
    assert environment.machines([several])[0].endswith("threads for one operation: 1, two processes together.")


def test_the_report_reads_the_machine_that_training_writes() -> None:
    assert Machine.model_validate(device.machine()).threads >= 1


def test_a_log_without_speeds_is_named(folder: Path) -> None:
    log = folder / "mocose/0/log.csv"
    log.write_text(log.read_text().replace("sentences_per_second", "speed"))
    with pytest.raises(NegbenchError, match=r"a step without sentences_per_second .*mocose/0/log\.csv"):
        runs.load(folder, ["mocose"], [0])


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "mocose/0/model/model.safetensors").unlink()
    with pytest.raises(NegbenchError, match=r"the weights are missing .*mocose/0/model"):
        runs.load(folder, ["mocose"], [0])
