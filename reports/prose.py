"""The report's sentences: every number in them comes from the records, the words follow the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from reports.contrast import contenders
from reports.families import AVERAGE, STS, Family, families
from reports.paper import METRIC
from reports.records import Method, Results
from reports.stats import Sample
from reports.verdicts import NATURES, VERDICTS, Comparisons, sample
from reports.wording import listing, measured, number, score, seeds


def answer(results: Results, comparisons: Sequence[Comparisons]) -> str:
    """The report in one paragraph: what training changed, who is ahead, what it says about the papers."""
    peeking = [method for method in results.ours(trained=True) if method.info.by_test]
    trained = _averages([method for method in results.ours(trained=True) if method not in peeking])
    baselines = _averages(results.ours(trained=False))
    sentences = []
    if trained and baselines:
        base, bar = baselines[0]
        above = sum(result.mean > bar.mean for _, result in trained)
        sentences.append(
            f"{_share(above, len(trained))} exceed{'s' * (above < 2)} the best untrained baseline, "
            f"{base.info.label} ({score(bar.mean)}), on the average of the seven STS tasks."
        )
    if trained:
        best, top = trained[0]
        sentence = f"{best.info.label} is highest with {measured(top)} over {seeds(top.n)}"
        if len(trained) > 1:
            second, next_top = trained[1]
            told = _told([method for method, _ in trained])
            sentence += f", followed by {second.info.label} with {measured(next_top)}{told}"
        sentences.append(sentence + ".")
    if peeking:
        named = [f"{method.info.label} ({measured(result)})" for method, result in _averages(peeking)]
        sentences += (
            [f"{listing(named)} chose its checkpoints by these very scores and is not counted."] if named else []
        )
    if names := [family.name for family in families(results) if _baseline_leads(results, family)]:
        sentences.append(f"In {listing(names)} no trained method exceeds the best untrained one.")
    averaged = [method for method, _ in [*trained, *baselines, *_averages(peeking)]]
    absent = [method.info.label for method in results.methods if method not in averaged]
    if absent:
        sentences.append(f"{listing(absent)} {'has' if len(absent) == 1 else 'have'} no average.")
    return " ".join([*sentences, _standing(results, comparisons)])


def _baseline_leads(results: Results, family: Family) -> bool:
    """Whether a family other than STS has an untrained method that no trained one exceeds, by its first metric."""
    metric = next(iter(family.metrics))
    trained, baselines = (_averages(results.ours(trained=kind), metric) for kind in (True, False))
    return family is not STS and bool(trained and baselines) and baselines[0][1].mean >= trained[0][1].mean


def _averages(methods: list[Method], metric: str = METRIC) -> list[tuple[Method, Sample]]:
    """Methods that have an average, best first."""
    pairs = [(method, result) for method in methods if (result := sample(method, AVERAGE, metric))]
    return sorted(pairs, key=lambda pair: -pair[1].mean)


def _share(part: int, whole: int) -> str:
    """The subject of a sentence: so many of the trained methods."""
    if part == 0:
        return "No trained method"
    if whole == 1:
        return "The trained method"
    return f"{'All' if part == whole else number(part).capitalize() + ' of'} {number(whole)} trained methods"


def _standing(results: Results, comparisons: Sequence[Comparisons]) -> str:
    comparable, profile = results.provenance.comparable, results.provenance.profile
    what = NATURES[comparable].what
    if comparable == "never":
        return (
            f"Nothing here is comparable with the papers, because profile {profile} runs on {what}: an answer says "
            f"what holds in this small world, not whether a paper is right."
        )
    if comparable == "direction":
        return (
            f"Only directions can be held against the papers, because profile {profile} runs on {what}: an answer says "
            f"which way an effect goes at this scale, not how large it is at theirs."
        )
    verdicts = [task.verdict for comparison in comparisons for task in comparison.tasks]
    tally = {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
    counts = [f"{number(count)} {'is' if count == 1 else 'are'} {verdict}" for verdict, count in tally.items()]
    return (
        f"Of {len(verdicts)} reported scores with a run beside them, {listing(counts)}."
        if verdicts
        else "No reported score has a run beside it."
    )


def _told(trained: Sequence[Method]) -> str:
    """How many of these methods the seeds leave as the best, as the end of a sentence."""
    scores = [method.values(AVERAGE, METRIC) for method in trained]
    if min(map(len, scores)) < 2:
        return "; one seed cannot tell them apart"
    left = sum(contenders(scores))
    which = "any" if left == len(trained) else number(left)
    return f"; by the seeds, {which} of the {number(len(trained))} may be the best"
