"""BERT (Devlin et al., NAACL 2019) whose layers run on the tokens alone, without padding, where that is faster.

The folder, the weights' names and the result are those of transformers' BertModel, which the tests hold it against. It
is written again here because every training run and every evaluation is a process of its own: transformers' model code
takes seconds to import, and in a batch of sentences a quarter to a third of the positions are padding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

WEIGHTS = "model.safetensors"
_MULTIPLE = 64


class States(NamedTuple):
    """What a backbone gives, under transformers' names."""

    last_hidden_state: Tensor  # (B, L, H), or (B, 1, H) of the first token if it alone was asked for
    hidden_states: tuple[Tensor, Tensor]  # the embedding layer's output, (B, L, H), and the last layer's
    pooler_output: Tensor | None  # (B, H)


class Bert(nn.Module):
    """Embeddings, encoder and, where the folder has one, pooler.

    Args:
        config: the content of config.json; all of it is kept, so that a saved folder says what the loaded one said.
        pooler: with the pooler or without.
    """

    def __init__(self, config: Mapping[str, Any], *, pooler: bool) -> None:
        super().__init__()
        self.config = SimpleNamespace(**config)
        self.embeddings = Embeddings(config)
        self.encoder = Layers(config)
        self.pooler = Dense(config["hidden_size"], config["hidden_size"], torch.tanh) if pooler else None

    @staticmethod
    def reads(folder: Path) -> bool:
        """Whether the folder is a BERT of the plain kind, with its weights in one safetensors file."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        plain = {"hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
        return (
            config.get("model_type") == "bert"
            and all(config.get(key, value) == value for key, value in plain.items())
            and (folder / WEIGHTS).is_file()
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read config.json and model.safetensors, float32 whatever they are stored in.

        Raises:
            SafetensorError, KeyError, RuntimeError, ValueError: the file is damaged, or is not what the config says.
        """
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = {}
        for name, weight in load_file(folder / WEIGHTS).items():
            # Older folders carry pretraining heads beside a prefix, and LayerNorm under TensorFlow's names.
            name = name.removeprefix("bert.").replace("LayerNorm.gamma", "LayerNorm.weight")
            name = name.replace("LayerNorm.beta", "LayerNorm.bias")
            if name.split(".")[0] in ("embeddings", "encoder", "pooler") and not name.endswith("_ids"):
                weights[name] = weight.to(torch.float32, copy=True)  # not a view of the file
        layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
        if len(layers) != config["num_hidden_layers"]:
            raise ValueError(f"{len(layers)} layers in {WEIGHTS} and {config['num_hidden_layers']} in config.json")
        if config["hidden_size"] % config["num_attention_heads"]:
            raise ValueError(f"{config['num_attention_heads']} heads do not divide hidden_size {config['hidden_size']}")
        with torch.device("meta"):  # sizes alone: weights that the file replaces need no room and no random numbers
            model = cls(config, pooler="pooler.dense.weight" in weights)
        model.load_state_dict(weights, assign=True)
        return model

    def save_pretrained(self, folder: Path) -> None:
        """Write config.json and model.safetensors, which `AutoModel.from_pretrained` reads."""
        config = {**vars(self.config), "architectures": ["BertModel"], "dtype": "float32"}
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        weights = {name: weight.contiguous() for name, weight in self.state_dict().items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    def forward(self, input_ids: Tensor, attention_mask: Tensor, *, first_only: bool = False) -> States:
        """States of ids (B, L) under a mask (B, L) that is 1 for a token and 0 for padding.

        With `first_only` the last layer gives the state of the first token, [CLS], and costs next to nothing.
        """
        embedded = self.embeddings(input_ids)  # (B, L, H)
        last = self.encoder(embedded, attention_mask.bool(), first_only)
        pooled = self.pooler(last[:, 0]) if self.pooler is not None else None
        return States(last, (embedded, last), pooled)


class Embeddings(nn.Module):
    """Sum of word, position and token type, normalised."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.word_embeddings = _table(config["vocab_size"], width, padding_idx=config.get("pad_token_id", 0))
        self.position_embeddings = _table(config["max_position_embeddings"], width)
        self.token_type_embeddings = _table(config["type_vocab_size"], width)
        self.LayerNorm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids (B, L), all of token type 0: (B, L, H)."""
        positions = self.position_embeddings(torch.arange(ids.shape[1], device=ids.device))  # (L, H)
        shared = positions + self.token_type_embeddings.weight[0]
        embedded: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(ids) + shared))
        return embedded


def _table(rows: int, width: int, padding_idx: int | None = None) -> nn.Embedding:
    """An nn.Embedding with its random start."""
    weight = torch.empty(rows, width)
    if not weight.is_meta:  # `normal_` of nothing would import torch._dynamo, for two seconds
        nn.init.normal_(weight)
        if padding_idx is not None:
            weight[padding_idx] = 0
    return nn.Embedding(rows, width, padding_idx, _weight=weight)


