"""Everything that the report prints, as plain values: the template formats, it does not compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reports import geometry, prose, study
from reports.families import STS
from reports.geometry import Shape
from reports.negatives import Histogram
from reports.paper import Paper
from reports.records import Info, Results
from reports.stats import CONFIDENCE, summarise
from reports.study import Cell
from reports.tables import Line, Table
from reports.theory import Theory
from reports.verdicts import NATURES, VERDICTS, Comparison, Comparisons, notice, protocol
from reports.wording import plain, score, signed

CERTAINTIES = {
    "A": "read in the authors' own material",
    "A-fig": "read off the authors' figure",
    "B": "third party",
    "C": "derived",
}


def build(
    results: Results,
    papers: Sequence[Paper],
    tables: Mapping[str, Table],
    comparisons: Sequence[Comparisons],
    histograms: Sequence[Histogram],
    cells: Sequence[Cell],
    shapes: Sequence[Shape],
    theory: Theory | None,
) -> dict[str, Any]:
    """Put the report's content together; see template/report.typ for its use."""
    provenance = results.provenance
    curve = study.reported(papers)
    return {
        "profile": provenance.profile,
        "comparable": provenance.comparable,
        "nature": NATURES[provenance.comparable].what,
        "notice": notice(provenance),
        "answer": prose.answer(results, comparisons),
        "setting": provenance.evaluation.get("transfer", "full"),
        "tables": {name: _table(table) for name, table in tables.items()},
        "theory": _theory(theory) if theory else None,
        "negatives": {
            "text": prose.negatives(histograms),
            "methods": [_histogram(one) for one in histograms],
        },
        "geometry": {
            "columns": list(geometry.METRICS.values()),
            "methods": [_shape(one) for one in shapes],
            "spectra": any(one.trained for one in geometry.spectra(shapes)),
        },
        "queue": {
            "text": prose.queue(cells, curve),
            "cells": [_cell(cell, cells) for cell in cells],
            "curve": f"{curve.where} ({curve.source}, {CERTAINTIES[curve.certainty]})" if curve else None,
        },
        "verdicts": {
            "columns": list(STS.labels.values()),
            "confidence": f"{CONFIDENCE:.0%}",
            "legend": list(VERDICTS),
            "methods": [_comparison(one) for one in comparisons],
        },
        "protocols": _protocols(results, comparisons),
        "settings": _settings(results),
        "claims": [
            {"paper": paper.name, "statement": claim.statement, "source": claim.source}
            for paper in papers
            for claim in paper.claims
        ],
        "silent": [paper.name for paper in papers if not paper.lines and not paper.numbers],
        "papers": [
            {"name": paper.name, "citation": paper.citation, "sources": dict(paper.sources)} for paper in papers
        ],
        "certainties": CERTAINTIES,
        "provenance": _provenance(results),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "columns": list(table.columns.values()),
        "blocks": [
            {**asdict(block), "lines": [_line(line, spread=block.spread) for line in block.lines]}
            for block in table.blocks
        ],
        "notes": [{"mark": mark, "text": text} for mark, text in table.notes.items()],
    }


def _line(line: Line, *, spread: bool) -> dict[str, Any]:
    cells = [
        {
            "value": score(cell.value),
            "std": score(cell.std) if spread and cell.value is not None else "",
            "note": cell.note,
            "best": cell.best,
        }
        for cell in line.cells
    ]
    return {"label": line.label, "note": line.note, "source": line.source, "cells": cells}


def _theory(theory: Theory) -> dict[str, Any]:
    return {
        "labels": [curve.label for curve in theory.methods],
        "positive": plain(theory.positive),
        "background": [plain(cosine) for cosine in theory.background],
        "others": str(theory.negatives - 1),
    }


def _histogram(histogram: Histogram) -> dict[str, Any]:
    return {
        "label": histogram.label,
        "before": score(histogram.mean_before),
        "after": score(histogram.mean_after),
        "std_before": score(histogram.std_before),
        "std_after": score(histogram.std_after),
    }


