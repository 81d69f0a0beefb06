"""Training text as token ids in one flat array, from which batches are cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_CHUNK = 10_000  # sentences tokenised at a time: bounds the tokenizer's own memory


class TokenTable:
    """N sentences as one array of ids and N + 1 offsets into it: 2 bytes a word piece, 4 beyond a vocabulary of 65,536.

    Args:
        sentences: the text, one sentence an entry; read once and not kept, so that a file of any size may stream by.
        tokenizer: a Hugging Face tokenizer; it adds its own special tokens.
        max_length: word pieces kept of a sentence, special tokens included.
    """

    def __init__(self, sentences: Iterable[str], tokenizer: Any, max_length: int) -> None:
        remaining = iter(sentences)
        piece = np.min_scalar_type(max(tokenizer.get_vocab().values()))
        parts, lengths = [np.empty(0, piece)], [np.zeros(1, np.int64)]
        while chunk := [*islice(remaining, _CHUNK)]:
            rows = tokenizer(chunk, truncation=True, max_length=max_length)["input_ids"]
            parts.append(np.fromiter(chain.from_iterable(rows), piece))
            lengths.append(np.fromiter(map(len, rows), np.int64))
        self.ids = np.concatenate(parts)
        self.offsets = np.cumsum(np.concatenate(lengths))
        self.pad = int(tokenizer.pad_token_id or 0)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Token ids and mask of the given B rows, both (B, L) int64, padded to the longest row."""
        starts, ends = self.offsets[rows], self.offsets[rows + 1]
        positions = np.arange((ends - starts).max())  # (L,)
        mask = positions < (ends - starts)[:, None]  # (B, L)
        source = np.where(mask, starts[:, None] + positions, 0)
        ids = np.where(mask, self.ids[source], self.pad)
        return torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(mask.astype(np.int64))
