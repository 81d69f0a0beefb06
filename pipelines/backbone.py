"""Stage backbone: the encoder that every method starts from, pretrained here or taken from a folder."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from methods.core.bert import Bert
from methods.core.contract import Schedule
from methods.core.encoder import Encoder
from methods.core.masked_lm import PROBABILITY, MaskedLM
from methods.core.text import TokenTable
from methods.core.trainer import History, total_steps, train
from pipelines import atomic, device, locks, log, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.paths import BACKBONE, CHECKPOINTS, DATA
from pipelines.seeding import seed_for
from pipelines.sources.corpus import read_sentences

if TYPE_CHECKING:
    from transformers import BertForMaskedLM

_WARMUP = 0.06  # of the steps; a randomly initialised post-norm transformer diverges without
_TOLD = {"layers", "hidden", "heads", "sentences", "max_length", "epochs", "batch_size", "lr", "precision"}
_ALPHABET = 1000  # letters of a vocabulary of our own, the library's limit


def backbone(_: argparse.Namespace) -> None:
    """Write the backbone's folder, its training log, what was done and where; of a given encoder nothing was."""
    settings = params.load()
    if settings.backbone.source == "folder":
        assert settings.backbone.folder is not None  # checked when the settings were read
        if settings.backbone.folder.is_relative_to(DATA):
            provenance.check_data("models")
        encoder, history = Encoder.load(settings.backbone.folder, "cls_before_pooler"), History()
    else:
        provenance.check_data("corpus", "models")
        encoder, history = pretrain(settings.backbone, settings.corpus, settings.checkpoint_seconds)
    with atomic.folder(BACKBONE.parent) as out:
        encoder.save(out / BACKBONE.name)
        log.write(out / "log.csv", history.rows)
        trained = settings.backbone.source == "pretrain"
        atomic.write_json(out / "run.json", describe(settings, encoder) if trained else None)
        atomic.write_json(out / "machine.json", device.machine() if trained else None)


def describe(settings: params.Params, encoder: Encoder) -> dict[str, Any]:
    """What was done, for the report."""
    chosen = settings.backbone.model_dump(mode="json", include=_TOLD)
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    known = {"predicted": PROBABILITY, "parameters": parameters, "vocabulary": len(encoder.tokenizer)}
    return {**chosen, "corpus": settings.fetch.corpus, **known}


def pretrain(settings: params.Backbone, corpus: Path, checkpoint_seconds: float) -> tuple[Encoder, History]:
    """Train a WordPiece vocabulary, if none is given, and a small BERT on masked language modelling.

    Args:
        settings: size and recipe.
        corpus: text file, one sentence a line.
        checkpoint_seconds: between two states to go on from.

    Raises:
        NegbenchError: training diverged.
    """
    from transformers import BertConfig, BertForMaskedLM

    sentences = read_sentences(corpus, settings.sentences)
    tokenizer = _tokenizer(settings, sentences)
    config = BertConfig(**architecture(settings), vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    recipe = recipe_of(settings)
    torch.manual_seed(seed_for(settings.seed, "init"))
    encoder, head = initial(BertForMaskedLM(config), tokenizer, settings.max_positions)
    schedule = Schedule(total_steps(len(sentences), recipe), settings.batch_size, settings.max_length, len(sentences))
    method = MaskedLM(head, encoder, schedule).to(device.best())
    tokens = TokenTable(sentences, tokenizer, settings.max_length)
    key = provenance.weights_key([settings.model_dump(), str(corpus)], [Path(__file__)], device.best().type)
    checkpoint = CHECKPOINTS / f"backbone-{key}.safetensors"
    with locks.alone(checkpoint.with_suffix(".lock"), "the pretraining of the backbone"):
        history = train(
            method,
            tokens,
            recipe,
            seed=settings.seed,
            look=None,
            checkpoint=checkpoint,
            checkpoint_seconds=checkpoint_seconds,
            progress="backbone",
        )
    if history.failure:  # every run starts from these weights
        raise NegbenchError(history.failure, "backbone", "Lower backbone.lr.")
    return encoder, history


def architecture(settings: params.Backbone) -> dict[str, Any]:
    """The size of a pretrained backbone, as BertConfig names it."""
    return {
        "hidden_size": settings.hidden,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": 4 * settings.hidden,
        "max_position_embeddings": settings.max_positions,
        "initializer_range": settings.initializer_range,
    }


def recipe_of(settings: params.Backbone) -> params.Train:
    """The recipe of the pretraining."""
    return params.Train(
        sentences=settings.sentences,
        max_length=settings.max_length,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        lr=settings.lr,
        precision=settings.precision,
        warmup=_WARMUP,
        weight_decay=0.01,
    )


def initial(model: BertForMaskedLM, tokenizer: Any, max_length: int) -> tuple[Encoder, nn.Module]:
    """An encoder and a vocabulary layer with transformers' initial weights; the two share the word embeddings."""
    bert = Bert(model.config.to_dict(), pooler=True)
    bert.load_state_dict(model.bert.state_dict(), strict=False)  # masked language modelling knows no pooler
    with torch.no_grad():
        # Deviation: BERT draws these like its words. Each step moves all of them and few words, so that in a short run
        # they outgrow the words, and the mean over tokens says how long a sentence is rather than what it says.
        bert.embeddings.position_embeddings.weight.zero_()
        bert.embeddings.token_type_embeddings.weight.zero_()
        # BERT's pooler is trained by next-sentence prediction; ours passes the state on, so that a method that starts
        # from the pooler's weights starts from what was trained and not from noise.
        assert bert.pooler is not None
        nn.init.eye_(bert.pooler.dense.weight)
        nn.init.zeros_(bert.pooler.dense.bias)
    model.cls.predictions.decoder.weight = bert.embeddings.word_embeddings.weight
    return Encoder(bert, tokenizer, "cls_before_pooler", max_length), model.cls


def _tokenizer(settings: params.Backbone, sentences: list[str]) -> Any:
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizerFast

    if settings.vocab is not None:
        vocabulary = DATA / settings.vocab
        if not vocabulary.is_file():
            raise NegbenchError(
                "no vocabulary here", vocabulary, "Correct backbone.vocab and run `dvc repro --force fetch`."
            )
        return BertTokenizerFast(str(vocabulary))
    trainer = BertWordPieceTokenizer(lowercase=True)
    # The library numbers the pieces of one letter in an order that changes from run to run, and breaks the ties of
    # equally frequent pairs by these numbers. Pieces that it is told of come first, in the order given.
    common = Counter(chain.from_iterable(sentences)).most_common(_ALPHABET)
    letters = {*trainer.normalizer.normalize_str("".join(character for character, _ in common))}
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    known += [prefix + letter for prefix in ("", "##") for letter in sorted(letters) if not letter.isspace()]
    trainer.train_from_iterator(
        iter(sentences), vocab_size=settings.vocab_size, show_progress=False, special_tokens=known
    )
    with TemporaryDirectory() as folder:
        trainer.save_model(folder)
        return BertTokenizerFast(str(Path(folder) / "vocab.txt"))


if __name__ == "__main__":
    sys.exit(main.run(backbone, argparse.ArgumentParser(prog="python -m pipelines.backbone", description=__doc__)))
