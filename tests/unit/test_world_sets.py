"""The generated evaluation sets: formats, determinism, and what the surface of a text tells of its meaning."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipelines.errors import NegbenchError
from pipelines.sources.generated import generate
from pipelines.sources.world.retrieval import DESIGNS, RANKED
from pipelines.sources.world.sts import SUBSETS, annotate, entailment, subset_pairs, tokenised

QUERIES = 40


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(folder, seed=1, corpus_sentences=3000, queries=QUERIES)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read(path: Path, encoding: str = "utf-8") -> list[str]:
    text = path.read_bytes().decode(encoding)
    assert text.endswith("\n") and "\r" not in text
    return text.removesuffix("\n").split("\n")


def cosine(a: str, b: str) -> float:
    """Cosine of bags of words."""
    x, y = Counter(a.split()), Counter(b.split())
    norm = math.sqrt(sum(v * v for v in x.values()) * sum(v * v for v in y.values()))
    return sum(n * y[word] for word, n in x.items()) / norm


def test_same_seed_same_bytes_and_the_corpus_size_changes_only_the_corpus(tree: Path, tmp_path: Path) -> None:
    first = files(tree)
    for name, seed, corpus in (("again", 1, 3000), ("longer", 1, 3500), ("other", 2, 3000)):
        (tmp_path / name).mkdir()
        generate(tmp_path / name, seed=seed, corpus_sentences=corpus, queries=QUERIES)
    assert files(tmp_path / "again") == first
    longer = files(tmp_path / "longer")
    assert {name for name in first if first[name] != longer[name]} == {"corpus/generated.txt"}
    assert longer["corpus/generated.txt"].startswith(first["corpus/generated.txt"])
    other = files(tmp_path / "other")
    assert other.keys() == first.keys() and all(other[name] != first[name] for name in first)


@pytest.mark.parametrize("name", ["corpus_sentences", "pairs_per_subset", "sentiment_rows", "queries"])
@pytest.mark.parametrize("count", [0, -1])
def test_a_count_that_is_not_positive_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, count: int
) -> None:
    counts = {"corpus_sentences": 10, name: count}
    with pytest.raises(NegbenchError, match=name):
        generate(tmp_path, seed=1, **counts)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_or_not_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="does not exist"):
        generate(tmp_path / "nowhere", seed=1, corpus_sentences=10)
    (tmp_path / "old.txt").write_text("kept")
    with pytest.raises(NegbenchError, match="not empty"):
        generate(tmp_path, seed=1, corpus_sentences=10)


def test_the_smallest_world_can_be_made(tmp_path: Path) -> None:
    generate(tmp_path, seed=1, corpus_sentences=1, pairs_per_subset=1, sentiment_rows=2, queries=1)
    assert len(read(tmp_path / "beir/world-duplicates/top_ranked.jsonl")) == 1
    assert len(read(tmp_path / "corpus/generated.txt")) == 1


def test_sts_files(tree: Path) -> None:
    for year, subsets in SUBSETS.items():
        folder = tree / "senteval/downstream/STS" / f"{year}-en-test"
        for subset in subsets:
            pairs, gold = read(folder / f"STS.input.{subset}.txt"), read(folder / f"STS.gs.{subset}.txt")
            assert len(pairs) == len(gold)
            assert sum(score != "" for score in gold) == 200
            assert ("" in gold) == (year in ("STS15", "STS16"))
            assert all(0.0 <= float(score) <= 5.0 for score in gold if score)
            for line in pairs:
                assert line.count("\t") == 1 and line == line.lower() and "  " not in line
                assert all(line.split("\t"))


def test_stsb_and_sick_files(tree: Path) -> None:
    downstream = tree / "senteval/downstream"
    for part, size in (("train", 1500), ("dev", 500), ("test", 700)):
        rows = [line.split("\t") for line in read(downstream / f"STS/STSBenchmark/sts-{part}.csv")]
        assert len(rows) == size and {len(row) for row in rows} == {7}
        assert all(0.0 <= float(row[4]) <= 5.0 for row in rows)
        assert {row[0] for row in rows} == {"main-captions", "main-forum", "main-news"}
    for part, size in (("train", 300), ("trial", 100), ("test_annotated", 700)):
        header, *lines = read(downstream / f"SICK/SICK_{part}.txt")
        assert header == "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"
        rows = [line.split("\t") for line in lines]
        assert len(rows) == size and {len(row) for row in rows} == {5}
        assert all(1.0 <= float(row[3]) <= 5.0 for row in rows)
        assert {row[4] for row in rows} == {"ENTAILMENT", "NEUTRAL", "CONTRADICTION"}
        assert all(row[1][0].isupper() or row[1][0].isdigit() for row in rows)
        assert not any(row[1].endswith(".") for row in rows)


def test_transfer_files(tree: Path) -> None:
    downstream = tree / "senteval/downstream"
    for name in ("MR/rt-polarity", "CR/custrev", "MPQA/mpqa"):
        for side in ("pos", "neg"):
            assert len(read(downstream / f"{name}.{side}", "latin-1")) == 500
    for side in ("objective", "subjective"):
        assert len(read(downstream / f"SUBJ/subj.{side}", "latin-1")) == 500
    for part, size in (("train", 1500), ("dev", 300), ("test", 400)):
        binary = [line.split("\t") for line in read(downstream / f"SST/binary/sentiment-{part}")]
        assert len(binary) == size and {row[1] for row in binary} == {"0", "1"}
        fine = read(downstream / f"SST/fine/sentiment-{part}")
        assert len(fine) == size and {line[:2] for line in fine} == {"0 ", "1 ", "2 ", "3 ", "4 "}
    for file, size in (("train_5500", 1200), ("TREC_10", 300)):
        labels = Counter(line.split(":", 1)[0] for line in read(downstream / f"TREC/{file}.label", "latin-1"))
        assert labels == dict.fromkeys(("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"), size // 6)
    for part, size in (("train", 1000), ("test", 500)):
        header, *lines = read(downstream / f"MRPC/msr_paraphrase_{part}.txt")
        assert header == "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String"
        rows = [line.split("\t") for line in lines]
        assert len(rows) == size and {len(row) for row in rows} == {5}
        assert 0.4 < np.mean([row[0] == "1" for row in rows]) < 0.8


def test_retrieval_files_and_their_distractors(tree: Path) -> None:
    for design in DESIGNS:
        folder = tree / "beir" / design.name
        corpus = {row["_id"]: row for row in map(json.loads, read(folder / "corpus.jsonl"))}
        queries = {row["_id"]: row["text"] for row in map(json.loads, read(folder / "queries.jsonl"))}
        header, *lines = read(folder / "qrels/test.tsv")
        assert header == "query-id\tcorpus-id\tscore"
        relevant: dict[str, set[str]] = {}
        for line in lines:
            query, document, score = line.split("\t")
            assert document in corpus and score == "1"
            relevant.setdefault(query, set()).add(document)
        assert relevant.keys() == queries.keys() and len(queries) == QUERIES
        assert all(row["title"] for row in corpus.values()) == design.titled
        candidates = {query: list(corpus) for query in queries}
        if design.reranking:
            candidates = {
                row["query-id"]: row["corpus-ids"] for row in map(json.loads, read(folder / "top_ranked.jsonl"))
            }
            assert candidates.keys() == queries.keys()
            for query, ranked in candidates.items():
                assert len(set(ranked)) == len(ranked) == RANKED
                assert relevant[query] <= set(ranked) <= corpus.keys()
        # Bags of words find the right document first for some queries, but far from all.
        text = {name: tokenised(f"{row['title']} {row['text']}") for name, row in corpus.items()}
        first = {q: max(c, key=lambda d: cosine(tokenised(queries[q]), text[d])) for q, c in candidates.items()}
        hits = float(np.mean([first[q] in relevant[q] for q in queries]))
        assert 0.05 < hits < 0.75, (design.name, hits)


def test_scores_spread_over_the_scale(tree: Path) -> None:
    gold = [
        float(score)
        for path in tree.glob("senteval/downstream/STS/STS1*/STS.gs.*.txt")
        for score in read(path)
        if score
    ]
    share = np.histogram(gold, bins=[0, 1, 2, 3, 4, 5.1])[0] / len(gold)
    assert share.min() > 0.08 and share.max() < 0.4


@pytest.mark.parametrize("year", SUBSETS)
def test_meaning_solves_sts_and_words_do_not(year: str) -> None:
    rng = Random(year)
    pairs = [pair for subset in SUBSETS[year] for pair in subset_pairs(3, year, subset, 200)]
    gold = [annotate(pair.similarity, rng) for pair in pairs]
    oracle = spearmanr([pair.similarity for pair in pairs], gold).statistic
    words = spearmanr([cosine(tokenised(p.first), tokenised(p.second)) for p in pairs], gold).statistic
    assert oracle > 0.95
    assert 0.1 < words < 0.5


def test_annotators_agree_with_the_similarity_on_average() -> None:
    rng = Random(0)
    for similarity in (0.2, 0.5, 0.8):
        assert np.mean([annotate(similarity, rng) for _ in range(2000)]) == pytest.approx(5 * similarity, abs=0.05)


def test_entailment_of_an_event_with_itself_and_with_its_changes() -> None:
    pairs = subset_pairs(3, "STS12", "MSRvid", 400)
    for pair in pairs:
        first, second = pair.events
        assert entailment(first, first) == "ENTAILMENT"
        if entailment(first, second) == "CONTRADICTION":
            assert first[:3] == second[:3] and first != second
        if first.agent.domain != second.agent.domain:
            assert entailment(first, second) == "NEUTRAL"


def test_hardly_any_evaluation_sentence_is_in_the_training_text(tree: Path) -> None:
    corpus = {tokenised(line) for line in read(tree / "corpus/generated.txt")}
    sides = [
        side
        for path in tree.glob("senteval/downstream/STS/STS1*/STS.input.*.txt")
        for line in read(path)
        for side in line.split("\t")
    ]
    assert sum(side in corpus for side in sides) / len(sides) < 0.01
