"""The pretraining of a backbone: its precision, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from methods.core.contract import Batch, Schedule
from methods.core.masked_lm import MaskedLM
from methods.core.trainer import History
from pipelines import params
from pipelines.backbone import initial, pretrain
from pipelines.errors import NegbenchError

WORDS = ["man", "dog", "cat", "eats", "rides", "big", "red", "small"]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where the state of the run goes
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text("{}")
    lines = [f"{WORDS[i % 8]} {WORDS[i // 8 % 8]} {WORDS[i // 64 % 8]}\n" for i in range(320)]
    (tmp_path / "corpus.txt").write_text("".join(lines))
    return tmp_path / "corpus.txt"


def trained(corpus: Path, **settings: Any) -> History:
    sizes = {"vocab_size": 200, "layers": 1, "hidden": 16, "heads": 2, "sentences": 320, "batch_size": 32}
    return pretrain(params.Backbone(source="pretrain", **{**sizes, **settings}), corpus, checkpoint_seconds=60)[1]


@pytest.fixture
def pair(tiny_encoder_folder: Path) -> tuple[MaskedLM, Any]:
    """The method, and transformers' model with the same weights."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    tokenizer = BertTokenizerFast.from_pretrained(tiny_encoder_folder)
    model = BertForMaskedLM(BertConfig.from_pretrained(tiny_encoder_folder)).eval()
    assert model.config.hidden_dropout_prob > 0
    encoder, head = initial(model, tokenizer, 16)
    for name in ("position", "token_type"):  # ours start from nothing
        getattr(model.bert.embeddings, f"{name}_embeddings").weight.data.zero_()
    return MaskedLM(head, encoder, Schedule(1, 4, 16, 4)).train(), model


@pytest.mark.parametrize(("precision", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_the_loss_is_that_of_transformers_without_dropout(
    pair: tuple[MaskedLM, Any], precision: torch.dtype, near: float
) -> None:
    method, model = pair
    tokenizer: Any = method.encoder.tokenizer
    text = tokenizer([" ".join(WORDS[i:] + WORDS[:i]) for i in range(4)], return_tensors="pt")
    batch = Batch(text["input_ids"], text["attention_mask"], torch.arange(4), None)
    torch.manual_seed(0)
    with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
        loss, _ = method(batch)
    torch.manual_seed(0)
    ids, labels = method.corrupt(batch.ids)
    known = labels >= 0
    assert 1 < known.sum() < known.numel()
    assert loss.item() == pytest.approx(model(ids, batch.mask, labels=labels).loss.item(), rel=near)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("favoured", ["##e", "[PAD]"])  # the second stands where nothing is to be predicted
def test_the_accuracy_is_the_share_of_the_chosen_that_are_named(
    pair: tuple[MaskedLM, Any], precision: torch.dtype, favoured: str
) -> None:
    method, _ = pair
    tokenizer: Any = method.encoder.tokenizer
    word = tokenizer.convert_tokens_to_ids(favoured)
    bias: Any = method.head.predictions.decoder.bias  # type: ignore[union-attr]
    bias.data[word] = 100  # what every position is taken for
    text = tokenizer([" ".join(WORDS)] * 16, return_tensors="pt")
    torch.manual_seed(0)
    with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
        _, logs = method(Batch(text["input_ids"], text["attention_mask"], torch.arange(16), None))
    torch.manual_seed(0)
    labels = method.corrupt(text["input_ids"])[1]
    targets = labels[labels >= 0]
    expected = (targets == word).float().mean().item()
    assert (0 < expected < 1) is (favoured == "##e")
    assert logs["accuracy"].item() == pytest.approx(expected)


def test_what_is_to_be_predicted_is_masked_replaced_or_kept_as_in_bert(pair: tuple[MaskedLM, Any]) -> None:
    method, _ = pair
    torch.manual_seed(0)
    before = torch.randint(method.vocabulary, (2000, 50))
    after, labels = method.corrupt(before)
    special, chosen = torch.isin(before, method.special), labels >= 0
    assert not (chosen & special).any()
    assert (labels[chosen] == before[chosen]).all()
    assert (after[~chosen] == before[~chosen]).all()
    share = 1 / method.vocabulary  # of the replaced ones that get the mask, and of those that get themselves
    for part, whole, expected in (
        (chosen, ~special, 0.3),
        (chosen & (after == method.mask_id), chosen, 0.8 + 0.1 * share),
        (chosen & (after == before), chosen, 0.1 + 0.1 * share),
    ):
        of = int(whole.sum())
        assert int(part.sum()) / of == pytest.approx(expected, abs=5 * (expected * (1 - expected) / of) ** 0.5)


def test_bfloat16_rounds_each_step_and_learns_the_same(corpus: Path) -> None:
    full, half = ([row["loss"] for row in trained(corpus, precision=name).rows] for name in ("fp32", "bf16"))
    assert full != half
    assert half == pytest.approx(full, rel=0.02)


def test_a_pretraining_that_diverges_is_one_line(corpus: Path) -> None:
    with pytest.raises(NegbenchError, match=r"loss is nan at step \d+ \(backbone\). Lower backbone.lr."):
        trained(corpus, lr=1e30)
