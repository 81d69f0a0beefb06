"""A disk that fills up during a large write: one line, nothing half-written, what was there is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from eval.embeddings import EmbeddedOnce
from methods.core import checkpoint as checkpoints
from methods.core.encoder import Encoder
from pipelines import atomic, main
from argparse import ArgumentParser

source, target = map(Path, sys.argv[1:])
encoder = Encoder.load(source)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # no file may grow beyond this, as on a full disk

def model(_):
    with atomic.folder(target) as out:
        encoder.save(out)

def checkpoint(_):
    optimiser = torch.optim.AdamW(encoder.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    checkpoints.save(target / "state.safetensors", encoder, optimiser, schedule, {}, {})

class Wide:
    def encode(self, sentences):
        return np.ones((len(sentences), 500), dtype=np.float32)

def embeddings(_):
    with atomic.folder(target) as out:
        EmbeddedOnce(Wide(), ["one", "two", "three", "four", "five", "six"], out / "embeddings")

sys.exit(main.run(WHAT, ArgumentParser(), []))
"""


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("model", "error: cannot write the weights"),
        ("checkpoint", "error: cannot write the checkpoint"),
        ("embeddings", "error: cannot write the embeddings"),
    ],
)
def test_a_full_disk_is_one_line_and_keeps_the_earlier_result(
    what: str, says: str, tiny_encoder_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "earlier").write_text("kept", encoding="utf-8")
    program = LIMIT.replace("WHAT", what)
    ended = subprocess.run(
        [sys.executable, "-c", program, tiny_encoder_folder, target], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    line = ended.stderr.strip().splitlines()[-1]
    assert line.startswith(says)
    assert line.endswith("Free some space and run again.")
    assert "Traceback" not in ended.stderr
    assert [path.name for path in target.iterdir()] == ["earlier"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
