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


def shortened(whole: Path, folder: Path) -> Path:
    """The real set with its first 10 test queries, the documents relevant to them and 100 others."""
    qrels = (whole / "qrels/test.tsv").read_text(encoding="utf-8").splitlines()
    wanted = [*dict.fromkeys(line.split("\t")[0] for line in qrels[1:])][:10]
    kept = [line for line in qrels[1:] if line.split("\t")[0] in wanted]
    relevant = {line.split("\t")[1] for line in kept}
    corpus = (whole / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    others = [line for line in corpus if json.loads(line)["_id"] not in relevant][:100]
    queries = (whole / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "qrels").mkdir(parents=True)
    for name, lines in {
        "qrels/test.tsv": [qrels[0], *kept],
        "corpus.jsonl": [line for line in corpus if json.loads(line)["_id"] in relevant] + others,
        "queries.jsonl": [line for line in queries if json.loads(line)["_id"] in wanted],
    }.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The :FutureWarning", "ignore:The :DeprecationWarning")
def test_minilm_on_real_texts(real_data: Path, minilm_folder: Path, tmp_path: Path) -> None:
    folder = shortened(real_data / "beir/nfcorpus", tmp_path / "beir" / "nfcorpus")
    # In MTEB's own scale of 0 to 1, to 1e-4: batches differ, and rounding swaps a few neighbours far down.
    assert by_us(minilm_folder, tmp_path) == pytest.approx(by_mtebs_wrapper(minilm_folder, folder), abs=0.01)


@pytest.mark.slow
def test_minilm_scores_on_the_real_set_what_was_published(real_data: Path, minilm_folder: Path) -> None:
    assert by_us(minilm_folder, real_data)["ndcg_at_10"] == pytest.approx(PUBLISHED, abs=0.01)
