"""Our BERT against transformers' BertModel: states, gradients, and the folders that each reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

from methods.core import bert
from methods.core.bert import Bert
from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError
from pipelines.params import ROOT


def rectangle() -> tuple[Tensor, Tensor]:
    """Ids and mask (5, 11) of sentences of 11, 1, 7, 2 and 11 tokens."""
    torch.manual_seed(0)
    lengths = torch.tensor([[11], [1], [7], [2], [11]])
    return torch.randint(5, 57, (5, 11)), (torch.arange(11) < lengths).long()


@pytest.mark.parametrize("padding", [False, True])
def test_states_and_gradients_are_those_of_transformers(
    tiny_encoder_folder: Path, padding: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bert, "fixed_shapes", lambda mask: padding)  # as on a GPU
    ours, theirs = Bert.load(tiny_encoder_folder).eval(), BertModel.from_pretrained(tiny_encoder_folder).eval()
    ids, mask = rectangle()
    found, expected = ours(ids, mask), theirs(ids, mask, output_hidden_states=True)
    tokens = mask.bool()
    torch.testing.assert_close(found.last_hidden_state[tokens], expected.last_hidden_state[tokens], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.hidden_states[0], expected.hidden_states[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.pooler_output, expected.pooler_output, atol=1e-5, rtol=0)
    assert padding or not found.last_hidden_state[~tokens].any()

    weights = torch.randn(5, 11, 16) * mask.unsqueeze(-1)
    for output in (found, expected):
        ((output.last_hidden_state * weights).sum() + output.pooler_output.sum()).backward()
    reference = dict(theirs.named_parameters())
    assert {name for name, _ in ours.named_parameters()} == set(reference)
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, reference[name].grad, atol=2e-4, rtol=1e-4, msg=name)


def test_in_bfloat16_the_products_have_few_shapes_and_the_states_of_the_tokens(tiny_encoder_folder: Path) -> None:
    ours = Bert.load(tiny_encoder_folder).eval()
    torch.manual_seed(0)
    lengths = torch.randint(1, 12, (30, 1))
    ids, mask = torch.randint(5, 57, (30, 11)), (torch.arange(11) < lengths).long()
    rows: list[int] = []
    ours.encoder.layer[0].register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    expected = ours(ids, mask)
    with torch.autocast("cpu", torch.bfloat16):
        found = ours(ids, mask)
    few, many = int(mask.sum()), mask.numel()
    assert rows == [few, -(-few // 64) * 64]
    assert few < rows[1] < many
    close = F.cosine_similarity(found.last_hidden_state, expected.last_hidden_state, dim=-1)[mask.bool()] > 0.999
    assert close.all()


@pytest.mark.parametrize("mask", [[1, 0, 1, 1], [0, 0], [1, 1]])
def test_a_short_batch_keeps_all_of_its_padding(mask: list[int]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        kept = bert.marked(torch.tensor(mask).bool())
    assert kept.tolist() == (list(range(len(mask))) if any(mask) else [])
    assert bert.marked(torch.tensor(mask).bool()).tolist() == [i for i, one in enumerate(mask) if one]


def test_the_first_token_alone_has_the_state_and_gradients_that_it_has_among_all(tiny_encoder_folder: Path) -> None:
    ours, theirs = Bert.load(tiny_encoder_folder).eval(), BertModel.from_pretrained(tiny_encoder_folder).eval()
    with torch.no_grad():
        for parameter in (*ours.parameters(), *theirs.parameters()):  # biases start at zero, and must not count as such
            parameter.add_(torch.linspace(-0.1, 0.1, parameter.numel()).view_as(parameter))
    ids, mask = rectangle()
    found, expected = ours(ids, mask, first_only=True), theirs(ids, mask)
    assert found.last_hidden_state.shape == (5, 1, 16)
    torch.testing.assert_close(found.last_hidden_state[:, 0], expected.last_hidden_state[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.pooler_output, expected.pooler_output, atol=1e-5, rtol=0)
    weights = torch.randn(5, 16)
    for output in (found, expected):
        ((output.last_hidden_state[:, 0] * weights).sum() + output.pooler_output.sum()).backward()
    reference = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, reference[name].grad, atol=2e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("pooling", ["cls", "cls_before_pooler"])
def test_a_pooling_of_the_first_token_asks_for_it_alone(tiny_encoder_folder: Path, pooling: Any) -> None:
    encoder = Encoder.load(tiny_encoder_folder, pooling)
    shapes = []
    encoder.backbone.encoder.register_forward_hook(lambda *call: shapes.append(call[-1].shape[1]))
    tokens = encoder.tokenise(["a man", "a dog rides"])
    (alone,) = encoder.embed(tokens, [pooling])
    beside, _ = encoder.embed(tokens, [pooling, "mean"])
    assert shapes == [1, max(map(len, tokens))]
    np.testing.assert_allclose(alone, beside, atol=1e-5)


@pytest.mark.parametrize("first_only", [False, True])
def test_dropout_falls_on_every_sublayer(tiny_encoder_folder: Path, first_only: bool) -> None:
    ids, mask = rectangle()
    model = Bert.load(tiny_encoder_folder).eval()
    whole = model(ids, mask, first_only=first_only).last_hidden_state
    places = [model.embeddings.dropout]
    for layer in model.encoder.layer:
        places += [layer.attention.output.dropout, layer.output.dropout]
    for place in places:  # one at a time, the rest in evaluation mode
        place.train()
        assert not torch.equal(model(ids, mask, first_only=first_only).last_hidden_state, whole)
        place.eval()
    attention = model.encoder.layer[-1].attention
    attention.training = True  # the attention's own probabilities
    assert not torch.equal(model(ids, mask, first_only=first_only).last_hidden_state, whole)


def test_a_folder_of_the_first_bert_is_read(tiny_encoder_folder: Path, tmp_path: Path) -> None:
    """google-bert/bert-base-uncased: a prefix, LayerNorm's gamma and beta, position ids, heads of pretraining."""
    weights = {}
    for name, weight in load_file(tiny_encoder_folder / "model.safetensors").items():
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        weights[f"bert.{old}"] = weight.half()
    weights["bert.embeddings.position_ids"] = torch.arange(48)
    weights["cls.predictions.bias"] = torch.zeros(57)
    save_file(weights, tmp_path / "model.safetensors")
    shutil.copy(tiny_encoder_folder / "config.json", tmp_path)
    expected = Bert.load(tiny_encoder_folder).half().float().state_dict()
    found = Bert.load(tmp_path).state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_weights_of_another_size_are_refused(tiny_encoder_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(NegbenchError, match="cannot load the model"):
        Encoder.load(folder)


@pytest.mark.parametrize("change", [{"hidden_act": "relu"}, {"is_decoder": True}])
def test_another_kind_of_bert_goes_to_transformers(
    tiny_encoder_folder: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = shutil.copytree(tiny_encoder_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    encoder = Encoder.load(folder)
    assert isinstance(encoder.backbone, BertModel)
    assert encoder.encode(["a man", "a dog rides"]).shape == (2, 16)


def test_another_architecture_goes_to_transformers(tiny_encoder_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder_folder, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    RobertaModel(
        RobertaConfig(
            vocab_size=57,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=50,
        )
    ).save_pretrained(folder)
    encoder = Encoder.load(folder, "first_last_avg")
    assert isinstance(encoder.backbone, RobertaModel)
    assert encoder.encode(["a man", "a dog rides"]).shape == (2, 16)


def test_tables_start_as_those_of_torch() -> None:
    config = BertConfig(vocab_size=57, hidden_size=16, num_hidden_layers=1, num_attention_heads=2).to_dict()
    torch.manual_seed(0)
    ours = Bert(config, pooler=False).embeddings
    torch.manual_seed(0)
    assert torch.equal(ours.word_embeddings.weight, nn.Embedding(57, 16, padding_idx=0).weight)
    assert torch.equal(ours.position_embeddings.weight, nn.Embedding(512, 16).weight)


def test_reading_a_folder_imports_nothing_of_the_compiler(tiny_encoder_folder: Path) -> None:
    """It takes seconds, as long as an evaluation in the demo."""
    program = (
        "import sys; from pathlib import Path; from methods.core.bert import Bert; "
        f"Bert.load(Path({str(tiny_encoder_folder)!r})); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
