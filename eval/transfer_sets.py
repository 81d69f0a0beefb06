"""The transfer sets in SentEval's file layout, read strictly and put in SentEval's order.

Layout and protocol: SimCSE's fork of SentEval, senteval/{binary,trec,mrpc,sst}.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.senteval import check_task, tidy, whole_lines
from pipelines.errors import NegbenchError

# Sets without a split: a file of label 1 and a file of label 0, in SentEval's order.
SINGLE = {
    "MR": ("MR/rt-polarity.pos", "MR/rt-polarity.neg"),
    "CR": ("CR/custrev.pos", "CR/custrev.neg"),
    "SUBJ": ("SUBJ/subj.objective", "SUBJ/subj.subjective"),
    "MPQA": ("MPQA/mpqa.pos", "MPQA/mpqa.neg"),
}
# Sets with a split: a file a part.
SPLIT = {
    "SST2": {part: f"SST/binary/sentiment-{part}" for part in ("train", "dev", "test")},
    "TREC": {"train": "TREC/train_5500.label", "test": "TREC/TREC_10.label"},
    "MRPC": {part: f"MRPC/msr_paraphrase_{part}.txt" for part in ("train", "test")},
    "SST5": {part: f"SST/fine/sentiment-{part}" for part in ("train", "dev", "test")},
}
TASKS = (*SINGLE, "SST2", "TREC", "MRPC")  # those of the papers' average
ALL_TASKS = (*TASKS, "SST5")
# Examples of the published sets, as SentEval's files hold them.
PUBLISHED = {
    "MR": {"all": 10662},
    "CR": {"all": 3775},
    "SUBJ": {"all": 10000},
    "MPQA": {"all": 10606},
    "SST2": {"train": 67349, "dev": 872, "test": 1821},
    "TREC": {"train": 5452, "test": 500},
    "MRPC": {"train": 4076, "test": 1725},
    "SST5": {"train": 8544, "dev": 1101, "test": 2210},
}
CLASSES = dict.fromkeys((*SINGLE, "SST2", "MRPC"), 2) | {"TREC": 6, "SST5": 5}

_QUESTIONS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")  # TREC's classes 0 to 5
_FETCH = "Correct the line or fetch the data again."

Row = tuple[int, str, str | None]  # label, sentence, and the second sentence of a pair


@dataclass(frozen=True)
class Part:
    """N labelled sentences, or pairs of them, in SentEval's order: by token counts, then by label."""

    first: list[str]
    second: list[str] | None  # pairs alone have it
    labels: NDArray[np.int64]  # (N,)


@dataclass(frozen=True)
class TransferSet:
    """One task: its parts ("all"; or "train" and "test", SST with "dev") and its number of classes."""

    task: str
    classes: int
    parts: dict[str, Part]

    @property
    def sizes(self) -> dict[str, int]:
        """The number of examples by part."""
        return {name: len(part.labels) for name, part in self.parts.items()}

    def sentences(self) -> Iterator[str]:
        """Every sentence of every part, repeats included."""
        return chain.from_iterable(chain(part.first, part.second or ()) for part in self.parts.values())


def load(data: Path, task: str) -> TransferSet:
    """Read a transfer task.

    Sentences are whitespace-split tokens joined by single spaces. A blank line of MR, CR, SUBJ or MPQA is an
    empty sentence and counts, as in SentEval (CR and MPQA have some).

    Args:
        data: the folder that holds senteval/.
        task: MR, CR, SUBJ, MPQA, SST2, TREC, MRPC or SST5.

    Raises:
        NegbenchError: no such task, or a file is missing, cut short or breaks the format. `where` is file:line.
    """
    downstream = data / "senteval" / "downstream"
    if check_task(task, ALL_TASKS) in SINGLE:
        # Deviation: SentEval splits these files with str.splitlines, we at "\n" alone; the published files are
        # ASCII without other line ends, so there is no difference on them.
        rows = [
            (label, line, None)
            for label, name in zip((1, 0), SINGLE[task], strict=True)
            for line in whole_lines(downstream / name, encoding="latin-1")
        ]
        parts = {"all": _part(rows, downstream / task)}
    else:
        files = {part: downstream / name for part, name in SPLIT[task].items()}
        parts = {part: _part(_READERS[task](path), path) for part, path in files.items()}
    return TransferSet(task, CLASSES[task], parts)


def _part(rows: Iterable[Row], where: Path) -> Part:
    tidied = [(label, tidy(first), None if second is None else tidy(second)) for label, first, second in rows]
    if not tidied:
        raise NegbenchError("no examples", where, "Fetch the data again.")
    tidied.sort(key=lambda row: (len(row[1].split()), len((row[2] or "").split()), row[0]))  # stable, as SentEval's
    labels, first, second = zip(*tidied, strict=True)
    return Part([*first], None if second[0] is None else [*second], np.array(labels, dtype=np.int64))


def _trec(path: Path) -> Iterator[Row]:
    """Lines "COARSE:fine question"."""
    for number, line in enumerate(whole_lines(path, encoding="latin-1"), start=1):
        name, _, rest = line.partition(":")
        _, blank, question = rest.partition(" ")
        if name not in _QUESTIONS or not blank:
            expected = f"not a class ({', '.join(_QUESTIONS)}), a colon, a fine class, a blank and a question"
            raise NegbenchError(f"{line[:40]!r} is {expected}", f"{path}:{number}", _FETCH)
        yield _QUESTIONS.index(name), question, None


def _mrpc(path: Path) -> Iterator[Row]:
    """Lines of five columns: label, two ids, two sentences; a header first."""
    for number, line in enumerate(whole_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) != 5:
            found = f"{len(columns)} tab-separated columns in place of 5"
            raise NegbenchError(found, f"{path}:{number}", _FETCH)
        if number > 1:
            yield _label(columns[0], "MRPC", path, number), columns[3], columns[4]
        elif columns[0].removeprefix("\ufeff") != "Quality":
            raise NegbenchError("the header line is missing", f"{path}:1", "It starts with 'Quality'.")


def _sst2(path: Path) -> Iterator[Row]:
    """Lines "sentence, tab, label"."""
    for number, line in enumerate(whole_lines(path), start=1):
        sentence, _, label = line.partition("\t")
        yield _label(label, "SST2", path, number), sentence, None


def _sst5(path: Path) -> Iterator[Row]:
    """Lines "label, blank, sentence"."""
    for number, line in enumerate(whole_lines(path), start=1):
        label, _, sentence = line.partition(" ")
        yield _label(label, "SST5", path, number), sentence, None


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {"SST2": _sst2, "TREC": _trec, "MRPC": _mrpc, "SST5": _sst5}


def _label(text: str, task: str, path: Path, number: int) -> int:
    valid = [str(label) for label in range(CLASSES[task])]
    if text not in valid:
        raise NegbenchError(f"label {text[:40]!r} is none of {', '.join(valid)}", f"{path}:{number}", _FETCH)
    return int(text)
