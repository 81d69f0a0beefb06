"""MTEB's retrieval and reranking tasks and their data: found by name, loaded, and written in BEIR's file layout.

`eval/mteb.py` scores with them, `pipelines/sources/hub.py` brings their data; mteb is imported by these two files here
alone, and only where it must be: the import takes seconds.
"""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.beir import QRELS_HEADER
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest

if TYPE_CHECKING:
    from mteb.abstasks import AbsTaskRetrieval

RERANKING = ("AskUbuntuDupQuestions", "MindSmallReranking", "SciDocsRR", "StackOverflowDupQuestions")
RETRIEVAL = ("ArguAna", "SciFact", "NFCorpus", "SCIDOCS", "FiQA2018")
TASKS = (*RERANKING, *RETRIEVAL)
_FOLDERS = {"FiQA2018": "fiqa"}  # where BEIR's name is not MTEB's in lower case


def folder_name(task: str) -> str:
    """BEIR's name of a task's set."""
    return _FOLDERS.get(task, task.lower())


def find(name: str, others: Collection[str] = ()) -> AbsTaskRetrieval | None:
    """MTEB's own task of that name; None if it is one of `others` alone.

    Raises:
        NegbenchError: it is neither, with the nearest name, or a task of another kind.
    """
    import mteb
    from mteb.abstasks import AbsTaskRetrieval

    try:
        task = mteb.get_task(name)
    except KeyError:
        if name in others:
            return None
        everything = mteb.get_tasks(task_types=["Retrieval", "Reranking"], modalities=["text"])
        names = {task.metadata.name for task in everything} | {*others}
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        next_step = nearest(name, close or TASKS)  # hundreds are no help
        raise NegbenchError(f"unknown task '{name}'", "tasks", next_step) from None
    if not isinstance(task, AbsTaskRetrieval) or task.metadata.modalities != ["text"]:
        what = f"'{name}' is no retrieval or reranking task over text"
        raise NegbenchError(what, "tasks", f"Choose tasks such as {', '.join(TASKS)}.")
    return task


def redirect(task: AbsTaskRetrieval, **dataset: str) -> None:
    """Change where this one task has its data from: the class is shared by all that ask MTEB for it."""
    task.metadata = task.metadata.model_copy(update={"dataset": {**task.metadata.dataset, **dataset}})


def load(task: AbsTaskRetrieval) -> None:
    """Load the data of a task with MTEB's own loaders."""
    task.load_data()
    task.convert_v1_dataset_format_to_v2(num_proc=None)


def write(task: AbsTaskRetrieval, folder: Path) -> None:
    """Write the loaded data of a task in BEIR's layout, as `eval.beir.load_collection` reads it.

    The same data give the same bytes, in whatever order MTEB's loader left the judgements.

    Args:
        task: loaded, with one subset.
        folder: gets corpus.jsonl, queries.jsonl, qrels/<split>.tsv and, to rerank, top_ranked.jsonl.

    Raises:
        NegbenchError: the layout has no place for something that the task has.
    """
    splits = [task.dataset["default"][split] for split in task.eval_splits]
    for part in splits:
        if "instruction" in part["queries"].column_names:
            what = f"{task.metadata.name} has an instruction beside each query"
            raise NegbenchError(what, "mteb.tasks", "Take it out: BEIR's layout has no place for it.")
    (folder / "qrels").mkdir(parents=True)
    documents = _distinct(row for part in splits for row in part["corpus"])
    titled = (row | {"title": row.get("title") or ""} for row in documents)
    _write_rows(folder / "corpus.jsonl", titled, "title", "text")
    _write_rows(folder / "queries.jsonl", _distinct(row for part in splits for row in part["queries"]), "text")
    for split, part in zip(task.eval_splits, splits, strict=True):
        judged = sorted((q, d, int(score)) for q, found in part["relevant_docs"].items() for d, score in found.items())
        lines = [QRELS_HEADER, *("\t".join(map(str, row)) for row in judged)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    ranked = {query: [*documents] for part in splits for query, documents in (part["top_ranked"] or {}).items()}
    if ranked:
        rows = ({"query-id": query, "corpus-ids": ranked[query]} for query in sorted(ranked))
        _write_lines(folder / "top_ranked.jsonl", rows)


def quiet() -> None:
    """Leave stderr to errors: the only progress worth a bar is the encoder's."""
    import datasets
    from huggingface_hub.utils import logging as hub

    datasets.disable_progress_bars()
    hub.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger("mteb").setLevel(logging.ERROR)


def _distinct(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Each row once: splits may share theirs."""
    return {row["id"]: row for row in rows}.values()


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]], *columns: str) -> None:
    _write_lines(path, ({"_id": row["id"], **{column: row[column] for column in columns}} for row in rows))


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
