"""Pairs of sentences of known similarity: an event, a second event some edits away, and both said in words.

Surface and meaning are decoupled: whether the second sentence has the frame of the first says nothing about
their meanings, and the farther the meanings lie apart, the likelier it echoes the words and the minor roles of
the first; the nearer they lie, the likelier it says all it can in other words.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from pipelines.sources.world.grammar import SOURCES, Pick, clause
from pipelines.sources.world.ontology import MINOR, Event, Sense, similarity
from pipelines.sources.world.sampling import draw, spread, world
from pipelines.sources.world.templates import REGISTERS, Register
from pipelines.sources.world.words import Noun

# Edits that lead from the first event to the second, with their shares.
EDITS = {
    "same": 0.10,
    "minor": 0.16,
    "hypernym": 0.14,
    "sibling": 0.18,
    "swap": 0.02,
    "two siblings": 0.10,
    "topic": 0.15,
    "unrelated": 0.15,
}
# Probability that an event of another meaning keeps a minor role of the first (its time, its city, ...).
KEEP = 0.6
# Probability that the second sentence has the frame of the first: its template and its source.
SAME_FRAME = 0.85
# Probability that it echoes the words of the first, at similarity 1 and at 0.
ECHO_NEAR, ECHO_FAR = 0.1, 0.5


class Pair(NamedTuple):
    """Two sentences as people write them, and the similarity in [0, 1] of the events they tell."""

    first: str
    second: str
    events: tuple[Event, Event]
    similarity: float


def random_words(rng: Random) -> Pick:
    """A choice of words at random."""
    return lambda sense: draw(rng, sense.words)


class Teller:
    """Says an event, then others in the frame or the words of the first, or in others.

    Args:
        rng: source of chance.
        registers: the register of the first sentence and that of the others.
    """

    def __init__(self, rng: Random, registers: tuple[Register, Register]) -> None:
        self.rng = rng
        self.registers = registers
        self._template = draw(rng, registers[0].templates)
        self._source = draw(rng, SOURCES)
        self._words: dict[Sense[Any], Any] = {}

    def tell(self, event: Event) -> str:
        """The first sentence."""

        def pick(sense: Sense[Any]) -> Any:
            return self._words.setdefault(sense, draw(self.rng, sense.words))

        return self._template(clause(event, self.rng, pick, self._source))

    def retell(self, event: Event, *, same_frame: bool, same_words: bool) -> str:
        """Another sentence.

        Args:
            event: what it says.
            same_frame: in the template of the first, if its register has it, and from the same source.
            same_words: in the words of the first, else in other words wherever a sense has some.
        """
        rng = self.rng
        if same_frame and self.registers[0] is self.registers[1]:
            template = self._template
        else:
            template = draw(rng, [t for t in self.registers[1].templates if t is not self._template])

        def pick(sense: Sense[Any]) -> Any:
            used = self._words.get(sense)
            if same_words and used is not None:
                return used
            return draw(rng, [word for word in sense.words if word is not used] or sense.words)

        return template(clause(event, rng, pick, self._source if same_frame else None))


class PairMaker:
    """Draws pairs in one register, or across two.

    Args:
        rng: source of chance.
        registers: names of the registers of the first and the second sentence, keys of `REGISTERS`.

    Example:
        >>> PairMaker(Random(1), ("headline", "headline")).pair().similarity
    """

    def __init__(self, rng: Random, registers: tuple[str, str]) -> None:
        self.rng = rng
        self.registers = REGISTERS[registers[0]], REGISTERS[registers[1]]
        a, b = (register.chance for register in self.registers)
        self.chance = {role: min(a.get(role, 0.0), b.get(role, 0.0)) for role in MINOR}
        self._edits = spread(list(EDITS), list(EDITS.values()), 100)

    def event(self) -> Event:
        """An event of which both registers can say everything."""
        return world().event(self.rng, self.chance)

    def pair(self, edit: str | None = None) -> Pair:
        """One pair; the edit between its events is drawn if not given."""
        first = self.event()
        second = self.edit(first, edit or draw(self.rng, self._edits))
        near = similarity(first, second)
        teller = Teller(self.rng, self.registers)
        same_words = self.rng.random() < ECHO_NEAR * near + ECHO_FAR * (1.0 - near)
        same_frame = self.rng.random() < SAME_FRAME
        told = teller.tell(first)
        return Pair(told, teller.retell(second, same_frame=same_frame, same_words=same_words), (first, second), near)

    def edit(self, event: Event, edit: str) -> Event:
        """A second event that differs as a key of `EDITS` says; if it cannot, another event of the topic."""
        rng = self.rng
        if edit == "same":
            return event
        if edit == "minor":
            for _ in range(draw(rng, (1, 2, 3))):
                event = self._change_minor(event)
            return event
        if edit == "hypernym":
            for role in rng.sample(("agent", "theme"), draw(rng, (1, 2))):
                event = self._change_level(event, role)
            return self._change_minor(event) if rng.random() < 0.4 else event
        if edit == "swap" and event.agent in dict(world().deeds.get(event.theme, ())).get(event.action, ()):
            return event._replace(agent=event.theme, theme=event.agent)
        if edit in ("sibling", "two siblings"):
            for role in rng.sample(("agent", "action", "theme"), 1 if edit == "sibling" else 2):
                event = self._sibling(event, role)
            return self._change_minor(event) if rng.random() < 0.3 else event
        return self._other(event, same_topic=edit != "unrelated")

    def _change_minor(self, event: Event) -> Event:
        """Say something else in one minor role, or no longer say it."""
        rng = self.rng
        said = [role for role in MINOR if getattr(event, role) is not None]
        if not said:
            return event
        role = draw(rng, said)
        table = self._table(event, role)
        others = [s for s in table if s is not getattr(event, role)]
        return _with(event, role, None if rng.random() < 0.25 else draw(rng, others))

    def _change_level(self, event: Event, role: str) -> Event:
        """Put the hypernym for a noun, or a member for a hypernym."""
        noun: Sense[Noun] = getattr(event, role)
        *members, hypernym = world().nouns[noun.family]
        return _with(event, role, draw(self.rng, members) if noun is hypernym else hypernym)

    def _sibling(self, event: Event, role: str) -> Event:
        """Put a sibling into a major role, one that the rest of the event admits."""
        deeds = world().deeds
        if role == "agent":
            options: list[Sense[Any]] = [
                a
                for a in world().nouns[event.agent.family][:-1]
                if a is not event.agent and a is not event.theme and event.action in dict(deeds.get(a, ()))
            ]
        elif role == "action":
            options = [
                a for a, themes in dict(deeds[event.agent]).items() if a is not event.action and event.theme in themes
            ]
        else:
            themes = dict.fromkeys(dict(deeds[event.agent])[event.action])
            options = [
                t for t in themes if t is not event.theme and t.family == event.theme.family and t.name != t.family
            ]
        return _with(event, role, draw(self.rng, options)) if options else self._other(event, same_topic=True)

    def _other(self, event: Event, *, same_topic: bool) -> Event:
        """An event of another meaning, which keeps much of the minor roles of the first."""
        rng = self.rng
        while True:
            other = self.event()
            if (other.agent.domain == event.agent.domain) == same_topic and other[:3] != event[:3]:
                break
        for role in MINOR:
            sense = getattr(event, role)
            fits = sense is None or sense in self._table(other, role)
            if fits and rng.random() < KEEP:
                other = _with(other, role, sense)
        return other

    def _table(self, event: Event, role: str) -> tuple[Sense[Any], ...]:
        """What may be said in a minor role of an event."""
        w = world()
        tables: dict[str, tuple[Sense[Any], ...]] = {
            "agent_property": w.traits[event.agent],
            "theme_property": w.traits[event.theme],
            "agent_count": () if event.agent.kind == "force" else w.counts,
            "theme_count": w.counts,
            "site": w.places[event.agent],
            "city": w.cities,
            "time": w.times,
            "manner": () if event.agent.kind == "force" else w.manners,
        }
        return tables[role]


def _with(event: Event, role: str, sense: Sense[Any] | None) -> Event:
    """The event with another sense in one role."""
    changed: dict[str, Any] = {role: sense}
    return event._replace(**changed)
