"""Where the records come from: settings, code, data and seeds by hash."""

from __future__ import annotations

from collections.abc import Callable

from reports.document import Cell, Group, Row, Section, Table
from reports.records import Method, Provenance, Results

ID = "provenance"  # of the section, which stage report adds the commit to


def section(results: Results) -> Section:
    """Hashes of settings and code by method; the data are shared."""
    rows = tuple(
        Row(
            method.info.label,
            (
                Cell(_hashes(method, lambda one: one.params_hash)),
                Cell(_hashes(method, lambda one: one.code_hash)),
                Cell(", ".join(str(run.seed) for run in method.runs)),
            ),
        )
        for method in results.methods
    )
    caption = "Hashes of the settings and of the code behind each method's records, and its seeds."
    table = Table(ID, ("settings", "code", "seeds"), (Group(rows),), caption)
    return Section(ID, "Provenance", (table, f"Manifest of the data `{results.provenance.data_hash}`."))


def _hashes(method: Method, which: Callable[[Provenance], str]) -> str:
    return ", ".join(f"`{one}`" for one in sorted({which(run.provenance)[:8] for run in method.runs}))
