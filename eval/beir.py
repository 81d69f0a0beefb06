"""Retrieval and reranking sets in BEIR's file layout, read strictly.

Layout: Thakur et al. 2021 (BEIR): corpus.jsonl, queries.jsonl and qrels/<split>.tsv. A set to rerank has
top_ranked.jsonl as well: the candidates of each query, named as in MTEB's own sets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import NegbenchError
from pipelines.text import read_lines

QRELS_HEADER = "query-id\tcorpus-id\tscore"
# BEIR published FiQA with 38 posts that lost their text (its issue 158). Scores are only comparable with them in.
_HAVE_EMPTY_DOCUMENTS = ("fiqa",)
# And ArguAna with five judgements on documents that it has not (MTEB's statistics count them; BEIR's issues 101 and
# 172). They stay: no model can find them, and MTEB's scores are with them.
_JUDGE_ABSENT_DOCUMENTS = ("arguana",)
# Documents, queries and relevant judgements of the test parts by folder: MTEB's statistics of its own copies.
PUBLISHED = {
    "arguana": (8674, 1406, 1406),
    "fiqa": (57638, 648, 1706),
    "nfcorpus": (3633, 323, 12334),
    "scidocs": (25657, 1000, 4928),
    "scifact": (5183, 300, 339),
}
_FETCH_AGAIN = "Correct the file or fetch the data again."
T = TypeVar("T")


@dataclass(frozen=True)
class Document:
    """One document; either part may be empty, not both."""

    title: str
    text: str


@dataclass(frozen=True)
class Collection:
    """One split of a set: what is searched, what is asked, and what should be found.

    Attributes:
        documents: by id, in the order of the file.
        queries: text by id; those with judgements in this split, in the order of the file.
        qrels: relevance by document id by query id; 0 is irrelevant.
        candidates: ids of the documents to rerank by query id; None where the whole corpus is searched.
    """

    documents: dict[str, Document]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    candidates: dict[str, list[str]] | None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Documents, queries and relevant judgements."""
        relevant = sum(score > 0 for judged in self.qrels.values() for score in judged.values())
        return len(self.documents), len(self.queries), relevant


def load_collection(folder: Path, split: str = "test") -> Collection:
    """Read one split of a set.

    Args:
        folder: holds corpus.jsonl, queries.jsonl, qrels/ and, to rerank, top_ranked.jsonl.
        split: stem of a file in qrels/. Queries of other splits are left out.

    Raises:
        NegbenchError: a file is missing or breaks the format, an id is given twice or leads nowhere (but ArguAna's
            judgements may), a query or a document is empty (but FiQA's documents may be), or a judged query has no
            relevant document or no candidates. `where` is file:line where a line is at fault.
    """
    documents = _documents(folder / "corpus.jsonl", may_be_empty=folder.name in _HAVE_EMPTY_DOCUMENTS)
    asked = _queries(folder / "queries.jsonl")
    judged = None if folder.name in _JUDGE_ABSENT_DOCUMENTS else documents
    qrels = _qrels(folder / "qrels" / f"{split}.tsv", asked, judged)
    queries = {name: text for name, text in asked.items() if name in qrels}
    ranked = folder / "top_ranked.jsonl"
    candidates = _candidates(ranked, queries, documents) if ranked.is_file() else None
    return Collection(documents, queries, qrels, candidates)


def _documents(path: Path, *, may_be_empty: bool) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for where, row in _rows(path):
        name, title, text = _string(row, "_id", where), _string(row, "title", where, ""), _string(row, "text", where)
        if not may_be_empty and not f"{title}{text}".strip():
            raise NegbenchError(f"document '{name}' has neither title nor text", where, _FETCH_AGAIN)
        _add(documents, name, Document(title, text), "document", where)
    return _filled(documents, path)


def _queries(path: Path) -> dict[str, str]:
    queries: dict[str, str] = {}
    for where, row in _rows(path):
        name, text = _string(row, "_id", where), _string(row, "text", where)
        if not text.strip():
            raise NegbenchError(f"query '{name}' is empty", where, _FETCH_AGAIN)
        _add(queries, name, text, "query", where)
    return _filled(queries, path)


def _qrels(path: Path, queries: dict[str, str], documents: dict[str, Document] | None) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(read_lines(path, crlf=True), start=1):  # NFCorpus's was published with CRLF
        where = f"{path}:{number}"
        if number == 1:
            if line != QRELS_HEADER:
                raise NegbenchError("the header line is missing", where, f"Expected: {QRELS_HEADER!r}.")
            continue
        columns = line.split("\t")
        if len(columns) != 3:
            what = f"{len(columns)} tab-separated columns in place of 3"
            raise NegbenchError(what, where, _FETCH_AGAIN)
        query, document, score = columns
        _known(query, queries, "query", where)
        if documents is not None:
            _known(document, documents, "document", where)
        if not re.fullmatch("-?[0-9]{1,6}", score):  # pytrec_eval counts each level up to the highest
            raise NegbenchError(f"relevance {score[:40]!r} is no whole number below a million", where, _FETCH_AGAIN)
        _add(qrels.setdefault(query, {}), document, int(score), f"judgement of query '{query}' on", where)
    for query, judged in _filled(qrels, path).items():
        if max(judged.values()) <= 0:
            raise NegbenchError(f"query '{query}' has no relevant document", path, _FETCH_AGAIN)
    return qrels


def _candidates(path: Path, queries: dict[str, str], documents: dict[str, Document]) -> dict[str, list[str]]:
    candidates: dict[str, list[str]] = {}
    for where, row in _rows(path):
        query, ranked = _string(row, "query-id", where), row.get("corpus-ids")
        if not isinstance(ranked, list) or not ranked:
            raise NegbenchError("'corpus-ids' is no list of documents", where, _FETCH_AGAIN)
        for document in ranked:
            _known(document, documents, "document", where)
        _add(candidates, query, ranked, "candidates of query", where)
    for query in queries:
        if query not in candidates:
            raise NegbenchError(f"query '{query}' has no candidates", path, _FETCH_AGAIN)
    return candidates


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place and the object in it."""
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise NegbenchError(f"not valid JSON: {error}", where, _FETCH_AGAIN) from error
        if not isinstance(row, dict):
            raise NegbenchError("the line holds no JSON object", where, _FETCH_AGAIN)
        yield where, row


def _string(row: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        problem = "is missing" if value is None else f"is {json.dumps(value)} and no string"
        raise NegbenchError(f"'{key}' {problem}", where, _FETCH_AGAIN)
    if not value.isascii() and re.search("[\ud800-\udfff]", value):
        raise NegbenchError(f"'{key}' has half a character, which no encoding can hold", where, _FETCH_AGAIN)
    return value


def _add(found: dict[str, T], name: str, value: T, what: str, where: str) -> None:
    if name in found:
        raise NegbenchError(f"{what} '{name}' given twice", where, _FETCH_AGAIN)
    found[name] = value


def _known(name: Any, known: dict[str, Any], what: str, where: str) -> None:
    if not isinstance(name, str) or name not in known:
        raise NegbenchError(f"there is no {what} '{name}'", where, _FETCH_AGAIN)


def _filled(found: dict[str, T], path: Path) -> dict[str, T]:
    if not found:
        raise NegbenchError("the file has no entries", path, _FETCH_AGAIN)
    return found
