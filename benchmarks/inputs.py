"""What benchmarks train on: real sentences, and a BERT with BERT's own vocabulary and random weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

CORPUS = Path("corpus/wiki_sentences_1m.txt.xz")
VOCABULARY = Path("models/bert-base-uncased/vocab.txt")


@contextmanager
def random_bert(data: Path, layers: int, width: int) -> Iterator[Path]:
    """The folder of a randomly initialised BERT, which goes with the block.

    Args:
        data: the folder that holds models/.
        layers: of the encoder.
        width: of a hidden state; a head for each 64.
    """
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    tokenizer = BertTokenizerFast(str(data / VOCABULARY), model_max_length=512)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
    )
    with TemporaryDirectory() as folder:
        BertModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        yield Path(folder)
