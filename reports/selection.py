"""One run, three choices of checkpoint: what looking at the test sets is worth, told from the looks at each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from reports.block import Block as Reported
from reports.document import Block, Cell, Figure, Group, Notes, Row, Section, Table
from reports.paper import Paper
from reports.records import Look, Method, Results
from reports.stats import CONFIDENCE, Sample, summarise
from reports.verdicts import SELECTIONS
from reports.wording import listing, score, seeds, signed

FIGURE = "training_curves"
RULES = {"stsb-dev": "STS-B dev", "sts-test": "the STS test sets", "last": "the last look"}  # by name in `train.select`
NOTEBOOK = "notebook-curves"  # reported looks at training runs, a row a look


@dataclass(frozen=True)
class Watched:
    """One method's runs as they were looked at: `looks` by seed, and the rule that chose the weights we evaluate."""

    label: str
    kept: str
    looks: dict[int, tuple[Look, ...]]

    def choices(self, rule: str) -> dict[int, Look]:
        """The look of each seed whose checkpoint the rule keeps, where the STS test sets have a score at it.

        A seed that was never looked at in the rule's own way is left out: nobody knows what the rule would keep.
        """
        known = {
            seed: looks
            for seed, looks in self.looks.items()
            if rule == "last" or any(look.score(rule) is not None for look in looks)
        }
        found = {seed: choose(looks, rule) for seed, looks in known.items()}
        return {seed: look for seed, look in found.items() if look.sts_test is not None}

    def scores(self, rule: str) -> dict[int, float]:
        """The STS average of the checkpoint that the rule keeps, by seed."""
        return {seed: look.sts_test for seed, look in self.choices(rule).items() if look.sts_test is not None}

    def gain(self) -> Sample | None:
        """What choosing on the test sets adds to choosing on STS-B dev, paired over seeds; None without both."""
        fair, peeking = self.scores("stsb-dev"), self.scores("sts-test")
        gains = [peeking[seed] - fair[seed] for seed in fair if seed in peeking]
        return summarise(gains) if gains else None


def choose(looks: Sequence[Look], rule: str) -> Look:
    """The look whose checkpoint a rule keeps, as the trainer does: the first of the highest, else the last."""
    known = [(value, -index) for index, look in enumerate(looks) if (value := look.score(rule)) is not None]
    return looks[-max(known)[1]] if known else looks[-1]


def watched(results: Results) -> list[Watched]:
    """The trained methods whose runs have looks at the STS test sets; a seed without is left out."""
    found = [_watched(method) for method in results.ours(trained=True)]
    return [one for one in found if one.looks]


def notebook(papers: Sequence[Paper]) -> Reported | None:
    """The looks that a paper's notebook prints; None if no file has them."""
    return next((block for paper in papers for block in paper.numbers if block.id == NOTEBOOK), None)


def section(results: Results, papers: Sequence[Paper]) -> Section | None:
    """What each choice of checkpoint gives, in words, as a table and as training curves; None if no run was watched."""
    found = watched(results)
    if not found:
        return None
    blind = _blind(results)
    blocks: list[Block] = [
        _text(found, papers),
        *([blind] if blind else []),
        _table(found),
        _figure(found, notebook(papers)),
    ]
    return Section("selection", "One run, three choices of checkpoint", tuple(blocks))


def _watched(method: Method) -> Watched:
    looks = {run.seed: tuple(run.info.looks) for run in method.runs}
    seen = {seed: own for seed, own in looks.items() if any(look.sts_test is not None for look in own)}
    return Watched(method.info.label, str(method.info.train.get("select")), seen)


def _text(found: Sequence[Watched], papers: Sequence[Paper]) -> str:
    """The gain of looking, method by method, beside the lead of the best method."""
    gains = [(one.label, gain) for one in found if (gain := one.gain())]
    if not gains:
        return "No run has a score on the STS test sets at the checkpoint that STS-B dev chooses."
    gains.sort(key=lambda pair: -pair[1].mean)
    largest, most = gains[0]
    peeking = [one for one in papers if any(by.selection == SELECTIONS["sts-test"] for by in one.protocols.values())]
    done = f", as {listing([f'{paper.name} [@{paper.key}]' for paper in peeking])} did," if peeking else ""
    sentences = [
        "One training run gives as many numbers as it has checkpoints. Choosing the one to report on the STS test sets "
        f"themselves{done} cannot lower the average of those sets."
    ]
    listed = listing([f"{score(gain.mean)} for {label}" for label, gain in gains])
    sentences.append(f"It adds {listed} to what the checkpoint with the best STS-B dev has.")
    means = sorted((fmean(own.values()) for one in found if (own := one.scores("stsb-dev"))), reverse=True)
    if len(means) > 1:
        lead = means[0] - means[1]
        more = "more" if most.mean > lead else "no more"
        sentences.append(
            f"The best of them leads the second by {score(lead)} when STS-B dev chooses for all: the gain of {largest} "
            f"alone is {more} than that."
        )
    return " ".join(sentences)


