"""The study of queues: where the best age of the negatives lies, ours and the paper's."""

from __future__ import annotations

from collections.abc import Sequence

from reports import study
from reports.block import Block as Reported
from reports.document import Block, Cell, Figure, Group, Notes, Row, Section, Table
from reports.markup import literal
from reports.paper import Paper
from reports.prose import apart, measured
from reports.sources import CERTAINTIES
from reports.stats import overlap, summarise
from reports.wording import number, score

FIGURE = "queue_distance"


def section(cells: Sequence[study.Cell], papers: Sequence[Paper]) -> Section | None:
    """What the study says in words, its figure and its table; None if it has not been run."""
    if not cells:
        return None
    curve = study.reported(papers)
    blocks: list[Block] = [text(cells, curve)]
    if any(cell.scores for cell in cells):
        caption = (
            "Average STS against the maximum traceable distance, 1 / (1 − η) + *K* / *B*: the number of updates "
            "between the online encoder and its oldest negatives. Left, ours: filled points are means, open points "
            "single seeds, the band one standard deviation."
        )
        if curve:
            source = f"{curve.where} ({curve.source}, {CERTAINTIES[curve.certainty]})"
            caption += f" Right: {source}, with its own scale and band."
        blocks.append(Figure(FIGURE, text(cells, curve), caption))
    return Section("queue", "Age of the negatives", (*blocks, _table(cells)))


def text(cells: Sequence[study.Cell], reported: Reported | None) -> str:
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
            sentences.append(
                f"Our setting nearest to that, {score(near.d_trace)}, has {measured(there)}{apart(top, there)}."
            )
    others = [result for cell, result in done if cell is not best]
    if others and max(result.n for _, result in done) > 1:
        touching = sum(overlap(top, result) for result in others)
        if touching == 0:
            sentences.append("The range of its seeds lies above those of all other settings.")
        else:
            share = "all" if touching == len(others) else f"{number(touching)} of the {number(len(others))}"
            sentences.append(f"The range of its seeds overlaps with those of {share} other settings.")
    return " ".join(filter(None, sentences))


def _peak(block: Reported) -> tuple[float, str]:
    distances, values = block.column("d_trace"), block.column("value")
    value, distance = max(zip(values, distances, strict=True))
    return distance, f"The paper's highest, {score(value)}, is at {score(distance)}."


def _table(cells: Sequence[study.Cell]) -> Table:
    notes = Notes()
    top = max((summarise(cell.values).mean for cell in cells if cell.scores), default=None)
    return Table(
        "queue_distance",
        ("*K*", "*B*", "distance", "average STS", "seeds"),
        (Group(tuple(_row(cell, top, notes) for cell in cells)),),
        "Queue settings: η is the decay of the momentum encoder, *K* the queue's size, *B* the batch's.",
        notes.texts,
        head="η",
    )


def _row(cell: study.Cell, top: float | None, notes: Notes) -> Row:
    result = summarise(cell.values) if cell.scores else None
    missing = "; ".join(sorted(set(cell.missing)))
    mean = result.mean if result else None
    spread = score(result.std) if result and result.std is not None else ""
    note = notes.mark(literal(f"{missing}.")) if missing else ""
    return Row(
        f"{cell.ema_decay:g}",
        (
            Cell(str(cell.queue_size), value=cell.queue_size),
            Cell(str(cell.batch_size), value=cell.batch_size),
            Cell(score(cell.d_trace), value=cell.d_trace),
            Cell(score(mean), spread, note, best=mean is not None and mean == top, value=mean),
            Cell(str(len(cell.scores)), value=len(cell.scores)),
        ),
    )
