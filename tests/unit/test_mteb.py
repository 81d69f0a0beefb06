"""Retrieval and reranking: scores against naive loops, pytrec_eval and MTEB's own wrapper, and what MTEB reads back."""

from __future__ import annotations

import ast
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from beir_fixture import write_set
from numpy.typing import NDArray

from eval import mteb, retrieval
from eval.beir import load_collection
from eval.sts import Embedder
from eval.vectors import Lengths
from methods.bag_of_words import BagOfWords
from methods.core.encoder import Encoder
from methods.whitening import Whitening
from pipelines import mteb as stage
from pipelines import params
from pipelines.errors import NegbenchError
from pipelines.main import run

Run = dict[str, dict[str, float]]  # cosine by document by query
READERS = ("reader_0", "reader_1")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with NFCorpus (made up), a reranking set of MTEB's and one of each kind of our own."""
    for seed, (name, candidates) in enumerate(
        {"nfcorpus": False, "scidocsrr": True, "own": False, "own-ranked": True}.items()
    ):
        write_set(tmp_path / "data" / "beir" / name, seed=seed, candidates=candidates)
    return tmp_path / "data"


def naive_run(encoder: Embedder, folder: Path) -> Run:
    """Every cosine that counts, one pair at a time."""
    found = load_collection(folder)
    texts = [f"{document.title} {document.text}".strip() for document in found.documents.values()]
    vectors = encoder.encode([*found.queries.values(), *texts]).astype(np.float64)
    by_id = dict(zip([*found.queries, *found.documents], vectors, strict=True))
    result: Run = {}
    for query in found.queries:
        ranked = found.candidates[query] if found.candidates else found.documents
        result[query] = {}
        for document in ranked:
            a, b = by_id[query], by_id[document]
            result[query][document] = float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))
    return result


def naive_scores(found: dict[str, float], judged: dict[str, int]) -> dict[str, float]:
    """The four metrics of one query by their definitions; equal cosines rank by id, the greater first."""
    order = sorted(found, key=lambda document: (round(found[document], 6), document), reverse=True)
    gains = [max(judged.get(document, 0), 0) for document in order]
    ideal = sorted((gain for gain in judged.values() if gain > 0), reverse=True)

    def dcg(values: Sequence[int]) -> float:
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(values[:10], start=1))

    hits = [rank for rank, gain in enumerate(gains, start=1) if gain > 0]
    return {
        "ndcg_at_10": dcg(gains) / dcg(ideal),
        "map_at_1000": sum(seen / rank for seen, rank in enumerate(hits, start=1)) / len(ideal),
        "mrr_at_10": 1 / hits[0] if hits and hits[0] <= 10 else 0.0,
        "recall_at_100": sum(rank <= 100 for rank in hits) / len(ideal),
    }


def values(result: retrieval.RetrievalResult) -> dict[str, float | None]:
    return {metric: score.value for metric, score in result.scores.items()}


@pytest.mark.parametrize(
    ("task", "folder", "main"),
    [
        ("NFCorpus", "nfcorpus", "ndcg_at_10"),
        ("SciDocsRR", "scidocsrr", "map_at_1000"),
        ("own", "own", "ndcg_at_10"),
        ("own-ranked", "own-ranked", "map_at_1000"),
    ],
)
def test_scores_equal_naive_loops_and_pytrec_eval(
    data: Path, tiny_encoder: Encoder, task: str, folder: str, main: str
) -> None:
    import pytrec_eval

    result = mteb.evaluate(tiny_encoder, data, [task])[task]
    found = naive_run(tiny_encoder, data / "beir" / folder)
    qrels = load_collection(data / "beir" / folder).qrels
    naive = {query: naive_scores(found[query], qrels[query]) for query in sorted(qrels)}
    rounded = {query: {d: round(cosine, 6) for d, cosine in row.items()} for query, row in found.items()}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut_10", "map_cut_1000", "recall_100"}).evaluate(rounded)

    assert (result.main, result.queries) == (main, sorted(qrels))
    for metric, values_of in result.per_query.items():
        np.testing.assert_allclose(values_of, [row[metric] for row in naive.values()], atol=1e-6)
        measure = retrieval.PER_QUERY[metric]
        np.testing.assert_allclose(values_of, [theirs[query][measure] for query in result.queries], atol=1e-6)
    for metric, score in result.scores.items():
        assert score.value == pytest.approx(100 * np.mean([row[metric] for row in naive.values()]), abs=6e-4)
        assert (score.n, score.status) == (8, "ok")


