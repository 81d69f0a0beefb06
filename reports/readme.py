"""The table of a published report that the README shows, from the records beside the report."""

from __future__ import annotations

import json
from pathlib import Path

from reports import flat
from reports.families import AVERAGE
from reports.paper import METRIC
from reports.records import chosen_by_test
from reports.stats import summarise
from reports.wording import MISSING, measured

RECORDS = "records.csv.gz"
_COLUMNS = {METRIC: "STS", "acc": "transfer", "retrieval_main_score": "retrieval"}  # by metric


def table(folder: Path) -> str:
    """A row a method, best first: each family's average, as mean ± standard deviation over seeds.

    The best of a column is bold, but no STS average that chose its own checkpoints.

    Args:
        folder: results/<profile>/ as `python -m pipelines.publish` writes it.

    Raises:
        NegbenchError: its records are damaged.
    """
    records = flat.read(folder / RECORDS)
    averages = records[records["study"].isna() & (records["task"] == AVERAGE) & records["metric"].isin(_COLUMNS)]
    groups = averages.dropna(subset="value").groupby(["method", "metric"])["value"]
    found = {key: summarise(values.tolist()) for key, values in groups}
    labels = dict(zip(averages["method"], averages["label"], strict=True))
    metrics = [metric for metric in _COLUMNS if any(metric == of for _, of in found)]
    lifted = {*averages[averages["settings"].map(_by_test, na_action="ignore").eq(True)]["method"]}
    fair = {(of, metric): one for (of, metric), one in found.items() if of not in lifted or metric != METRIC}
    best = {
        metric: max((one.mean for (_, of), one in fair.items() if of == metric), default=None) for metric in metrics
    }

    def cell(method: str, metric: str) -> str:
        one = found.get((method, metric))
        if one is None:
            return MISSING
        return f"**{measured(one)}**" if (method, metric) in fair and one.mean == best[metric] else measured(one)

    def seeds(method: str) -> str:
        run = averages[averages["method"] == method]["seed"].nunique()
        scored = min((one.n for (of, _), one in found.items() if of == method), default=run)
        return str(run) if scored == run else f"{scored} of {run}"

    def rank(method: str) -> float:
        first = found.get((method, next(iter(_COLUMNS))))
        return -first.mean if first else 0.0

    lines = [["", *(_COLUMNS[metric] for metric in metrics), "seeds"], ["---", *["--:"] * (len(metrics) + 1)]]
    lines += [
        [labels[method], *(cell(method, metric) for metric in metrics), seeds(method)]
        for method in sorted(labels, key=rank)
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _by_test(settings: str) -> bool:
    return chosen_by_test(json.loads(settings))
