"""A small retrieval set in BEIR's layout, for the tests that read or score one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from words import WORDS

HEADER = "query-id\tcorpus-id\tscore"


def write_set(folder: Path, *, seed: int = 0, candidates: bool = False) -> Path:
    """60 documents (each fifth without a title, one far too long), 12 queries of which 8 are judged."""
    chance = random.Random(seed)

    def text(fewest: int, most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(fewest, most)))

    documents = [{"_id": f"d{n}", "title": text(1, 3) if n % 5 else "", "text": text(3, 12)} for n in range(60)]
    documents[7]["text"] = text(80, 80)
    documents[9] |= {"title": documents[8]["title"], "text": documents[8]["text"]}  # a tie
    queries = [{"_id": f"q{n}", "text": text(2, 6)} for n in range(12)]
    qrels = [
        f"q{q}\td{d}\t{chance.randint(0, 2) if i else 1}" for q in range(8) for i, d in enumerate(_some(chance, 4))
    ]
    write_json_lines(folder / "corpus.jsonl", documents)
    write_json_lines(folder / "queries.jsonl", queries)
    write_lines(folder / "qrels" / "test.tsv", [HEADER, *qrels])
    if candidates:
        rows = [{"query-id": f"q{q}", "corpus-ids": [f"d{d}" for d in _some(chance, 15)]} for q in range(12)]
        write_json_lines(folder / "top_ranked.jsonl", rows)
    return folder


def write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_lines(path, map(json.dumps, rows))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def _some(chance: random.Random, count: int) -> list[int]:
    return chance.sample(range(60), count)
