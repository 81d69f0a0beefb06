"""A section for each study: what it found in words, its figure, and every cell beside what the papers report there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports import document
from reports.block import Block
from reports.contrast import contenders
from reports.document import Figure, Group, Notes, Row, Section, Table
from reports.markup import literal
from reports.paper import Paper
from reports.reported import Point, beside, blocks, peak
from reports.sources import CERTAINTIES
from reports.stats import CONFIDENCE, summarise
from reports.study import Cell, Study
from reports.study_wording import LIMITS, MARKS, MEANINGS, about, kind, label, place, shown, term, title
from reports.wording import MISSING, listing, measured, number, score, seeds


def sections(studies: Mapping[str, Study], papers: Sequence[Paper]) -> list[Section]:
    """One section a study, in their order."""
    return [section(study, papers) for study in studies.values()]


def section(study: Study, papers: Sequence[Paper]) -> Section:
    """What the study found; without a single score, no figure."""
    found = blocks(study, papers)
    words = text(study, found)
    figure = [Figure(study.name, words, caption(study, found))] if study.done else []
    return Section(study.name, title(study.name), (words, *figure, table(study, found)))


def text(study: Study, found: Sequence[Block]) -> str:
    """Where our highest average lies, where the papers', and whether the seeds tell settings apart."""
    there = [cell for cell in _there(study, found) if cell.scores]
    if not study.leaders:
        return " ".join(filter(None, [f"No cell of this study of {study.label} has a score.", _theirs(study, found)]))
    best, *ties = study.leaders
    alike = f"; printed alike: {'; '.join(label(study, cell) for cell in ties)}" if ties else ""
    sentences = [
        f"The highest average of {study.label} is {measured(best.sample)} ({place(study, best)}){_lost(best)}{alike}.",
        _theirs(study, found),
    ]
    if any(cell in there for cell in study.leaders):
        sentences.append("Ours is highest there too.")
    elif len(there) > 1:
        mean = summarise([value for cell in there for value in cell.values]).mean
        sentences.append(f"Our {number(len(there))} cells there have {score(mean)} on average.")
    elif there:
        sentences.append(f"Ours there is {measured(there[0].sample)}.")
    ranked = study.ranked
    if study.seeds == 1:
        sentences.append("There is one seed, so nothing tells settings from chance.")
    elif len(ranked) > 1:
        sentences.append(_contending(study, ranked))
    if lifted := [label(study, cell) for cell in study.done if cell not in ranked]:
        have, are = ("has its checkpoint", "is") if len(lifted) == 1 else ("have their checkpoints", "are")
        sentences.append(f"{listing(lifted)} {have} chosen by these very scores and {are} not counted.")
    if kind(study) == "collapse":
        courses = [_course(study, cell) for cell in study.cells if cell.curve]
        sentences.append(f"From the first look to the last: {listing(courses)}.")
    if lacking := len(study.cells) - len(study.done):
        verb = "has" if lacking == 1 else "have"
        sentences.append(f"{number(lacking).capitalize()} of {number(len(study.cells))} cells {verb} no score.")
    return " ".join(filter(None, sentences))


def _lost(cell: Cell) -> str:
    """That a cell leads with what is left of its seeds, as the end of a sentence."""
    runs = len(cell.scores) + len(cell.missing)
    return (
        f", of what is left: {number(len(cell.missing))} of {seeds(runs)} ended without a score" if cell.missing else ""
    )


def caption(study: Study, found: Sequence[Block]) -> str:
    """What the figure shows, and where the papers' part of it comes from."""
    marks = MARKS[kind(study)] if study.seeds > 1 else "one seed each, so no spread is known"
    sentences = [f"Average STS of {study.label} by {about(study)}; ours: {marks}."]
    if "sentences" in study.fixed:
        up_to = "up to " if any(len(cell.scores) < study.seeds for cell in study.cells) else ""
        sentences.append(
            f"Each run took {study.fixed['sentences']:,} sentences, each cell has {up_to}{seeds(study.seeds)}."
        )
    sentences += [MEANINGS[study.name]] if study.name in MEANINGS else []
    sentences += [f"Dashed: {name}." for key, name in LIMITS.items() if key in study.varied]
    if found:
        origins = dict.fromkeys(_source(block) for block in found)
        sentences.append(f"Reported, with a scale of its own: {'; '.join(origins)}.")
    return " ".join(sentences)


