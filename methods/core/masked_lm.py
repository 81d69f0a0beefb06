"""Masked language modelling, the objective that a backbone is pretrained with (Devlin et al., NAACL 2019)."""

from __future__ import annotations

from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.core.bert import marked
from methods.core.contract import Batch, MethodSettings, Schedule, TrainedMethod
from methods.core.encoder import Encoder

# Of a token to be predicted; of those 80 % are masked, 10 % replaced, 10 % kept (section 3.1).
# Deviation: BERT has 0.15. A short run gets more out of a sentence with more (Wettig et al., EACL 2023).
PROBABILITY = 0.3
_IGNORED = -100


class MaskedLM(TrainedMethod):
    """An encoder and a head that names tokens, under the training loop of the methods; only the encoder is kept.

    Args:
        head: from states (N, H) to scores (N, V), the vocabulary layer of transformers' BertForMaskedLM.
        encoder: the encoder to pretrain.
        schedule: the run.
    """

    label = "Masked language model"

    def __init__(self, head: nn.Module, encoder: Encoder, schedule: Schedule) -> None:
        super().__init__(encoder, MethodSettings(), schedule)
        self.head = head
        tokenizer: Any = encoder.tokenizer
        self.mask_id = int(tokenizer.mask_token_id)
        self.vocabulary = len(tokenizer)
        self.register_buffer("special", torch.tensor(sorted(tokenizer.all_special_ids)), persistent=False)

    def train(self, mode: bool = True) -> Self:
        """Training mode, but for the encoder."""
        super().train(mode)
        # Deviation: BERT drops a tenth of the units. Dropout keeps a model from learning by heart what it sees often;
        # ours sees each sentence once or twice, and learns more from it without (Geiping & Goldstein, ICML 2023).
        self.encoder.eval()
        return self

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy on the chosen tokens, and the share of them that the model scores no lower than any other."""
        ids, labels = self.corrupt(batch.ids)
        states = self.encoder.backbone(ids, batch.mask).last_hidden_state  # (B, L, H)
        # The vocabulary layer runs on the chosen positions alone: on all it would cost more than the encoder.
        chosen = marked((labels != _IGNORED).flatten())
        scores = self.head(states.flatten(0, 1)[chosen]).float()  # (chosen, V)
        targets = labels.flatten()[chosen]
        known = targets != _IGNORED  # all but what `marked` adds
        loss = F.cross_entropy(scores, targets, ignore_index=_IGNORED) if known.any() else states.sum() * 0
        named = scores.gather(1, targets.clamp_min(0)[:, None])[:, 0]
        right = (named == scores.amax(-1)) & known  # argmax takes a CPU seven times as long
        return loss, {"accuracy": (right.sum() / known.sum()).detach()}

    def corrupt(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Corrupted ids and labels, both (B, L); a label is -100 where nothing is to be predicted."""
        draw = torch.rand(ids.shape, device=ids.device)
        chosen = (draw < PROBABILITY) & ~torch.isin(ids, self.special)  # type: ignore[arg-type]
        labels = ids.masked_fill(~chosen, _IGNORED)
        action = torch.rand(ids.shape, device=ids.device)
        corrupted = ids.masked_fill(chosen & (action < 0.8), self.mask_id)
        random = torch.randint(self.vocabulary, ids.shape, device=ids.device)
        return torch.where(chosen & (action >= 0.9), random, corrupted), labels
