"""Each finding of the papers put to our records: supported, contradicted, undecided or not tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never, get_args

from reports import rules
from reports.block import Block
from reports.contrast import Contrast, contrast
from reports.evidence import Evidence
from reports.families import AVERAGE
from reports.paper import Claim, Paper
from reports.records import Results
from reports.rules import MEASURES, matches
from reports.wording import score, seeds

StudyRule = rules.Cells | rules.Collapse
Answer = Literal["supported", "contradicted", "undecided", "not tested"]
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
        better, than = _scores(evidence, rule)
    except _UntestedError as missing:
        return Finding(paper, claim, subject, "not tested", str(missing), reported=reported, command=missing.command)
    n = min(map(len, [*better, *than]))
    found = contrast(better, than)
    answer, reason = _collapsed(rule, than) if isinstance(rule, rules.Collapse) else _decide(found, n)
    return Finding(paper, claim, subject, answer, reason, found, n, reported)


def _label(results: Results, name: str) -> str:
    return next((method.info.label for method in results.methods if method.name == name), name)


def _decide(found: Contrast, n: int) -> tuple[Answer, str]:
    if found.low is None or found.high is None:
        return "undecided", f"{seeds(n)} a setting: no interval"
    if found.low > 0:
        return "supported", "the interval lies above zero"
    if found.high < 0:
        return "contradicted", "the interval lies below zero"
    return "undecided", "the interval holds zero"


def _collapsed(rule: rules.Collapse, fallen: Sequence[Sequence[float]]) -> tuple[Answer, str]:
    ends = [value for values in fallen for value in values]
    below = sum(value < rule.below for value in ends)
    reason = f"{below} of {seeds(len(ends))} end below {score(rule.below)}"
    if len(ends) < 2:
        return "undecided", reason
    return ("supported" if below == len(ends) else "undecided" if below else "contradicted"), reason


Groups = tuple[list[list[float]], list[list[float]]]  # scores by seed, of every setting of either side


def _scores(evidence: Evidence, rule: rules.Rule) -> Groups:
    match rule:
        case rules.Methods():
            return [_of_method(evidence, rule.methods[0], rule)], [_of_method(evidence, rule.other, rule)]
        case rules.Cells() | rules.Collapse():
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
    task, metric = MEASURES[rule.measure]
    records = [run.score(task, metric) for run in method.runs]
    values = [record.value for record in records if record and record.value is not None]
    if not values:
        what = rule.measure.replace("_", " ")
        raise _UntestedError(f"{method.info.label} has no {what} score", _command(evidence))
    return values


def _of_cells(evidence: Evidence, rule: StudyRule, *, than: bool) -> list[list[float]]:
    study = evidence.studies.get(rule.study)
    command = _command(evidence, f"study=[{','.join(dict.fromkeys([*evidence.studies, rule.study]))}]")
    if study is None:
        raise _UntestedError(f"study {rule.study} has not been run", command)
    chosen = [cell for cell in study.cells if _on_side(rule, cell.settings | cell.facts, than=than)]
    if not chosen:
        raise _UntestedError(f"study {rule.study} has no such settings here", command)
    scored = [cell.values for cell in chosen if cell.values]
    if not scored:
        raise _UntestedError("; ".join(sorted({why for cell in chosen for why in cell.missing})), command)
    return scored


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
