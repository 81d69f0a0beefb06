"""The scores behind a score: of every sentence pair, test example or query, as the stages before wrote them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import spearmanr

from pipelines.errors import NegbenchError
from reports.bootstrap import Units
from reports.families import STS, TRANSFER, Family
from reports.stats import Floats

SENTENCES = "sentences/"  # before the name of a set: which two sentences each pair is of
# What MTEB reports tasks of a kind by, but for those whose queries are asked in parts.
PER_QUERY = {"retrieval": "ndcg_at_10", "reranking": "map_at_1000"}


@dataclass(frozen=True)
class Items:
    """One run on the N items of one task.

    Attributes:
        scores: (N,) cosines of pairs, or what each item adds to a mean, from 0 to 1.
        gold: (N,) of pairs; None for items that are scored one by one.
        ids: (N,) of queries; None where the order tells.
        units: pairs that depend on each other, as they share sentences; None where each item stands by itself.
    """

    scores: Floats
    gold: Floats | None = None
    ids: NDArray[Any] | None = None
    units: Units | None = None

    @property
    def score(self) -> float:
        """The score of the task, in points."""
        if self.gold is None:
            return 100 * float(self.scores.mean())
        return 100 * float(spearmanr(self.scores, self.gold).statistic)

    def alike(self, other: Items) -> bool:
        """Whether both are scores of the same items."""
        same = len(self.scores) == len(other.scores)
        ours, theirs = (None if one.units is None else one.units.of for one in (self, other))
        return same and _equal(self.gold, other.gold) and _equal(self.ids, other.ids) and _equal(ours, theirs)


def load(run: Path, family: Family) -> dict[str, Items]:
    """Items by task of one run; a task without a score has none.

    Args:
        run: results/<method>/<seed>/.
        family: whose tasks.

    Raises:
        NegbenchError: the file is missing, or was written before it held gold scores or sentences.
    """
    if family is STS:
        return _pairs(run / "pairs.npz")
    if family is TRANSFER:
        return {task: Items(right.astype(np.float64)) for task, right in _arrays(run / "correct.npz").items()}
    arrays, metric = _arrays(run / "mteb/queries.npz"), PER_QUERY[family.name]
    names = {
        task: ("main", "merged") if f"{task}/main" in arrays else (metric, "queries")
        for task in family.labels
        if f"{task}/queries" in arrays
    }
    return {
        task: Items(arrays[f"{task}/{scores}"], ids=arrays[f"{task}/{ids}"]) for task, (scores, ids) in names.items()
    }


def _pairs(file: Path) -> dict[str, Items]:
    """All pairs of a task taken together, as the papers do; similarities lie under <task>/<subset>."""
    arrays = _arrays(file)
    units = _connected({key.removeprefix(SENTENCES): own for key, own in arrays.items() if key.startswith(SENTENCES)})
    subsets: dict[str, list[str]] = {}
    for key in arrays:
        if key.startswith("gold/"):
            subsets.setdefault(key.split("/")[1], []).append(key.removeprefix("gold/"))
    names = [name for own in subsets.values() for name in own]
    if arrays and (not names or not units.keys() >= {*names}):
        raise NegbenchError("no gold scores or sentences beside the cosines", file, "Run `dvc repro evaluate` again.")
    return {
        task: Items(
            np.concatenate([arrays[name] for name in names]),
            np.concatenate([arrays[f"gold/{name}"] for name in names]),
            units=Units(np.concatenate([units[name].of for name in names]), units[names[0]].count),
        )
        for task, names in subsets.items()
    }


def _connected(sentences: dict[str, NDArray[np.integer]]) -> dict[str, Units]:
    """The units of pairs that share a sentence, directly or by way of other pairs, in one set or several.

    Args:
        sentences: (N, 2) of each set, equal numbers for equal sentences.
    """
    if not sentences:
        return {}
    pairs = np.concatenate([*sentences.values()])  # (N, 2)
    many = int(pairs.max()) + 1
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(many, many))
    count, unit = connected_components(links, directed=False)  # (many,)
    return {name: Units(unit[own[:, 0]], count) for name, own in sentences.items()}


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(file) as stored:
            return dict(stored)
    except FileNotFoundError:
        raise NegbenchError("the scores of the items are missing", file, "Run `dvc repro` first.") from None
    except (BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError, NotImplementedError):
        what = "the scores of the items are damaged"
        raise NegbenchError(what, file, "Run `dvc repro` for what wrote it again.") from None


def _equal(a: NDArray[Any] | None, b: NDArray[Any] | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)
