"""Which differences between trained methods are more than noise, as a section of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median

from reports.document import Block, Cell, Figure, Group, Notes, Row, Section, Table
from reports.families import STS, TRANSFER
from reports.markup import literal
from reports.stats import CONFIDENCE, MIN_SEEDS
from reports.tested import LEVEL, Comparison, Difference, FamilyDifferences, Significance
from reports.wording import MISSING, listing, number, probability, score, seeds, signed

FIGURE = "forest"
HEADINGS = STS.labels | TRANSFER.labels  # of tasks; those of other families are called what they are
BY_TEST = "Checkpoints of one of the two, or of both, were selected by these very test scores, which lifts them."
COLUMNS = ("Difference", f"{CONFIDENCE:.0%} interval", "p", "p, Holm", "p, items alone", "From seeds", "Seeds", "IQM")


def section(found: Significance | None) -> Section | None:
    """The averages, the forest plot and every task; None if there is nothing to compare."""
    if found is None:
        return None
    blocks: list[Block] = [_method(found), " ".join(_findings(found)), _averages(found), _forest(found)]
    blocks += [_tasks(tests, found) for tests in found.families]
    return Section("significance", "Which differences are more than noise", tuple(blocks))


def _method(found: Significance) -> str:
    return (
        f"Each trained method is set against {found.reference}, seed by seed, because equal seeds share the order of "
        f"the data and the random numbers of training. Two sources of noise are counted: other seeds would have "
        f"trained other encoders, and other items (sentence pairs, test examples, queries) would have scored them "
        f"otherwise. The {CONFIDENCE:.0%} intervals and p are for new seeds *and* new items, the latter by "
        f"{found.resamples:,} resamples, in which sentence pairs that share a sentence, directly or by way of other "
        f"pairs, come or stay out together, and each task but those of STS is drawn by itself; with fewer than "
        f"{number(MIN_SEEDS)} seeds in common there are none. An accuracy is taken to vary from seed to seed by what "
        f"counting examples rounds off at least. Tests of one family are judged together, by Holm's procedure: the "
        f"averages of all methods over one set of tasks are a "
        f"family, and so are all tasks of one set for one method. A difference counts as more than noise where the "
        f"p so adjusted is at most {LEVEL:g}, and the difference no less than printed scores round off."
    )


def _findings(found: Significance) -> Iterable[str]:
    averages = [(tests, one) for tests in found.families for one in tests.comparisons]
    judged = [(tests, one) for tests, one in averages if one.average.p is not None]
    if not judged:
        yield "No difference has enough seeds in common to be judged."
    else:
        real = [_said(tests, one) for tests, one in judged if one.average.real]
        share = f"{number(len(real)).capitalize() if real else 'None'} of {number(len(judged))} average differences"
        are = "are" if len(real) > 1 else "is"
        yield f"**{share} {are} more than noise**" + (f": {listing(real)}." if real else ".")
        if len(real) < len(judged):
            yield "The others may have either sign: nothing here says that those methods are equal."
    asked = [own for _, one in averages if (own := [task for task in one.tasks.values() if task.p is not None])]
    tasks = [task for own in asked for task in own]
    if tasks:
        alone = sum(task.items_p is not None and task.items_p <= LEVEL for task in tasks)
        yield (
            f"On single tasks it is {sum(task.real for task in tasks)} of {len(tasks)}. A test over the items alone, "
            f"which takes the trained encoders as given and each task by itself, calls {alone} of these different: "
            f"between the two lies what other seeds may undo, and what chance yields to those who ask often. Of "
            f"{number(len(asked))} such families of tasks, if nothing had any effect, chance alone would find "
            f"something in about {LEVEL * len(asked):.1g} at most."
        )
    shares = [one.average.seed_share for _, one in judged if one.average.seed_share is not None]
    if shares:
        yield (
            f"The seeds' share of an average's variance is {min(shares):.0%} to {max(shares):.0%}, its median "
            f"{median(shares):.0%}."
        )


def _said(tests: FamilyDifferences, one: Comparison) -> str:
    lifted = ", its checkpoint or the other's chosen by these scores" if one.by_test else ""
    where = tests.title if tests.title.isupper() else tests.name
    return f"{one.label} on {where} ({signed(one.average.estimate)}{lifted})"


def _averages(found: Significance) -> Table:
    notes = Notes()
    groups = tuple(
        Group(tuple(_average(one, notes) for one in tests.comparisons), tests.title) for tests in found.families
    )
    caption = (
        f"Average over the tasks of a set, less that of {found.reference}, in points. Bold: more than noise. *p, items "
        "alone*: of these very encoders, had other items been drawn (a bootstrap of STS; elsewhere the scores of the "
        "two methods are exchanged at random). *From seeds*: the share of the variance that more seeds would remove; "
        "more items would remove the rest. *IQM*: the interquartile mean over the tasks in place "
        "of the mean, which no single task can move far."
    )
    return Table("significance", COLUMNS, groups, caption, notes.texts, head="Method")


def _average(one: Comparison, notes: Notes) -> Row:
    average = one.average
    interval = "" if average.low is None else f"{signed(average.low)} to {signed(average.high)}"
    return Row(
        label=one.label,
        cells=(
            _estimate(average, notes),
            Cell(interval or MISSING),
            _p(average.p),
            _p(average.adjusted),
            _p(average.items_p),
            _share(average),
            Cell(str(average.seeds), value=average.seeds) if average.seeds else Cell(MISSING),
            _estimate(one.iqm, notes, spread=True) if one.iqm else Cell(MISSING),
        ),
        note=notes.mark(BY_TEST if one.by_test else ""),
    )


def _forest(found: Significance) -> Figure:
    return Figure(
        FIGURE,
        f"Forest plot of the average difference of each method to {found.reference}, by set of tasks.",
        f"Each method less {found.reference}: the average over a set of tasks with its {CONFIDENCE:.0%} interval, and "
        "a tick for each task. Dark and filled: more than noise after Holm's adjustment. Grey and open: not so. The "
        "intervals themselves are not adjusted.",
    )


def _tasks(tests: FamilyDifferences, found: Significance) -> Table:
    notes = Notes()
    names = list(tests.comparisons[0].tasks)
    measures: dict[str, Callable[[Difference], Cell]] = {
        "difference": lambda task: _estimate(task, notes, spread=True),
        "p, Holm": lambda task: _p(task.adjusted),
        "p, items alone": lambda task: _p(task.items_p),
        "from seeds": _share,
    }
    groups = tuple(
        Group(
            tuple(Row(name, tuple(cell(one.tasks[task]) for task in names)) for name, cell in measures.items()),
            one.label,
        )
        for one in tests.comparisons
    )
    caption = (
        f"{tests.title}, task by task: difference to {found.reference} in points ± half of the "
        f"{CONFIDENCE:.0%} interval. Bold: more than noise among the {number(len(names))} tasks of the method."
    )
    headings = tuple(HEADINGS.get(name, name) for name in names)
    return Table(f"significance-{tests.name}", headings, groups, caption, notes.texts)


def _estimate(one: Difference, notes: Notes, *, spread: bool = False) -> Cell:
    said = literal(one.reason or "")
    if one.estimate is not None and one.left_out:
        said = f"over {seeds(one.seeds)}; {number(one.left_out)} left out, where one of the two has no score"
    note = notes.mark(f"{said[:1].upper()}{said[1:]}." if said else "")
    half = "" if one.low is None or one.high is None or not spread else score((one.high - one.low) / 2)
    return Cell(signed(one.estimate), half, note, best=one.real, value=one.estimate)


def _p(value: float | None) -> Cell:
    return Cell(MISSING) if value is None else Cell(probability(value), value=value)


def _share(one: Difference) -> Cell:
    return Cell(MISSING) if one.seed_share is None else Cell(f"{one.seed_share:.0%}", value=one.seed_share)
