"""One checkpoint, several protocols: how far a number moves when only the way of measuring it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from pipelines.params import Pooling
from reports.contrast import contenders
from reports.document import Cell, Group, Notes, Row, Section, Table
from reports.families import AVERAGE
from reports.markup import literal
from reports.records import Method, Results
from reports.stats import Sample, summarise
from reports.wording import listing, score, signed

Key = tuple[str, str]  # task and metric

HEADLINE: Key = (AVERAGE, "spearman_all")  # what the papers' tables print, under the method's own pooling
STSB, DISTINCT, UNSHARED = (("STSB", f"spearman_all{protocol}") for protocol in ("", "@distinct", "@unshared"))
ACC, DEVACC = (AVERAGE, "acc"), (AVERAGE, "devacc")


@dataclass(frozen=True)
class Shift:
    """How far one method moves from one score to another: the difference over its seeds, or why there is none."""

    difference: Sample | None
    reason: str = ""
    same: bool = False  # the other score is the first one: the method's own pooling


def columns(results: Results) -> dict[Key, str]:
    """The other protocols of the STS average that have records, with their headings."""
    metrics = {record.metric for method in results.methods for run in method.runs for record in run.records}
    named = {"spearman_mean": "mean of subsets", "spearman_wmean": "weighted mean"}
    named |= {f"spearman_all@{pooling}": _words(pooling) for pooling in get_args(Pooling)}
    return {(AVERAGE, metric): heading for metric, heading in named.items() if metric in metrics}


def shift(method: Method, base: Key, other: Key) -> Shift:
    """The difference from `base` to `other`, paired over the seeds that have both."""
    pairs = [(run.score(*base), run.score(*other)) for run in method.runs]
    known = [(a.value, b.value) for a, b in pairs if a and b and a.value is not None and b.value is not None]
    if known:
        same = other[1].endswith(f"@{method.info.train.get('pooling')}")
        return Shift(summarise([b - a for a, b in known]), same=same)
    reasons = dict.fromkeys(record.reason for pair in pairs for record in pair if record and record.reason)
    return Shift(None, "; ".join(reason for reason in reasons if reason) or "not evaluated")


def section(results: Results) -> Section | None:
    """Two tables of differences and what they say; None if no other protocol has a record."""
    others = columns(results)
    if not others:
        return None
    blocks = (_text(results, others), _averages(results, others), _repeats(results), _sets(results))
    return Section("protocol", "One checkpoint, several protocols", blocks)


def _text(results: Results, others: dict[Key, str]) -> str:
    """The largest swing beside the largest difference between methods, and whether their order holds."""
    trained = results.ours(trained=True)
    swings = [
        (found.difference.mean, method.info.label, heading)
        for method in trained
        for key, heading in others.items()
        if (found := shift(method, HEADLINE, key)).difference and not found.same
    ]
    fair = [method for method in trained if not method.info.by_test]
    means = {label: fmean(found.values()) for label, found in _scored(fair, HEADLINE).items()}
    if not swings:
        return "No trained method has a score under two protocols."
    swing, label, heading = max(swings, key=lambda one: abs(one[0]))
    text = (
        f"The same trained weights, measured otherwise: the largest swing is {signed(swing)} points, {label}, "
        f"*{heading}*."
    )
    if len(means) < 2:
        return text
    apart = max(means.values()) - min(means.values())
    wider = ": the protocol moves a number further than the method does" if abs(swing) > apart else ""
    but = _but([method.info.label for method in trained if method not in fair])
    text += (
        f" The trained methods{but} lie within {score(apart)} points of each other under the headline protocol{wider}."
    )
    return f"{text} {_leads(max(means, key=lambda name: means[name]), fair, others)}"


def _leads(first: str, fair: Sequence[Method], others: dict[Key, str]) -> str:
    """Whether the headline's leader leads under the other protocols, and if not, whether that is more than noise."""
    changed: dict[bool, list[str]] = {True: [], False: []}  # by whether the seeds rule out that `first` is the best
    scored = [(heading, own) for key, heading in others.items() if first in (own := _scored(fair, key))]
    for heading, own in scored:
        leader = max(own, key=lambda name: fmean(own[name].values()))
        if leader != first:
            told = {name: scores for name, scores in own.items() if len(scores) > 1}
            may = dict(zip(told, contenders([*told.values()]), strict=True))
            changed[not may.get(first, True)].append(f"*{heading}* ({leader})")
    if not any(changed.values()):
        whole = len(scored) == len(others)
        return f"{first} leads under each of them{'' if whole else ' that it has a score of'}."
    parts = [
        f"another method by {'' if real else 'no '}more than the noise of seeds under {listing(found)}"
        for real, found in changed.items()
        if found
    ]
    return f"{listing([f'{first} leads under the headline', *parts])}."


