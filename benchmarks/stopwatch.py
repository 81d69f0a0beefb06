"""Where the time of a training loop goes, our own or transformers', watched from outside."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.data.dataloader import _BaseDataLoaderIter
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.recipe import Recipe
from methods.core.text import TokenTable
from methods.simcse import SimCSE

WARM = 3  # steps of a run that are not counted: the first allocate, and the second is that of the operations' count
PHASES: dict[str, list[tuple[Any, str]]] = {  # what each is spent in, here and in the reference
    "data": [(TokenTable, "batch"), (_BaseDataLoaderIter, "__next__")],
    "forward": [(SimCSE, "forward"), (Recipe, "forward")],
    "backward": [(Tensor, "backward")],
    "optimiser": [(torch.nn.utils, "clip_grad_norm_"), (torch.optim.AdamW, "step")],
}


@dataclass
class Stopwatch:
    """Watches one run.

    Attributes:
        spent: seconds of each phase since the warm-up; on a GPU those of the host.
        laps: when each step's forward pass began, and when the run ended.
        flops: operations of the matrix products of one step.
    """

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    laps: list[float] = field(default_factory=list)
    flops: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time whatever trains meanwhile."""
        with ExitStack() as patches:
            for phase, places in PHASES.items():
                for owner, name in places:
                    patches.enter_context(patch.object(owner, name, self._timed(phase, getattr(owner, name))))
            self._count = ExitStack()
            yield
        synchronise()
        self.laps.append(time.perf_counter())

    @property
    def steps(self) -> int:
        """Steps after the warm-up."""
        return len(self.laps) - 1 - WARM

    @property
    def seconds(self) -> float:
        """A step, on average after the warm-up."""
        return (self.laps[-1] - self.laps[WARM]) / self.steps

    def parts(self) -> list[float]:
        """Seconds a step of each phase, and of what is in none."""
        phases = [self.spent[phase] / self.steps for phase in PHASES]
        return [*phases, self.seconds - sum(phases)]

    def _timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if phase == "forward":
                self._begin()
            start = time.perf_counter()
            found = function(*args, **kwargs)
            self.spent[phase] += time.perf_counter() - start
            return found

        return call

    def _begin(self) -> None:
        """A step begins: the second is counted, and after the warm-up the time is taken anew."""
        step = len(self.laps)
        if step == 1:
            self._counter = self._count.enter_context(FlopCounterMode(display=False))
        if step == 2:
            self._count.close()
            self.flops = self._counter.get_total_flops()
        if step == WARM:
            self.spent.clear()
            synchronise()
        self.laps.append(time.perf_counter())


def synchronise() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
