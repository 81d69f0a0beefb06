"""How long the one embedding pass takes beside SentEval's way of embedding, and whether the embeddings agree.

    python -m benchmarks.encode --data FOLDER

SentEval's way: each task by itself, its sentences sorted by length, batches of 128 padded to their longest, through
transformers' BertModel. Both read all STS and transfer tasks with one randomly initialised BERT, in one run.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.conditions import conditions, ratio
from benchmarks.inputs import random_bert
from eval import senteval, transfer_sets
from eval.embeddings import EmbeddedOnce
from methods.core.encoder import Encoder
from pipelines.main import run

BATCH = 128  # SimCSE's evaluation.py


def lists(data: Path) -> Iterator[list[str]]:
    """The lists that SentEval embeds one after the other, each sorted by the number of tokens."""
    for task in senteval.TASKS:
        for subset in senteval.load_sts(data, task):
            pairs = sorted(zip(subset.first, subset.second, strict=True), key=lambda p: [len(s.split()) for s in p])
            yield from ([*side] for side in zip(*pairs, strict=True))
    for task in transfer_sets.TASKS:
        for part in transfer_sets.load(data, task).parts.values():  # in order of length already
            yield part.first
            if part.second is not None:
                yield part.second


@torch.inference_mode()
def sentevals_way(tokenizer: Any, model: Any, lists: list[list[str]]) -> list[NDArray[np.float32]]:
    """Embeddings of every list, by transformers."""
    found = []
    for sentences in tqdm(lists, desc="SentEval's way", disable=None):
        rows = []
        for start in range(0, len(sentences), BATCH):
            batch = tokenizer(sentences[start : start + BATCH], padding=True, truncation=True, return_tensors="pt")
            rows.append(model(**batch).last_hidden_state[:, 0].numpy())
        found.append(np.concatenate(rows))
    return found


def main(arguments: Namespace) -> None:
    """Time both and print the ratio."""
    work = [*lists(arguments.data)]
    total, distinct = sum(map(len, work)), len({*chain.from_iterable(work)})
    from transformers import AutoTokenizer, BertModel

    print(conditions("transformers"))
    print(f"{total} sentences, {distinct} distinct; {arguments.layers} layers of {arguments.width}", flush=True)
    with random_bert(arguments.data, arguments.layers, arguments.width) as model:
        encoder = Encoder.load(model, "cls_before_pooler")
        tokenizer, bert = AutoTokenizer.from_pretrained(model), BertModel.from_pretrained(model).eval()
        ways: dict[str, Callable[[], Any]] = {
            "one pass": lambda: EmbeddedOnce(
                encoder, chain.from_iterable(work), model / "matrix.npy", progress="one pass"
            ),
            "SentEval's way": lambda: sentevals_way(tokenizer, bert, work),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        found = {}
        for order in (ways, reversed(ways)):  # who comes second finds warm caches, and maybe a busier machine
            for way in order:
                start = time.perf_counter()
                found[way] = ways[way]()
                seconds[way].append(time.perf_counter() - start)
        once, theirs = found.values()
        apart = max(
            float(np.abs(once.encode(sentences) - rows).max()) for sentences, rows in zip(work, theirs, strict=True)
        )
    for way, each in seconds.items():
        print(f"{way}: {', '.join(f'{one:.1f}' for one in each)} s")
    print(f"largest difference of a value: {apart:.1e}; of one sentence that comes twice, one pass embeds one")
    ours, reference = map(sum, seconds.values())
    print(ratio(reference / ours, "STS and transfer sentences embedded a second, in one pass to SentEval's way"))


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.encode`."""
    options = ArgumentParser("python -m benchmarks.encode", description="One embedding pass against SentEval's way.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds senteval/ and models/")
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--width", type=int, default=256)
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
