"""What the programs that score one model folder share."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from beir_fixture import write_set

from eval import mteb, sts, transfer
from eval.command import chosen_tasks, refuse_failed
from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError
from pipelines.main import run


@pytest.mark.parametrize("program", [mteb, sts, transfer])
@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([], ["X", "Y"]),
        (["--tasks", "CR,TREC"], ["CR", "TREC"]),
        (["--tasks", "CR", "TREC"], ["CR", "TREC"]),
        (["--tasks", "CR,", "MR , TREC"], ["CR", "MR", "TREC"]),
        (["--tasks", "CR", "--tasks", "TREC"], ["CR", "TREC"]),
        (["--tasks", "CR,TREC", "CR"], ["CR", "TREC"]),
    ],
)
def test_tasks_are_separated_by_blanks_or_commas_and_run_once(
    program: ModuleType, given: list[str], chosen: list[str]
) -> None:
    arguments = program.parser().parse_args(["--model", "m", "--data", "d", *given])
    assert chosen_tasks(arguments, ("X", "Y")) == chosen


@pytest.mark.parametrize("empty", ["", " , "])
def test_an_empty_list_of_tasks_is_an_error(empty: str) -> None:
    arguments = sts.parser().parse_args(["--model", "m", "--data", "d", "--tasks", empty])
    with pytest.raises(NegbenchError, match=r"no task is named \(--tasks\)\. Give some of X, Y"):
        chosen_tasks(arguments, ("X", "Y"))


def record(task: str, status: str, reason: str | None) -> dict[str, str | None]:
    return {"task": task, "metric": "m", "status": status, "reason": reason}


def test_scores_and_skipped_tasks_are_no_error() -> None:
    refuse_failed([record("A", "ok", None), record("B", "skipped", "no hub"), record("avg", "failed", "x")], Path("m"))


@pytest.mark.parametrize("fill", [float("nan"), 0.0])
@pytest.mark.parametrize(("program", "tasks"), [(sts, ["STSB"]), (mteb, ["own"])], ids=["sts", "mteb"])
def test_a_broken_model_is_one_line_and_an_exit_code_after_the_scores(
    program: ModuleType,
    tasks: list[str],
    fill: float,
    sts_tree: Path,
    tiny_encoder: Encoder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_set(sts_tree / "beir/own")
    with torch.no_grad():
        for parameter in tiny_encoder.backbone.encoder.layer[-1].output.LayerNorm.parameters():
            parameter.fill_(fill)
    tiny_encoder.save(tmp_path / "broken")
    capsys.readouterr()
    options = ["--model", str(tmp_path / "broken"), "--data", str(sts_tree), "--json", "--tasks", *tasks]
    assert run(program.main, program.parser(), options) == 1
    shown = capsys.readouterr()
    assert {row["value"] for row in json.loads(shown.out)["records"]} == {None}
    assert shown.err.startswith(f"error: no score for {tasks[0]}: ")
    assert shown.err.endswith(f" ({tmp_path / 'broken'}). Check the model's weights.\n")
    assert shown.err.count("\n") == 1
