"""What training puts on top of the encoder, and what every new layer starts from."""

from __future__ import annotations

from typing import Any

from torch import nn

from methods.core.encoder import Encoder


def initialise(head: nn.Module, encoder: Encoder) -> None:
    """Start every linear layer of `head` as BERT's own: weights from N(0, initializer_range), biases zero.

    transformers' `init_weights`, which SimCSE and MoCoSE call on their heads.
    """
    config: Any = encoder.backbone.config
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=config.initializer_range)
            nn.init.zeros_(module.bias)


def block(inputs: int, outputs: int, encoder: Encoder) -> nn.Sequential:
    """Linear, LayerNorm and dropout with the backbone's constants: the layer that MoCoSE's heads repeat."""
    config: Any = encoder.backbone.config
    return nn.Sequential(
        nn.Linear(inputs, outputs),
        nn.LayerNorm(outputs, eps=config.layer_norm_eps),
        nn.Dropout(config.hidden_dropout_prob),
    )
