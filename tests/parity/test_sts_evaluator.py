"""STS-B as sentence-transformers' own evaluator scores it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import sts
from eval.senteval import load_sts
from methods.core.encoder import Encoder


def test_sentence_transformers_evaluator_agrees(tiny_encoder_folder: Path, sts_tree: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    (subset,) = load_sts(sts_tree, "STSB")
    model = SentenceTransformer(str(tiny_encoder_folder), device="cpu")
    theirs = EmbeddingSimilarityEvaluator(subset.first, subset.second, (subset.gold / 5).tolist())(model)
    ours = sts.evaluate(Encoder.load(tiny_encoder_folder), sts_tree, ["STSB"])["STSB"].scores["all"].value
    assert ours == pytest.approx(100 * theirs["spearman_cosine"], abs=1e-4)
