"""The numbers of the training steps, fetched from the device a few steps at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import torch
from torch import Tensor

EVERY = 10  # steps


class StepLog:
    """Adds a row a step to a run's history.

    To fetch a number the host waits for the device, which then waits for the host's next command; so the numbers stay
    where they are for up to `EVERY` steps. No step is saved or looked at before its loss is known to be finite.

    Args:
        rows: the history's rows, added to.
    """

    def __init__(self, rows: list[dict[str, float]]) -> None:
        self._rows = rows
        self._known: list[dict[str, float]] = []  # of the steps not yet fetched: what the host knows
        self._values: list[dict[str, Tensor]] = []  # and what it does not
        self._sentences, self._since = 0, 0.0

    @property
    def complete(self) -> bool:
        """Whether every step so far has its row, and so a finite loss: the time to save."""
        return not self._known

    def begin(self) -> None:
        """A step begins."""
        if not self._known:
            self._sentences, self._since = 0, time.perf_counter()

    def add(self, step: int, sentences: int, lr: float, values: Mapping[str, Tensor], *, now: bool) -> str | None:
        """A step is done; with `now` its row is wanted at once.

        Args:
            step: its number, from 1.
            sentences: of its batch.
            lr: its learning rate.
            values: scalars to log, the loss among them as "loss".
            now: fetch, whatever the step.

        Returns:
            Why training ends here: a loss is not finite, and nothing after it counts. None while it goes on.
        """
        self._known.append({"step": step, "lr": lr})
        self._values.append(dict(values))
        self._sentences += sentences
        return self._fetch() if now or len(self._known) == EVERY else None

    def _fetch(self) -> str | None:
        device = self._values[0]["loss"].device
        flat = [value.to(device, torch.float64) for values in self._values for value in values.values()]
        found = iter(torch.stack(flat).tolist())  # one transfer
        fetched = [{name: next(found) for name in values} for values in self._values]
        speed = round(self._sentences / (time.perf_counter() - self._since), 1)
        for known, values in zip(self._known, fetched, strict=True):
            if not math.isfinite(values["loss"]):
                return f"loss is {values['loss']} at step {known['step']}"
            step, loss = known.pop("step"), values.pop("loss")
            self._rows.append({"step": step, "loss": loss, **known, **values, "sentences_per_second": speed})
        self._known, self._values = [], []
        return None
