"""A sentence encoder: a BERT-like backbone, its tokenizer and a pooling, loaded from and saved to one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from tqdm import tqdm

from methods.core.bert import Bert
from methods.core.folder import lower_cases, refuse_unread, saved_max_length, saved_pooling, write_modules
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.params import Pooling

POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

_FIRST = {"cls", "cls_before_pooler"}  # they read the first token of the last layer
_MAKE_ROOM = "Free some space and run again."


def check_pooling(name: str) -> Pooling:
    """Return the pooling called `name`.

    Raises:
        NegbenchError: there is no such pooling; the message offers the nearest one.
    """
    for pooling in POOLINGS:
        if pooling == name:
            return pooling
    raise NegbenchError(f"unknown pooling '{name}'", "--pooling", nearest(name, POOLINGS))


def pool(hidden_states: Sequence[Tensor], pooler_output: Tensor | None, mask: Tensor, pooling: Pooling) -> Tensor:
    """Reduce token states to one vector a sentence.

    Args:
        hidden_states: states of every layer, each (B, L, H); index 0 is the embedding layer's output.
        pooler_output: (B, H) output of the backbone's own pooler, needed by "cls" alone.
        mask: (B, L), 1 for a token and 0 for padding.
        pooling: "cls" (through the pooler), "cls_before_pooler" (last layer, first token), "mean" (last layer) or
            "first_last_avg" (token mean of the embedding layer's output and the last layer's: the reading that
            gives the published 56.70 of BERT-base; averaging layer 1 in place of the embeddings gives 60.73).

    Returns:
        (B, H) sentence embeddings, not normalised.
    """
    last = hidden_states[-1]
    if pooling == "cls":
        if pooler_output is None:
            raise NegbenchError("the backbone has no pooler", "pooling cls", "Use cls_before_pooler or mean.")
        return pooler_output
    if pooling == "cls_before_pooler":
        return last[:, 0]
    # Deviation: SimCSE's evaluation.py averages the first Transformer layer's output and the last's; the embedding
    # layer's and the last's is the reading that gives the published rows.
    states = last if pooling == "mean" else (hidden_states[0] + last) / 2
    weights = mask.unsqueeze(-1).to(states.dtype)  # (B, L, 1)
    return (states * weights).sum(1) / weights.sum(1)


class Encoder(nn.Module):
    """Backbone, tokenizer and pooling as one module; `encode` is what evaluators see."""

    def __init__(self, backbone: nn.Module, tokenizer: Any, pooling: Pooling, max_length: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.pooling = pooling
        self.max_length = max_length

    @classmethod
    def load(cls, folder: str | Path, pooling: Pooling | None = None) -> Self:
        """Load a Hugging Face folder, with or without sentence-transformers' files in it.

        Args:
            folder: a model folder that `AutoModel.from_pretrained` takes.
            pooling: overrides the folder's own pooling; the folder's comes from sentence-transformers' pooling
                config and is "cls_before_pooler" where there is none.

        Raises:
            NegbenchError: the folder is missing, is no model, is damaged, or asks for more than an encoder and a
                pooling that we have.
        """
        from transformers import AutoTokenizer  # here: slow, and many commands only need arrays

        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise NegbenchError("no model here: config.json is missing", folder, "Give a Hugging Face model folder.")
        try:
            backbone = Bert.load(folder) if Bert.reads(folder) else _any_backbone(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            max_length = _max_length(folder, backbone, tokenizer)
            refuse_unread(folder)
            pooling = pooling or saved_pooling(folder)
        except NegbenchError:
            raise
        except Exception as error:  # of whatever kind: the tokenizers library raises that very class
            cause = (str(error) or type(error).__name__).splitlines()[0]
            raise NegbenchError(f"cannot load the model: {cause}", folder, "Check the folder's files.") from error
        # Without its files transformers builds a tokenizer that knows no word, and every score would be of nothing.
        vocabularies = {"tokenizer.json", *tokenizer.vocab_files_names.values()}
        if not any((folder / name).is_file() for name in vocabularies):
            raise NegbenchError("no tokenizer here", folder, f"Add one of {', '.join(sorted(vocabularies))}.")
        if lower_cases(folder) and tokenizer.tokenize("A") != tokenizer.tokenize("a"):
            what = "do_lower_case is not applied here, and the tokenizer keeps capitals"
            raise NegbenchError(what, folder, "Turn it off to score without.")
        return cls(backbone, tokenizer, pooling, max_length)

    def save(self, folder: Path) -> None:
        """Write the backbone, the tokenizer and sentence-transformers' module files into `folder`.

        The folder then loads with `AutoModel.from_pretrained` and with `SentenceTransformer`, both giving our
        embeddings. Only "cls_before_pooler" and "mean" exist in sentence-transformers.

        Raises:
            NegbenchError: sentence-transformers has no such pooling, or the disk is full.
        """
        write_modules(folder, self.pooling, self.dimension, self.max_length)
        try:
            self.backbone.save_pretrained(folder)  # type: ignore[operator]
        except SafetensorError as error:  # a full disk, told by a library that raises no OSError
            raise NegbenchError(f"cannot write the weights: {error}", folder, _MAKE_ROOM) from error
        if backend := getattr(self.tokenizer, "backend_tokenizer", None):
            backend.no_truncation()  # it keeps the limit of the last text that it cut, which is nothing of the model's
            backend.no_padding()
        self.tokenizer.save_pretrained(folder)

    @property
    def dimension(self) -> int:
        """H, the length of a sentence embedding."""
        return int(self.backbone.config.hidden_size)  # type: ignore[union-attr,arg-type]

    def limited(self, length: int) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """`encode`, reading at most `length` word pieces of a text."""
        limit = min(self.max_length, length)
        cut = Encoder(self.backbone, self.tokenizer, self.pooling, limit).train(self.training)
        return partial(cut.encode, progress="Embedding")

    def lacks(self, pooling: Pooling) -> str | None:
        """Why these weights have no embedding under `pooling`; None where they have one."""
        if pooling == "cls" and getattr(self.backbone, "pooler", None) is None:
            return "the backbone has no pooler"
        return None

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed token ids (B, L) under `mask` (B, L): (B, H), not normalised."""
        (embeddings,) = self._pooled(ids, mask, [self.pooling])
        return embeddings

    def _pooled(self, ids: Tensor, mask: Tensor, poolings: Sequence[Pooling]) -> list[Tensor]:
        """One pass, and what each pooling makes of it: (B, H) each."""
        ours = isinstance(self.backbone, Bert)
        asked = {"first_only": _FIRST.issuperset(poolings)} if ours else {"output_hidden_states": True}
        output = self.backbone(input_ids=ids, attention_mask=mask, **asked)
        pooler = getattr(output, "pooler_output", None)
        return [pool(output.hidden_states, pooler, mask, pooling) for pooling in poolings]

    def encode(
        self, sentences: Sequence[str], *, max_tokens: int = 4096, progress: str | None = None
    ) -> NDArray[np.float32]:
        """Embed sentences in evaluation mode, each batch holding sentences of like length.

        Args:
            sentences: N sentences; each is cut at the model's own limit.
            max_tokens: as in `embed`.
            progress: likewise.

        Returns:
            (N, H) float32, in the order given, not normalised.
        """
        tokens = self.tokenise(sentences)
        (embeddings,) = self.embed(tokens, [self.pooling], max_tokens=max_tokens, progress=progress)
        return embeddings

    def tokenise(self, sentences: Sequence[str]) -> list[list[int]]:
        """Token ids of N sentences, each cut at the model's own limit: what `embed` takes."""
        if not sentences:
            return []
        rows: list[list[int]] = self.tokenizer(list(sentences), truncation=True, max_length=self.max_length)[
            "input_ids"
        ]
        return rows

    @torch.inference_mode()
    def embed(
        self,
        tokens: Sequence[list[int]],
        poolings: Sequence[Pooling],
        *,
        max_tokens: int = 4096,
        progress: str | None = None,
    ) -> list[NDArray[np.float32]]:
        """Embed tokenised sentences under several poolings in one pass, in evaluation mode.

        Args:
            tokens: token ids of N sentences.
            poolings: none that this encoder lacks.
            max_tokens: most padded tokens in a batch. Bounds memory whatever the lengths are; on two CPU cores
                16,384 took half as long again, for its activations leave the cache.
            progress: label of a progress bar, shown on a terminal; none without one.

        Returns:
            (N, H) float32 for each pooling, rows in the order given, not normalised.
        """
        was_training = self.training
        self.eval()
        device = next(self.parameters()).device
        embeddings = [np.empty((len(tokens), self.dimension), dtype=np.float32) for _ in poolings]
        pad = self.tokenizer.pad_token_id or 0
        sizes = [len(row) for row in tokens]
        with tqdm(
            total=sum(sizes), desc=progress, disable=None if progress else True, unit="token", unit_scale=True
        ) as bar:
            for batch in _like_lengths(sizes, max_tokens):
                longest = sizes[batch[0]]
                ids = torch.tensor([tokens[i] + [pad] * (longest - len(tokens[i])) for i in batch], device=device)
                lengths = torch.tensor([[sizes[i]] for i in batch], device=device)
                mask = (torch.arange(longest, device=device) < lengths).long()  # (B, L)
                for own, pooled in zip(embeddings, self._pooled(ids, mask, poolings), strict=True):
                    own[batch] = pooled.float().cpu().numpy()
                bar.update(sum(sizes[i] for i in batch))
        self.train(was_training)
        return embeddings


def _any_backbone(folder: Path) -> nn.Module:
    """A backbone that is no plain BERT, by transformers."""
    from transformers import AutoModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # over weights that are read in a second
    model, info = AutoModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    if any(name.startswith("pooler.") for name in info["missing_keys"]):
        model.pooler = None  # transformers would put a random one there
    if model.config.is_encoder_decoder:
        raise NegbenchError("an encoder with a decoder is not run here", folder, "Give an encoder alone, such as BERT.")
    loaded: nn.Module = model
    return loaded


def _like_lengths(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first, each of at most `max_tokens` padded tokens."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > max_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _max_length(folder: Path, backbone: nn.Module, tokenizer: Any) -> int:
    positions = int(backbone.config.max_position_embeddings)  # type: ignore[union-attr,arg-type]
    limits = (positions, int(tokenizer.model_max_length))  # RoBERTa has 514 positions and room for 512 tokens
    return min(*limits, saved_max_length(folder) or positions)
