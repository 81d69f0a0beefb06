"""Stage teacher: embed the training text once by one teacher, so that training only looks up how near sentences are."""

from __future__ import annotations

import argparse
import sys

import numpy as np
from tqdm import tqdm

from methods.core.encoder import Encoder
from pipelines import atomic, device, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import BACKBONE, teacher_of
from pipelines.sources.corpus import read_sentences

_CHUNK = 10_000  # sentences embedded at a time: bounds memory


def stage(arguments: argparse.Namespace) -> None:
    """Write unit embeddings of the training text, float16 (N, D), row i for sentence i."""
    settings = params.load()
    if arguments.name not in settings.teacher:
        raise NegbenchError(f"no such teacher '{arguments.name}'", "teacher", nearest(arguments.name, settings.teacher))
    provenance.check_data("corpus", "models")
    chosen = settings.teacher[arguments.name]
    sentences = read_sentences(settings.corpus, settings.train.sentences)
    encoder = Encoder.load(chosen.model or BACKBONE, chosen.pooling).to(device.best())
    header = {"descr": "<f2", "fortran_order": False, "shape": (len(sentences), encoder.dimension)}
    # Written in order, not through a memory map: there a full disk would kill the process without a word.
    with atomic.file(teacher_of(arguments.name)) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in tqdm(
            range(0, len(sentences), _CHUNK), desc=f"teacher {arguments.name}", unit="chunk", disable=None
        ):
            chunk = encoder.encode(sentences[start : start + _CHUNK])
            norms = np.linalg.norm(chunk, axis=1, keepdims=True)
            unit = chunk / np.maximum(norms, np.finfo(np.float32).tiny)
            file.write(unit.astype("<f2").tobytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.teacher", description=__doc__)
    parser.add_argument("--name", required=True, help="an entry of the section `teacher`")
    sys.exit(main.run(stage, parser))
