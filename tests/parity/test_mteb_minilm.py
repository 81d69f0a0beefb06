"""Retrieval scores against MTEB's own wrapper of sentence-transformers, and all-MiniLM-L6-v2's on its leaderboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval import mteb
from eval.retrieval import METRICS
from methods.core.encoder import Encoder
from tests.unit.beir_fixture import write_set

# MTEB's results for sentence-transformers/all-MiniLM-L6-v2 (ndcg_at_10 x 100).
PUBLISHED = 31.59


def by_mtebs_wrapper(model_folder: Path, folder: Path) -> dict[str, float]:
    """NFCorpus by mteb.evaluate with a SentenceTransformer, from a folder read without our reader; times 100."""
    from datasets import Dataset
    from mteb import evaluate, get_task
    from sentence_transformers import SentenceTransformer

    def rows(name: str) -> list[dict[str, Any]]:
        with (folder / name).open(encoding="utf-8") as file:
            return [{"id": row.pop("_id"), **row} for row in map(json.loads, file)]

    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels/test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        qrels.setdefault(query, {})[document] = int(score)
    task = get_task("NFCorpus")
    split = {
        "corpus": Dataset.from_list(rows("corpus.jsonl")),
        "queries": Dataset.from_list([row for row in rows("queries.jsonl") if row["id"] in qrels]),
        "relevant_docs": qrels,
        "top_ranked": None,
    }
    task.dataset, task.data_loaded = {"default": {"test": split}}, True
    model = SentenceTransformer(str(model_folder), device="cpu")
    (result,) = evaluate(model, task, cache=None, co2_tracker=False, show_progress_bar=False).task_results
    return {metric: 100 * result.scores["test"][0][metric] for metric in METRICS}


def by_us(model_folder: Path, data: Path) -> dict[str, float | None]:
    result = mteb.evaluate(Encoder.load(model_folder), data, ["NFCorpus"])["NFCorpus"]
    return {metric: score.value for metric, score in result.scores.items()}


@pytest.mark.filterwarnings("ignore:The :FutureWarning", "ignore:The :DeprecationWarning")  # inside MTEB
def test_a_small_set_with_a_small_model(tiny_encoder_folder: Path, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "beir" / "nfcorpus")
    assert by_us(tiny_encoder_folder, tmp_path) == pytest.approx(
        by_mtebs_wrapper(tiny_encoder_folder, folder), abs=1e-4
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The :FutureWarning", "ignore:The :DeprecationWarning")
def test_minilm_on_the_real_set(real_data: Path, minilm_folder: Path) -> None:
    found = by_us(minilm_folder, real_data)
    assert found["ndcg_at_10"] == pytest.approx(PUBLISHED, abs=0.01)
    # In MTEB's own scale of 0 to 1, to 1e-4: batches differ, and rounding swaps a few neighbours far down.
    assert found == pytest.approx(by_mtebs_wrapper(minilm_folder, real_data / "beir/nfcorpus"), abs=0.01)