def table(study: Study, found: Sequence[Block]) -> Table:
    """Every cell: its settings, mean and deviation, seeds, and the number of a paper at the same settings."""
    notes = Notes()
    values = {key: {cell.facts.get(key) for cell in study.cells if cell.facts} for key in _facts(study)}
    facts = [key for key, found_values in values.items() if len(found_values) > 1]
    head, *others = study.varied or ("cell",)
    matches = [beside(study, cell, found) for cell in study.cells]
    reported = ["reported"] if any(matches) else []
    rows = []
    for cell, match in zip(study.cells, matches, strict=True):
        cells = [_setting(cell.settings[key]) for key in others]
        cells += [_fact(cell.facts.get(key)) for key in facts]
        cells += [*_measured(study, cell, notes), document.Cell(str(len(cell.scores)), value=len(cell.scores))]
        cells += [_reported(match, notes) for _ in reported]
        rows.append(Row(shown(cell.settings[head]) if head in cell.settings else str(cell.number), tuple(cells)))
    columns = (*map(term, [*others, *facts]), "average STS", "deviation", "seeds", *reported)
    after = f", after {study.fixed['sentences']:,} sentences a run" if "sentences" in study.fixed else ""
    what = f"Average STS of {study.label} by {about(study)}: mean and standard deviation over seeds{after}."
    return Table(study.name, columns, (Group(tuple(rows)),), what, notes.texts, head=term(head))


def _measured(study: Study, cell: Cell, notes: Notes) -> tuple[document.Cell, document.Cell]:
    """Mean and standard deviation over seeds, with the reasons of those that have no score."""
    reasons = literal("; ".join(dict.fromkeys(cell.missing)))
    note = notes.mark(f"{seeds(len(cell.missing)).capitalize()} without a score: {reasons}.") if reasons else ""
    mean, std = (cell.sample.mean, cell.sample.std) if cell.scores else (None, None)
    return (
        document.Cell(score(mean), note=note, best=cell in study.leaders, value=mean),
        document.Cell(score(std), value=std),
    )


def _fact(value: float | None) -> document.Cell:
    return document.Cell(MISSING if value is None else shown(value), value=value)


def _setting(value: object) -> document.Cell:
    numeric = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != float("inf")
    return document.Cell(shown(value), value=float(value) if numeric else None)  # type: ignore[arg-type]


def _reported(match: tuple[Block, Point] | None, notes: Notes) -> document.Cell:
    if match is None:
        return document.Cell(score(None))
    block, point = match
    source = _source(block)
    return document.Cell(score(point.value), note=notes.mark(f"{source[0].upper()}{source[1:]}."), value=point.value)


def _source(block: Block) -> str:
    what = "median, " if "median" in block.columns else ""
    return f"{block.where} ({what}{block.source}, {CERTAINTIES[block.certainty]})"


def _facts(study: Study) -> list[str]:
    return list(dict.fromkeys(key for cell in study.cells for key in cell.facts))


def _there(study: Study, found: Sequence[Block]) -> list[Cell]:
    """Our cells at the settings of the papers' highest number."""
    highest = peak(study, found)
    return [cell for cell in study.cells if highest and beside(study, cell, [highest[0]]) == highest]


def _theirs(study: Study, found: Sequence[Block]) -> str:
    highest = peak(study, found)
    if highest is None:
        return ""
    block, point = highest
    there = _there(study, found)
    at = place(study, there[0]) if there else _stated(study, point)
    return f"The highest reported is {score(point.value)} ({at}; {block.where})."


def _stated(study: Study, point: Point) -> str:
    """A reported setting that none of our cells has, by those of its names that our study varies too."""
    ours = {key for cell in study.cells for key in cell.known}
    return ", ".join(f"{term(key)} {shown(value)}" for key, value in point.settings.items() if key in ours and value)


def _course(study: Study, cell: Cell) -> str:
    """Where a cell's runs stood at their first look and at their last."""
    first, last = ([curve[look][1] for curve in cell.curve.values()] for look in (0, -1))
    return f"{score(summarise(first).mean)} to {score(summarise(last).mean)} ({label(study, cell)})"


def _contending(study: Study, ranked: Sequence[Cell]) -> str:
    """Which settings the seeds leave as the best; one that lost some may lead by luck, and is not judged."""
    judged = [cell for cell in ranked if not cell.missing]
    left = [cell for cell, may in zip(judged, contenders([cell.scores for cell in judged]), strict=True) if may]
    if len(judged) < 2:
        return "Too few settings have a score of every seed to be told from chance."
    whole = f"{number(len(judged))} settings" + (" with a score of every seed" if len(judged) < len(ranked) else "")
    if len(left) == len(judged):
        return f"By the seeds, any of the {whole} may be the best."
    first = study.cells[0] if len(study.varied) > 2 else None  # whose label, "none of these", is none in a sentence
    named = "; ".join("the first of the table" if cell is first else label(study, cell) for cell in left)
    return f"By the seeds, the best of the {whole} is with {CONFIDENCE:.0%} confidence among these: {named}."
