"""The generated source: text and evaluation sets of a small made-up world, in the formats of the real ones.

It needs nothing but the standard library and gives the same bytes for the same seed on every machine. Its
scores compare with nothing outside of it. How the world works is told in `pipelines.sources.world`.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import NegbenchError
from pipelines.sources.world.corpus import sentences
from pipelines.sources.world.retrieval import DESIGNS, write_retrieval
from pipelines.sources.world.sts import write_sick, write_sts, write_stsb
from pipelines.sources.world.transfer import write_mrpc, write_sentiment, write_sst, write_trec

CORPUS = "generated.txt"
SETS = {design.name for design in DESIGNS}
STSB = {"train": 1500, "dev": 500, "test": 700}
SICK = {"train": 300, "trial": 100, "test_annotated": 700}
SST = {"train": 1500, "dev": 300, "test": 400}
TREC = {"train": 1200, "test": 300}
MRPC = {"train": 1000, "test": 500}


def generate(
    folder: Path,
    *,
    seed: int,
    corpus_sentences: int,
    pairs_per_subset: int = 200,
    sentiment_rows: int = 1000,
    queries: int = 150,
) -> None:
    """Write the canonical tree of the generated world, all but its manifest.

    Every part has its own stream of chance, so that the size of one never changes another.

    Args:
        folder: an existing, empty folder.
        seed: the same seed gives the same bytes.
        corpus_sentences: lines of `corpus/generated.txt`.
        pairs_per_subset: scored pairs in each subset of STS12 to STS16.
        sentiment_rows: rows of MR, CR, SUBJ and MPQA, each.
        queries: queries of each retrieval and reranking set.

    Raises:
        NegbenchError: a count is not positive, or the folder is missing or not empty.

    Example:
        >>> generate(Path("data"), seed=1, corpus_sentences=50_000)
    """
    counts = {
        "corpus_sentences": corpus_sentences,
        "pairs_per_subset": pairs_per_subset,
        "sentiment_rows": sentiment_rows,
        "queries": queries,
    }
    for name, count in counts.items():
        if count <= 0:
            raise NegbenchError(f"{name} is {count}", "generated source", "Give a count of at least 1.")
    if not folder.is_dir():
        raise NegbenchError("the folder does not exist", folder, "Create it, empty, and run again.")
    if any(folder.iterdir()):
        raise NegbenchError("the folder is not empty", folder, "Give an empty folder.")

    downstream = folder / "senteval" / "downstream"
    write_sts(downstream, seed, pairs_per_subset)
    write_stsb(downstream, seed, STSB)
    write_sick(downstream, seed, SICK)
    write_sentiment(downstream, seed, sentiment_rows)
    write_sst(downstream, seed, SST)
    write_trec(downstream, seed, TREC)
    write_mrpc(downstream, seed, MRPC)
    write_retrieval(folder / "beir", seed, queries)
    (folder / "corpus").mkdir()
    with (folder / "corpus" / CORPUS).open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{sentence}\n" for sentence in sentences(seed, corpus_sentences))
