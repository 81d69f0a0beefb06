"""Studies as their files in profiles/study/ lay them out, with made-up scores."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import yaml

from pipelines import ablate, params, profile
from reports.study import Cell, Study


@cache
def settings() -> params.Params:
    return params.check(yaml.safe_load(profile.compose("paper", [])), "paper")


@cache
def made_up(name: str, seeds: int = 3) -> Study:
    """The study at the papers' own grid; the first cells score highest."""
    runs = dict(ablate.runs(settings(), name))  # the last seed of each cell
    described = {number: ablate.flat(run) for number, run in runs.items()}
    varied = tuple(ablate.varied(settings().ablate[name], described.values()))
    rng = np.random.default_rng(len(name))
    cells = []
    for number, own in described.items():
        chosen = {key: float("inf") if own[key] == "Infinity" else own[key] for key in varied}
        facts = {}
        if "ema_decay" in own:
            facts = {"d_trace": 1 / (1 - own["ema_decay"]) + own["queue_size"] / own["batch_size"]}
        scores = 60 - 0.3 * number + rng.normal(0, 0.4, seeds)
        curve = {}
        if name.startswith("collapse"):
            steps = range(300, 3001, 300)
            curve = {
                seed: tuple((step, float(scores[seed] * (1 if number == 2 else np.exp(-step / 900)))) for step in steps)
                for seed in range(seeds)
            }
        cells.append(Cell(number, chosen, facts, dict(enumerate(scores.tolist())), (), curve))
    fixed = {key: value for key, value in described[0].items() if key not in varied}
    return Study(name, settings().ablate[name].method, "MoCoSE", varied, fixed, {}, tuple(cells))


def with_failed(study: Study, number: int, reason: str = "loss is nan at step 3") -> Study:
    """The study in which no seed of one cell has a score."""
    cells = [
        replace(cell, scores={}, facts={}, curve={}, missing=(reason,) * len(cell.scores))
        if cell.number == number
        else cell
        for cell in study.cells
    ]
    return replace(study, cells=tuple(cells))
