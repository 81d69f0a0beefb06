"""From an event to the parts of a clause: which synonym is said, and in which form.

The templates (`templates.py`) put the parts of a `Clause` in order. All parts but the subject and the
object bring their own leading blank, so that an absent part leaves no gap.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from pipelines.sources.world import lexicon
from pipelines.sources.world.ontology import Event, Sense
from pipelines.sources.world.sampling import long_tail, spread, world
from pipelines.sources.world.words import Adjective, Noun, Verb

Pick = Callable[[Sense[Any]], Any]  # chooses one word of a sense

SOURCES = spread(lexicon.SOURCES, long_tail(len(lexicon.SOURCES)), 100)  # who reports an event


class Phrase(NamedTuple):
    """A noun phrase: with "a", with "the", bare, and with the article that was drawn; plural if counted."""

    a: str
    the: str
    bare: str
    any: str
    was: str
    is_: str
    has: str


class Clause(NamedTuple):
    """The parts of a clause.

    `place`, `time` and `manner` start with a blank or are empty; `front` is a fronted adverbial with its
    comma and blank, or empty, and `rest` what of place and time is then left to say.
    """

    agent: Phrase
    theme: Phrase
    verb: Verb
    s: str  # the verb in the present tense, agreeing with the agent
    place: str
    time: str
    manner: str
    front: str
    rest: str
    source: str  # a plural noun: who reports it
    alias: str  # another name of the agent, with its article


def phrase(noun: Noun, adjective: Adjective | None, count: str | None, definite: bool) -> Phrase:
    """The noun phrase of a noun, with its article, adjective and count."""
    if count is not None:
        bare = f"{count} {adjective.plain} {noun.plural}" if adjective else f"{count} {noun.plural}"
        the = f"the {bare}"
        return Phrase(bare, the, bare, the if definite else bare, "were", "are", "have")
    if adjective is not None:
        bare = f"{adjective.plain} {noun.singular}"
        a = f"{adjective.indefinite} {noun.singular}"
    else:
        bare = noun.singular
        a = noun.indefinite
    the = f"the {bare}"
    return Phrase(a, the, bare, the if definite else a, "was", "is", "has")


def clause(event: Event, rng: Random, pick: Pick, source: str | None = None) -> Clause:
    """Say an event in words.

    Args:
        event: what is said.
        rng: decides what the event leaves open: articles, and the source if none is given.
        pick: chooses a word for each sense.
        source: who reports it, a plural noun.
    """
    random = rng.random
    verb: Verb = pick(event.action)
    noun: Noun = pick(event.agent)
    adjective = None if event.agent_property is None else pick(event.agent_property)
    count = None if event.agent_count is None else pick(event.agent_count)
    agent = phrase(noun, adjective, count, random() < 0.4)
    adjective = None if event.theme_property is None else pick(event.theme_property)
    theme_count = None if event.theme_count is None else pick(event.theme_count)
    theme = phrase(pick(event.theme), adjective, theme_count, random() < 0.4)
    if event.site is None:
        place = "" if event.city is None else f" in {pick(event.city)}"
    elif event.city is None:
        place = f" {event.site.kind} the {pick(event.site).singular}"
    else:
        place = f" {event.site.kind} the {pick(event.site).singular} in {pick(event.city)}"
    time = "" if event.time is None else f" {pick(event.time)}"
    manner = "" if event.manner is None else f" {pick(event.manner)}"
    if time:
        front, rest = f"{time[1:]}, ", place
    elif place:
        front, rest = f"{place[1:]}, ", ""
    else:
        front = rest = ""
    names = world().names[event.agent]
    alias = names[int(random() * len(names))]
    if alias is noun:  # the last name is the hypernym, which is another word
        alias = names[-1]
    return Clause(
        agent,
        theme,
        verb,
        verb.s if count is None else verb.base,
        place,
        time,
        manner,
        front,
        rest,
        source or SOURCES[int(random() * len(SOURCES))],
        alias.indefinite if count is None else alias.plural,
    )


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]
