"""The estimate of the end, and what the table shows."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipelines.progress import Board, remaining

SECONDS = {"train": 60.0, "evaluate": 10.0, "report": 5.0}


@given(
    counts=st.fixed_dictionaries({name: st.integers(0, 6) for name in SECONDS}),
    slots=st.integers(1, 4),
)
def test_the_estimate_is_between_the_bounds_of_any_schedule(counts: dict[str, int], slots: int) -> None:
    waiting = [f"{name}@{i}" for name, count in counts.items() for i in range(count)]
    took = [(f"{name}@old", seconds) for name, seconds in SECONDS.items()]
    left = remaining(waiting, [], took, slots)
    ends = [0.0] * slots  # the stages one after the other to whichever slot is free
    for stage in waiting:
        ends[ends.index(min(ends))] += SECONDS[stage.split("@")[0]]
    assert left is not None
    assert left <= max(ends) + 1e-9
    assert max(ends) <= 2 * left + 1e-9  # list scheduling is never worse than twice the best (Graham 1966)


def test_a_running_stage_counts_for_what_it_still_needs() -> None:
    assert remaining([], [("train@b", 20.0)], [("train@a", 60.0)], 1) == 40
    assert remaining([], [("train@b", 90.0)], [("train@a", 60.0)], 1) == 0
    assert remaining(["new"], [], [("a", 10.0), ("b", 30.0)], 1) == 20  # as long as any, for want of better


def test_before_any_stage_has_ended_there_is_no_estimate() -> None:
    assert remaining(["train@a"], [], [], 2) is None


def board_with(terminal: bool) -> tuple[Board, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, highlight=False)
    return Board(["fetch", "train@a-0", "train@a-1", "report"], console), out


def test_the_table_counts_by_name_and_tells_where_each_runs() -> None:
    board, out = board_with(terminal=True)
    board.begun("fetch", "here")
    board.ended("fetch", "cached", "")
    board.begun("train@a-1", "node7")
    Console(file=out, width=100).print(board.table())
    rows = {line.split()[0]: line.split()[1:] for line in out.getvalue().splitlines() if line.strip()}
    assert rows["stage"] == ["waiting", "running", "cached", "done", "failed", "now"]
    assert rows["fetch"] == ["1"]
    assert rows["train"][:5] == ["1", "1", "a-1", "on", "node7"]
    assert rows["report"] == ["1"]


def test_without_a_terminal_each_event_is_a_line() -> None:
    board, out = board_with(terminal=False)
    with board:
        board.begun("fetch", "here")
        board.ended("fetch", "done", "what it [printed]")
        board.begun("train@a-0", "there")
        board.again("train@a-0")
        board.begun("train@a-0", "elsewhere")
        board.ended("train@a-0", "failed", "")
        board.not_run()
    lines = out.getvalue().splitlines()
    assert lines[:3] == [
        "fetch begins on here",
        "what it [printed]",
        "fetch: done after 0 s; 1 done, 3 waiting, about 0 s left",
    ]
    assert lines[4] == "train@a-0 begins on elsewhere"
    assert board.in_state("not run") == ["train@a-1", "report"]
