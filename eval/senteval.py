"""The STS sets in SentEval's file layout, read strictly.

Layout and protocol: SimCSE's fork of SentEval, senteval/sts.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.text import open_bytes, read_lines

# Subsets of a year in SentEval's order. A year is two files a subset: pairs, and scores line by line.
YEARS = {
    "STS12": ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    "STS13": ("FNWN", "headlines", "OnWN"),  # its SMT subset has a licence that kept it out of SentEval
    "STS14": ("deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"),
    "STS15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "STS16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


@dataclass(frozen=True)
class Table:
    """A set whose pairs and scores share one tab-separated file a split; columns count from 0."""

    files: dict[str, str]  # split -> path below senteval/downstream
    columns: int
    first: int
    second: int
    gold: int
    header: str | None = None
    crlf: bool = False


TABLES = {
    "STSB": Table(
        {split: f"STS/STSBenchmark/sts-{split}.csv" for split in ("train", "dev", "test")},
        columns=7,
        first=5,
        second=6,
        gold=4,
    ),
    "SICKR": Table(
        {
            "train": "SICK/SICK_train.txt",
            "dev": "SICK/SICK_trial.txt",
            "test": "SICK/SICK_test_annotated.txt",
        },
        columns=5,
        first=1,
        second=2,
        gold=3,
        header="pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment",
        crlf=True,  # SICK_test_annotated.txt was published with CRLF, the other two without
    ),
}
TASKS = (*YEARS, *TABLES)
SPLITS: dict[str, tuple[str, ...]] = dict.fromkeys(YEARS, ("test",)) | {
    task: tuple(table.files) for task, table in TABLES.items()
}
# Scored pairs as published: SemEval's task papers of 2012 to 2016 for the subsets SentEval uses, Cer et al.
# 2017 (STS-B) and Marelli et al. 2014 (SICK). STS15 and STS16 hold more lines: most carry no score.
PUBLISHED = {
    "STS12": {"test": 3108},
    "STS13": {"test": 1500},
    "STS14": {"test": 3750},
    "STS15": {"test": 3000},
    "STS16": {"test": 1186},
    "STSB": {"train": 5749, "dev": 1500, "test": 1379},
    "SICKR": {"train": 4500, "dev": 500, "test": 4927},
}


@dataclass(frozen=True)
class Subset:
    """Scored sentence pairs: two lists of N sentences and N gold similarities in [0, 5]."""

    name: str
    first: list[str]
    second: list[str]
    gold: NDArray[np.float64]


def check_task(name: str, tasks: Sequence[str] = TASKS) -> str:
    """Return `name` if it is one of `tasks`.

    Raises:
        NegbenchError: it is none; the message offers the nearest one.
    """
    if name not in tasks:
        raise NegbenchError(f"unknown task '{name}'", "--tasks", nearest(name, tasks))
    return name


def tidy(sentence: str) -> str:
    """A sentence as SentEval hands it to an encoder: whitespace-split tokens joined by single spaces."""
    return " ".join(sentence.split())


def whole_lines(path: Path, *, crlf: bool = False, encoding: str = "utf-8") -> Iterator[str]:
    """The lines of one of SentEval's files, which all end their last line: without that end a score may lack digits.

    Raises:
        NegbenchError: as `read_lines`, or the last line has no end.
    """
    with open_bytes(path) as file:
        if not file.read().endswith(b"\n"):
            raise NegbenchError("the file is empty or cut short: its last line has no end", path, "Fetch it again.")
    return read_lines(path, crlf=crlf, encoding=encoding)


def load_sts(data: Path, task: str, split: str = "test") -> list[Subset]:
    """Read one split of an STS task, subsets in SentEval's order.

    Sentences are whitespace-split tokens joined by single spaces; pairs without a score are dropped.

    Args:
        data: the folder that holds senteval/.
        task: STS12 to STS16, STSB or SICKR; the last two have one subset, called like the task.
        split: "test"; STSB and SICKR have "train" and "dev" too.

    Raises:
        NegbenchError: no such task or split, or a file is missing or breaks the format. `where` is file:line.
    """
    check_task(task)
    if split not in SPLITS[task]:
        raise NegbenchError(f"unknown split '{split}' of {task}", "split", nearest(split, SPLITS[task]))
    downstream = data / "senteval" / "downstream"
    if task in TABLES:
        return [_read_table(downstream, task, split)]
    return [_read_year_subset(downstream / "STS" / f"{task}-en-test", name) for name in YEARS[task]]


def _read_year_subset(folder: Path, name: str) -> Subset:
    # Deviation: SentEval splits these files with str.splitlines, which also splits at U+0085, U+2028 and the
    # like; we split at "\n" alone, so that such a character stays in its sentence. The published files have
    # none, so there is no difference on them.
    pairs_file, gold_file = folder / f"STS.input.{name}.txt", folder / f"STS.gs.{name}.txt"
    pairs, scores = list(_rows(pairs_file, 2)), list(whole_lines(gold_file))
    if len(pairs) != len(scores):
        found = f"{len(pairs)} pairs but {len(scores)} lines of scores"
        raise NegbenchError(found, f"{pairs_file} and {gold_file.name}", "Fetch the data again.")
    scored = [  # an empty score line means that the pair was not scored
        (first, second, _score(score, f"{gold_file}:{line}"))
        for line, ((first, second), score) in enumerate(zip(pairs, scores, strict=True), start=1)
        if score
    ]
    return _subset(name, scored, gold_file)


def _read_table(downstream: Path, task: str, split: str) -> Subset:
    table = TABLES[task]
    path = downstream / table.files[split]
    scored = [
        (row[table.first], row[table.second], _score(row[table.gold], f"{path}:{line}"))
        for line, row in enumerate(_rows(path, table.columns, crlf=table.crlf), start=1)
        if not _is_header(line, row, table, path)
    ]
    return _subset(task, scored, path)


def _rows(path: Path, columns: int, *, crlf: bool = False) -> Iterator[list[str]]:
    for number, line in enumerate(whole_lines(path, crlf=crlf), start=1):
        row = line.split("\t")
        if len(row) != columns:
            found = f"{len(row)} tab-separated columns in place of {columns}"
            raise NegbenchError(found, f"{path}:{number}", "Correct the line or fetch the data again.")
        yield row


def _is_header(line: int, row: Sequence[str], table: Table, path: Path) -> bool:
    if table.header is None or line > 1:
        return False
    if "\t".join(row) != table.header:
        raise NegbenchError("the header line is missing", f"{path}:1", f"Expected: {table.header!r}.")
    return True


def _score(text: str, where: str) -> float:
    try:
        score = float(text)
    except ValueError as error:
        raise NegbenchError(f"score {text!r} is not a number", where, "Fetch the data again.") from error
    if not 0 <= score <= 5:  # NaN fails this too
        raise NegbenchError(f"score {text!r} is outside 0 to 5", where, "Fetch the data again.")
    return score


def _subset(name: str, scored: Sequence[tuple[str, str, float]], where: Path) -> Subset:
    if len(scored) < 2:
        found = f"{len(scored)} scored pairs, and a correlation needs at least 2"
        raise NegbenchError(found, where, "Fetch the data again.")
    first, second, gold = zip(*scored, strict=True)
    return Subset(name, [tidy(s) for s in first], [tidy(s) for s in second], np.array(gold))