def test_queries_in_parts_are_kept_as_the_main_score_counts_them(data: Path, tiny_encoder: Encoder) -> None:
    """As MIND's: a reader is as many queries as articles read, ranks by the nearest, and counts once."""
    folder = write_set(data / "beir" / "mindsmallreranking", seed=4, candidates=True)
    for name in ("queries.jsonl", "top_ranked.jsonl", "qrels/test.tsv"):  # q0 to q7 are judged: two readers of four
        text = (folder / name).read_text()
        (folder / name).write_text(re.sub(r"\bq(\d+)\b", lambda found: f"reader_{int(found[1]) // 4}_{found[1]}", text))
    lines = [line.split("\t") for line in (folder / "qrels/test.tsv").read_text().splitlines()[1:]]
    judged = {reader: {doc: "1" for query, doc, _ in lines if query.startswith(reader)} for reader in READERS}
    shared = [f"{query}\t{doc}\t1" for query in dict.fromkeys(q for q, *_ in lines) for doc in judged[query[:8]]]
    (folder / "qrels/test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *shared, ""]))

    result = mteb.evaluate(tiny_encoder, data, ["MindSmallReranking"])["MindSmallReranking"]
    found = naive_run(tiny_encoder, folder)
    nearest: Run = {reader: {} for reader in READERS}
    for query, cosines in found.items():
        for document, cosine in cosines.items() if query[:8] in READERS else ():
            nearest[query[:8]][document] = max(cosine, nearest[query[:8]].get(document, -1))
    naive = {r: naive_scores(nearest[r], dict.fromkeys(judged[r], 1))["map_at_1000"] for r in READERS}
    assert result.merged == pytest.approx(naive, abs=1e-5)  # MTEB rounds to 5 digits
    main = result.scores[result.main]
    assert main.value == pytest.approx(100 * np.mean([*result.merged.values()]), abs=1e-3)
    assert (main.n, result.scores["map_at_1000"].n) == (2, 8)
    kept = retrieval.arrays({result.task: result})
    assert kept[f"{result.task}/merged"].tolist() == list(READERS)
    assert len(kept[f"{result.task}/queries"]) == len(kept[f"{result.task}/map_at_1000"]) == 8


def test_an_embedder_that_is_no_backbone_is_scored_alike(data: Path) -> None:
    results = mteb.evaluate(BagOfWords("", []), data, ["own", "own-ranked"])
    for task, result in results.items():
        found, qrels = naive_run(BagOfWords("", []), data / "beir" / task), load_collection(data / "beir" / task).qrels
        naive = [naive_scores(found[query], qrels[query])["ndcg_at_10"] for query in result.queries]
        np.testing.assert_allclose(result.per_query["ndcg_at_10"], naive, atol=1e-6)


def test_what_tasks_share_is_embedded_once(data: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(data / "beir" / "again", seed=2)  # as `own`
    seen: list[str] = []
    encode = Encoder.encode

    def recording(self: Encoder, sentences: Sequence[str], **options: str) -> NDArray[np.float32]:
        seen.extend(sentences)
        return encode(self, sentences, **options)

    monkeypatch.setattr(Encoder, "encode", recording)
    results = mteb.evaluate(tiny_encoder, data, ["own", "again", "NFCorpus"])
    assert len(seen) == len(set(seen))
    assert values(results["own"]) == values(results["again"]) != values(results["NFCorpus"])


def test_queries_and_passages_are_cut_at_their_own_lengths(data: Path, tiny_encoder: Encoder) -> None:
    def cut(length: int) -> Encoder:
        return Encoder(tiny_encoder.backbone, tiny_encoder.tokenizer, tiny_encoder.pooling, length)

    found = load_collection(data / "beir/own")
    qrels = found.qrels
    passages = [f"{d.title} {d.text}".strip() for d in found.documents.values()]
    a, b = cut(7).encode([*found.queries.values()]), cut(11).encode(passages)
    cosines = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    naive = [
        naive_scores(dict(zip(found.documents, row.tolist(), strict=True)), qrels[query])["ndcg_at_10"]
        for query, row in zip(found.queries, cosines, strict=True)
    ]
    result = mteb.evaluate(tiny_encoder, data, ["own"], Lengths(query=7, passage=11))["own"]
    np.testing.assert_allclose(result.per_query["ndcg_at_10"], naive, atol=1e-6)
    assert values(result) != values(mteb.evaluate(tiny_encoder, data, ["own"])["own"])


def test_whitening_reads_no_further_than_its_encoder(data: Path, tiny_encoder_folder: Path) -> None:
    sentences = ["a man plays", "two dogs run", "the woman rides a horse", "a red field", "small hill", "x"]
    method = Whitening(str(tiny_encoder_folder), sentences)
    texts = ["the woman rides a horse in the red field on a small hill", "two dogs"]
    cut = Encoder.load(tiny_encoder_folder, "first_last_avg")
    cut.max_length = 7
    whole = method.encode(texts)
    np.testing.assert_allclose(method.limited(7)(texts), method._whitened(cut.encode(texts)), atol=1e-5)
    assert np.abs(method.limited(7)(texts)[0] - whole[0]).max() > 1e-3
    np.testing.assert_array_equal(method.encode(texts), whole)
    narrow, wide = (mteb.evaluate(method, data, ["own"], Lengths(4, length))["own"] for length in (4, 512))
    assert narrow.scores != wide.scores


def test_mteb_reads_its_own_files_back_with_seeds_apart(data: Path, tiny_encoder: Encoder, tmp_path: Path) -> None:
    from mteb import ResultCache, get_task

    published = get_task("NFCorpus").metadata.revision
    expected = {}
    for seed, pooling in enumerate(("mean", "cls_before_pooler")):
        encoder = Encoder(tiny_encoder.backbone, tiny_encoder.tokenizer, pooling, 48)  # type: ignore[arg-type]
        files = mteb.ResultFiles(tmp_path / "files", "negbench/tiny", "abc", seed)
        results = mteb.evaluate(encoder, data, ["NFCorpus", "own-ranked"], files=files)
        expected[seed] = {task: result.scores[result.main].value for task, result in results.items()}

    folder = tmp_path / "files/results/negbench__tiny/abc/experiments"
    assert {path.name for path in folder.iterdir()} == {"seed_0", "seed_1"}
    for seed in expected:
        meta = json.loads((folder / f"seed_{seed}" / "model_meta.json").read_text())
        assert meta["name"] == "negbench/tiny"
        assert (meta["embed_dim"], meta["max_tokens"], meta["similarity_fn_name"]) == (16, 48, "cosine")
        assert meta["n_parameters"] == sum(p.numel() for p in tiny_encoder.parameters())
        loaded = ResultCache(tmp_path / "files").load_results(experiment_kwargs={"seed": seed})
        (model,) = loaded.model_results
        found = {result.task_name: result for result in model.task_results}
        assert {task: 100 * result.get_score() for task, result in found.items()} == pytest.approx(expected[seed])
        assert found["NFCorpus"].dataset_revision.startswith("local-")
    assert expected[0] != expected[1]
    assert get_task("NFCorpus").metadata.revision == published  # MTEB's own task stays as it was


class _Broken:
    """Word counts, in which some rows are `value` alone."""

    def __init__(self, value: float) -> None:
        self.value = value

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        counts = BagOfWords("", []).encode(sentences)
        counts[3:5] = self.value
        return counts


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e20])  # cosines of the last are 0 in float32
@pytest.mark.parametrize("task", ["own", "own-ranked"])
def test_embeddings_that_are_not_finite_give_no_score(data: Path, task: str, value: float) -> None:
    result = mteb.evaluate(_Broken(value), data, [task])[task]
    assert {score.value for score in result.scores.values()} == {None}
    assert {(score.status, score.n) for score in result.scores.values()} == {("failed", 8)}
    assert "2 of " in str(result.scores["ndcg_at_10"].reason)
    assert (result.queries, result.per_query) == ([], {})
    json.dumps(retrieval.records({task: result}), allow_nan=False)
    assert retrieval.arrays({task: result}) == {}


