"""What the programs that score one model folder share: options, the encoder, and records on standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from methods.core.encoder import Encoder


def options(prog: str, description: str, data: str = "a folder that holds senteval/") -> ArgumentParser:
    """The shared options; `data` says what the data folder holds. Each program adds its --tasks."""
    parser = ArgumentParser(prog, description=description)
    parser.add_argument("--model", type=Path, required=True, help="a Hugging Face model folder")
    parser.add_argument("--data", type=Path, required=True, help=data)
    parser.add_argument("--pooling", help="in place of the model folder's own: see methods/core/encoder.py")
    parser.add_argument("--json", action="store_true", help="print records in place of a table")
    return parser


def load_encoder(arguments: Namespace) -> Encoder:
    """The encoder that --model and --pooling name, on the best device; raises as `check_pooling` and `Encoder.load`."""
    from methods.core.encoder import Encoder, check_pooling  # slow to import, and an earlier error need not wait
    from pipelines import device

    pooling = check_pooling(arguments.pooling) if arguments.pooling else None
    return Encoder.load(arguments.model, pooling).to(device.best())


def print_records(records: Sequence[Mapping[str, Any]]) -> None:
    """Print records as JSON."""
    print(json.dumps({"records": records}, indent=2, sort_keys=True, allow_nan=False))
