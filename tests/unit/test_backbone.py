"""The pretraining of a backbone: its precision, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from methods.core.trainer import History
from pipelines import params
from pipelines.backbone import pretrain
from pipelines.errors import NegbenchError

WORDS = ["man", "dog", "cat", "eats", "rides", "big", "red", "small"]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where the state of the run goes
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text("{}")
    lines = [f"{WORDS[i % 8]} {WORDS[i // 8 % 8]} {WORDS[i // 64 % 8]}\n" for i in range(320)]
    (tmp_path / "corpus.txt").write_text("".join(lines))
    return tmp_path / "corpus.txt"


def trained(corpus: Path, **settings: Any) -> History:
    sizes = {"vocab_size": 200, "layers": 1, "hidden": 16, "heads": 2, "sentences": 320, "batch_size": 32}
    return pretrain(params.Backbone(source="pretrain", **{**sizes, **settings}), corpus, checkpoint_seconds=60)[1]


def test_bfloat16_rounds_each_step_and_learns_the_same(corpus: Path) -> None:
    full, half = ([row["loss"] for row in trained(corpus, precision=name).rows] for name in ("fp32", "bf16"))
    assert full != half
    assert half == pytest.approx(full, rel=0.02)


def test_a_pretraining_that_diverges_is_one_line(corpus: Path) -> None:
    with pytest.raises(NegbenchError, match=r"loss is nan at step \d+ \(backbone\). Lower backbone.lr."):
        trained(corpus, lr=1e30)
