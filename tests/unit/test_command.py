"""What the programs that score one model folder share."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from beir_fixture import write_set

from eval import mteb, sts, transfer
from eval.command import chosen_tasks, note_sizes, refuse_without_score
from eval.senteval import PUBLISHED
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


def test_a_score_for_every_task_is_no_error() -> None:
    refuse_without_score([record("A", "ok", None), record("avg", "skipped", "not evaluated: B")], Path("m"))


@pytest.mark.parametrize(
    ("status", "next_step"), [("skipped", "Name others with --tasks."), ("failed", "Check the model's weights.")]
)
def test_a_task_without_a_score_is_an_error(status: str, next_step: str) -> None:
    rows = [record("A", "ok", None), record("B", status, "why"), record("avg", status, "no score: B")]
    with pytest.raises(NegbenchError) as told:
        refuse_without_score(rows, Path("m"))
    assert str(told.value) == f"no score for B: why (m). {next_step}"


def test_the_published_sizes_need_no_note(capsys: pytest.CaptureFixture[str]) -> None:
    note_sizes({"STSB": {"test": 1379}, "STS12": {"test": 3108}}, PUBLISHED)
    assert capsys.readouterr().err == ""
    note_sizes({"STSB": {"test": 1379}, "STS12": {"test": 310}}, PUBLISHED)
    assert capsys.readouterr().err == "note: not the published sets: STS12 test (310 examples, published 3,108)\n"


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
    (error,) = [line for line in shown.err.splitlines() if not line.startswith("note: ")]
    assert error.startswith(f"error: no score for {tasks[0]}: ")
    assert error.endswith(f" ({tmp_path / 'broken'}). Check the model's weights.")