@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, 2.0]])
@pytest.mark.parametrize("task", ["own", "own-ranked"])
def test_equal_embeddings_give_no_score(data: Path, task: str, vector: list[float]) -> None:
    class Collapsed:
        def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
            return np.tile(np.array(vector, dtype=np.float32), (len(sentences), 1))

    scores = mteb.evaluate(Collapsed(), data, [task])[task].scores.values()
    assert {(s.value, s.status, s.reason) for s in scores} == {(None, "failed", "all embeddings are the same")}


def test_one_document_is_no_collapse(data: Path) -> None:
    (data / "beir/own/corpus.jsonl").write_text('{"_id": "d1", "text": "a dog"}\n')
    (data / "beir/own/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    assert mteb.evaluate(BagOfWords("", []), data, ["own"])["own"].scores["ndcg_at_10"].value == 100


def test_the_stage_writes_the_same_records_each_time(
    data: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "manifest.json").write_text("{}")
    monkeypatch.chdir(data.parent)
    settings = params.load(params.ROOT / "params.yaml")
    chosen = settings.mteb.model_copy(update={"tasks": ["own", "own-ranked"], "passage_length": 9})
    settings = settings.model_copy(update={"mteb": chosen})
    described = {"method": "simcse", "seed": 3, "settings": {}, "train": {}}
    out, written = Path("results/simcse/3/mteb"), []
    for _ in range(2):
        stage.measure(settings, described, 3, tiny_encoder)
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"records.json", "queries.npz"}

    stored = json.loads((out / "records.json").read_text())
    results = mteb.evaluate(tiny_encoder, data, ["own", "own-ranked"], Lengths(passage=9))
    assert stored["records"] == retrieval.records(results)
    assert stored["provenance"]["versions"]["mteb"]
    with np.load(out / "queries.npz") as kept:
        assert {name: kept[name].tolist() for name in kept.files} == {
            name: array.tolist() for name, array in retrieval.arrays(results).items()
        }
    assert len([*Path("runs/simcse/3/mteb").rglob("seed_3/own*.json")]) == 2


