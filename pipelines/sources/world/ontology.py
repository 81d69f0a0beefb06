"""Meanings: senses, events made of them, and how far two of either lie apart.

A *sense* is one meaning with its synonyms; a *family* is a hypernym with its members (`medic`: doctor,
nurse, ...). An *event* is one fact of the world: an agent, an action and a theme, with properties, counts,
a site, a city, a time and a manner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pipelines.sources.world.words import Adjective, Noun, Verb

W = TypeVar("W")


@dataclass(frozen=True, eq=False, slots=True)
class Sense(Generic[W]):
    """One meaning; two senses are equal only if they are the same object.

    Attributes:
        name: its first word.
        words: its synonyms.
        family: the hypernym or group it belongs to; the hypernym itself is the sense whose name is its
        family.
        domain: the topic; empty for what belongs to no topic.
        kind: of a noun, what it can be said to be (person, animal, thing, ...); of a site, its preposition.
    """

    name: str
    words: tuple[W, ...]
    family: str
    domain: str = ""
    kind: str = ""

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Event(NamedTuple):
    """One fact of the world; `None` is a role that nothing is said of."""

    agent: Sense[Noun]
    action: Sense[Verb]
    theme: Sense[Noun]
    agent_property: Sense[Adjective] | None = None
    theme_property: Sense[Adjective] | None = None
    agent_count: Sense[str] | None = None
    theme_count: Sense[str] | None = None
    site: Sense[Noun] | None = None
    city: Sense[str] | None = None
    time: Sense[str] | None = None
    manner: Sense[str] | None = None


MAJOR = ("agent", "action", "theme")
# What is left of the similarity when a minor role differs: (both say something else, only one of the two
# says anything).
MINOR = {
    "agent_property": (0.91, 0.96),
    "theme_property": (0.91, 0.96),
    "agent_count": (0.90, 0.95),
    "theme_count": (0.88, 0.94),
    "site": (0.86, 0.94),
    "city": (0.90, 0.95),
    "time": (0.90, 0.95),
    "manner": (0.93, 0.97),
}
STEP = {"same": 0.0, "hypernym": 0.2, "sibling": 0.45, "topic": 0.75, "unrelated": 1.0}
WEIGHT = 0.85  # of a major role: what its largest difference takes away
TOPIC = 0.3  # similarity of two events that share nothing but their topic
SWAPPED = 0.5  # similarity of two events that differ only in who does it to whom


def relation(a: Sense[W], b: Sense[W]) -> str:
    """The nearest relation of two senses, a key of `STEP`."""
    if a is b:
        return "same"
    if a.family == b.family and a.domain == b.domain:
        return "hypernym" if a.family in (a.name, b.name) else "sibling"
    return "topic" if a.domain == b.domain else "unrelated"


def similarity(a: Event, b: Event) -> float:
    """Similarity of two events in [0, 1]: a product over roles of what the difference in that role leaves.

    A differing agent, action or theme takes `WEIGHT` times its `STEP`; a differing minor role what `MINOR`
    says; two events of one topic never fall below `TOPIC`.

    Example:
        >>> similarity(event, event._replace(time=None)) > similarity(event, event._replace(theme=sibling))
        True
    """
    if a.agent is b.theme and a.theme is b.agent:
        left = SWAPPED * (1.0 - WEIGHT * STEP[relation(a.action, b.action)])
    else:
        left = 1.0
        for role in MAJOR:
            left *= 1.0 - WEIGHT * STEP[relation(getattr(a, role), getattr(b, role))]
    for role, (differ, one_only) in MINOR.items():
        x, y = getattr(a, role), getattr(b, role)
        if x is not y:
            left *= one_only if x is None or y is None else differ
    floor = TOPIC if a.agent.domain == b.agent.domain else 0.0
    return floor + (1.0 - floor) * left
