"""SimCSE trained the way its own scripts do it, the reference of benchmarks/train.py.

transformers' Trainer over BertModel with eager attention; both views of a sentence lie in the data set, tokenised
beforehand, and a batch is padded to its longest; the head is a Linear and a Tanh on [CLS]; InfoNCE on the cosines of
all pairs (princeton-nlp/SimCSE@49fa580 train.py, simcse/models.py, run_unsup_example.sh).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel, PrinterCallback, Trainer, TrainingArguments
from transformers.utils import logging

from pipelines.params import Train

TEMPERATURE = 0.05


class Recipe(nn.Module):
    """BERT and a copy of the head; `losses` collects what every step gave."""

    def __init__(self, folder: Path, head: nn.Module) -> None:
        super().__init__()
        self.bert: Any = BertModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False)
        self.head = copy.deepcopy(head)
        self.losses: list[Tensor] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        """The loss of B sentences in two views each: ids, mask and types are (B, 2, L)."""
        flat = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        states = self.bert(**{name: value.flatten(0, 1) for name, value in flat.items()}).last_hidden_state
        first, second = self.head(states[:, 0]).unflatten(0, (-1, 2)).unbind(1)  # each (B, H)
        cosines = F.cosine_similarity(first[:, None], second[None, :], dim=-1)  # (B, B)
        loss = F.cross_entropy(cosines / TEMPERATURE, torch.arange(len(cosines), device=cosines.device))
        self.losses.append(loss.detach())
        return {"loss": loss}


class Collator:
    """Pads the two views of each sentence to the longest of the batch."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, sentences: Sequence[Mapping[str, Sequence[list[int]]]]) -> dict[str, Tensor]:
        """(B, 2, L) of every column."""
        views = [{name: value[i] for name, value in sentence.items()} for sentence in sentences for i in (0, 1)]
        padded = self.tokenizer.pad(views, padding=True, return_tensors="pt")
        return {name: value.unflatten(0, (-1, 2)) for name, value in padded.items()}


class InOrder(Trainer):  # type: ignore[misc]
    """transformers' Trainer on the sentences in a given order, so that two ways of training see the same batches."""

    def __init__(self, order: Sequence[int], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.order = order

    def _get_train_sampler(self, *_: object) -> Any:
        return self.order


def tokenised(folder: Path, sentences: Sequence[str], max_length: int) -> datasets.Dataset:
    """The data set: each row holds the ids of a sentence twice, likewise mask and types."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def twice(batch: Mapping[str, list[str]]) -> dict[str, list[list[list[int]]]]:
        columns = tokenizer(batch["text"], truncation=True, max_length=max_length)
        return {name: [[row, row] for row in rows] for name, rows in columns.items()}

    datasets.disable_progress_bars()
    text = datasets.Dataset.from_dict({"text": list(sentences)})
    return text.map(twice, batched=True, remove_columns="text")


def train(
    folder: Path,
    head: nn.Module,
    dataset: datasets.Dataset,
    recipe: Train,
    order: Sequence[int],
    seed: int,
    out: Path,
) -> list[float]:
    """Train one epoch, on a GPU if there is one and then in float16; the loss of every step.

    Args:
        folder: the BERT to start from.
        head: a Linear and a Tanh, to start from a copy of it.
        dataset: from `tokenised`.
        recipe: batch size, learning rate and clipping; the rest is the Trainer's own: AdamW, linear decay.
        order: the rows, in the order in which they are read.
        seed: of dropout.
        out: where the Trainer may write.
    """
    logging.set_verbosity_error()  # the folder's pooler is left out on purpose
    logging.disable_progress_bar()
    model = Recipe(folder, head)
    arguments = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=1,
        learning_rate=recipe.lr,
        max_grad_norm=recipe.clip_norm,
        fp16=torch.cuda.is_available(),
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
    )
    collator = Collator(AutoTokenizer.from_pretrained(folder))
    trainer = InOrder(order, model=model, args=arguments, train_dataset=dataset, data_collator=collator)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return torch.stack(model.losses).tolist()