class Tokens:
    """Where a batch's T tokens stand among its padding, and the way there and back.

    A GPU keeps the padding and T is all of B L: the host would have to wait there to learn how many tokens there are,
    and shapes that change from batch to batch cannot be compiled.

    Args:
        mask: (B, L) of booleans, True for a token.
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask
        self._places = None if fixed_shapes(mask) else marked(mask.flatten())  # (T,)

    def pack(self, padded: Tensor) -> Tensor:
        """(B, L, W) to (T, W)."""
        rows = padded.flatten(0, 1)
        return rows if self._places is None else rows.index_select(0, self._places)

    def spread(self, packed: Tensor) -> Tensor:
        """(T, W) to (B, L, W), zero or of no meaning where the mask is False."""
        if self._places is not None:
            empty = packed.new_zeros(self.mask.numel(), packed.shape[1])
            packed = empty.index_copy(0, self._places, packed)
        return packed.view(*self.mask.shape, -1)


def marked(mask: Tensor) -> Tensor:
    """Where a mask (N,) is True, in order: (T,).

    On a CPU in bfloat16 a little more, so that T is a multiple of 64, or N if that is too short: there a matrix product
    of each new shape is compiled, which takes longer than the product itself.
    """
    if mask.is_cpu and torch.is_autocast_enabled("cpu"):
        short = -int(mask.count_nonzero()) % _MULTIPLE
        spare = (~mask).nonzero()[:short, 0]
        mask = mask.index_fill(0, spare, True)
    return mask.nonzero()[:, 0]


def fixed_shapes(mask: Tensor) -> bool:
    """Whether a batch must go through with its padding."""
    return mask.is_cuda or torch.compiler.is_compiling()


class Layers(nn.Module):
    """The encoder: takes the padding out once, and puts it back once."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))

    def forward(self, embedded: Tensor, mask: Tensor, first_only: bool = False) -> Tensor:
        """(B, L, H) to (B, L, H), or (B, 1, H), under a mask (B, L) of booleans."""
        tokens = Tokens(mask)
        packed = tokens.pack(embedded)  # (T, H)
        last: Any
        *before, last = self.layer
        for layer in before:
            packed = layer(packed, tokens)
        if not first_only:
            return tokens.spread(last(packed, tokens))
        first: Tensor = last.first(tokens.spread(packed), mask)
        return first


class Layer(nn.Module):
    """Self-attention and a feed-forward network, each with its residual."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.attention = Attention(config)
        self.intermediate = Dense(width, inner, F.gelu)
        self.output = Residual(inner, config)

    def forward(self, states: Tensor, tokens: Tokens) -> Tensor:
        """(T, H) to (T, H)."""
        attended = self.attention(states, tokens)
        out: Tensor = self.output(self.intermediate(attended), attended)
        return out

    def first(self, states: Tensor, mask: Tensor) -> Tensor:
        """What `forward` makes of each sentence's first token: (B, L, H) under a mask (B, L) to (B, 1, H)."""
        attended = self.attention.first(states, mask)
        out: Tensor = self.output(self.intermediate(attended), attended)
        return out.unsqueeze(1)


class Attention(nn.Module):
    """Multi-head attention within each sentence, and its residual."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.self = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = Residual(width, config)
        self.heads = config["num_attention_heads"]
        self.dropout = config["attention_probs_dropout_prob"]

    def forward(self, states: Tensor, tokens: Tokens) -> Tensor:
        """(T, H) to (T, H)."""
        projections: Any = list(self.self.values())  # one matrix product for the three
        weight, bias = torch.cat([p.weight for p in projections]), torch.cat([p.bias for p in projections])
        padded = tokens.spread(F.linear(states, weight, bias))  # (B, L, 3 H)
        split = padded.view(*padded.shape[:2], 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, heads, L, H / heads)
        dropout = self.dropout if self.training else 0.0
        mixed = _attend(query, key, value, tokens.mask[:, None, None, :], dropout)
        out: Tensor = self.output(tokens.pack(mixed.transpose(1, 2).flatten(2)), states)
        return out

    def first(self, states: Tensor, mask: Tensor) -> Tensor:
        """What each sentence's first token attends to: (B, L, H) under a mask (B, L) to (B, H).

        A single query needs no keys and values made for it. With x a token's state and a one after it, W a head's
        weights and the biases beside them: q . (W_k x) = (W_k' q) . x, and sum_t p_t W_v x_t = W_v sum_t p_t x_t.
        """
        first, ones = states[:, 0], F.pad(states, (0, 1), value=1.0)  # (B, H), (B, L, H + 1)
        query, key, value = self.self.values()
        asked = torch.einsum("bhd,hdw->bhw", query(first).view(len(first), self.heads, -1), self._heads(key))
        dropout, scale = self.dropout if self.training else 0.0, (first.shape[1] // self.heads) ** -0.5
        mixed = F.scaled_dot_product_attention(asked, ones, ones, mask[:, None, :], dropout, scale=scale)
        out: Tensor = self.output(torch.einsum("bhw,hdw->bhd", mixed, self._heads(value)).flatten(1), first)
        return out

    def _heads(self, projection: Any) -> Tensor:
        """Weights and biases of a projection, head by head: (heads, H / heads, H + 1)."""
        joined = torch.cat([projection.weight, projection.bias[:, None]], dim=1)
        return joined.view(self.heads, -1, joined.shape[1])


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float) -> Tensor:
    """Attention of (B, heads, L, D) under a mask that broadcasts to (B, heads, L, L): (B, heads, L, D)."""
    if query.device.type == "cpu" and query.dtype is torch.bfloat16:
        # Without dropout its gradient takes a CPU twice as long in bfloat16 as in float32 (torch 2.13).
        with torch.autocast("cpu", enabled=False):
            mixed = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), mask, dropout)
            return mixed.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, mask, dropout)


class Dense(nn.Module):
    """One linear layer and what follows it."""

    def __init__(self, inputs: int, outputs: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.activation = activation

    def forward(self, states: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        return self.activation(self.dense(states))


class Residual(nn.Module):
    """One linear layer and dropout, added to what went before, normalised."""

    def __init__(self, inputs: int, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, states: Tensor, residual: Tensor) -> Tensor:
        """(T, inputs) and (T, H) to (T, H)."""
        out: Tensor = self.LayerNorm(self.dropout(self.dense(states)) + residual)
        return out
