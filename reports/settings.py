"""Protocol and settings: how each score was measured, ours and the paper's, and what each method ran with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.document import Cell, Group, Row, Section, Table
from reports.markup import literal
from reports.records import Info, Results
from reports.verdicts import Comparisons, protocol
from reports.wording import MISSING, plain

COLUMNS = {"pooling": "pooling", "aggregation": "subsets", "selection": "checkpoint chosen by", "split": "split"}


def section(results: Results, comparisons: Sequence[Comparisons]) -> Section:
    """The protocols that are compared, then the settings of every trained method."""
    return Section("settings", "Protocol and settings", (*_protocols(comparisons), *_settings(results)))


def _protocols(comparisons: Sequence[Comparisons]) -> list[Table]:
    """Each method of ours, then the row beside it."""
    rows = []
    for comparison in comparisons:
        theirs = comparison.paper.protocols[comparison.row.protocol].model_dump()
        ours = protocol(comparison.method.info).model_dump()
        rows.append(Row(f"{comparison.method.info.label} (ours)", _stated(ours)))
        rows.append(Row(f"{comparison.row.label} (reported)", _stated(theirs)))
    caption = "How the scores on STS were measured; a dash where a paper does not say."
    return [Table("protocols", tuple(COLUMNS.values()), (Group(tuple(rows)),), caption)] if rows else []


def _stated(values: dict[str, str | None]) -> tuple[Cell, ...]:
    return tuple(Cell((values[key] or MISSING).replace("_", " ")) for key in COLUMNS)


def _settings(results: Results) -> list[str | Table]:
    """What each trained method ran with, and the recipe that all of them share."""
    methods = results.ours(trained=True)
    if not methods:
        return []
    shared = _shared([method.info for method in methods])
    rows = tuple(
        Row(method.info.label, (Cell(_pairs(method.info.settings | _own(method.info.train, shared))),))
        for method in methods
    )
    caption = f"What each trained method ran with. All of them: {_pairs(shared)}."
    return [Table("settings", ("settings of its own",), (Group(rows),), caption)]


def _shared(infos: Sequence[Info]) -> dict[str, Any]:
    first, *others = [info.train for info in infos]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _own(values: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in shared}


def _pairs(values: dict[str, Any]) -> str:
    shown = (plain(value) if isinstance(value, float) else _said(value) for value in values.values())
    pairs = (f"`{key}` {literal(text)}" for key, text in zip(values, shown, strict=True))
    return ", ".join(pairs) or MISSING


def _said(value: Any) -> str:
    return {True: "yes", False: "no", None: "none"}[value] if value is None or isinstance(value, bool) else str(value)
