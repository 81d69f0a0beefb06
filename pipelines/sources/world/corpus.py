"""Training text: any number of sentences from one seed, in all registers of the world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from pipelines.sources.world.grammar import clause
from pipelines.sources.world.ontology import Sense
from pipelines.sources.world.opinion import review
from pipelines.sources.world.sampling import W, draw, spread, world
from pipelines.sources.world.templates import REGISTERS

SHORTEST, LONGEST = 6, 25  # words in a sentence
REVIEWS = 0.1  # share of the training text that gives an opinion rather than a fact


def sentences(seed: int, count: int | None = None) -> Iterator[str]:
    """Training sentences, without end or the first `count` of them; the same for the same seed.

    Example:
        >>> first, second = sentences(seed=1, count=2)
    """
    return islice(_endless(Random(f"{seed}:corpus")), count)


def _endless(rng: Random) -> Iterator[str]:
    random = rng.random
    registers = spread(list(REGISTERS.values()), [r.share for r in REGISTERS.values()], 200)
    event = world().event

    def pick(sense: Sense[W]) -> W:
        words = sense.words
        return words[int(random() * len(words))]

    while True:
        if random() < REVIEWS:
            text = review(rng)
        else:
            register = draw(rng, registers)
            text = draw(rng, register.templates)(clause(event(rng, register.chance), rng, pick))
        if SHORTEST <= text.count(" ") + 1 <= LONGEST:
            yield text
