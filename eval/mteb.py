"""Retrieval and reranking through MTEB 2.x, from local folders in BEIR's layout or else from the hub.

    python -m eval.mteb --model FOLDER --data FOLDER --tasks NFCorpus SciFact

MTEB itself joins titles with texts, searches, and scores; its numbers are given times 100. Beside mteb_sets.py this is
the only file that imports mteb, and only where it must: the import takes seconds.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from eval import mteb_sets
from eval.beir import Collection, load_collection
from eval.collapse import REASON, collapsed
from eval.command import chosen_tasks, load_encoder, options, print_records, refuse_without_score
from eval.mteb_sets import TASKS
from eval.retrieval import METRICS, PER_QUERY, RetrievalResult, records, table, without_score
from eval.sts import Embedder, Score
from eval.vectors import Lengths, NoScoreError, vectors
from pipelines.errors import NegbenchError
from pipelines.main import run
from pipelines.provenance import file_hash, params_hash

if TYPE_CHECKING:
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.models import EncoderProtocol, ModelMeta
    from mteb.types import EncodeKwargs

MERGED = "max_over_subqueries_map_at_1000"  # MindSmallReranking's main score: its queries are asked in parts
_BATCH = 512  # rows that MTEB hands over at a time; embedding has batches of its own


@dataclass(frozen=True)
class ResultFiles:
    """Where MTEB's own result files go, and as whose: `mteb.ResultCache(folder)` finds them.

    Attributes:
        folder: gets results/<name>/<revision>/experiments/seed_<seed>/<task>.json and model_meta.json, which
            `load_results` reads with `load_experiments="match_name"`.
        name: "organisation/model".
        revision: what tells this model from others of its name.
        seed: keeps the runs of one model apart.
    """

    folder: Path
    name: str
    revision: str
    seed: int


def evaluate(
    encoder: Embedder,
    data: Path,
    tasks: Sequence[str] = TASKS,
    lengths: Lengths | None = None,
    files: ResultFiles | None = None,
) -> dict[str, RetrievalResult]:
    """Score `encoder` on retrieval and reranking tasks by the cosine of query and document.

    Args:
        encoder: has `encode`; asked once for each distinct text, as a query and as a passage if their limits differ.
        data: the folder that may hold beir/<set>/; a set that is not there is looked for on the hub.
        tasks: names of MTEB's retrieval and reranking tasks, or of folders in beir/.
        lengths: limits of an encoder that has `limited`; any other reads whole texts.
        files: write MTEB's own result files as well.

    Returns:
        The results by task. A set that is neither here nor to be had is "skipped"; one on which an embedding is not
        finite or too large, or all documents have the same one, is "failed".

    Raises:
        NegbenchError: no such task, or a folder breaks the layout (as `load_collection`). Nothing is embedded then.
    """
    mteb_sets.quiet()
    model = _Model(encoder, lengths or Lengths(), files)
    found = {name: _find(data, name) for name in tasks}
    absent = {name: reason for name, task in found.items() if (reason := _load(task, _folder(data, name)))}
    results = {}
    for name, task in found.items():
        if name in absent:
            skipped = Score(None, 0, "skipped", absent[name])
            results[name] = without_score(name, _kind(task), task.metadata.main_score, skipped)
        else:
            results[name] = _score(task, model, files)
            task.unload_data()
    return results


class _Model:
    """An encoder as MTEB wants it (its EncoderProtocol); `prepare` embeds, and MTEB's own calls look up."""

    def __init__(self, encoder: Embedder, lengths: Lengths, files: ResultFiles | None) -> None:
        self.queries, self.passages = vectors(encoder, lengths)
        self.mteb_model_meta = _describe(encoder, lengths, files)

    def prepare(self, task: AbsTaskRetrieval, split: str) -> None:
        """Embed the queries and documents of a split.

        Raises:
            NoScoreError: an embedding is not finite or too large, or those of all documents are the same.
        """
        from mteb._create_dataloaders import create_dataloader
        from mteb.types import PromptType

        def texts(part: Any, prompt_type: PromptType) -> list[str]:
            loader = create_dataloader(part, task_metadata=task.metadata, prompt_type=prompt_type, batch_size=_BATCH)
            return [text for batch in loader for text in batch["text"]]

        parts = [task.dataset[subset][split] for subset in task.hf_subsets]
        queries = [text for part in parts for text in texts(part["queries"], PromptType.query)]
        passages = [text for part in parts for text in texts(part["corpus"], PromptType.document)]
        if self.queries is self.passages:
            self.queries.learn([*queries, *passages])
        else:
            self.queries.learn(queries)
            self.passages.learn(passages)
        # Deviation: MTEB prints the score of documents that are ranked by their ids.
        if collapsed(self.passages.of(dict.fromkeys(passages))):
            raise NoScoreError(REASON)

    def encode(self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: Any, **_: Any) -> NDArray[np.float32]:
        """The embeddings of all N texts in `inputs`: (N, H)."""
        role = self.queries if prompt_type == "query" else self.passages
        return role.of(text for batch in inputs for text in batch["text"])

    def similarity(self, first: Any, second: Any) -> Any:
        """Cosine of all pairs of rows of (N, H) and (M, H): (N, M)."""
        from mteb.similarity_functions import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        """Cosine of each pair of rows of two (N, H) arrays: (N,)."""
        from mteb.similarity_functions import pairwise_cos_sim

        return pairwise_cos_sim(first, second)


