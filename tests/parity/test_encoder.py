"""Encoder.encode against transformers, one sentence at a time, and against sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from methods.core.encoder import POOLINGS, Encoder
from methods.core.folder import LIMITS
from pipelines.errors import NegbenchError
from pipelines.params import Pooling

SENTENCES = [
    "a man is playing a guitar .",
    "",
    "two dogs",
    "the woman rides a horse in the red field on a small hill",  # longer than the tiny model takes
    "A naïve café",
    "a man is playing a guitar .",
    "x",
]


def one_at_a_time(folder: Path, pooling: Pooling, max_length: int) -> NDArray[np.float32]:
    """The embeddings as the definition of each pooling gives them, without a batch or padding."""
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    rows = []
    for sentence in SENTENCES:
        inputs = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=max_length, padding=False)
        with torch.no_grad():
            output = model(**inputs, output_hidden_states=True)
        rows.append(
            {
                "cls": output.pooler_output[0],
                "cls_before_pooler": output.last_hidden_state[0, 0],
                "mean": output.last_hidden_state[0].mean(0),
                "first_last_avg": (output.hidden_states[0][0] + output.last_hidden_state[0]).mean(0) / 2,
            }[pooling].numpy()
        )
    return np.stack(rows)


@pytest.mark.parametrize("max_tokens", [1, 60, 4096])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_batches_change_nothing(tiny_encoder_folder: Path, pooling: Pooling, max_tokens: int) -> None:
    encoder = Encoder.load(tiny_encoder_folder, pooling).train()
    found = encoder.encode(SENTENCES, max_tokens=max_tokens)
    np.testing.assert_allclose(found, one_at_a_time(tiny_encoder_folder, pooling, 48), atol=1e-5)
    assert found.dtype == np.float32
    assert encoder.training


def test_no_sentence_gives_no_row(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.encode([]).shape == (0, 16)


def test_weights_are_computed_with_in_float32(tiny_encoder: Encoder, tmp_path: Path) -> None:
    tiny_encoder.to(torch.bfloat16).save(tmp_path)
    assert {p.dtype for p in Encoder.load(tmp_path).parameters()} == {torch.float32}


def test_the_tokenizer_can_lower_the_limit(tiny_encoder: Encoder, tmp_path: Path) -> None:
    tiny_encoder.tokenizer.model_max_length = 46  # like RoBERTa's: two positions fewer than the backbone counts
    tiny_encoder.save(tmp_path)
    (tmp_path / "sentence_bert_config.json").unlink()
    assert Encoder.load(tmp_path).max_length == 46


@pytest.mark.parametrize("damage", ["cut", "a list"])
@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "1_Pooling/config.json", "sentence_bert_config.json"]
)
def test_a_damaged_folder_is_one_line(tiny_encoder: Encoder, tmp_path: Path, name: str, damage: str) -> None:
    tiny_encoder.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:10] if damage == "cut" else b"[1]")
    with pytest.raises(NegbenchError, match=r"cannot load the model: .*Check the folder's files"):
        Encoder.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "modules.json",
            [{"type": "sentence_transformers.models.Dense"}],
            "module Dense",
        ),
        (
            "config_sentence_transformers.json",
            {"prompts": {"query": "query: "}},
            "prompts are",
        ),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "the folder's"),
    ],
)
def test_a_folder_that_asks_for_more_is_one_line(
    tiny_encoder: Encoder, tmp_path: Path, name: str, content: object, message: str
) -> None:
    tiny_encoder.save(tmp_path)
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(NegbenchError, match=message) as told:
        Encoder.load(tmp_path)
    assert "cannot load" not in str(told.value)


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_is_read_from_old_folders_too(tiny_encoder: Encoder, tmp_path: Path, name: str) -> None:
    tiny_encoder.save(tmp_path)
    (tmp_path / LIMITS[0]).rename(tmp_path / name)
    (tmp_path / name).write_text(json.dumps({"max_seq_length": 8, "do_lower_case": False}), encoding="utf-8")
    assert Encoder.load(tmp_path).max_length == 8


@pytest.mark.parametrize("lower_cases", [True, False])
def test_lower_case_is_left_to_the_tokenizer(tiny_encoder: Encoder, tmp_path: Path, lower_cases: bool) -> None:
    tiny_encoder.save(tmp_path)
    (tmp_path / LIMITS[0]).write_text(json.dumps({"do_lower_case": True}), encoding="utf-8")
    changes = {
        "tokenizer.json": {"normalizer": {"type": "Lowercase"} if lower_cases else None},
        "tokenizer_config.json": {"do_lower_case": lower_cases},
    }
    for name, change in changes.items():
        config = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        (tmp_path / name).write_text(json.dumps(config | change), encoding="utf-8")
    if lower_cases:
        Encoder.load(tmp_path)
    else:
        with pytest.raises(NegbenchError, match="do_lower_case is not applied here"):
            Encoder.load(tmp_path)


def test_prompts_that_are_empty_are_none(tiny_encoder: Encoder, tmp_path: Path) -> None:
    tiny_encoder.save(tmp_path)
    prompts = {"prompts": {"query": "", "document": ""}, "default_prompt_name": None}  # as sentence-transformers writes
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(prompts), encoding="utf-8")
    np.testing.assert_array_equal(Encoder.load(tmp_path).encode(SENTENCES), tiny_encoder.encode(SENTENCES))


def test_an_encoder_with_a_decoder_is_one_line(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from transformers import BartConfig, BartModel

    config = BartConfig(
        vocab_size=len(tiny_encoder.tokenizer), d_model=8, encoder_attention_heads=1, decoder_attention_heads=1
    )
    BartModel(config).save_pretrained(tmp_path)
    tiny_encoder.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(NegbenchError, match="an encoder with a decoder is not run here"):
        Encoder.load(tmp_path)


def test_a_folder_without_a_tokenizer_scores_nothing(tiny_encoder: Encoder, tmp_path: Path) -> None:
    tiny_encoder.save(tmp_path)
    for path in (*tmp_path.glob("tokenizer*"), *tmp_path.glob("vocab*")):
        path.unlink()
    with pytest.raises(NegbenchError, match="no tokenizer here"):
        Encoder.load(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "cls_before_pooler"])
def test_a_saved_folder_is_a_sentence_transformer(tiny_encoder: Encoder, tmp_path: Path, pooling: Pooling) -> None:
    from sentence_transformers import SentenceTransformer

    tiny_encoder.pooling = pooling
    tiny_encoder.save(tmp_path)
    # In float64: in float32 the two round apart, by more or less than the bound as the processor has it.
    theirs = SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True).double().encode(SENTENCES)
    np.testing.assert_allclose(Encoder.load(tmp_path).double().encode(SENTENCES), theirs, atol=2e-7)


@pytest.mark.slow
def test_minilm_is_read_as_sentence_transformers_reads_it(minilm_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    sentences = [*SENTENCES, "a long sentence " * 120]  # beyond its 256 word pieces
    model = SentenceTransformer(str(minilm_folder), device="cpu", local_files_only=True)
    theirs = model.encode(sentences, normalize_embeddings=True)
    ours = Encoder.load(minilm_folder).encode(sentences)
    np.testing.assert_allclose(ours / np.linalg.norm(ours, axis=1, keepdims=True), theirs, atol=1e-6)


def test_a_backbone_saved_without_a_pooler_gets_no_random_one(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """One that transformers must load, for ours are read as they are."""
    from transformers import AutoModel, BertConfig, BertModel

    tiny_encoder.save(tmp_path)
    config = BertConfig.from_pretrained(tmp_path, hidden_act="relu")
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path).pooler is not None
    encoder = Encoder.load(tmp_path, "cls")
    assert encoder.lacks("cls") == "the backbone has no pooler"
    assert encoder.lacks("mean") is None
    with pytest.raises(NegbenchError, match="the backbone has no pooler"):
        encoder.encode(SENTENCES)
