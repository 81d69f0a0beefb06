"""The report's content: its sections in their order. A new topic is a module with a section, and a line here."""

from __future__ import annotations

from reports import (
    ablations,
    backbone,
    bibliography,
    claims,
    comparison,
    environment,
    findings,
    geometry,
    negatives,
    peaks,
    protocol,
    provenance,
    scale,
    scores,
    selection,
    settings,
    significance,
    sources,
    theory,
    verdicts,
)
from reports.document import Document, Section
from reports.evidence import Evidence
from reports.verdicts import NATURES, notice


def build(evidence: Evidence) -> Document:
    """All of the report but what stage report reads off the code; a topic without records has no section."""
    results, papers = evidence.results, evidence.papers
    comparisons, found = verdicts.compare(results, papers), claims.judge(evidence)
    origin = results.provenance
    sections: list[Section | None] = [
        findings.first_page(evidence, found, comparisons),
        scores.section(results, papers),
        *ablations.sections(evidence.studies, papers),
        negatives.section(negatives.pool(results)),
        geometry.section(geometry.shapes(results)),
        theory.section(evidence.theory),
        protocol.section(results),
        peaks.section(results),
        selection.section(results, papers),
        significance.section(evidence.significance),
        comparison.section(comparisons),
        findings.section(evidence, found),
        settings.section(results, comparisons),
        backbone.section(evidence.backbone),
        scale.section(evidence.scale),
        environment.section(results),
        provenance.section(results),
        sources.section(papers),
    ]
    return Document(
        title="Negatives in contrastive sentence embeddings",
        subtitle=f"Reproduction report · profile {origin.profile}: {NATURES[origin.comparable].what}",
        notice=notice(origin),
        sections=tuple(section for section in sections if section),
        references=bibliography.load(),
    )
