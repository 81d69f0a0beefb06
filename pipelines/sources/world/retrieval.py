"""Retrieval and reranking sets in the layout of BEIR.

A set is corpus.jsonl, queries.jsonl, qrels/test.tsv and, to rerank, top_ranked.jsonl.

A relevant document tells the event of its query in other words. Around it stand lexical distractors:
documents that tell another event but mostly echo the words and the minor roles of the query.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pipelines.sources.world.grammar import clause
from pipelines.sources.world.ontology import Event
from pipelines.sources.world.pairs import PairMaker, Teller, random_words
from pipelines.sources.world.sampling import draw, world
from pipelines.sources.world.sts import write_lines
from pipelines.sources.world.templates import REGISTERS

ECHO_RELEVANT, ECHO_DISTRACTOR = 0.25, 0.7  # probability that a document echoes the words of its query
DISTRACTORS = (
    "sibling",
    "sibling",
    "two siblings",
    "two siblings",
    "topic",
)  # how the event of each differs from the query's
PER_QUERY = 10  # documents in the corpus for each query: relevant ones, distractors, and others to fill up
RANKED = 20  # documents to rerank for each query


@dataclass(frozen=True)
class Design:
    """How one set is made.

    Attributes:
        name: its folder under `beir/`.
        registers: of the queries and of the documents.
        relevant: the fewest and the most relevant documents of a query.
        context: sentences of other events around the one that counts.
        titled: whether a document has a title.
        reranking: whether candidates are given for each query.
    """

    name: str
    registers: tuple[str, str]
    relevant: tuple[int, int]
    context: int = 0
    titled: bool = False
    reranking: bool = False


DESIGNS = (
    Design("world-qa", ("question", "retold"), (1, 2), context=1, titled=True),
    Design("world-facts", ("news", "retold"), (1, 3), context=2, titled=True),
    Design("world-duplicates", ("question", "question"), (2, 4), reranking=True),
    Design("world-citations", ("headline", "headline"), (3, 5), reranking=True),
)


@dataclass
class Document:
    """A document, and the number of the query it is relevant for, if any."""

    title: str
    text: str
    relevant_for: int | None


def write_retrieval(beir: Path, seed: int, queries: int) -> None:
    """Write every set of `DESIGNS` under `beir`, each with `PER_QUERY` times as many documents as queries."""
    for design in DESIGNS:
        _write(beir / design.name, design, Random(f"{seed}:{design.name}"), queries)


def _write(folder: Path, design: Design, rng: Random, queries: int) -> None:
    (folder / "qrels").mkdir(parents=True)
    questions: list[str] = []
    groups: list[list[Document]] = []  # the documents made for each query
    for number in range(queries):
        question, documents = _query(design, rng, number)
        questions.append(question)
        groups.append(documents)
    order = [document for group in groups for document in group]
    rng.shuffle(order)  # so that ids tell nothing
    ids = {id(document): f"d{n:05d}" for n, document in enumerate(order)}
    write_lines(folder / "corpus.jsonl", [_json({"_id": ids[id(d)], "title": d.title, "text": d.text}) for d in order])
    write_lines(folder / "queries.jsonl", [_json({"_id": f"q{n:04d}", "text": q}) for n, q in enumerate(questions)])
    qrels = [f"q{d.relevant_for:04d}\t{ids[id(d)]}\t1" for g in groups for d in g if d.relevant_for is not None]
    write_lines(folder / "qrels" / "test.tsv", ["query-id\tcorpus-id\tscore", *qrels])
    if design.reranking:
        ranked = []
        for number, group in enumerate(groups):
            own = {id(d) for d in group}
            others = [d for d in order if id(d) not in own]
            candidates = [*group, *rng.sample(others, min(RANKED - PER_QUERY, len(others)))]
            rng.shuffle(candidates)
            ranked.append(_json({"query-id": f"q{number:04d}", "corpus-ids": [ids[id(d)] for d in candidates]}))
        write_lines(folder / "top_ranked.jsonl", ranked)


def _query(design: Design, rng: Random, number: int) -> tuple[str, list[Document]]:
    """A query and its `PER_QUERY` documents."""
    maker = PairMaker(rng, design.registers)
    event = maker.event()
    teller = Teller(rng, maker.registers)
    query = teller.tell(event)
    documents = []
    for _ in range(rng.randint(*design.relevant)):
        near = maker.edit(event, draw(rng, ("same", "same", "minor", "hypernym")))
        documents.append(_document(design, rng, near, _retell(teller, near, rng, ECHO_RELEVANT), number))
    for edit in DISTRACTORS:
        far = maker.edit(event, edit)
        documents.append(_document(design, rng, far, _retell(teller, far, rng, ECHO_DISTRACTOR), None))
    while len(documents) < PER_QUERY:
        other = maker.event()
        documents.append(_document(design, rng, other, _retell(teller, other, rng, 0.0), None))
    return query, documents


def _retell(teller: Teller, event: Event, rng: Random, echo: float) -> str:
    """Tell an event, with probability `echo` in the frame and the words of the query."""
    echoes = rng.random() < echo
    return teller.retell(event, same_frame=echoes, same_words=echoes)


def _document(design: Design, rng: Random, event: Event, told: str, relevant_for: int | None) -> Document:
    """A document around the sentence that tells its event."""
    register = REGISTERS[design.registers[1]]
    pick = random_words(rng)
    texts = [told]
    for _ in range(design.context):
        other = world().event(rng, register.chance)
        texts.insert(rng.randrange(len(texts) + 1), draw(rng, register.templates)(clause(other, rng, pick)))
    title = draw(rng, REGISTERS["headline"].templates)(clause(event, rng, pick)) if design.titled else ""
    return Document(title, " ".join(texts), relevant_for)


def _json(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, allow_nan=False)
