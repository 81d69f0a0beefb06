"""A project folder that trains and evaluates in seconds: the demo's settings and world, cut down; a tiny backbone."""

from __future__ import annotations

import shutil
from argparse import Namespace
from contextlib import chdir
from pathlib import Path

from pipelines import fetch, profile

SETTINGS = [
    "trained=[simcse,mocose]",
    "untrained=[]",
    "seeds=[0]",
    "checkpoint_seconds=0",  # a state is saved every step
    "fetch.generated.corpus_sentences=400",
    "fetch.generated.pairs_per_subset=6",
    "backbone.sentences=400",
    "train={sentences: 160, batch_size: 16, eval_every: 4}",
    "methods.mocose={queue_size: 48, initial_fill: 16}",
    "evaluate={histogram_sentences: 20, transfer: fast, poolings: [mean]}",
    "mteb.tasks=[world-facts]",
    "~ablate.queue_distance",
    "~ablate.softcse_sharpness",
    "ablate.ema_decay.train={sentences: 96, batch_size: 16}",
    "ablate.ema_decay.seeds=[0]",
    "ablate.ema_decay.cells=[{ema_decay: 0.5, queue_size: 48, initial_fill: 16}, {ema_decay: 0.9}]",
]


def make(folder: Path, backbone: Path, *overrides: str) -> Path:
    """Write params.yaml, data/ and runs/backbone/model into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(profile.compose("demo", [*SETTINGS, *overrides]), encoding="utf-8")
    shutil.copytree(backbone, folder / "runs/backbone/model")
    with chdir(folder):
        fetch.fetch(Namespace(plan=False))
    return folder
