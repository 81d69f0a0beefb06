"""The record behind the figure of theory: its set-up, and derivatives against closed forms."""

from __future__ import annotations

import importlib
import json
import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from methods.core.in_batch import InBatchMethod
from methods.simcse import SimCSE
from pipelines import params, theory
from reports.theory import Theory


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return theory.record()


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(one) for one in kind.__subclasses__()))


def test_every_in_batch_method_is_there(record: dict[str, Any]) -> None:
    for name in params.method_names():
        importlib.import_module(f"methods.{name}")
    modules = [one.__module__.split(".") for one in subclasses(InBatchMethod)]
    expected = {path[1] for path in modules if path[0] == "methods" and len(path) == 2}
    assert {one["method"] for one in record["methods"]} == expected
    assert len(expected) >= 3


def test_closed_forms_equal_automatic_differentiation(record: dict[str, Any]) -> None:
    stated = [one for one in record["methods"] if one["closed_form"]]
    assert stated
    for one in stated:
        for end in ("positive", "negative"):
            np.testing.assert_allclose(
                one["closed_form"][end], one["autograd"][end], rtol=1e-9, atol=1e-15, err_msg=one["label"]
            )


@pytest.mark.parametrize("name", theory.in_batch_methods())
def test_closed_forms_hold_for_every_cosine_of_the_anchor(name: str) -> None:
    gradient, closed = theory.pulls(theory.in_batch_methods()[name], 0.55)
    if closed is None:
        pytest.skip("no closed form")
    torch.testing.assert_close(closed, gradient, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("similarity", [-0.5, 0.3, 1.0])
def test_the_anchor_has_the_cosines_of_the_set_up(similarity: float) -> None:
    first, second = theory.views(similarity)
    assert first.shape == second.shape
    assert len(first) == 64
    expected = [0.8, similarity, *(-0.2 + 0.6 * k / 61 for k in range(62))]
    found = [cosine_similarity(first[0], row, dim=0).item() for row in second]
    assert found == pytest.approx(expected, abs=1e-12)
    assert cosine_similarity(first, second).tolist() == pytest.approx([0.8] * 64, abs=1e-12)


def test_info_nces_pull_is_that_of_a_loop(record: dict[str, Any]) -> None:
    curve = next(one for one in record["methods"] if one["label"] == SimCSE.label)
    others = sum(math.exp((-0.2 + 0.6 * k / 61) / 0.05) for k in range(62))
    for s, pull in zip(record["similarities"], curve["autograd"]["negative"], strict=True):
        own = math.exp(s / 0.05)
        assert pull == pytest.approx(own / (own + others + math.exp(0.8 / 0.05)) / 0.05, rel=1e-9)


def test_the_file_is_what_the_report_reads(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(theory, "record", lambda: record)
    theory.stage(Namespace())
    content = json.loads((tmp_path / "results/theory.json").read_text(encoding="utf-8"))
    read = Theory.model_validate(content)
    assert read.similarities == pytest.approx(np.linspace(-0.5, 1, 151).tolist())
    for curve in read.methods:
        assert len(curve.autograd.negative) == len(curve.autograd.positive) == 151
        assert all(math.isfinite(value) for value in curve.autograd.negative)


def test_the_record_does_not_depend_on_chance(record: dict[str, Any]) -> None:
    torch.manual_seed(12345)
    state = torch.get_rng_state()
    for name, kind in theory.in_batch_methods().items():
        gradient, _ = theory.pulls(kind, theory.MOVING[100])
        curve = next(one for one in record["methods"] if one["method"] == name)
        assert gradient[1].item() == curve["autograd"]["negative"][100]
    assert torch.equal(torch.get_rng_state(), state)
