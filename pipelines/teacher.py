"""Stage teacher: embed the training text once, so that training only looks up how near two sentences are."""

from __future__ import annotations

import argparse
import sys

import numpy as np
from tqdm import tqdm

from methods.core.encoder import Encoder
from pipelines import atomic, device, main, params
from pipelines.paths import BACKBONE, TEACHER
from pipelines.sources.corpus import read_sentences

_CHUNK = 10_000  # sentences embedded at a time: bounds memory


def teacher(_: argparse.Namespace) -> None:
    """Write unit embeddings of the training text, float16 (N, D), row i for sentence i."""
    settings = params.load()
    sentences = read_sentences(settings.corpus, settings.train.sentences)
    encoder = Encoder.load(settings.teacher.model or BACKBONE, settings.teacher.pooling)
    encoder.to(device.best())
    header = {"descr": "<f2", "fortran_order": False, "shape": (len(sentences), encoder.dimension)}
    # Written in order, not through a memory map: there a full disk would kill the process without a word.
    with atomic.folder(TEACHER.parent) as out, (out / TEACHER.name).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in tqdm(range(0, len(sentences), _CHUNK), desc="teacher", unit="chunk", disable=None):
            chunk = encoder.encode(sentences[start : start + _CHUNK])
            norms = np.linalg.norm(chunk, axis=1, keepdims=True)
            unit = chunk / np.maximum(norms, np.finfo(np.float32).tiny)
            file.write(unit.astype("<f2").tobytes())


if __name__ == "__main__":
    sys.exit(main.run(teacher, argparse.ArgumentParser(prog="python -m pipelines.teacher", description=__doc__)))