def _scored(methods: Sequence[Method], key: Key) -> dict[str, dict[int, float]]:
    """Scores by seed, of the methods that have one, by label."""
    return {method.info.label: found for method in methods if (found := method.values(*key))}


def _but(lifted: Sequence[str]) -> str:
    """That some are left out because the test scores chose their checkpoints, as a part of a sentence."""
    return f" but {listing(lifted)}, whose checkpoints these scores chose," if lifted else ""


def _averages(results: Results, others: dict[Key, str]) -> Table:
    notes = Notes()
    groups = _groups(results, lambda method: (_score(method, HEADLINE), *_shifts(method, HEADLINE, others, notes)))
    return Table(
        "protocol_averages",
        ("headline", *others.values()),
        groups,
        "Average STS. Headline: Spearman over all pairs of a task, the method's own pooling. Beside it, how far the "
        "same weights move when the subsets of a task are averaged instead, plainly or by size, and under each "
        "pooling: mean over seeds ± standard deviation of the difference. *cls* goes through the pooler that the "
        "backbone came with, which no method trains.",
        notes.texts,
    )


def _repeats(results: Results) -> str:
    """How many pairs of STS-B each of its readings has."""
    whole, distinct, unshared = (_pairs(results, key) for key in (STSB, DISTINCT, UNSHARED))
    if whole is None or distinct is None or unshared is None:
        return "STS-B was not scored without its repeated pairs."
    return (
        f"STS-B's test part has {whole:,} pairs. *Distinct* takes out {_count(whole - distinct)}: pairs, in either "
        "order, that stand in its training or dev part, or stood in its test part before. *Unshared* also takes out "
        f"those of the test sets of STS12 to STS16, {_count(distinct - unshared)} more, which the average of the seven "
        f"sets counts twice; {unshared:,} are left."
    )


def _sets(results: Results) -> Table:
    notes = Notes()
    readings = {DISTINCT: "distinct", UNSHARED: "unshared"}

    def cells(method: Method) -> tuple[Cell, ...]:
        stsb = (_score(method, STSB), *_shifts(method, STSB, readings, notes))
        return (*stsb, _score(method, ACC), *_shifts(method, ACC, {DEVACC: "devacc"}, notes))

    return Table(
        "protocol_sets",
        ("STS-B", "distinct", "unshared", "transfer acc", "devacc"),
        _groups(results, cells),
        "STS-B's test part, and how far it moves without pairs that repeat; the average accuracy on the test parts of "
        "the transfer tasks (acc), and how far the accuracy that chooses the classifier (devacc) is from it. Mean over "
        "seeds ± standard deviation.",
        notes.texts,
    )


def _groups(results: Results, cells: Callable[[Method], tuple[Cell, ...]]) -> tuple[Group, ...]:
    """Untrained methods, then trained ones."""
    kinds = (("untrained", False), ("trained", True))
    rows = {title: tuple(Row(m.info.label, cells(m)) for m in results.ours(trained=yes)) for title, yes in kinds}
    return tuple(Group(own, title) for title, own in rows.items() if own)


def _shifts(method: Method, base: Key, others: Iterable[Key], notes: Notes) -> list[Cell]:
    cells = []
    for found in (shift(method, base, key) for key in others):
        if found.same:
            cells.append(Cell("0", note=notes.mark("The method's own pooling."), value=0.0))
        elif found.difference is None:
            cells.append(Cell(score(None), note=notes.mark(literal(f"{found.reason[:1].upper()}{found.reason[1:]}."))))
        else:
            cells.append(Cell.of(found.difference, signed))
    return cells


def _score(method: Method, key: Key) -> Cell:
    values = [*method.values(*key).values()]
    return Cell.of(summarise(values) if values else None)


def _pairs(results: Results, key: Key) -> int | None:
    """How many pairs a score is over, which all runs share."""
    records = (run.score(*key) for method in results.methods for run in method.runs)
    return next((record.n for record in records if record), None)


def _count(pairs: int) -> str:
    return f"{pairs:,}" if pairs else "none"


def _words(name: str) -> str:
    return name.replace("_", " ")
