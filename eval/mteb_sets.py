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

from eval.beir import QRELS_HEADER, load_collection
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest

if TYPE_CHECKING:
    from mteb.abstasks import AbsTaskRetrieval

RERANKING = ("AskUbuntuDupQuestions", "MindSmallReranking", "SciDocsRR", "StackOverflowDupQuestions")
RETRIEVAL = ("ArguAna", "SciFact", "NFCorpus", "SCIDOCS", "FiQA2018")
TASKS = (*RERANKING, *RETRIEVAL)
_CHARACTERS = 4.5  # of a word piece of BERT's in English text, blanks included
_FOLDERS = {"FiQA2018": "fiqa"}  # where BEIR's name is not MTEB's in lower case


def folder_name(task: str) -> str:
    """BEIR's name of a task's set."""
    return _FOLDERS.get(task, task.lower())


OF_FOLDER = {folder_name(task): task for task in TASKS}  # the task whose set lies in a folder


def find(name: str, others: Collection[str] = ()) -> AbsTaskRetrieval | None:
    """MTEB's own task of that name; None if it is one of `others` alone.

    Raises:
        NegbenchError: it is neither, with the nearest name, a task of another kind, or the folder of an MTEB task,
            which has rules of its own.
    """
    if owner := OF_FOLDER.get(name):
        raise NegbenchError(f"'{name}' is the folder of MTEB's {owner}", "tasks", f"Name the task: {owner}.")
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


def pinned(name: str) -> tuple[str, str]:
    """The repository of a task's data, and the commit that MTEB pins.

    Raises:
        NegbenchError: MTEB has no such task, or its data come in subsets.
    """
    task = _own(name)
    if task.metadata.is_multilingual:
        raise NegbenchError(f"'{name}' has subsets", "mteb.tasks", "Take it out: BEIR's layout has no place for them.")
    return task.metadata.dataset["path"], task.metadata.dataset["revision"]


def word_pieces(name: str, limit: int) -> int:
    """About how many word pieces a task's texts have, by MTEB's own statistics; 0 of a set that has none.

    Args:
        name: of a task.
        limit: word pieces of a text, on average, at most.
    """
    task = find(name, (name,))
    if task is None:
        return 0
    metadata, found = task.metadata, 0.0
    for split in metadata.eval_splits:
        counted: Any = (metadata.descriptive_stats or {}).get(split, {})
        for part in ("documents", "queries"):
            texts = counted.get(f"{part}_text_statistics") or {}
            count = texts.get("unique_texts") or counted.get(f"num_{part}", 0)  # each is embedded once
            found += count * min(limit, texts.get("average_text_length", 0) / _CHARACTERS)
    return round(found)


def convert(name: str, repository: Path, folder: Path) -> None:
    """Load a task's data with MTEB's own loader and write them in BEIR's layout, as the evaluation will read them.

    The same data give the same bytes, in whatever order MTEB's loader left the judgements.

    Args:
        name: of the task.
        repository: a copy of its repository.
        folder: gets corpus.jsonl, queries.jsonl, qrels/<split>.tsv and, to rerank, top_ranked.jsonl.

    Raises:
        NegbenchError: the data are damaged, break the layout or have something that it has no place for.
    """
    task = _own(name)
    redirect(task, path=str(repository))
    try:
        load(task)
    except Exception as error:  # of whatever kind: the datasets library passes on what its many readers raise
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise NegbenchError(f"MTEB cannot load the set: {cause}", repository, "Fetch it again.") from error
    _write(task, folder)
    for split in task.eval_splits:
        load_collection(folder, split)


def _own(name: str) -> AbsTaskRetrieval:
    task = find(name)
    assert task is not None  # no other names were given
    return task


def _write(task: AbsTaskRetrieval, folder: Path) -> None:
    splits = [task.dataset["default"][split] for split in task.eval_splits]
    for part in splits:
        if "instruction" in part["queries"].column_names:
            what = f"{task.metadata.name} has an instruction beside each query"
            raise NegbenchError(what, "mteb.tasks", "Take it out: BEIR's layout has no place for it.")
    if any(part["corpus"]["id"] != splits[0]["corpus"]["id"] for part in splits):
        what = f"{task.metadata.name} has another corpus in each split"
        raise NegbenchError(what, "mteb.tasks", "Take it out: BEIR's layout has no place for them.")
    (folder / "qrels").mkdir(parents=True)
    documents = (row for part in splits for row in part["corpus"])
    titled = ({"_id": row["id"], "title": row.get("title") or "", "text": row["text"]} for row in documents)
    _write_lines(folder / "corpus.jsonl", titled)
    queries = (row for part in splits for row in part["queries"])
    _write_lines(folder / "queries.jsonl", ({"_id": row["id"], "text": row["text"]} for row in queries))
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


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Equal rows once: splits may share theirs."""
    lines = dict.fromkeys(json.dumps(row, ensure_ascii=False) for row in rows)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
