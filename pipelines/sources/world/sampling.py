"""The one fixed world, and how events are drawn from it.

Which senses go together does not depend on any seed: families decide what is possible, and a fixed affinity
of each pair of senses decides what is frequent. So the synonyms of a sense share all their contexts, the
members of a family only a part of them, and a language model can tell the two apart from text alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from random import Random
from typing import TypeVar

from pipelines.sources.world import lexicon
from pipelines.sources.world.ontology import Event, Sense
from pipelines.sources.world.words import Adjective, Noun, Verb

T = TypeVar("T")
W = TypeVar("W")
Deed = tuple[Sense[Verb], tuple[Sense[Noun], ...]]

TAIL = 1.5  # exponent of the long tail of templates and sources
SLOTS = 64  # of a sampling table: a draw is one index into it, which is what makes generation fast
HYPERNYM = 0.35  # weight of a family's own name beside the average member


def draw(rng: Random, table: Sequence[T]) -> T:
    """One entry of a table."""
    return table[int(rng.random() * len(table))]


def spread(items: Sequence[T], weights: Sequence[float], slots: int = SLOTS) -> tuple[T, ...]:
    """A table in which each item fills slots in proportion to its weight, and at least one."""
    total = sum(weights)
    return tuple(
        chain.from_iterable([x] * max(1, round(w / total * slots)) for x, w in zip(items, weights, strict=True))
    )


def long_tail(count: int) -> list[float]:
    """Weights of the first, second, ... of `count` ways to say a thing: a few are common and most are rare.

    Common frames are what the sentences of a batch share, so that contrastive training must look past them.
    """
    return [rank**-TAIL for rank in range(1, count + 1)]


class World:
    """All senses, and the tables that events are drawn from.

    Attributes:
        nouns: the members of each family of nouns, and last its hypernym.
        actions: the actions of each domain.
        properties: the properties of each kind of noun.
        sites: the sites of each domain.
        times, cities, manners, counts: tables that hold for every event.
        agents: table of agents.
        names: for each noun the words it may be called, a hypernym or hyponym last.
        deeds: for each agent a table of what it does: (action, table of themes).
        traits: for each noun a table of properties.
        places: for each agent a table of sites.
    """

    def __init__(self) -> None:
        self._chance = Random("the generated world")  # no seed reaches this: the world is the same for every seed
        self.nouns: dict[str, list[Sense[Noun]]] = {}
        self.actions: dict[str, list[Sense[Verb]]] = defaultdict(list)
        self.sites: dict[str, list[Sense[Noun]]] = defaultdict(list)
        self._frames: list[tuple[str, str, Sense[Verb]]] = []
        for block in _joined(lexicon.DOMAINS).split("== ")[1:]:
            domain, _, body = block.partition("\n")
            self._read_domain(domain.strip(), body.strip().splitlines())
        for line in _joined(lexicon.ANYWHERE).splitlines():
            self._read_actions("anywhere", line)

        self.properties: dict[str, list[Sense[Adjective]]] = defaultdict(list)
        for sense in _read(lexicon.PROPERTIES, Adjective.parse):
            for kind in sense.family.split():
                self.properties[kind].append(sense)
        self.times = self._long_tail(list(_read(lexicon.TIMES, str, separator=",")))
        self.cities = self._long_tail(list(_read(lexicon.CITIES, str)))
        self.manners = self._long_tail(list(_read(lexicon.MANNERS, str)))
        self.counts = self._long_tail(list(_read(lexicon.COUNTS, str)))

        everything = list(chain.from_iterable(self.nouns.values()))
        self.traits = {noun: self._long_tail(self.properties[noun.kind]) for noun in everything}
        self.names = {noun: _names(noun, self.nouns[noun.family]) for noun in everything}
        self.deeds = {noun: deeds for noun in everything if (deeds := self._deeds(noun))}
        self.places = {noun: self._long_tail(self.sites[noun.domain]) for noun in self.deeds}
        self.agents = self._agents()

    def event(self, rng: Random, chance: Mapping[str, float]) -> Event:
        """Draw an event; `chance` gives for minor roles the probability that they are said (0 if absent)."""
        random, get = rng.random, chance.get
        agent = draw(rng, self.agents)
        action, themes = draw(rng, self.deeds[agent])
        theme = draw(rng, themes)
        return Event(
            agent,
            action,
            theme,
            draw(rng, self.traits[agent]) if random() < get("agent_property", 0.0) else None,
            draw(rng, self.traits[theme]) if random() < get("theme_property", 0.0) else None,
            draw(rng, self.counts) if agent.kind != "force" and random() < get("agent_count", 0.0) else None,
            draw(rng, self.counts) if random() < get("theme_count", 0.0) else None,
            draw(rng, self.places[agent]) if random() < get("site", 0.0) else None,
            draw(rng, self.cities) if random() < get("city", 0.0) else None,
            draw(rng, self.times) if random() < get("time", 0.0) else None,
            draw(rng, self.manners) if agent.kind != "force" and random() < get("manner", 0.0) else None,
        )

    def _read_domain(self, domain: str, lines: list[str]) -> None:
        for line in lines:
            head, _, members = line.partition(":")
            if head in ("at", "in", "on"):
                self.sites[domain] += [
                    Sense(ws[0].singular, ws, "site", domain, head) for ws in _members(members, Noun.parse)
                ]
            elif head.startswith("do "):
                self._read_actions(domain, line)
            else:
                kind, family = head.split()
                hypernym = Noun.parse(family)
                name = hypernym.singular
                senses = [Sense(ws[0].singular, ws, name, domain, kind) for ws in _members(members, Noun.parse)]
                self.nouns[name] = [*senses, Sense(name, (hypernym,), name, domain, kind)]

    def _read_actions(self, domain: str, line: str) -> None:
        """Read `do agents > themes: action; action; =known`; a star stands for every family of a kind."""
        head, _, members = line.partition(":")
        agents, themes = (part.strip() for part in head.removeprefix("do ").split(">"))
        for member in members.split(";"):
            if member.strip().startswith("="):
                known = member.strip()[1:]
                action = next(a for a in chain.from_iterable(self.actions.values()) if a.name == known)
            else:
                words = tuple(Verb.parse(w) for w in member.split())
                action = Sense(words[0].base, words, f"{agents} > {themes}", domain, "action")
                self.actions[domain].append(action)
            self._frames.append((agents, themes, action))

    def _deeds(self, agent: Sense[Noun]) -> tuple[Deed, ...]:
        """What an agent does: the actions its family admits, each with the themes the action admits."""
        found: list[Deed] = []
        weights: list[float] = []
        for agents, themes, action in self._frames:
            general = agents.startswith("*")
            if agents not in (agent.name, agent.family, f"*{agent.kind}"):
                continue
            objects = [
                noun
                for family in self.nouns.values()
                for noun in family
                if themes in (noun.name, noun.family, f"*{noun.kind}")
                and noun is not agent
                and (noun.domain == agent.domain or not general)
            ]
            if objects:
                found.append((action, self._long_tail(objects)))
                weights.append(self._chance.lognormvariate(0.0, 0.9) * (0.12 if general else 1.0))
        return spread(found, weights) if found else ()

    def _agents(self) -> tuple[Sense[Noun], ...]:
        """Table of agents: topics and the members of a family both have a long tail."""
        families: dict[str, list[Sense[Noun]]] = defaultdict(list)
        for noun in self.deeds:
            families[noun.family].append(noun)
        topic = {domain: self._chance.lognormvariate(0.0, 0.3) for domain in self.sites}
        crowd = Counter(members[0].domain for members in families.values())
        agents: list[Sense[Noun]] = []
        weights: list[float] = []
        for members in families.values():
            rank = 0.0
            for noun in members:
                share = HYPERNYM / len(members) if noun.name == noun.family else 1.0 / (rank + 1.5)
                agents.append(noun)
                weights.append(share * topic[noun.domain] / crowd[noun.domain])
                rank += 1.0
        return spread(agents, weights, 64 * SLOTS)

    def _long_tail(self, senses: Sequence[Sense[W]]) -> tuple[Sense[W], ...]:
        """A table whose weights fall as 1 / rank, in an order that is random but fixed."""
        order = self._chance.sample(list(senses), len(senses))
        return spread(order, [1.0 / (rank + 1.5) for rank in range(len(order))])


def _names(noun: Sense[Noun], family: list[Sense[Noun]]) -> tuple[Noun, ...]:
    """What else a noun may be called: its synonyms and its hypernym; for a hypernym, itself and a member."""
    other = family[0] if noun is family[-1] else family[-1]
    return (*noun.words, other.words[0])


@cache
def world() -> World:
    """The world; built once in a process."""
    return World()


def _members(text: str, parse: Callable[[str], W], separator: str | None = None) -> Iterator[tuple[W, ...]]:
    for member in text.split(";"):
        yield tuple(parse(word.strip()) for word in member.split(separator))


def _read(text: str, parse: Callable[[str], W], separator: str | None = None) -> Iterator[Sense[W]]:
    """Senses of a plain table with lines `family: sense; sense`."""
    for line in _joined(text).splitlines():
        family, _, members = line.partition(":")
        for words in _members(members, parse, separator):
            yield Sense(str(words[0][0] if isinstance(words[0], tuple) else words[0]), words, family)


def _joined(text: str) -> str:
    """A table with its continuation lines, which begin with a blank, joined to the lines above."""
    return re.sub(r"\n +", " ", text.strip())
