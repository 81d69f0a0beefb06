"""Each finding of the papers put to our records: supported, contradicted, undecided or not tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never, get_args

from reports import rules
from reports.block import Block
from reports.contrast import Contrast, contrast
from reports.evidence import Evidence
from reports.families import AVERAGE
from reports.paper import Claim, Paper
from reports.records import Results
from reports.rules import MEASURES, matches
from reports.study import Cell
from reports.tested import Difference
from reports.wording import number, score, seeds

StudyRule = rules.Cells | rules.Collapse
Answer = Literal["supported", "contradicted", "undecided", "not tested"]
SAME = 0.01  # points between two roundings of one difference
ANSWERS: tuple[Answer, ...] = get_args(Answer)


@dataclass(frozen=True)
class Finding:
    """What our records say of a claim; a claim about several methods has one finding for each."""

    paper: Paper
    claim: Claim
    subject: str  # the method that it is about, if any
    answer: Answer
    reason: str
    contrast: Contrast | None = None
    seeds: int | None = None  # fewest behind a mean
    reported: float | None = None  # the same difference between the papers' own numbers
    command: str | None = None  # would test what is not tested

    @property
    def title(self) -> str:
        """The claim's statement, of this finding's method."""
        return self.claim.statement.replace("{method}", self.subject)


class _UntestedError(Exception):
    """There is no evidence: why, and the command that would bring it."""

    def __init__(self, reason: str, command: str) -> None:
        super().__init__(reason)
        self.command = command


def judge(evidence: Evidence) -> list[Finding]:
    """A finding or more for every claim, in the order of the papers' files."""
    return [
        _finding(evidence, paper, claim, rule)
        for paper in evidence.papers
        for claim in paper.claims
        for rule in _parts(claim.rule)
    ]


def _parts(rule: rules.Rule) -> Iterator[rules.Rule]:
    """A rule for each method of a rule about several."""
    if isinstance(rule, rules.Methods):
        yield from (rule.model_copy(update={"methods": (name,)}) for name in rule.methods)
    else:
        yield rule


def _finding(evidence: Evidence, paper: Paper, claim: Claim, rule: rules.Rule) -> Finding:
    subject = _label(evidence.results, rule.methods[0]) if isinstance(rule, rules.Methods) else ""
    reported = _reported(evidence, rule)
    try:
        if isinstance(rule, rules.Collapse):
            return Finding(paper, claim, subject, *_collapsed(evidence, rule), reported=reported)
        better, than = _scores(evidence, rule)
    except _UntestedError as missing:
        return Finding(paper, claim, subject, "not tested", str(missing), reported=reported, command=missing.command)
    n = min(map(len, [*better, *than]))
    found, noise = contrast(better, than), "seeds"
    tested = _tested(evidence, rule, found.difference) if isinstance(rule, rules.Methods) else None
    if tested:
        found, noise = replace(found, low=tested.low, high=tested.high, p=tested.p), "seeds and items"
    answer, reason = _decide(found, n, noise)
    if tested and answer != "undecided" and not tested.real:
        reason += "; judged together with the other methods, by Holm's procedure, it is no more than noise"
    if isinstance(rule, rules.Cells) and (lost := _lost(evidence, rule)):
        reason += f"; {number(lost)} run{'s' if lost > 1 else ''} without a score left out"
    return Finding(paper, claim, subject, answer, reason, found, n, reported)


def _tested(evidence: Evidence, rule: rules.Methods, difference: float) -> Difference | None:
    """The same difference as stage significance has it, with the noise of the test items too; None if it has not."""
    found = evidence.significance
    if found is None or found.reference != _label(evidence.results, rule.other):
        return None
    averages = (
        one.average
        for family in found.families
        if family.name == rule.measure
        for one in family.comparisons
        if one.method == rule.methods[0]
    )
    average = next(averages, None)
    same = average is not None and average.estimate is not None and abs(average.estimate - difference) < SAME
    return average if same else None


def _label(results: Results, name: str) -> str:
    return next((method.info.label for method in results.methods if method.name == name), name)


def _decide(found: Contrast, n: int, noise: str) -> tuple[Answer, str]:
    if found.low is None or found.high is None:
        return "undecided", f"{seeds(n)} a setting: no interval"
    if found.low > 0:
        return "supported", f"the interval over {noise} lies above zero"
    if found.high < 0:
        return "contradicted", f"the interval over {noise} lies below zero"
    return "undecided", f"the interval over {noise} holds zero"


Groups = tuple[list[list[float]], list[list[float]]]  # scores by seed, of every setting of either side


def _scores(evidence: Evidence, rule: rules.Methods | rules.Cells) -> Groups:
    match rule:
        case rules.Methods():
            return [_of_method(evidence, rule.methods[0], rule)], [_of_method(evidence, rule.other, rule)]
        case rules.Cells():
            return _of_cells(evidence, rule, than=False), _of_cells(evidence, rule, than=True)
        case _:
            assert_never(rule)