def _describe(encoder: Embedder, lengths: Lengths, files: ResultFiles | None) -> ModelMeta:
    """What MTEB keeps of a model beside its results."""
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction
    from torch import nn

    from methods.core.encoder import Encoder

    known: dict[str, Any] = {
        "similarity_fn_name": ScoringFunction.COSINE,
        "languages": ["eng-Latn"],
        "use_instructions": False,
        "open_weights": False,
    }
    if files:
        known |= {"name": files.name, "revision": files.revision, "experiment_kwargs": {"seed": files.seed}}
    if isinstance(encoder, Encoder):
        sizes = [(p.numel(), p.numel() * p.element_size()) for p in encoder.parameters()]
        tables = [module.weight.numel() for module in encoder.modules() if isinstance(module, nn.Embedding)]
        known |= {
            "embed_dim": encoder.dimension,
            "max_tokens": min(encoder.max_length, lengths.passage),
            "n_parameters": sum(count for count, _ in sizes),
            "n_embedding_parameters": max(tables),  # of words
            "memory_usage_mb": round(sum(size for _, size in sizes) / 2**20, 2),
            "framework": ["PyTorch"],
        }
    return ModelMeta.create_empty(known)


def _score(task: AbsTaskRetrieval, model: _Model, files: ResultFiles | None) -> RetrievalResult:
    """Evaluate a task whose data are loaded."""
    from mteb import ResultCache, TaskResult

    name, kind, main = task.metadata.name, _kind(task), task.metadata.main_score
    per_query: list[Mapping[str, Mapping[str, float]]] = []
    merged: dict[str, float] = {}
    scores = {}
    start = monotonic()
    _keep_scores(task, per_query, merged)
    try:
        for split in task.eval_splits:
            model.prepare(task, split)
            # Not mteb.evaluate: it does little more around this call and imports sentence-transformers for it.
            options: EncodeKwargs = {"batch_size": _BATCH, "show_progress_bar": False}
            scores[split] = task.evaluate(cast("EncoderProtocol", model), split, encode_kwargs=options)
    except NoScoreError as error:
        n = sum(len(task.dataset[subset][split]["queries"]) for subset in task.hf_subsets for split in task.eval_splits)
        return without_score(name, kind, main, Score(None, n, "failed", str(error)))
    result = TaskResult.from_task_results(task, scores, monotonic() - start, date=datetime.now(UTC))
    if files:
        ResultCache(files.folder).save_to_cache(result, model.mteb_model_meta)
    rows = sorted(((query, values) for part in per_query for query, values in part.items()), key=itemgetter(0))
    means = {metric: result.get_score(getter=itemgetter(metric)) for metric in [*METRICS, main]}  # of all subsets
    return RetrievalResult(
        name,
        kind,
        main,
        {
            metric: Score(100 * float(mean), len(merged) if merged and metric == main else len(rows))
            for metric, mean in means.items()
        },
        [query for query, _ in rows],
        {metric: np.array([values[theirs] for _, values in rows]) for metric, theirs in PER_QUERY.items()},
        dict(sorted(merged.items())),
    )


def _keep_scores(
    task: AbsTaskRetrieval, kept: list[Mapping[str, Mapping[str, float]]], merged: dict[str, float]
) -> None:
    """Let the task hand out the scores by query that it forms its means of.

    Args:
        task: whose `task_specific_scores` is wrapped, which MTEB calls once a subset.
        kept: takes a mapping for each subset.
        merged: takes the main score of each query, where queries are asked in parts.
    """
    theirs = task.task_specific_scores

    def keeping(scores: Any, qrels: Any, results: Any, *rest: Any, **options: Any) -> dict[str, float]:
        kept.append(scores)
        if task.metadata.main_score == MERGED:
            merged.update(_merged(qrels, results))
        return theirs(scores, qrels, results, *rest, **options)

    task.task_specific_scores = keeping  # type: ignore[method-assign]


