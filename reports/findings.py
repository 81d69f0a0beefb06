"""The report's first page, what was reproduced; and further on, what each answer rests on."""

from __future__ import annotations

from collections.abc import Sequence

from reports import peaks, prose
from reports.claims import ANSWERS, Finding
from reports.document import Cell, Group, Notes, Row, Section, Table
from reports.evidence import Evidence
from reports.markup import literal
from reports.rules import Collapse
from reports.stats import CONFIDENCE
from reports.verdicts import Comparisons
from reports.wording import MISSING, listing, number, probability, score, signed

QUESTION = (
    "Sentence encoders learn by contrast: a sentence is drawn to a second view of itself and pushed away from other "
    "sentences, its *negatives*. {papers} Here the papers' findings are put to runs of ours."
)
CAPTION = (
    "The papers' findings, and what our runs say. Difference: the score of what a finding favours less the score of "
    "what it is held against, and beneath it the {confidence} interval, for other seeds{items}; where settings compete "
    "to be the best, it allows for that and need not be symmetric. *Supported*: the interval lies above zero; "
    "*contradicted*: below; *undecided*: it holds zero, the seeds are too few, the difference is no more than noise "
    "once all methods are judged together or than printing rounds off, or the side that leads had lost runs or chose "
    "its checkpoints by these scores. A collapse is told by where the seeds end instead. Paper: the same difference "
    "between the paper's own numbers."
)
DETAILS = (
    "What each answer rests on. Where a finding favours some settings over others, the best of either group are "
    "compared, and the interval allows for the choice among them (Student's t of the differences at equal seeds, "
    "Welch's where seeds differ, corrected for the number of settings); *p* is two-sided."
)

UNTESTED = "Findings that nothing here speaks of, and the command that changes this."


def first_page(evidence: Evidence, found: Sequence[Finding], comparisons: Sequence[Comparisons]) -> Section:
    """What was asked, what was found, and one table of all findings."""
    results = evidence.results
    question = QUESTION.format(papers=" ".join(f"{p.name} [@{p.key}] {p.about}" for p in evidence.papers if p.about))
    said = (question, answer(found), prose.answer(results, comparisons), peaks.warning(results))
    return Section("answer", "", (*filter(None, said), _overview(found, evidence)))


def answer(found: Sequence[Finding]) -> str:
    """The findings in a sentence or two: how many were tested, how they came out, and what chance alone gives."""
    tested = [one for one in found if one.answer != "not tested"]
    by_answer = {kind: [one for one in tested if one.answer == kind] for kind in ANSWERS}
    counts = [
        f"{number(len(ones))} {'is' if len(ones) == 1 else 'are'} {kind}" for kind, ones in by_answer.items() if ones
    ]
    first = f"**Of {len(found)} findings, {number(len(tested))} {'was' if len(tested) == 1 else 'were'} tested here"
    sentences = [f"{first}: {listing(counts)}.**" if tested else f"{first}.**"]
    # A collapse is told by where the seeds end, and not by an interval.
    by_interval = [one for one in tested if not isinstance(one.claim.rule, Collapse)]
    if decidable := sum(one.contrast is not None and one.contrast.low is not None for one in by_interval):
        chance = (1 - CONFIDENCE) * decidable
        sentences.append(
            f"If nothing had any effect, chance alone would decide at most about {chance:.1g} of the "
            f"{number(decidable)} with an interval."
        )
    return " ".join(sentences)


def section(evidence: Evidence, found: Sequence[Finding]) -> Section:
    """The evidence behind every answer, and the commands that would test the rest."""
    notes = Notes()
    tested = [one for one in found if one.answer != "not tested"]
    rows = tuple(_detail(one, notes) for one in tested)
    table = Table("claims", ("answer", "p", "because"), (Group(rows),), DETAILS, notes.texts, "finding")
    untested = [one for one in found if one.answer == "not tested"]
    commands = tuple(Row(literal(one.title), (Cell(literal(one.reason)), Cell(f"`{one.command}`"))) for one in untested)
    other = Table("untested", ("because", "what would test it"), (Group(commands),), UNTESTED, head="finding")
    tables = ((table,) if rows else ()) + ((other,) if untested else ())
    return Section("claims", "What the answers rest on", (*tables, *_left_out(evidence)))


def _overview(found: Sequence[Finding], evidence: Evidence) -> Table:
    papers = dict.fromkeys(one.paper.name for one in found)
    groups = tuple(Group(tuple(_row(one) for one in found if one.paper.name == name), name) for name in papers)
    columns = ("here", "difference", "seeds", "paper")
    items = " and, where [#section-claims] says so, other test items" if evidence.significance else ""
    caption = CAPTION.format(confidence=f"{CONFIDENCE:.0%}", items=items)
    return Table("findings", columns, groups, caption, head="finding")


def _row(one: Finding) -> Row:
    contrast = one.contrast
    difference = Cell(MISSING)
    if contrast:
        known = contrast.low is not None and contrast.high is not None
        interval = f"[{score(contrast.low)}, {score(contrast.high)}]" if known else ""
        difference = Cell(signed(contrast.difference), interval, value=contrast.difference)
    seeds = Cell(str(one.seeds), value=one.seeds) if one.seeds else Cell(MISSING)
    return Row(
        literal(one.title), (Cell(one.answer), difference, seeds, Cell(signed(one.reported), value=one.reported))
    )


def _detail(one: Finding, notes: Notes) -> Row:
    p = one.contrast.p if one.contrast and not isinstance(one.claim.rule, Collapse) else None
    cells = (Cell(one.answer), Cell(MISSING if p is None else probability(p), value=p), Cell(literal(one.reason)))
    said = f"{one.claim.note} " if one.claim.note else ""
    return Row(literal(one.title), cells, note=notes.mark(literal(said.strip())), source=one.claim.source)


def _left_out(evidence: Evidence) -> list[str]:
    """Records that count nowhere."""
    if not evidence.left_out:
        return []
    named = listing([f"{one.what} ({one.why})" for one in evidence.left_out])
    return [f"**Left out of everything above:** {literal(named)}. `dvc repro` brings them up to date."]