def _of_method(evidence: Evidence, name: str, rule: rules.Methods) -> list[float]:
    method = next((method for method in evidence.results.methods if method.name == name), None)
    if method is None:
        trained = [one.name for one in evidence.results.ours(trained=True)]
        missing = [one for one in (rule.other, *rule.methods) if one not in trained]
        command = _command(evidence, f"trained=[{','.join([*trained, *missing])}]")
        raise _UntestedError(f"no run of {name}", command)
    values = [*method.values(*MEASURES[rule.measure]).values()]
    if not values:
        raise _UntestedError(f"{method.info.label} has no {rule.measure} score", _command(evidence))
    return values


def _of_cells(evidence: Evidence, rule: StudyRule, *, than: bool) -> list[list[float]]:
    chosen = _cells(evidence, rule, than=than)
    scored = [cell.values for cell in chosen if cell.values]
    if not scored:
        reason = "; ".join(sorted({why for cell in chosen for why in cell.missing}))
        raise _UntestedError(reason, f"dvc repro --force ablate@{rule.study}")
    return scored


def _lost(evidence: Evidence, rule: rules.Cells) -> int:
    """Runs of either side that ended without a score."""
    return sum(len(cell.missing) for than in (False, True) for cell in _cells(evidence, rule, than=than))


def _cells(evidence: Evidence, rule: StudyRule, *, than: bool) -> list[Cell]:
    study = evidence.studies.get(rule.study)
    command = _command(evidence, f"study=[{','.join(dict.fromkeys([*evidence.studies, rule.study]))}]")
    if rule.study in evidence.stale:
        reason = f"study {rule.study} is stale, of other {evidence.stale[rule.study]}"
        raise _UntestedError(reason, f"dvc repro ablate@{rule.study}")
    if study is None:
        raise _UntestedError(f"study {rule.study} has not been run", command)
    chosen = [cell for cell in study.cells if _on_side(rule, study.fixed | cell.known, than=than)]
    if not chosen:
        known = {*study.fixed, *(name for cell in study.cells for name in cell.known)}
        unknown = sorted({*rule.better, *(rule.than or {})} - known)
        reason = f"knows no {', '.join(unknown)}" if unknown else "has no such settings here"
        raise _UntestedError(f"study {rule.study} {reason}", command)
    return chosen


def _collapsed(evidence: Evidence, rule: rules.Collapse) -> tuple[Answer, str, Contrast | None, int]:
    """Nothing is said where the other settings collapse as well: then it is no doing of these."""
    fallen, sound = (_cells(evidence, rule, than=than) for than in (True, False))
    (below, count), (sound_below, sound_count) = (_below(cells, rule.below) for cells in (fallen, sound))
    reason = f"ended below {score(rule.below)} or without a score: {below} of {seeds(count)}"
    if sound_below:
        reason += f", and {sound_below} of {seeds(sound_count)} of the other settings"
    decided: Answer = "undecided" if below else "contradicted"
    if below == count and not sound_below:
        decided = "supported"
    scored = [[cell.values for cell in cells if cell.values] for cells in (sound, fallen)]
    return "undecided" if count < 2 else decided, reason, contrast(*scored) if all(scored) else None, count


def _below(cells: Sequence[Cell], least: float) -> tuple[int, int]:
    """Seeds that collapsed, and all; one without a score has: all its sentences have one embedding."""
    lost = sum(len(cell.missing) for cell in cells)
    ends = [value for cell in cells for value in cell.values]
    return lost + sum(value < least for value in ends), lost + len(ends)


def _on_side(rule: StudyRule, settings: Mapping[str, Any], *, than: bool) -> bool:
    if not than:
        return matches(rule.better, settings)
    return not matches(rule.better, settings) if rule.than is None else matches(rule.than, settings)


def _command(evidence: Evidence, setting: str = "") -> str:
    return f"make repro PROFILE={evidence.results.provenance.profile}" + (f' SET="{setting}"' if setting else "")


def _reported(evidence: Evidence, rule: rules.Rule) -> float | None:
    """The difference that the rule asks for, between the papers' own numbers; None where they do not print both."""
    match rule:
        case rules.Methods():
            ours, theirs = (_row(evidence, name, rule.measure) for name in (rule.methods[0], rule.other))
        case rules.Cells() | rules.Collapse():
            block = next((b for paper in evidence.papers for b in paper.numbers if b.study == rule.study), None)
            ours, theirs = (_best(block, rule, than=than) if block else None for than in (False, True))
        case _:
            assert_never(rule)
    return None if ours is None or theirs is None else ours - theirs


def _row(evidence: Evidence, method: str, measure: rules.Measure) -> float | None:
    """The paper's average of a method, with our backbone if there is such a row."""
    task, metric = MEASURES[measure]
    rows = [row for p in evidence.papers for row in p.lines if method in row.methods and row.metric == metric]
    row = min(rows, key=lambda row: row.backbone != evidence.results.provenance.backbone, default=None)
    cell = row.cell(task) if row else None
    return cell.value if cell else None


def _best(block: Block, rule: StudyRule, *, than: bool) -> float | None:
    values = next((name for name in ("value", AVERAGE, "median") if name in block.columns), None)
    lines = [block.settings | dict(zip(block.columns, cell, strict=True)) for cell in block.cells]
    return max((float(line[values]) for line in lines if values and _on_side(rule, line, than=than)), default=None)
