"""Sets in BEIR's layout: what is read, and what each kind of broken file is answered with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from beir_fixture import HEADER, write_json_lines, write_lines, write_set

from eval.beir import PUBLISHED, Document, load_collection
from eval.mteb_sets import OF_FOLDER
from pipelines.errors import NegbenchError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "beir" / "set", candidates=True)


def test_a_split_is_read_as_written(folder: Path) -> None:
    found = load_collection(folder)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    assert found.documents == {row["_id"]: Document(row["title"], row["text"]) for row in rows}
    judged = [line.split("\t") for line in (folder / "qrels/test.tsv").read_text().splitlines()[1:]]
    assert [(q, d, str(s)) for q, row in found.qrels.items() for d, s in row.items()] == [tuple(j) for j in judged]
    assert list(found.queries) == [f"q{n}" for n in range(8)]  # the others belong to no judgement of this split
    ranked = [json.loads(line) for line in (folder / "top_ranked.jsonl").read_text().splitlines()]
    assert found.candidates == {row["query-id"]: row["corpus-ids"] for row in ranked}


def test_a_set_without_candidates_has_none_and_titles_may_be_left_out(folder: Path) -> None:
    (folder / "top_ranked.jsonl").unlink()
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    write_json_lines(folder / "corpus.jsonl", [{"_id": row["_id"], "text": row["text"]} for row in rows])
    found = load_collection(folder)
    assert found.candidates is None
    assert {document.title for document in found.documents.values()} == {""}


def test_the_published_sizes_are_those_of_mtebs_statistics() -> None:
    import mteb

    for folder, sizes in PUBLISHED.items():
        counted = mteb.get_task(OF_FOLDER[folder]).metadata.descriptive_stats["test"]
        relevant = counted["relevant_docs_statistics"]["num_relevant_docs"]
        assert (counted["num_documents"], counted["num_queries"], relevant) == sizes


def test_sizes_count_what_is_judged_relevant(folder: Path) -> None:
    write_lines(folder / "qrels/test.tsv", [HEADER, "q1\td6\t2", "q1\td2\t-1", "q1\td3\t0", "q2\td1\t1"])
    assert load_collection(folder).sizes == (60, 2, 2)


def test_another_split_has_its_own_queries(folder: Path) -> None:
    write_lines(folder / "qrels/dev.tsv", [HEADER, "q11\td3\t1"])
    assert load_collection(folder, "dev").qrels == {"q11": {"d3": 1}}


def test_judgements_with_crlf_are_read(folder: Path) -> None:
    path = folder / "qrels/test.tsv"
    expected = load_collection(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_collection(folder) == expected


def test_any_relevance_and_any_character_can_be_scored(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("a") as file:
        file.write(r'{"_id": "d60", "text": "\ud83e\udd89 \u2028 \u0000 \u65e5"}' + "\n")
    write_lines(folder / "qrels/test.tsv", [HEADER, "q1\td60\t999999", "q1\td2\t-1", "q2\td1\t1"])
    assert load_collection(folder).qrels == {"q1": {"d60": 999999, "d2": -1}, "q2": {"d1": 1}}


def test_judgements_on_absent_documents_are_let_through_where_they_were_published(folder: Path) -> None:
    arguana = folder.rename(folder.with_name("arguana"))
    (arguana / "top_ranked.jsonl").unlink()
    write_lines(arguana / "qrels/test.tsv", [HEADER, "q1\tgone\t1", "q2\td1\t1"])
    assert load_collection(arguana).qrels == {"q1": {"gone": 1}, "q2": {"d1": 1}}
    other = arguana.rename(folder)
    with pytest.raises(NegbenchError, match="there is no document 'gone'"):
        load_collection(other)


def test_empty_documents_are_let_through_where_they_were_published(folder: Path) -> None:
    fiqa = folder.rename(folder.with_name("fiqa"))
    lines = (fiqa / "corpus.jsonl").read_text().splitlines()
    write_lines(fiqa / "corpus.jsonl", ['{"_id": "d0", "title": "", "text": ""}', *lines[1:]])
    assert load_collection(fiqa).documents["d0"] == Document("", "")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(NegbenchError, match="missing") as caught:
        load_collection(folder)
    assert caught.value.where == str(folder / name)


@pytest.mark.parametrize(
    ("name", "line", "what"),
    [
        ("corpus.jsonl", '{"_id": "d60", "text": "half', "not valid JSON"),
        ("corpus.jsonl", "[1]", "no JSON object"),
        ("corpus.jsonl", '{"title": "a", "text": "b"}', "'_id' is missing"),
        ("corpus.jsonl", '{"_id": 3, "text": "b"}', "'_id' is 3 and no string"),
        ("corpus.jsonl", '{"_id": "d60", "title": "a"}', "'text' is missing"),
        ("corpus.jsonl", '{"_id": "d60", "title": " ", "text": ""}', "document 'd60' has neither title nor text"),
        ("corpus.jsonl", '{"_id": "d1", "text": "again"}', "document 'd1' given twice"),
        ("queries.jsonl", "", "not valid JSON"),
        ("queries.jsonl", '{"_id": "q12", "text": " "}', "query 'q12' is empty"),
        ("queries.jsonl", '{"_id": "q1", "text": "again"}', "query 'q1' given twice"),
        ("qrels/test.tsv", "q1\td1", "2 tab-separated columns in place of 3"),
        ("qrels/test.tsv", "q99\td1\t1", "there is no query 'q99'"),
        ("qrels/test.tsv", "q9\td99\t1", "there is no document 'd99'"),
        ("corpus.jsonl", "[" * 100_000, "not valid JSON"),
        ("corpus.jsonl", r'{"_id": "d60", "text": "a \ud83e"}', "'text' has half a character"),
        ("qrels/test.tsv", "q9\td1\t0.5", "relevance '0.5' is no whole number"),
        ("qrels/test.tsv", "q9\td1\t1" + 5000 * "0", "is no whole number below a million"),
        ("qrels/test.tsv", "q9\td1\t--1", "relevance '--1' is no whole number"),
        ("top_ranked.jsonl", '{"query-id": "q1", "corpus-ids": ["d1"]}', "candidates of query 'q1' given twice"),
        ("top_ranked.jsonl", '{"query-id": "q12", "corpus-ids": ["d99"]}', "there is no document 'd99'"),
        ("top_ranked.jsonl", '{"query-id": "q12", "corpus-ids": [["d1"]]}', "there is no document '['d1']'"),
        ("top_ranked.jsonl", '{"query-id": "q12", "corpus-ids": []}', "'corpus-ids' is no list of documents"),
    ],
)
def test_a_broken_line_is_named(folder: Path, name: str, line: str, what: str) -> None:
    lines = (folder / name).read_text().splitlines()
    write_lines(folder / name, [*lines, line])
    with pytest.raises(NegbenchError) as caught:
        load_collection(folder)
    assert what in caught.value.what
    assert caught.value.where == f"{folder / name}:{len(lines) + 1}"


def test_a_judgement_given_twice_is_named(folder: Path) -> None:
    lines = (folder / "qrels/test.tsv").read_text().splitlines()
    write_lines(folder / "qrels/test.tsv", [*lines, lines[1]])
    with pytest.raises(NegbenchError, match="given twice") as caught:
        load_collection(folder)
    assert caught.value.where.endswith(f"test.tsv:{len(lines) + 1}")


def test_judgements_need_their_header(folder: Path) -> None:
    lines = (folder / "qrels/test.tsv").read_text().splitlines()
    write_lines(folder / "qrels/test.tsv", lines[1:])
    with pytest.raises(NegbenchError, match="header line is missing") as caught:
        load_collection(folder)
    assert caught.value.where.endswith("test.tsv:1")


@pytest.mark.parametrize(
    ("lines", "what"),
    [([HEADER], "no entries"), ([], "no entries"), ([HEADER, "q1\td1\t0", "q1\td2\t-1"], "'q1' has no relevant")],
)
def test_a_split_needs_queries_with_something_to_find(folder: Path, lines: list[str], what: str) -> None:
    write_lines(folder / "qrels/test.tsv", lines)
    with pytest.raises(NegbenchError, match=what):
        load_collection(folder)


def test_each_judged_query_needs_candidates(folder: Path) -> None:
    lines = (folder / "top_ranked.jsonl").read_text().splitlines()
    write_lines(folder / "top_ranked.jsonl", lines[1:])
    with pytest.raises(NegbenchError, match="query 'q0' has no candidates"):
        load_collection(folder)
