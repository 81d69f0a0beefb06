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

# By which metric MTEB reports a task differs within a kind: MindSmallReranking is by MAP of the best part of a query.
_SEARCH = ("retrieval", "reranking")


def families(results: Results) -> list[Family]:
    """The families of the report; which sets retrieval and reranking have is a setting, so the records say."""
    records = [record for method in results.methods for run in method.runs for record in run.records]
    found = [STS, TRANSFER]
    for name in _SEARCH:
        metric = f"{name}_main_score"
        labels = {record.task: record.task for record in records if record.metric == metric}
        labels.pop(AVERAGE, None)
        if labels:
            found.append(Family(name, {**labels, AVERAGE: "Avg."}, {metric: "MTEB's main score"}))
    return found
