"""What the programs that score one model folder share."""

from __future__ import annotations

from types import ModuleType

import pytest

from eval import mteb, sts, transfer
from eval.command import chosen_tasks
from pipelines.errors import NegbenchError


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
