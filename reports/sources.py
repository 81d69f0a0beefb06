"""Where reported numbers were read: each paper's short-hands, and what the certainties mean."""

from __future__ import annotations

from collections.abc import Sequence

from reports import bibliography
from reports.document import Section
from reports.paper import Paper

CERTAINTIES = {
    "A": "read in the authors' own material",
    "A-fig": "read off the authors' figure",
    "B": "third party",
    "C": "derived",
}


def section(papers: Sequence[Paper]) -> Section:
    """One paragraph a paper; one that the bibliography has is cited there."""
    listed = {reference.key for reference in bibliography.load()}
    meanings = "; ".join(f"{key} {meaning}" for key, meaning in CERTAINTIES.items())
    found = [
        " ".join([_cited(paper, listed), *(f"**{key}**: {meaning}." for key, meaning in paper.sources.items())])
        for paper in papers
    ]
    return Section("sources", "Sources", (*found, f"Certainty of a reported number: {meanings}."))


def _cited(paper: Paper, listed: set[str]) -> str:
    return f"{paper.name} [@{paper.key}]." if paper.key in listed else paper.citation
