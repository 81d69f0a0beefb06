"""Tasks that share a table: which columns it has, which metrics fill it, and what its headings say."""

from __future__ import annotations

from dataclasses import dataclass

from reports.records import Results

AVERAGE = "avg"


@dataclass(frozen=True)
class Family:
    """One table of the report.

    Attributes:
        name: of its files.
        labels: column headings by task; the average is the last.
        metrics: heading by metric; a block of the table holds one metric, so that like stands beside like.
    """

    name: str
    labels: dict[str, str]
    metrics: dict[str, str]


STS = Family(
    "sts",
    {
        **{year: year for year in ("STS12", "STS13", "STS14", "STS15", "STS16")},
        **{"STSB": "STS-B", "SICKR": "SICK-R", AVERAGE: "Avg."},
    },
    {"spearman_all": ""},
)
TRANSFER = Family(
    "transfer",
    {
        **{task: task for task in ("MR", "CR", "SUBJ", "MPQA")},
        **{"SST2": "SST-2", "TREC": "TREC", "MRPC": "MRPC", AVERAGE: "Avg."},
    },
    {"acc": "test accuracy", "devacc": "cross-validation accuracy (devacc)"},
)

# MTEB's main score of a task need not be its kind's: of MindSmallReranking it is MAP of the best part of a query.
_SEARCH = {"retrieval": "nDCG@10", "reranking": "MAP"}


def families(results: Results) -> list[Family]:
    """The families of the report; which sets retrieval and reranking have is a setting, so the records say."""
    records = [record for method in results.methods for run in method.runs for record in run.records]
    found = [STS, TRANSFER]
    for name, heading in _SEARCH.items():
        metric = f"{name}_main_score"
        labels = {record.task: record.task for record in records if record.metric == metric}
        labels.pop(AVERAGE, None)
        if labels:
            found.append(Family(name, {**labels, AVERAGE: "Avg."}, {metric: heading}))
    return found
