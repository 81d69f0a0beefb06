"""Each finding of the papers put to our records: supported, contradicted, undecided or not tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never, get_args

from reports import rules
from reports.block import Block
from reports.contrast import Contrast, Scores, contrast
from reports.evidence import Evidence
from reports.families import AVERAGE
from reports.paper import Claim, Paper
from reports.records import Results
from reports.reported import beside
from reports.rules import MEASURES, matches
from reports.stats import ROUNDING
from reports.study import Cell, Study
from reports.tested import Difference
from reports.wording import number, score, seeds

StudyRule = rules.Cells | rules.Collapse
Answer = Literal["supported", "contradicted", "undecided", "not tested"]
SAME = 0.01  # points between two roundings of one difference
SAME_COSINE = "all pairs have the same cosine"  # eval/sts.py's reason where an encoder has one embedding for all
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
    if tested and answer != "undecided" and not tested.real:  # the report's table of differences says so too
        answer = "undecided"
        reason += "; but judged together with the other methods, by Holm's procedure, it is no more than noise"
    if lost := sum(_lost(evidence, rule, than=than) for than in (False, True)):
        reason += f"; {_runs(lost)} without a score left out"
    if doubt := _doubt(evidence, rule, answer):
        answer, reason = "undecided", f"{reason}; but {doubt}"
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


def _doubt(evidence: Evidence, rule: rules.Methods | rules.Cells, answer: Answer) -> str:
    """Why the side that leads may lead for another reason than the finding's; empty if it does not or nothing does."""
    if answer not in ("supported", "contradicted"):
        return ""
    than = answer == "contradicted"
    if _lost(evidence, rule, than=than):  # the runs that are left may be the lucky ones
        return "some of these are of the side that leads"
    if isinstance(rule, rules.Cells):
        return ""
    leads, other = (rule.other, rule.methods[0]) if than else (rule.methods[0], rule.other)
    peeks = {one.name: one.info.by_test for one in evidence.results.methods}
    if rule.measure == "sts" and peeks[leads] and not peeks[other]:
        return "its checkpoint was chosen by these very scores, the other's was not"
    return ""


def _label(results: Results, name: str) -> str:
    method = results.method(name)
    return method.info.label if method else name


def _decide(found: Contrast, n: int, noise: str) -> tuple[Answer, str]:
    if found.low is None or found.high is None:
        return "undecided", f"{seeds(n)} a setting: no interval"
    if abs(found.difference) < ROUNDING:  # runs that end in nearly one checkpoint differ by nothing, and surely so
        return "undecided", "the difference is less than printed scores round off"
    if found.low > 0:
        return "supported", f"the interval over {noise} lies above zero"
    if found.high < 0:
        return "contradicted", f"the interval over {noise} lies below zero"
    return "undecided", f"the interval over {noise} holds zero"


Groups = tuple[list[Scores], list[Scores]]  # of every setting of either side


def _scores(evidence: Evidence, rule: rules.Methods | rules.Cells) -> Groups:
    match rule:
        case rules.Methods():
            better, than = (_of_method(evidence, name, rule) for name in (rule.methods[0], rule.other))
            shared = [seed for seed in better if seed in than]  # as stage significance has it, whose interval is taken
            if not shared:
                raise _UntestedError("no seed has a score of both", _command(evidence))
            return [{seed: better[seed] for seed in shared}], [{seed: than[seed] for seed in shared}]
        case rules.Cells():
            return _of_cells(evidence, rule, than=False), _of_cells(evidence, rule, than=True)
        case _:
            assert_never(rule)


def _of_method(evidence: Evidence, name: str, rule: rules.Methods) -> Scores:
    method = evidence.results.method(name)
    if method is None:
        trained = [one.name for one in evidence.results.ours(trained=True)]
        missing = [one for one in (rule.other, *rule.methods) if one not in trained]
        command = _command(evidence, f"trained=[{','.join([*trained, *missing])}]")
        raise _UntestedError(f"no run of {name}", command)
    values = method.values(*MEASURES[rule.measure])
    if not values:
        raise _UntestedError(f"{method.info.label} has no {rule.measure} score", _command(evidence))
    return values


def _of_cells(evidence: Evidence, rule: StudyRule, *, than: bool) -> list[Scores]:
    chosen = _cells(evidence, rule, than=than)
    scored: list[Scores] = [cell.scores for cell in chosen if cell.scores]
    if not scored:
        raise _without_score(rule, chosen)
    return scored


def _without_score(rule: StudyRule, cells: Sequence[Cell]) -> _UntestedError:
    reasons = sorted({why for cell in cells for why in cell.missing})
    return _UntestedError("; ".join(reasons), f"dvc repro --force ablate@{rule.study}")


