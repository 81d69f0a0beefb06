"""The model card of one run, as the hub reads it and as people do: every score with its protocol, and what made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from reports.families import AVERAGE, STS, Family, families
from reports.paper import METRIC
from reports.records import Record, Results
from reports.stats import summarise
from reports.verdicts import notice, protocol
from reports.wording import score, seeds

TEMPLATE = Path(__file__).parent / "template/model_card.md"

# By family, in the hub's words: the kind of task, and the metric.
KINDS = {
    "sts": ("sentence-similarity", "spearmanr"),
    "transfer": ("text-classification", "accuracy"),
    "retrieval": ("text-retrieval", "main_score"),
    "reranking": ("text-ranking", "main_score"),
}
_SEARCH = (
    "MTEB's main score × 100, by cosine, with queries cut after {query_length} word pieces and passages after "
    "{passage_length}."
)
PROTOCOLS = {
    "sts": "Spearman's ρ × 100 of the cosines with the gold scores, all pairs of a task taken together.",
    "transfer": "Per cent correct, on the test part, of a linear classifier on the frozen embeddings, by SentEval's "
    "protocol in its setting “{transfer}”.",
    "retrieval": f"Retrieval: {_SEARCH}",
    "reranking": f"Reranking: {_SEARCH}",
}
POOLINGS = {"mean": "the mean of the tokens' last states", "cls_before_pooler": "the last state of [CLS]"}


@dataclass(frozen=True)
class About:
    """What the records do not say of a run.

    Attributes:
        method: what the method is, in a sentence or two.
        corpus: name of the training text.
        base_model: the backbone's name on the hub; None for one of our own.
        max_length: word pieces after which the model cuts a sentence.
        citation: of the method's paper, if it has one.
        averages: of the seven STS tasks, by seed: of all runs with these settings.
    """

    method: str
    corpus: str
    base_model: str | None
    max_length: int
    citation: str | None
    averages: dict[int, float]


def build(results: Results, about: About) -> str:
    """The text of README.md.

    Args:
        results: of the run alone.
        about: the rest.
    """
    (run,) = results.methods[0].runs
    name = f"{run.method}-{run.seed}"
    data = ModelCardData(
        language="en",
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        base_model=about.base_model,
        tags=["sentence-transformers", "feature-extraction", "sentence-similarity", "negbench", run.method],
        model_name=name,
        eval_results=[*_evaluated(results)] or None,
    )
    card = ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        run=run,
        about=about,
        notice=notice(run.provenance),
        pooling=POOLINGS[str(run.info.setting("pooling"))],
        selection=protocol(run.info).selection,
        by_test=" Those are among the scores below, which it lifts." if run.info.by_test else "",
        settings={**run.info.settings, **run.info.train},
        tables=[_table(results, family, about.max_length) for family in families(results)],
        average=_average(run.seed, about.averages),
    )
    return f"{card}\n"


def _average(seed: int, averages: Mapping[int, float]) -> str:
    """This seed's among all of them: one checkpoint may be the best of many, and should say so."""
    if seed not in averages or len(averages) == 1:
        return ""
    over = summarise([*averages.values()])
    return f"{score(averages[seed])} here, and {score(over.mean)} ± {score(over.std)} over {seeds(over.n)}"


def _records(results: Results, family: Family) -> Iterator[tuple[str, Record]]:
    """The run's records of a family by the name of the task, the average last."""
    (run,) = results.methods[0].runs
    for task in family.labels:
        if record := run.score(task, next(iter(family.metrics))):
            yield task, record


def _evaluated(results: Results) -> Iterator[EvalResult]:
    """The scores that exist, task by task, unrounded."""
    generated = results.provenance.comparable == "never"  # or a search for STS12 would find numbers of another world
    for family in families(results):
        kind, metric = KINDS[family.name]
        for task, record in _records(results, family):
            if task != AVERAGE and record.value is not None:
                yield EvalResult(
                    task_type=kind,
                    dataset_type=f"generated-{task.lower()}" if generated else task.lower(),
                    dataset_name=f"{task} (generated)" if generated else task,
                    dataset_split="test",
                    metric_type=metric,
                    metric_name=f"{METRIC if family is STS else next(iter(family.metrics))} × 100",
                    metric_value=record.value,
                )


def _table(results: Results, family: Family, max_length: int) -> dict[str, object]:
    """Heading and rows for the template; a missing score is a dash, with its reason."""
    (run,) = results.methods[0].runs
    settings = {**(run.search_provenance.evaluation if run.search_provenance else {}), **run.provenance.evaluation}
    settings |= {
        name: min(max_length, settings[name]) for name in ("query_length", "passage_length") if name in settings
    }
    rows = [
        (family.labels[task], score(record.value), record.reason or "") for task, record in _records(results, family)
    ]
    return {"protocol": PROTOCOLS[family.name].format_map(settings), "rows": rows}
