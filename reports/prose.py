"""The report's sentences: every number in them comes from the records, the words follow the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from reports.block import Block
from reports.families import AVERAGE
from reports.negatives import Histogram
from reports.records import Method, Results
from reports.stats import Sample, overlap, summarise
from reports.study import Cell
from reports.verdicts import NATURES, VERDICTS, Comparisons, sample
from reports.wording import listing, number, score, seeds


def measured(result: Sample) -> str:
    """Mean ± std, or the bare mean of one seed."""
    return score(result.mean) + (f" ± {score(result.std)}" if result.std is not None else "")


def answer(results: Results, comparisons: Sequence[Comparisons]) -> str:
    """The report in one paragraph: what training changed, who is ahead, what it says about the papers."""
    trained = _averages(results.ours(trained=True))
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
            sentence += f", followed by {second.info.label} with {measured(next_top)}{_apart(top, next_top)}"
        sentences.append(sentence + ".")
    averaged = [method for method, _ in [*trained, *baselines]]
    absent = [method.info.label for method in results.methods if method not in averaged]
    if absent:
        sentences.append(f"{listing(absent)} {'has' if len(absent) == 1 else 'have'} no average.")
    return " ".join([*sentences, _standing(results, comparisons)])


def _averages(methods: list[Method]) -> list[tuple[Method, Sample]]:
    """Methods that have an average, best first."""
    pairs = [(method, result) for method in methods if (result := sample(method, AVERAGE))]
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
        return f"Nothing here is comparable with the papers, because profile {profile} runs on {what}."
    if comparable == "direction":
        return f"Only directions can be held against the papers, because profile {profile} runs on {what}."
    verdicts = [task.verdict for comparison in comparisons for task in comparison.tasks]
    tally = {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
    counts = [f"{number(count)} {'is' if count == 1 else 'are'} {verdict}" for verdict, count in tally.items()]
    return (
        f"Of {len(verdicts)} reported scores with a run beside them, {listing(counts)}."
        if verdicts
        else "No reported score has a run beside it."
    )


def negatives(histograms: Sequence[Histogram]) -> str:
    """What training does to the cosines between sentences that have nothing to do with each other."""
    if not histograms:
        return "No trained method has a histogram of its negatives."
    before = [histogram.mean_before for histogram in histograms]
    low, high = score(min(before)), score(max(before))
    start = low if low == high else f"{low} to {high}"
    ranked = sorted(histograms, key=lambda histogram: histogram.mean_after)
    text = f"Before training, two different training sentences have a mean cosine of {start}."
    if len(ranked) == 1:
        return f"{text} After training with {ranked[0].label} it is {score(ranked[0].mean_after)}."
    means = listing([f"{score(h.mean_after)} with {h.label}" for h in ranked])
    down = sum(float(f"{h.mean_after:.2f}") < float(f"{h.mean_before:.2f}") for h in histograms)  # as printed
    if down in (0, len(histograms)):
        effect = f"{'Every' if down else 'No'} method pushes the negatives apart"
    else:
        subject = f"{number(down).capitalize()} of {number(len(histograms))} methods"
        effect = f"{subject} push{'es' * (down == 1)} the negatives apart"
    return f"{text} {effect}: after training the mean is {means}."


def queue(cells: Sequence[Cell], reported: Block | None) -> str:
    """Where our best age of the negatives lies, where the paper's, and whether the seeds tell them apart."""
    done = [(cell, summarise(cell.values)) for cell in cells if cell.scores]
    peak, theirs = _peak(reported) if reported else (None, "")
    if not done:
        return f"No cell of this study has a score. {theirs}".rstrip()
    best, top = max(done, key=lambda pair: pair[1].mean)
    sentences = [f"Our highest average, {measured(top)}, is at a distance of {score(best.d_trace)}.", theirs]
    if peak is not None:
        near, there = min(done, key=lambda pair: abs(pair[0].d_trace - peak))
        if near is best:
            sentences.append("No setting of ours is nearer to that.")
        else:
            apart = _apart(top, there)
            sentences.append(f"Our setting nearest to that, {score(near.d_trace)}, has {measured(there)}{apart}.")
    others = [result for cell, result in done if cell is not best]
    if others and max(result.n for _, result in done) > 1:
        touching = sum(overlap(top, result) for result in others)
        if touching == 0:
            sentences.append("The range of its seeds lies above those of all other settings.")
        else:
            share = "all" if touching == len(others) else f"{number(touching)} of the {number(len(others))}"
            sentences.append(f"The range of its seeds overlaps with those of {share} other settings.")
    return " ".join(filter(None, sentences))


def _peak(block: Block) -> tuple[float, str]:
    distances, values = block.column("d_trace"), block.column("value")
    value, distance = max(zip(values, distances, strict=True))
    return distance, f"The paper's highest, {score(value)}, is at {score(distance)}."


def _apart(a: Sample, b: Sample) -> str:
    """Whether seeds separate two settings, as the end of a sentence."""
    if a.n == b.n == 1:
        return "; one seed each cannot tell them apart"
    found = "overlap, so the order is not settled" if overlap(a, b) else "do not overlap"
    return f"; the ranges of their seeds {found}"