def _shape(shape: Shape) -> dict[str, Any]:
    samples = [shape.sample(metric) for metric in geometry.METRICS]
    return {
        "label": shape.label,
        "trained": shape.trained,
        "placed": shape.point is not None,
        "cells": [
            {"value": score(sample.mean if sample else None), "std": score(sample.std) if sample and sample.std else ""}
            for sample in samples
        ],
    }


def _cell(cell: Cell, cells: Sequence[Cell]) -> dict[str, Any]:
    means = {other.name: summarise(other.values).mean for other in cells if other.scores}
    measured = summarise(cell.values) if cell.scores else None
    return {
        "ema_decay": f"{cell.ema_decay:g}",
        "queue_size": str(cell.queue_size),
        "batch_size": str(cell.batch_size),
        "d_trace": score(cell.d_trace),
        "mean": score(measured.mean if measured else None),
        "std": score(measured.std if measured else None),
        "n": str(len(cell.scores)),
        "best": bool(means) and means.get(cell.name) == max(means.values()),
        "missing": "; ".join(sorted(set(cell.missing))),
    }


def _comparison(comparison: Comparisons) -> dict[str, Any]:
    row = comparison.row
    reasons = sorted({task.reason for task in comparison.tasks})
    return {
        "label": comparison.method.info.label,
        "row": row.label,
        "where": f"{comparison.paper.name}, {row.where}" if comparison.paper.name not in row.where else row.where,
        "source": row.source,
        "reasons": reasons,
        "others": [
            f"{other.setting}: {score(other.range[0])} to {score(other.range[1])}"
            for other in comparison.paper.reproductions
            if other.row == row.id and other.range and other.certainty == "C"
        ],
        "tasks": [_task(task) for task in comparison.tasks],
    }


def _task(task: Comparison) -> dict[str, Any]:
    measured = task.measured
    return {
        "measured": score(measured.mean if measured else None),
        "reported": score(task.reported.value if task.reported else None),
        "delta": signed(task.delta),
        "interval": score(measured.half_width) if measured and measured.half_width is not None else "",
        "verdict": task.verdict,
    }


def _protocols(results: Results, comparisons: Sequence[Comparisons]) -> list[dict[str, Any]]:
    """One line for each protocol in the comparison: each method of ours, then the row beside it."""
    lines = []
    for comparison in comparisons:
        theirs = comparison.paper.protocols[comparison.row.protocol].model_dump(exclude={"noise"})
        ours = protocol(comparison.method.info).model_dump(exclude={"noise"})
        lines.append({"label": f"{comparison.method.info.label} (ours)", **_stated(ours)})
        lines.append({"label": f"{comparison.row.label} (reported)", **_stated(theirs)})
    return lines


def _stated(values: dict[str, str | None]) -> dict[str, str]:
    return {key: value.replace("_", " ") if value else "—" for key, value in values.items()}


def _settings(results: Results) -> list[dict[str, str]]:
    """What each trained method ran with, then the recipe that all of them share."""
    methods = results.ours(trained=True)
    shared = _shared([method.info for method in methods])
    lines = [
        {"label": method.info.label, "text": _pairs(method.info.settings | _own(method.info.train, shared))}
        for method in methods
    ]
    return [*lines, *([{"label": "All trained methods", "text": _pairs(shared)}] if shared else [])]


def _shared(infos: Sequence[Info]) -> dict[str, Any]:
    first, *others = [info.train for info in infos] or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _own(values: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in shared}


def _pairs(values: dict[str, Any]) -> str:
    shown = (f"{value:g}" if isinstance(value, float) else str(value) for value in values.values())
    return ", ".join(f"{key} {text}" for key, text in zip(values, shown, strict=True)).replace("_", " ") or "—"


def _provenance(results: Results) -> dict[str, Any]:
    """Hashes of settings and code by method; data and versions are shared."""
    first = results.provenance
    return {
        "data": first.data_hash[:16],
        "versions": ", ".join(f"{name} {number}" for name, number in first.versions.items()),
        "methods": [
            {
                "label": method.info.label,
                "params": ", ".join(sorted({run.provenance.params_hash[:8] for run in method.runs})),
                "code": ", ".join(sorted({run.provenance.code_hash[:8] for run in method.runs})),
                "seeds": ", ".join(str(run.seed) for run in method.runs),
            }
            for method in results.methods
        ],
    }
