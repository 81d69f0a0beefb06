"""The tables of scores: our untrained baselines, our trained methods, and what the papers report."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from reports import families, paper
from reports.document import Cell, Group, Notes, Row, Section, Table
from reports.families import STS, TRANSFER, Family
from reports.markup import literal
from reports.paper import Paper
from reports.records import Method, Results
from reports.verdicts import sample
from reports.wording import number, score, seeds

CAPTIONS = {
    STS.name: "Spearman's ρ × 100 on seven tasks of semantic textual similarity, all pairs of a task taken together, "
    "and their average. Bold: best of ours, of those whose checkpoint these scores did not choose. Grey italics: "
    "printed by the papers, with the source. A dash is a score that does not exist; it counts in no mean.",
    TRANSFER.name: "Per cent correct of a linear classifier on frozen embeddings, by SentEval's protocol "
    "[@senteval], setting “{setting}”. Some papers print accuracies on the test part, others those of "
    "cross-validation on the training part (devacc; SST-2's is of its development part): compare only within a kind.",
    "retrieval": "Retrieval, the main score of MTEB [@mteb] for each task × 100, in most tasks nDCG@10: how well the "
    "nearest documents by cosine answer a query.{lengths}",
    "reranking": "Reranking, the main score of MTEB [@mteb] for each task × 100, in most tasks mean average "
    "precision: how well the cosine orders the documents that a query comes with.{lengths}",
}


def section(results: Results, papers: Sequence[Paper]) -> Section:
    """One table a family of tasks that any run was evaluated on."""
    tables = [build(results, papers, family) for family in families.families(results)]
    return Section("scores", "Scores", tuple(table for table in tables if table))


def build(results: Results, papers: Sequence[Paper], family: Family) -> Table | None:
    """Our untrained baselines, our trained methods and the reported rows, each by average.

    A family of several metrics has these groups once for each. None if no run was evaluated on the family.
    """
    ours = {(record.task, record.metric) for m in results.methods for run in m.runs for record in run.records}
    if not any((task, metric) in ours for task in family.labels for metric in family.metrics):
        return None
    notes = Notes()
    groups = [group for metric in family.metrics for group in _groups(results, papers, family, metric, notes)]
    setting = results.provenance.evaluation.get("transfer", "full")
    caption = CAPTIONS[family.name].format(setting=setting, lengths=_lengths(results))
    return Table(family.name, tuple(family.labels.values()), tuple(groups), caption, notes.texts)


def _lengths(results: Results) -> str:
    """How much of a text is read in retrieval and reranking, as a sentence; empty where the records do not tell."""
    origins = (run.search_provenance for method in results.methods for run in method.runs)
    told = next((origin.evaluation for origin in origins if origin), {})
    if not {"query_length", "passage_length"} <= told.keys():
        return ""
    query, passage = told["query_length"], told["passage_length"]
    return f" Encoders read up to {query} word pieces of a query and {passage} of a passage, a bag of words all of it."


def _groups(results: Results, papers: Sequence[Paper], family: Family, metric: str, notes: Notes) -> list[Group]:
    heading = f", {family.metrics[metric]}" if family.metrics[metric] else ""
    untrained, trained = (
        _by_average([_row(results, method, family, metric, notes) for method in results.ours(trained=kind)])
        for kind in (False, True)
    )
    ours = [Group(untrained, f"Untrained baselines (ours){heading}")] if untrained else []
    ours += [Group(trained, f"Trained (ours), {_over(results)}{heading}")] if trained else []
    reported = [
        Row(
            row.label,
            tuple(_reported(value) for value in map(row.cell, family.labels)),
            source=row.source,
        )
        for one in papers
        for row in one.lines
        if row.metric == metric and not row.repeats
    ]
    theirs = [Group(_by_average(reported), f"Reported (papers){heading}", muted=True)] if reported else []
    lifted = {_name(results, method) for method in results.methods if family is STS and method.info.by_test}
    return [*_mark_best(ours, lifted), *theirs]


def _over(results: Results) -> str:
    counts = {len(method.runs) for method in results.ours(trained=True)}
    if counts == {1}:
        return "one seed, so no spread"
    return f"mean ± std over {seeds(counts.pop()) if len(counts) == 1 else 'n seeds'}"


def _row(results: Results, method: Method, family: Family, metric: str, notes: Notes) -> Row:
    said = []
    if warning := results.warnings.get(method.name):
        said.append(f"Mixed records: {warning}.")
    if family is STS and method.info.by_test:
        said.append("The checkpoint was selected by the average of this very row.")
    steps = [run.info.collapsed_at for run in method.runs if run.info.collapsed_at is not None]
    if family is STS and steps:
        share = f"{number(len(steps))} of {seeds(len(method.runs))}"
        said.append(f"Training gave all sentences of a batch one embedding in {share}, first at step {min(steps):,}.")
    note = notes.mark(" ".join(said))  # first, as its mark is met first
    return Row(
        label=_name(results, method),
        cells=tuple(_cell(method, task, metric, notes) for task in family.labels),
        note=note,
    )


def _name(results: Results, method: Method) -> str:
    uneven = len({len(one.runs) for one in results.ours(trained=True)}) > 1
    return method.info.label + (f" (n = {len(method.runs)})" if method.trained and uneven else "")


def _cell(method: Method, task: str, metric: str, notes: Notes) -> Cell:
    records = [run.score(task, metric) for run in method.runs]
    reasons = [
        record.reason if record else "not evaluated" for record in records if not (record and record.status == "ok")
    ]
    note = ""
    if reasons:
        causes = "; ".join(sorted({str(reason) for reason in reasons}))
        share = f"{number(len(reasons))} of {seeds(len(records))}: " if len(records) > 1 else ""
        text = f"{share}{causes}".removesuffix(".")
        note = notes.mark(literal(f"{text[:1].upper()}{text[1:]}."))
    measured = sample(method, task, metric)
    if measured is None:
        return Cell(score(None), note=note)
    spread = "" if measured.std is None else score(measured.std)
    return Cell(score(measured.mean), spread, note, value=measured.mean)


def _reported(value: paper.Value | None) -> Cell:
    return Cell(score(value.value), value=value.value) if value else Cell(score(None))


def _by_average(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row.cells[-1].value or float("-inf"), row.label)))


def _mark_best(groups: list[Group], lifted: Set[str]) -> list[Group]:
    """Mark the highest of each column, but for rows whose checkpoints these very scores chose."""
    rows = [row for group in groups for row in group.rows if row.label not in lifted]
    columns = (
        [[row.cells[place].value for row in rows] for place in range(len(groups[0].rows[0].cells))] if rows else []
    )
    tops = [max((value for value in column if value is not None), default=None) for column in columns]

    def marked(row: Row) -> Row:
        if row.label in lifted:
            return row
        pairs = zip(row.cells, tops, strict=True)
        return replace(row, cells=tuple(replace(c, best=c.value is not None and c.value == top) for c, top in pairs))

    return [replace(group, rows=tuple(map(marked, group.rows))) for group in groups]
