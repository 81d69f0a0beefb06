"""What stage evaluate writes of an encoder: each score once, other protocols under names of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from eval import sts
from methods.core.encoder import Encoder
from pipelines import evaluate, params, profile


def test_other_protocols_have_metrics_of_their_own(
    sts_tree: Path, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "DATA", sts_tree)
    monkeypatch.setattr(evaluate.transfer, "sentences", lambda _: [])
    monkeypatch.setattr(evaluate.transfer, "evaluate", lambda *_, **__: {})
    monkeypatch.setattr(evaluate.provenance, "origin", lambda *_: {})
    monkeypatch.setattr(evaluate.provenance, "check_data", lambda *_: None)
    composed = yaml.safe_load(profile.compose("demo", ["evaluate.poolings=[cls,mean]"]))
    out = tmp_path / "out"
    out.mkdir()
    evaluate.measure(tiny_encoder, out, params.check(composed, "here"), {}, tiny_encoder)
    records = json.loads((out / "records.json").read_text(encoding="utf-8"))["records"]
    values = {(record["task"], record["metric"]): record["value"] for record in records}
    assert len(values) == len(records)
    assert {metric for _, metric in values if "@" in metric} == {
        f"spearman_all@{protocol}" for protocol in ("cls", "mean", "distinct", "unshared")
    }
    assert values["avg", "spearman_all@mean"] == values["avg", "spearman_all"]
    tiny_encoder.pooling = "cls"
    assert values["avg", "spearman_all@cls"] == pytest.approx(sts.average(sts.evaluate(tiny_encoder, sts_tree)).value)
    with np.load(out / "pairs.npz") as pairs:
        assert pairs["STSB/STSB"].shape == (8,)
