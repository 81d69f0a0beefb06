"""Opinions: reviews of films and products with a graded polarity, and short phrases with a polarity.

A review is built from aspects and adjectives of five strengths. Negation, concession and "far from" turn
polarity around, so that a count of good and bad words does not settle every case.
"""

from __future__ import annotations

from random import Random

from pipelines.sources.world.grammar import capital
from pipelines.sources.world.sampling import draw
from pipelines.sources.world.words import article

# The adjectives of a topic by strength, from 0 (very bad) to 4 (very good); 2 is one good and one bad.
_ADJECTIVES = """
film 0: dreadful awful terrible horrible atrocious disastrous pathetic abysmal worthless appalling miserable
film 1: tedious boring predictable amateurish monotonous forgettable confusing superficial unconvincing
film 3: charming engaging enjoyable pleasant touching humorous likable thoughtful amusing entertaining
film 4: brilliant superb outstanding stunning magnificent unforgettable marvellous wonderful flawless glorious
product 0: dreadful awful terrible horrible atrocious disastrous pathetic abysmal worthless appalling lousy
product 1: unreliable frustrating flimsy inconvenient disappointing outdated noisy impractical defective
product 3: reliable durable convenient practical satisfying responsive comfortable efficient elegant versatile
product 4: brilliant superb outstanding stunning magnificent marvellous wonderful flawless excellent perfect
"""
_THINGS = """
film: film movie comedy drama sequel thriller documentary remake picture
product: camera phone router player printer laptop headset keyboard monitor charger
"""
_ASPECTS = """
film: plot script ending soundtrack cast premise narrator screenplay finale storyline performance prologue
product: battery screen speaker lens manual remote menu keypad zoom design interface microphone
"""


def _lists(table: str) -> dict[str, list[str]]:
    """The words of each line of a table, by what stands before the colon."""
    rows = (line.split(":") for line in table.strip().splitlines())
    return {head: words.split() for head, words in rows}


ADJECTIVES, THINGS, ASPECTS = _lists(_ADJECTIVES), _lists(_THINGS), _lists(_ASPECTS)

# {x} and {y} have the wanted polarity, {o} the opposite one; `a {x}` is mended to `an` where needed.
CLEAR = (
    "the {aspect} is {x} and the {other} is {y} as well",
    "this is a {x} and {y} {thing} with a {x2} {aspect}",
    "i found the {aspect} of this {thing} {x} , and my friends call it {y}",
    "a {x} {thing} that is as {y} as its {aspect}",
    "the {thing} is {x} from start to finish , with a {y} {aspect}",
    "everyone i know thinks that this {thing} is {x} , above all the {aspect}",
    "it is hard to think of a more {x} {thing} with such a {y} {aspect}",
)
TURNED = (
    "far from being {o} , the {thing} has a {x} {aspect}",
    "although the {aspect} is {o} , the {thing} as a whole is {x}",
    "i expected a {o} {thing} , but it turned out to be {x}",
    "the {aspect} may be {o} , yet in the end this {thing} is {x} and {y}",
    "nobody could call this {thing} {o} , least of all its {aspect}",
    "the {thing} is never {o} and its {aspect} is anything but {o2}",
    "those who call the {aspect} {o} have not seen how {x} this {thing} is",
)
MIXED = (
    "the {aspect} is {x} , but the {other} is {o}",
    "half of this {thing} is {x} and the other half is {o}",
    "the {thing} is neither {x} nor {o} , and neither is the {aspect}",
    "an ordinary {thing} with a {x} {aspect} and a {o} {other}",
    "the {thing} runs for two hours and has an average {aspect}",
)


def opinion(rng: Random, topic: str, strength: int) -> str:
    """A review sentence, tokenised and in lower case as SentEval's are.

    Args:
        rng: source of chance.
        topic: "film" or "product".
        strength: 0 (very bad) to 4 (very good); 2 is mixed.
    """
    if strength == 2:
        frame, wanted, opposite = draw(rng, MIXED), draw(rng, (3, 4)), draw(rng, (0, 1))
    else:
        frame = draw(rng, TURNED if rng.random() < 0.4 else CLEAR)
        wanted, opposite = strength, 4 - strength
    x, y, x2 = rng.sample(ADJECTIVES[f"{topic} {wanted}"], 3)
    o, o2 = rng.sample(ADJECTIVES[f"{topic} {opposite}"], 2)
    aspect, other = rng.sample(ASPECTS[topic], 2)
    text = frame.format(thing=draw(rng, THINGS[topic]), aspect=aspect, other=other, x=x, y=y, x2=x2, o=o, o2=o2)
    return mend_articles(text)


def review(rng: Random) -> str:
    """A review sentence of any topic and strength, as people write it."""
    text = opinion(rng, draw(rng, ("film", "product")), draw(rng, (0, 1, 2, 3, 4)))
    return capital(text.replace(" ,", ",").replace(" i ", " I ")) + "."


def mend_articles(text: str) -> str:
    """The text with each indefinite article fitted to the word behind it.

    >>> mend_articles("a awful film")
    'an awful film'
    """
    words = text.split(" ")
    return " ".join(
        article(after) if word in ("a", "an") else word for word, after in zip(words, [*words[1:], "x"], strict=True)
    )


_PHRASE_WORDS = """
adverb: strongly openly warmly repeatedly clearly always again rightly
deed 0: condemned blamed attacked denounced betrayed destroyed ridiculed injured rejected feared
deed 1: praised applauded supported helped endorsed enjoyed rescued healed rewarded encouraged
noun 0: fear hatred grief shame failure danger crisis injustice despair chaos
noun 1: hope peace joy pride trust progress success friendship justice freedom
"""
PHRASE_WORDS = _lists(_PHRASE_WORDS)
PHRASES = (  # {d} a deed, {n} a noun, {x} an adjective of the wanted polarity
    "was {adverb} {d}",
    "{adverb} {d} by all",
    "a source of {n}",
    "{n} and {n2}",
    "{x} and {y}",
    "{adverb} {x}",
    "has brought {n} to the people",
    "{d} with {n}",
)
PHRASES_TURNED = (  # {d}, {n}, {x} of the opposite polarity
    "was never {d}",
    "no longer a cause of {n}",
    "a lack of {n}",
    "put an end to {n}",
    "not at all {x}",
    "far from {x}",
    "could hardly be {x}",
    "the end of {n}",
)


def polar_phrase(rng: Random, positive: bool) -> str:
    """A short phrase with a polarity, as in MPQA."""
    turned = rng.random() < 0.25
    sign = int(positive != turned)
    frame = draw(rng, PHRASES_TURNED if turned else PHRASES)
    n, n2 = rng.sample(PHRASE_WORDS[f"noun {sign}"], 2)
    x, y = rng.sample(ADJECTIVES[f"film {draw(rng, (3, 4) if sign else (0, 1))}"], 2)
    adverb, deed = draw(rng, PHRASE_WORDS["adverb"]), draw(rng, PHRASE_WORDS[f"deed {sign}"])
    return frame.format(adverb=adverb, d=deed, n=n, n2=n2, x=x, y=y)