def _lost(evidence: Evidence, rule: rules.Methods | rules.Cells, *, than: bool) -> int:
    """Runs of one side that ended without a score."""
    if isinstance(rule, rules.Methods):
        method = evidence.results.method(rule.other if than else rule.methods[0])
        assert method is not None  # it has scores: `_of_method`
        return len(method.runs) - len(method.values(*MEASURES[rule.measure]))
    return sum(len(cell.missing) for cell in _cells(evidence, rule, than=than))


def _runs(count: int) -> str:
    return f"{number(count)} run{'s' if count > 1 else ''}"


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
    ends, sound_ends = (_ends(cells) for cells in (fallen, sound))
    if not ends:
        raise _without_score(rule, fallen)
    (below, count), (sound_below, sound_count) = (
        (sum(end < rule.below for end in own), len(own)) for own in (ends, sound_ends)
    )
    reason = f"ended below {score(rule.below)} or with one embedding for all: {below} of {_runs(count)}"
    if sound_below:
        reason += f", and {sound_below} of {_runs(sound_count)} of the other settings"
    if lost := sum(len(cell.scores) + len(cell.missing) for cell in fallen) - count:
        reason += f"; {_runs(lost)} that diverged left out"
    steps = _steps(evidence.studies[rule.study], fallen)
    if short := below < count and steps is not None and steps < rule.within:
        reason += f"; after {steps:,} steps, and the paper's fell within {rule.within:,}"
    fewest = min(len(_ends([cell])) for cell in fallen)
    answer: Answer = "undecided"
    if fewest > 1 and below == count and sound_ends and not sound_below:
        answer = "supported"
    elif fewest > 1 and not below and not short:
        answer = "contradicted"
    scored: list[list[Scores]] = [[cell.scores for cell in cells if cell.scores] for cells in (sound, fallen)]
    return answer, reason, contrast(*scored) if all(scored) else None, fewest


def _ends(cells: Sequence[Cell]) -> list[float]:
    """Where runs ended; one that has one embedding for all sentences, so that there is no score, at 0."""
    scores = [value for cell in cells for value in cell.values]
    return scores + [0.0 for cell in cells for why in cell.missing if why == SAME_COSINE]


def _steps(study: Study, cells: Sequence[Cell]) -> int | None:
    """The fewest steps that a run of these cells took; None where its settings do not tell."""
    found = [study.fixed | cell.settings for cell in cells]
    if any(not {"sentences", "epochs", "batch_size"} <= own.keys() for own in found):
        return None
    return min(int(own["sentences"] * own["epochs"] // own["batch_size"]) for own in found)


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
            ours, theirs = _averages(evidence, rule)
        case rules.Cells() | rules.Collapse():
            ours, theirs = _best_reported(evidence, rule)
        case _:
            assert_never(rule)
    return None if ours is None or theirs is None else ours - theirs


def _averages(evidence: Evidence, rule: rules.Methods) -> tuple[float | None, float | None]:
    """The papers' averages of the rule's two methods with one backbone, which is ours if both have that."""
    task, metric = MEASURES[rule.measure]
    lines = [row for paper in evidence.papers for row in paper.lines if row.metric == metric]
    sides: list[dict[str | None, float | None]] = []
    for name in (rule.methods[0], rule.other):
        rows = {row.backbone: row for row in reversed(lines) if name in row.methods}  # of two the first in the file
        sides.append({backbone: cell.value if (cell := row.cell(task)) else None for backbone, row in rows.items()})
    ours, theirs = sides
    common = [row.backbone for row in lines if row.backbone in ours and row.backbone in theirs]
    if not common:
        return None, None
    backbone = min(common, key=lambda name: name != evidence.results.provenance.backbone)
    return ours[backbone], theirs[backbone]


def _best_reported(evidence: Evidence, rule: StudyRule) -> tuple[float | None, float | None]:
    """The highest number of either side at the settings of our cells; without one, of the first block of the study."""
    found = [block for paper in evidence.papers for block in paper.numbers if block.study == rule.study]
    if study := evidence.studies.get(rule.study):
        sides: list[list[float]] = []
        for than in (False, True):
            chosen = [cell for cell in study.cells if _on_side(rule, study.fixed | cell.known, than=than)]
            matches = [match for cell in chosen if (match := beside(study, cell, found))]
            sides.append([point.value for _, point in matches if point.value is not None])
        if all(sides):
            return max(sides[0]), max(sides[1])
    return (_best(found[0], rule, than=False), _best(found[0], rule, than=True)) if found else (None, None)


def _best(block: Block, rule: StudyRule, *, than: bool) -> float | None:
    values = next((name for name in ("value", AVERAGE, "median") if name in block.columns), None)
    lines = [block.settings | dict(zip(block.columns, cell, strict=True)) for cell in block.cells]
    return max((float(line[values]) for line in lines if values and _on_side(rule, line, than=than)), default=None)