def test_a_set_that_cannot_be_had_is_skipped(
    data: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mteb.abstasks import AbsTaskRetrieval

    def unreachable(self: AbsTaskRetrieval, **_: object) -> None:
        raise ConnectionError("Couldn't reach\nthe hub")

    monkeypatch.setattr(AbsTaskRetrieval, "load_data", unreachable)
    results = mteb.evaluate(tiny_encoder, data, ["ArguAna", "NFCorpus", "MindSmallReranking"])
    assert results["NFCorpus"].scores["ndcg_at_10"].status == "ok"
    skipped = results["ArguAna"].scores["ndcg_at_10"]
    assert (skipped.value, skipped.status, skipped.n) == (None, "skipped", 0)
    assert skipped.reason == "neither in beir/arguana nor on the hub: Couldn't reach the hub"
    mind = results["MindSmallReranking"]
    assert list(mind.scores) == [*retrieval.METRICS, "max_over_subqueries_map_at_1000"]
    assert mind.main == "max_over_subqueries_map_at_1000"
    reported = {(r["task"], r["metric"]): (r["status"], r["reason"]) for r in retrieval.records(results)}
    assert reported["MindSmallReranking", "reranking_main_score"] == ("skipped", mind.scores[mind.main].reason)
    assert reported["avg", "retrieval_main_score"] == ("skipped", "no score: ArguAna")


def test_a_hub_that_is_out_of_order_gives_no_result(
    data: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError
    from mteb.abstasks import AbsTaskRetrieval

    def answer(status: int) -> None:
        def load_data(self: AbsTaskRetrieval, **_: object) -> None:
            raise HfHubHTTPError("no", response=httpx2.Response(status, request=httpx2.Request("GET", "http://hub")))

        monkeypatch.setattr(AbsTaskRetrieval, "load_data", load_data)

    for status in (429, 503):
        answer(status)
        with pytest.raises(NegbenchError, match=f"cannot give the data of ArguAna now: HTTP {status}"):
            mteb.evaluate(tiny_encoder, data, ["ArguAna"])
    answer(404)
    assert mteb.evaluate(tiny_encoder, data, ["ArguAna"])["ArguAna"].scores["ndcg_at_10"].status == "skipped"


def test_records_and_arrays_hold_every_score(data: Path, tiny_encoder: Encoder) -> None:
    results = mteb.evaluate(tiny_encoder, data, ["own", "own-ranked"])
    *records, own_ranked, ranked_mean, own, mean = retrieval.records(results)
    assert [(r["task"], r["metric"]) for r in records] == [(t, m) for t in results for m in retrieval.METRICS]
    assert [r["task"] for r in (own_ranked, ranked_mean, own, mean)] == ["own-ranked", "avg", "own", "avg"]
    assert {r["metric"] for r in (own_ranked, ranked_mean)} == {"reranking_main_score"}
    assert {r["metric"] for r in (own, mean)} == {"retrieval_main_score"}
    assert own["value"] == mean["value"] == results["own"].scores["ndcg_at_10"].value  # a mean of one task
    assert own_ranked["value"] == ranked_mean["value"] == results["own-ranked"].scores["map_at_1000"].value
    assert all(set(r) == {"task", "metric", "value", "status", "reason", "n"} for r in records)
    arrays = retrieval.arrays(results)
    for record in records:
        if record["metric"] in retrieval.PER_QUERY:
            kept = arrays[f"{record['task']}/{record['metric']}"]
            assert record["value"] == pytest.approx(100 * kept.mean(), abs=6e-4)  # MTEB rounds means to 5 digits
    assert arrays["own/queries"].tolist() == [f"q{n}" for n in range(8)]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("NFCorpos", "unknown task 'NFCorpos' (tasks). Did you mean 'NFCorpus'?"),
        ("own-rankd", "unknown task 'own-rankd' (tasks). Did you mean 'own-ranked'?"),
        ("../beir/own", "unknown task '../beir/own' (tasks). Valid:"),
        ("", "unknown task '' (tasks). Valid:"),
        ("§§§", f"unknown task '§§§' (tasks). Valid: {', '.join(sorted(mteb.TASKS))}."),
        ("arguana", "'arguana' is the folder of MTEB's ArguAna (tasks). Name the task: ArguAna."),
        ("STSBenchmark", "'STSBenchmark' is no retrieval or reranking task over text (tasks). Choose"),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error(data: Path, task: str, message: str) -> None:
    with pytest.raises(NegbenchError) as caught:
        mteb.evaluate(_Broken(0), data, [task])
    assert message in str(caught.value)


def test_a_reranking_set_needs_its_candidates(data: Path) -> None:
    (data / "beir/scidocsrr/top_ranked.jsonl").unlink()
    with pytest.raises(NegbenchError, match="candidates to rerank are missing"):
        mteb.evaluate(_Broken(0), data, ["SciDocsRR"])


def test_a_broken_set_is_met_before_anything_is_embedded(data: Path) -> None:
    class Unasked:
        def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
            raise AssertionError("embedded")

    with (data / "beir/own/corpus.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(NegbenchError, match=r"not valid JSON.*corpus.jsonl:61"):
        mteb.evaluate(Unasked(), data, ["NFCorpus", "own"])


def test_the_program_prints_an_aligned_table(
    data: Path, tiny_encoder_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(data), "--tasks", "own", "SciDocsRR"]
    assert run(mteb.main, mteb.parser(), options) == 0
    shown = capsys.readouterr()
    results = mteb.evaluate(Encoder.load(tiny_encoder_folder), data, ["own", "SciDocsRR"])
    lines = shown.out.splitlines()
    assert lines[0].split() == ["task", "nDCG@10", "MAP", "MRR@10", "Recall@100", "main", "score", "n"]
    for line, (task, result), main in zip(lines[1:], results.items(), ["nDCG@10", "MAP"], strict=True):
        scores = dict(zip(["nDCG@10", "MAP", "MRR@10", "Recall@100"], values(result).values(), strict=True))
        assert line.split() == [task, *(f"{value:.2f}" for value in [*scores.values(), scores[main]]), "8"]
    assert len({len(line) for line in lines}) == 1
    assert shown.err == "note: pooling mean; --pooling chooses another\n"  # no bar without a terminal


def test_the_program_prints_records(data: Path, tiny_encoder_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(tiny_encoder_folder), "--data", str(data), "--tasks", "own", "--pooling", "cls", "--json"]
    assert run(mteb.main, mteb.parser(), options) == 0
    results = mteb.evaluate(Encoder.load(tiny_encoder_folder, "cls"), data, ["own"])
    assert json.loads(capsys.readouterr().out)["records"] == retrieval.records(results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model, data: (model / "none", data), "error: no model here: config.json is missing"),
        (lambda model, data: (model, data / "none"), "error: the data folder does not exist"),
    ],
)
def test_the_program_names_a_folder_that_is_none(
    data: Path,
    tiny_encoder_folder: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path, Path], tuple[Path, Path]],
    message: str,
) -> None:
    model, folder = change(tiny_encoder_folder, data)
    assert run(mteb.main, mteb.parser(), ["--model", str(model), "--data", str(folder), "--tasks", "own"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(message)
    assert shown.count("\n") == 1


def test_two_files_alone_import_mteb() -> None:
    packages = ("pipelines", "methods", "eval", "reports")
    importing = set()
    for path in (path for package in packages for path in (params.ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] == "mteb" for name in names):
                importing.add(str(path.relative_to(params.ROOT)))
    assert importing == {"eval/mteb.py", "eval/mteb_sets.py"}


def test_nothing_waits_for_mteb_until_it_is_used() -> None:
    modules = "eval.mteb, eval.sts, pipelines.mteb, pipelines.train, pipelines.evaluate"
    program = f"import sys, {modules}; print([m for m in ('mteb', 'datasets', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=params.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