def _blind(results: Results) -> str:
    """How much of STS-B dev the test sets hold, so that the fair choice is not a blind one."""
    records = (run.score("STSB", "dev_pairs_in_tests") for method in results.methods for run in method.runs)
    record = next((record for record in records if record and record.value is not None), None)
    if record is None or record.value is None or not record.n:
        return ""
    held = round(record.value * record.n / 100)
    if not held:
        return f"None of the {record.n:,} pairs of STS-B dev stands in a test set."
    return (
        f"STS-B dev is not blind to the test sets either: {held:,} of its {record.n:,} pairs, "
        f"{record.value:.0f} %, also stand in one of them."
    )


def _table(found: Sequence[Watched]) -> Table:
    notes = Notes()
    return Table(
        "selection",
        ("by STS-B dev", "step, dev", "by STS test", "step, test", "last", "gain"),
        (Group(tuple(_row(one, notes) for one in found)),),
        "Average STS of the checkpoint that each rule keeps of the same runs, mean over seeds ± standard deviation, "
        "and its mean step. The gain is that of STS test over STS-B dev, paired over seeds, with the "
        f"{CONFIDENCE:.0%} interval of its mean (Student's t, cut at zero).",
        notes.texts,
        head="checkpoint chosen",
    )


def _row(one: Watched, notes: Notes) -> Row:
    kept = notes.mark("The checkpoint that the rest of this report evaluates.")
    few = "" if len(one.looks) > 1 else notes.mark("One seed: no spread and no interval.")
    cells: list[Cell] = []
    for rule in RULES:
        values = [*one.scores(rule).values()]
        sample = summarise(values) if values else None
        cells.append(Cell.of(sample, note=kept if rule == one.kept else ""))
        if rule != "last":
            cells.append(steps_cell([look.step for look in one.choices(rule).values()]))
    return Row(one.label, (*cells, _gain(one.gain())), note=few)


def steps_cell(steps: Sequence[int]) -> Cell:
    """The mean step over seeds, and where they differ from which to which."""
    if not steps:
        return Cell(score(None))
    low, high = min(steps), max(steps)
    spread = f"from {low:,} to {high:,}" if low < high else ""
    return Cell(f"{fmean(steps):,.0f}", spread, value=fmean(steps))


def _gain(gain: Sample | None) -> Cell:
    if gain is None:
        return Cell(score(None))
    half = gain.half_width
    # Of the same looks the highest test score is no lower than any other: no gain is below zero.
    interval = "" if half is None else f"{signed(max(gain.mean - half, 0.0))} to {signed(gain.mean + half)}"
    return Cell(signed(gain.mean), interval, value=gain.mean)


def _figure(found: Sequence[Watched], reported: Reported | None) -> Figure:
    most = max(len(one.looks) for one in found)
    spread = ", the band one standard deviation, thin lines the seeds" if most > 1 else ""
    caption = (
        f"Average STS as training goes on. Each panel is a method; the line is the mean of {seeds(most)}{spread}. "
        "Of each seed, the circle is the checkpoint that STS-B dev chooses, the triangle that of the STS test sets."
    )
    if reported:
        runs = "; ".join(f"cell {cell}: {settings}" for cell, settings in _notebook_runs(reported).items())
        source = f"{reported.label} ({reported.where}, {reported.source})"
        caption += f" Last panel, on its own scale: {source}, {runs}."
    return Figure(FIGURE, "Average STS at each look, one panel a method; the table holds the chosen ones", caption)


def _notebook_runs(block: Reported) -> dict[str, str]:
    """What each of the notebook's runs was, by its cell."""
    names = ("notebook_cell", "ema_decay", "queue_size", "queue_slice", "augmentation")
    rows = zip(*(block.column(name) for name in names), strict=True)
    return {
        f"{float(cell):g}": ", ".join(
            [f"η {float(decay):g}", f"*K* {float(size):g}", *(str(other) for other in others if other not in _USUAL)]
        )
        for cell, decay, size, *others in rows
    }


_USUAL = ("all", "none")  # the whole queue, and no augmentation of the text