def _merged(qrels: Mapping[str, Mapping[str, int]], results: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """MAP of each query, its parts ranked as one: a document by the part that it is nearest to.

    What `mteb`'s own max_over_subqueries takes the mean of; a part is a query's id with an ending after "_", and all
    parts of one have the same judgements.
    """
    from pytrec_eval import RelevanceEvaluator

    judged: dict[str, Mapping[str, int]] = {}
    ranked: dict[str, dict[str, float]] = {}
    for part, own in qrels.items():
        query = part.rpartition("_")[0]
        judged[query] = own
        nearest = ranked.setdefault(query, {})
        for document, cosine in results[part].items():
            nearest[document] = max(cosine, nearest.get(document, cosine))
    found = RelevanceEvaluator(judged, {"map_cut.1000"}).evaluate(ranked)
    return {query: scores[PER_QUERY["map_at_1000"]] for query, scores in found.items()}


def _kind(task: AbsTaskRetrieval) -> str:
    return "reranking" if task.metadata.type == "Reranking" else "retrieval"


def _folder(data: Path, name: str) -> Path:
    own = data / "beir" / name
    return own if own.is_dir() else data / "beir" / mteb_sets.folder_name(name)


def _find(data: Path, name: str) -> AbsTaskRetrieval:
    """MTEB's own task of that name, or one made for a folder of ours.

    Raises:
        NegbenchError: as `mteb_sets.find`.
    """
    # Not any path: the name becomes that of a file.
    here = {path.name for path in (data / "beir").glob("*") if path.is_dir()}
    found = mteb_sets.find(name, here)
    return found or _own_task(name, reranks=(data / "beir" / name / "top_ranked.jsonl").is_file())


def _own_task(name: str, *, reranks: bool) -> AbsTaskRetrieval:
    """A task that MTEB does not have."""
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class OwnTask(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=name,
            description=f"The set {name} of this project",
            dataset={"path": f"beir/{name}", "revision": "local"},
            type="Reranking" if reranks else "Retrieval",
            category="t2t",
            eval_langs=["eng-Latn"],
            main_score="map_at_1000" if reranks else "ndcg_at_10",
        )

    return OwnTask()


def _load(task: AbsTaskRetrieval, folder: Path) -> str | None:
    """Load the data of a task from its folder or, without one, from the hub; why not if it is out of reach."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError

    if folder.is_dir() and not task.metadata.is_multilingual:  # the layout has no place for subsets
        _load_folder(task, folder)
        return None
    try:
        mteb_sets.load(task)
    except (ConnectionError, DatasetNotFoundError, HfHubHTTPError) as error:
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
        # What passes is no result: DVC would take it for good.
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            what = f"the hub cannot give the data of {task.metadata.name} now: HTTP {status}"
            raise NegbenchError(what, "the hub", f"Run again later, or put beir/{folder.name} there.") from error
        return f"neither in beir/{folder.name} nor on the hub: {' '.join(str(error).split())}"
    return None


def _load_folder(task: AbsTaskRetrieval, folder: Path) -> None:
    reranks = _kind(task) == "reranking"
    if reranks and not (folder / "top_ranked.jsonl").is_file():
        raise NegbenchError(
            "the candidates to rerank are missing", folder / "top_ranked.jsonl", "Fetch the data again."
        )
    task.dataset = {"default": {s: _as_dataset(load_collection(folder, s), reranks=reranks) for s in task.eval_splits}}
    task.data_loaded = True
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    mteb_sets.redirect(task, revision=f"local-{params_hash([file_hash(path) for path in files])}")


def _as_dataset(collection: Collection, *, reranks: bool) -> Any:
    from datasets import Dataset

    documents = collection.documents.values()
    corpus = {"id": [*collection.documents], "title": [d.title for d in documents], "text": [d.text for d in documents]}
    queries = {"id": [*collection.queries], "text": [*collection.queries.values()]}
    return {
        "corpus": Dataset.from_dict(corpus),
        "queries": Dataset.from_dict(queries),
        "relevant_docs": collection.qrels,
        "top_ranked": collection.candidates if reranks else None,
    }


def parser() -> ArgumentParser:
    """The options of `python -m eval.mteb`."""
    what = "Score a sentence encoder on retrieval and reranking."
    tasks = f"of MTEB, or folders in beir/ (default: {' '.join(TASKS)})"
    return options("python -m eval.mteb", what, tasks, "a folder that may hold beir/; else from the hub")


def main(arguments: Namespace) -> None:
    """Score a model folder and print a table, or records as JSON."""
    if not arguments.data.is_dir():
        raise NegbenchError("the data folder does not exist", arguments.data, "Give a folder that may hold beir/.")
    tasks = chosen_tasks(arguments, TASKS)
    results = evaluate(load_encoder(arguments), arguments.data, tasks)
    rows = records(results)
    if arguments.json:
        print_records(rows)
    else:
        print(table(results))
    refuse_without_score(rows, arguments.model)


if __name__ == "__main__":
    sys.exit(run(main, parser()))
