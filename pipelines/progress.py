"""What runs where, and how long the rest will take: a live table on a terminal, a line per event elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from statistics import fmean
from time import time
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

State = Literal["waiting", "running", "done", "cached", "failed", "not run"]


def remaining(
    waiting: Iterable[str], running: Iterable[tuple[str, float]], took: list[tuple[str, float]], slots: int
) -> float | None:
    """Seconds that the rest will take, or None before any stage has ended.

    Each stage is expected to take what those of its name took on average, or all where none of its name has ended.

    Args:
        waiting: stages that have not begun; what stands before `@` is the name.
        running: stages and the seconds since they began.
        took: stages that ran to their end and their seconds.
        slots: stages that can run at a time.
    """
    if not took:
        return None
    seconds = defaultdict(list)
    for stage, each in took:
        seconds[_name(stage)].append(each)
    overall = fmean(each for _, each in took)
    expected = {name: fmean(each) for name, each in seconds.items()}
    left = [max(expected.get(_name(stage), overall) - since, 0.0) for stage, since in running]
    left += [expected.get(_name(stage), overall) for stage in waiting]
    return max(sum(left) / max(slots, 1), max(left, default=0.0))


def _name(stage: str) -> str:
    return stage.split("@")[0]


class Board:
    """The state of every stage, shown as it changes; used as a context."""

    def __init__(self, stages: Iterable[str], console: Console | None = None) -> None:
        self.states: dict[str, State] = dict.fromkeys(stages, "waiting")
        self.slots = 1
        self._where: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._took: list[tuple[str, float]] = []
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._live = Live(get_renderable=self.table, console=self._console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def begun(self, stage: str, where: str) -> None:
        """A worker on the machine `where` has begun the stage."""
        self._where[stage], self._since[stage] = where, time()
        if self.states[stage] == "waiting":
            self.states[stage] = "running"
        if not self._console.is_terminal:
            self.say(f"{stage} begins on {where}")

    def again(self, stage: str) -> None:
        """The stage's worker was lost: it waits once more."""
        self.states[stage] = "waiting"

    def ended(self, stage: str, state: State, printed: str) -> None:
        """The stage came to its end as `state`, having printed `printed`."""
        self.states[stage] = state
        now = time()
        seconds = now - self._since.get(stage, now)
        if state == "done":
            self._took.append((stage, seconds))
        if printed:
            self.say(printed.rstrip())
        self.say(f"{stage}: {state} after {_span(seconds)}; {self.summary()}")

    def not_run(self) -> None:
        """What still waits will not run: what it needs has failed."""
        for stage in self.in_state("waiting"):
            self.states[stage] = "not run"

    def say(self, line: str) -> None:
        """Print above the table."""
        self._console.print(line, markup=False)

    def summary(self) -> str:
        """How many stages are in which state, and the estimate of the end."""
        counts = Counter(self.states.values())
        told = [f"{counts[state]} {state}" for state in dict.fromkeys(self.states.values())]
        now = time()
        running = [(stage, now - self._since[stage]) for stage in self.in_state("running")]
        left = remaining(self.in_state("waiting"), running, self._took, self.slots)
        if left is not None and (running or counts["waiting"]):
            told.append(f"about {_span(left)} left")
        return ", ".join(told)

    def in_state(self, state: State) -> list[str]:
        """The stages that are in a state, in their order."""
        return [stage for stage, current in self.states.items() if current == state]

    def table(self) -> Table:
        """A row for each name of stages, with those that run now, where and since when."""
        table = Table(caption=self.summary(), caption_justify="left", box=None, pad_edge=False)
        columns: list[State] = ["waiting", "running", "cached", "done", "failed"]
        for column in ("stage", *columns, "now"):
            table.add_column(column, justify="right" if column in columns else "left")
        for name in dict.fromkeys(map(_name, self.states)):
            own = {stage: state for stage, state in self.states.items() if _name(stage) == name}
            counts = Counter(own.values())
            now = [
                f"{stage.removeprefix(name).lstrip('@')} on {self._where[stage]} "
                f"since {datetime.fromtimestamp(self._since[stage]):%H:%M:%S}".lstrip()
                for stage, state in own.items()
                if state == "running"
            ]
            table.add_row(name, *(str(counts[column] or "") for column in columns), "; ".join(now))
        return table


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
