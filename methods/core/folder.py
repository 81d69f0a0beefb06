"""What sentence-transformers keeps beside a model's weights: how to pool, how far to read, what else is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.errors import NegbenchError
from pipelines.params import Pooling

# sentence-transformers calls the raw first token "cls"; SimCSE calls it "cls_before_pooler" and keeps "cls" for
# the output of the pooler. We follow SimCSE (evaluation.py) and translate at the folder's border.
_MODES = {"cls_before_pooler": "cls", "mean": "mean"}
_READ = {
    "Transformer",
    "Pooling",
    "Normalize",
}  # the last changes no cosine, and SentEval's classifiers take raw vectors
_LIMIT = "sentence_bert_config.json"
# sentence-transformers reads the first that is there; old folders are named after their model.
LIMITS = (
    _LIMIT,
    *(f"sentence_{name}_config.json" for name in ("roberta", "distilbert", "camembert", "albert")),
    *(f"sentence_{name}_config.json" for name in ("xlm-roberta", "xlnet")),
)
_PROMPTS = "config_sentence_transformers.json"


def write_modules(folder: Path, pooling: Pooling, dimension: int, max_length: int) -> None:
    """Write the files that let `SentenceTransformer` give our embeddings.

    Raises:
        NegbenchError: sentence-transformers has no such pooling.
    """
    if pooling not in _MODES:
        raise NegbenchError(f"pooling {pooling} cannot be saved", folder, "Use cls_before_pooler or mean.")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    config = {
        "word_embedding_dimension": dimension,
        "pooling_mode_cls_token": _MODES[pooling] == "cls",
        "pooling_mode_mean_tokens": _MODES[pooling] == "mean",
    }
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("modules.json", modules),
        ("1_Pooling/config.json", config),
        (_LIMIT, {"max_seq_length": max_length, "do_lower_case": False}),
    ):
        (folder / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def refuse_unread(folder: Path) -> None:
    """Refuse a model that is more than its transformer and pooling: its scores here would be another model's.

    Raises:
        NegbenchError: there is a module that we do not run, or text that is put before a sentence.
    """
    for module in _read(folder / "modules.json", []):
        name = module["type"].rsplit(".", 1)[-1]
        if name not in _READ:
            raise NegbenchError(f"module {name} is not run here", folder / "modules.json", "Give a model without it.")
    if any(_read(folder / _PROMPTS, {}).get("prompts", {}).values()):
        raise NegbenchError("prompts are not read here", folder / _PROMPTS, "Empty them to score without.")


def saved_pooling(folder: Path) -> Pooling:
    """The folder's own pooling, "cls_before_pooler" where it names none.

    Raises:
        NegbenchError: it is one that we do not have.
    """
    config = folder / "1_Pooling" / "config.json"
    if not (modes := _read(config, {})):
        return "cls_before_pooler"
    active = {key for key, value in modes.items() if key.startswith("pooling_mode_") and value}
    if modes.get("pooling_mode") == "cls" or active == {"pooling_mode_cls_token"}:
        return "cls_before_pooler"
    if modes.get("pooling_mode") == "mean" or active == {"pooling_mode_mean_tokens"}:
        return "mean"
    raise NegbenchError("the folder's pooling is neither cls nor mean", config, "Choose one with --pooling.")


def saved_max_length(folder: Path) -> int | None:
    """The most word pieces that the folder wants read of a sentence, if it says so."""
    length: int | None = _transformer(folder).get("max_seq_length")
    return length


def lower_cases(folder: Path) -> bool:
    """Whether the folder wants sentences in lower case before they are tokenised."""
    return bool(_transformer(folder).get("do_lower_case"))


def _transformer(folder: Path) -> Any:
    return next((_read(folder / name, {}) for name in LIMITS if (folder / name).is_file()), {})


def _read(path: Path, absent: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else absent
