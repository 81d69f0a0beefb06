"""Sentence templates: the orders in which the parts of a clause are said, by register.

A template is a function from a clause to a sentence as people write it, with a capital letter and a full
stop where its register has them. `REGISTERS` names the templates a register uses and how much it says of an
event; every template of a register says every role that the register may draw, so that no meaning is lost
between an event and its sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.sources.world.grammar import Clause
from pipelines.sources.world.grammar import capital as cap
from pipelines.sources.world.sampling import long_tail, spread

Template = Callable[[Clause], str]


def _past(c: Clause) -> str:
    return f"{c.agent.any}{c.manner} {c.verb.past} {c.theme.any}{c.place}{c.time}"


def _past_fronted(c: Clause) -> str:
    return f"{c.front}{c.agent.any}{c.manner} {c.verb.past} {c.theme.any}{c.rest}"


def _past_passive(c: Clause) -> str:
    return f"{c.theme.any} {c.theme.was}{c.manner} {c.verb.participle} by {c.agent.any}{c.place}{c.time}"


NEWS: dict[str, Template] = {
    "active": lambda c: cap(f"{_past(c)}."),
    "passive": lambda c: cap(f"{_past_passive(c)}."),
    "fronted": lambda c: cap(f"{_past_fronted(c)}."),
    "fronted passive": lambda c: cap(
        f"{c.front}{c.theme.any} {c.theme.was}{c.manner} {c.verb.participle} by {c.agent.any}{c.rest}."
    ),
    "cleft agent": lambda c: f"It was {c.agent.any} that{c.manner} {c.verb.past} {c.theme.any}{c.place}{c.time}.",
    "cleft theme": lambda c: f"It was {c.theme.any} that {c.agent.any}{c.manner} {c.verb.past}{c.place}{c.time}.",
    "existential": lambda c: (
        f"There {c.agent.was} {c.agent.a}{c.place} that{c.manner} {c.verb.past} {c.theme.any}{c.time}."
    ),
    "gerund": lambda c: cap(f"{c.verb.ing} {c.theme.any} is what {c.agent.any}{c.manner} did{c.place}{c.time}."),
    "nominalisation": lambda c: (
        f"The {c.verb.ing} of {c.theme.any} by {c.agent.any} happened{c.manner}{c.place}{c.time}."
    ),
    "said to have": lambda c: cap(
        f"{c.agent.any} {c.agent.is_} said to have{c.manner} {c.verb.participle} {c.theme.any}{c.place}{c.time}."
    ),
    "apposition": lambda c: cap(f"{c.agent.the}, {c.alias},{c.manner} {c.verb.past} {c.theme.any}{c.place}{c.time}."),
}
REPORT: dict[str, Template] = {
    "reported": lambda c: cap(f"{c.source} said that {_past(c)}."),
    "reported passive": lambda c: cap(f"{c.source} said that {_past_passive(c)}."),
    "according": lambda c: f"According to {c.source}, {_past(c)}.",
    "according passive": lambda c: f"According to {c.source}, {_past_passive(c)}.",
    "quote": lambda c: cap(f'"{cap(_past(c))}," {c.source} said.'),
    "quote passive": lambda c: cap(f'"{cap(_past_passive(c))}," {c.source} told the press.'),
    "confirmed": lambda c: f"It was confirmed by {c.source} that {_past(c)}.",
}
RETOLD: dict[str, Template] = {
    "what happened": lambda c: (
        f"What happened{c.place}{c.time} was that {c.agent.any}{c.manner} {c.verb.past} {c.theme.any}."
    ),
    "as a result": lambda c: f"As a result, {_past_passive(c)}.",
    "the reason": lambda c: f"The reason is that {_past(c)}.",
    "this means": lambda c: f"This means that {_past_passive(c)}.",
    "in short": lambda c: f"In short, {_past(c)}.",
    "one who": lambda c: cap(
        f"{c.theme.the} {c.theme.was}{c.manner} {c.verb.participle}{c.place}{c.time}, and it was done by {c.agent.a}."
    ),
}
HEADLINE: dict[str, Template] = {
    "headline": lambda c: cap(f"{c.agent.bare}{c.manner} {c.s} {c.theme.bare}{c.place}{c.time}"),
    "headline passive": lambda c: cap(
        f"{c.theme.bare}{c.manner} {c.verb.participle} by {c.agent.bare}{c.place}{c.time}"
    ),
    "headline source": lambda c: cap(
        f"{c.source}: {c.agent.bare}{c.manner} {c.verb.past} {c.theme.bare}{c.place}{c.time}"
    ),
    "headline say": lambda c: cap(
        f"{c.theme.bare}{c.manner} {c.verb.participle} by {c.agent.bare}{c.place}{c.time}, {c.source} say"
    ),
    "headline as": lambda c: cap(
        f"{c.source} alarmed as {c.agent.bare}{c.manner} {c.s} {c.theme.bare}{c.place}{c.time}"
    ),
}
CAPTION: dict[str, Template] = {
    "caption": lambda c: cap(f"{c.agent.a} {c.agent.is_}{c.manner} {c.verb.ing} {c.theme.a}{c.place}."),
    "caption fragment": lambda c: cap(f"{c.agent.a}{c.manner} {c.verb.ing} {c.theme.a}{c.place}."),
    "caption passive": lambda c: cap(
        f"{c.theme.a} {c.theme.is_} being{c.manner} {c.verb.participle} by {c.agent.a}{c.place}."
    ),
    "caption photo": lambda c: f"A photo of {c.agent.a}{c.manner} {c.verb.ing} {c.theme.a}{c.place}.",
    "caption there": lambda c: f"There {c.agent.is_} {c.agent.a}{c.manner} {c.verb.ing} {c.theme.a}{c.place}.",
    "caption while": lambda c: cap(
        f"{c.theme.a}{c.place} {c.theme.is_} shown being{c.manner} {c.verb.participle} by {c.agent.a}."
    ),
}
QUESTION: dict[str, Template] = {
    "did": lambda c: f"Did {c.agent.the}{c.manner} {c.verb.base} {c.theme.the}{c.place}{c.time}?",
    "why did": lambda c: f"Why did {c.agent.the}{c.manner} {c.verb.base} {c.theme.the}{c.place}{c.time}?",
    "why was": lambda c: (
        f"Why {c.theme.was} {c.theme.the}{c.manner} {c.verb.participle} by {c.agent.any}{c.place}{c.time}?"
    ),
    "is it true": lambda c: f"Is it true that {_past(c)}?",
    "does anyone know": lambda c: f"Does anyone know why {_past(c)}?",
    "what does it mean": lambda c: f"What does it mean when {_past_passive(c)}?",
}
FORUM: dict[str, Template] = {
    "i saw": lambda c: f"I saw {c.agent.a}{c.manner} {c.verb.base} {c.theme.a}{c.place}{c.time}.",
    "i heard": lambda c: f"I heard that {_past(c)}.",
    "friend": lambda c: f"A friend told me that {_past_passive(c)}.",
    "as far as": lambda c: f"As far as I know, {_past(c)}.",
    "you know": lambda c: f"You should know that {_past_passive(c)}.",
    "i read": lambda c: f"I know that {_past_passive(c)}, as you said.",
}
BELIEF: dict[str, Template] = {
    "i believe": lambda c: f"I believe that {_past(c)}.",
    "i think": lambda c: f"I think that {_past_passive(c)}.",
    "it seems": lambda c: f"It seems to me that {_past_passive(c)}.",
    "no doubt": lambda c: f"There is no doubt that {_past(c)}.",
    "i am sure": lambda c: f"I am sure that {_past_fronted(c)}.",
}
TWEET: dict[str, Template] = {
    "just": lambda c: cap(f"{c.agent.bare} just{c.manner} {c.verb.past} {c.theme.bare}{c.place}{c.time} #news"),
    "wow": lambda c: f"Wow, {_past_passive(c)}!",
    "watched": lambda c: f"Just watched {c.agent.a}{c.manner} {c.verb.base} {c.theme.a}{c.place}{c.time}!",
    "breaking": lambda c: f"Breaking: {c.theme.bare}{c.manner} {c.verb.participle} by {c.agent.bare}{c.place}{c.time}",
}
GLOSS: dict[str, Template] = {
    "to do": lambda c: f"to{c.manner} {c.verb.base} {c.theme.a}, as {c.agent.a} does{c.place}.",
    "the act": lambda c: f"the act of{c.manner} {c.verb.ing} {c.theme.a}, done by {c.agent.a}{c.place}.",
    "one that": lambda c: f"{c.agent.a} that{c.manner} {c.verb.s} {c.theme.a}{c.place}.",
    "thing that": lambda c: f"{c.theme.a} that {c.theme.is_}{c.manner} {c.verb.participle} by {c.agent.a}{c.place}.",
    "a case of": lambda c: f"a case of {c.agent.a}{c.manner} {c.verb.ing} {c.theme.a}{c.place}.",
}
FRAME: dict[str, Template] = {
    "frame": lambda c: f"This frame describes how {c.agent.a}{c.manner} {c.verb.s} {c.theme.a}{c.place}.",
    "frame passive": lambda c: cap(
        f"{c.theme.a} {c.theme.is_}{c.manner} {c.verb.participle}{c.place}; the one who does it is {c.agent.a}."
    ),
}
SPEECH: dict[str, Template] = {
    "mr president": lambda c: f"Mr President, I must say that {_past(c)}.",
    "we all know": lambda c: f"We all know that {_past_passive(c)}.",
    "i would like": lambda c: f"I would like to say that {_past(c)}.",
    "the house": lambda c: f"Mr President, this House should know that {_past_passive(c)}.",
    "let me say": lambda c: f"Let me say to you all that {_past_fronted(c)}.",
}

TEMPLATES = NEWS | REPORT | RETOLD | HEADLINE | CAPTION | QUESTION | FORUM | BELIEF | TWEET | GLOSS | FRAME | SPEECH


@dataclass(frozen=True)
class Register:
    """A way of writing.

    Attributes:
        templates: what it is written with, each as often as it is used.
        chance: the probability that each minor role is said.
        share: its weight in the training text.
    """

    templates: tuple[Template, ...]
    chance: dict[str, float]
    share: float


def _register(share: float, *groups: dict[str, Template], **chance: float) -> Register:
    templates = [t for group in groups for t in group.values()]
    return Register(spread(templates, long_tail(len(templates)), 100), chance, share)


_LITTLE = {"agent_property": 0.08, "theme_property": 0.08, "agent_count": 0.02}
_MUCH = {"agent_property": 0.12, "theme_property": 0.1, "agent_count": 0.05}
# A minor role that is not named is never said.
REGISTERS = {
    "news": _register(0.18, NEWS, REPORT, **_LITTLE, theme_count=0.06, site=0.2, city=0.2, time=0.28, manner=0.04),
    "retold": _register(0.10, NEWS, RETOLD, **_LITTLE, theme_count=0.06, site=0.2, city=0.16, time=0.2, manner=0.08),
    "headline": _register(0.13, HEADLINE, **_MUCH, theme_count=0.05, site=0.16, city=0.34),
    "caption": _register(0.12, CAPTION, **_MUCH, theme_count=0.06, site=0.3, city=0.04, manner=0.06),
    "question": _register(0.08, QUESTION, **_LITTLE, theme_count=0.04, site=0.2, city=0.16, time=0.16),
    "forum": _register(0.10, FORUM, **_LITTLE, theme_count=0.04, site=0.2, city=0.16, time=0.16, manner=0.04),
    "belief": _register(0.08, BELIEF, **_LITTLE, theme_count=0.04, site=0.16, city=0.16, time=0.16, manner=0.06),
    "tweet": _register(0.05, TWEET, **_LITTLE, theme_count=0.04, site=0.2, city=0.28),
    "gloss": _register(0.07, GLOSS, agent_property=0.06, theme_property=0.14, site=0.24, manner=0.1),
    "frame": _register(0.02, FRAME, agent_property=0.12, theme_property=0.16, site=0.28, manner=0.1),
    "speech": _register(0.07, SPEECH, **_LITTLE, theme_count=0.06, site=0.16, city=0.2, time=0.2),
}
