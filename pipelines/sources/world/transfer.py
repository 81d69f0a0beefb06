"""The transfer sets MR, CR, SUBJ, MPQA, SST, TREC and MRPC, in the files that SentEval reads."""

from __future__ import annotations

from pathlib import Path
from random import Random

from pipelines.sources.world.grammar import Clause, clause
from pipelines.sources.world.lexicon import ACRONYMS
from pipelines.sources.world.opinion import ADJECTIVES, THINGS, mend_articles, opinion, polar_phrase
from pipelines.sources.world.pairs import PairMaker, random_words
from pipelines.sources.world.sampling import draw, world
from pipelines.sources.world.sts import tokenised, write_lines
from pipelines.sources.world.words import article

NOISE = 0.03  # share of rows whose label an annotator got wrong
PARAPHRASE = 0.7  # similarity from which two events count as the same in MRPC
BAD, GOOD = (0, 1), (3, 4)  # strengths of an opinion


def write_sentiment(downstream: Path, seed: int, rows: int) -> None:
    """Write MR and CR (reviews of films and products), SUBJ and MPQA: a file a class, `rows` lines in all."""
    sets: dict[str, tuple[str, str]] = {
        "MR": ("rt-polarity.pos", "rt-polarity.neg"),
        "CR": ("custrev.pos", "custrev.neg"),
        "SUBJ": ("subj.objective", "subj.subjective"),
        "MPQA": ("mpqa.pos", "mpqa.neg"),
    }
    for name, files in sets.items():
        rng = Random(f"{seed}:{name}")
        folder = downstream / name
        folder.mkdir(parents=True)
        for label, file in zip((1, 0), files, strict=True):
            lines = [_labelled(name, label, rng) for _ in range((rows + label) // 2)]
            write_lines(folder / file, [line + " " for line in lines], encoding="latin-1")


def _labelled(name: str, label: int, rng: Random) -> str:
    """One sentence of a two-class set."""
    if rng.random() < NOISE:
        label = 1 - label
    if name == "MPQA":
        return polar_phrase(rng, positive=label == 1)
    if name == "SUBJ":
        return _plot(rng) if label else _verdict(rng)
    return opinion(rng, "film" if name == "MR" else "product", draw(rng, GOOD if label else BAD))


def _plot(rng: Random) -> str:
    """What happens in a film: objective in SUBJ's sense."""
    c = _clause(rng, {"agent_property": 0.5, "site": 0.5, "city": 0.6, "time": 0.4})
    frames = (
        f"the {draw(rng, THINGS['film'])} follows {c.agent.a} that {c.s} {c.theme.a}{c.place}",
        f"one day {c.agent.a}{c.manner} {c.s} {c.theme.a}{c.place} and has to leave home",
        f"the story begins{c.place}{c.time} , when {c.agent.a} {c.s} {c.theme.a}",
        f"{c.agent.a} and {c.alias} meet{c.place} after {c.theme.a} {c.theme.is_} {c.verb.participle}",
        f"when {c.theme.a} {c.theme.is_} {c.verb.participle}{c.place} , {c.agent.a} is to blame",
    )
    return tokenised(draw(rng, frames)) + " ."


def _verdict(rng: Random) -> str:
    """What somebody thinks of a film: subjective in SUBJ's sense; it may retell some of the plot."""
    strength = draw(rng, (*BAD, *GOOD))
    if rng.random() < 0.5:
        return opinion(rng, "film", strength) + " ."
    c = _clause(rng, {"agent_property": 0.3, "city": 0.3})
    x, y = rng.sample(ADJECTIVES[f"film {strength}"], 2)
    frames = (
        f"a {x} tale of {c.agent.a} that {c.s} {c.theme.a}{c.place}",
        f"you will either love or hate this {y} story about {c.agent.a}{c.place}",
        f"seldom has {c.agent.a} {c.verb.participle} {c.theme.a} in such a {x} {draw(rng, THINGS['film'])}",
        f"the moment when {c.agent.a} {c.s} {c.theme.a} is {x} and {y}",
    )
    return mend_articles(tokenised(draw(rng, frames))) + " ."


def write_sst(downstream: Path, seed: int, sizes: dict[str, int]) -> None:
    """Write `SST/binary/*` (sentence, tab, 0 or 1) and `SST/fine/*` (0 to 4, blank, sentence)."""
    for kind, strengths in {"binary": (*BAD, *GOOD), "fine": (0, 1, 2, 3, 4)}.items():
        folder = downstream / "SST" / kind
        folder.mkdir(parents=True)
        for part, size in sizes.items():
            rng = Random(f"{seed}:SST:{kind}:{part}")
            lines = []
            for _ in range(size):
                seen = strength = draw(rng, strengths)
                text = opinion(rng, "film", strength) + " ."
                if rng.random() < NOISE:
                    seen = draw(rng, strengths)
                lines.append(f"{text} \t{int(seen > 2)}" if kind == "binary" else f"{seen} {text}")
            write_lines(folder / f"sentiment-{part}", lines)


def write_trec(downstream: Path, seed: int, sizes: dict[str, int]) -> None:
    """Write TREC: coarse label, colon, fine label, blank, question; all classes equally often."""
    folder = downstream / "TREC"
    folder.mkdir(parents=True)
    files = {"train": "train_5500.label", "test": "TREC_10.label"}
    for part, size in sizes.items():
        rng = Random(f"{seed}:TREC:{part}")
        lines = []
        for row in range(size):
            label, question = draw(rng, _questions(rng)[row % 6])
            lines.append(f"{label} {question} ?")
        rng.shuffle(lines)
        write_lines(folder / files[part], lines, encoding="latin-1")


def _questions(rng: Random) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Questions about one event, for each of the six classes: (label, question)."""
    chance = {"agent_property": 0.3, "site": 0.3, "city": 0.3}
    event = world().event(rng, chance)
    while event.theme.kind == "person":  # what is asked for as an entity must not be human
        event = world().event(rng, chance)
    c = clause(event, rng, random_words(rng))
    a, t, v, where = c.agent, c.theme, c.verb, c.place
    who, what = event.agent.family, event.theme.family
    site = draw(rng, draw(rng, world().places[event.agent]).words).singular
    acronym = draw(rng, ACRONYMS.split())
    about = draw(rng, ("What can you tell me about", "Have you ever heard of", "What should I know about"))
    return (
        (
            ("ABBR:exp", f"What does {acronym} stand for{where}"),
            ("ABBR:exp", f"What do the letters {acronym} mean to {a.a}"),
            ("ABBR:exp", f"What is {acronym} short for"),
            ("ABBR:abb", f"What is the short form of the name of {t.the}"),
            ("ABBR:exp", f"{about} {acronym}{where}"),
        ),
        (
            ("DESC:def", f"What is {t.a}"),
            ("DESC:manner", f"How do you {v.base} {t.a}{where}"),
            ("DESC:reason", f"Why did {a.the} {v.base} {t.the}{where}"),
            ("DESC:desc", f"What did {a.the} think of {t.the}{where}"),
            ("DESC:def", f"What does it mean to {v.base} {t.a}"),
            ("DESC:desc", f"{about} {v.ing} {t.a}{where}"),
        ),
        (
            ("ENTY:other", f"What {what} did {a.the} {v.base}{where}"),
            ("ENTY:other", f"Name {t.a} that was {v.participle}{where}"),
            ("ENTY:other", f"What was {v.participle} by {a.the}{where}"),
            ("ENTY:other", f"Which {t.bare} was {v.participle} by {a.any}"),
            ("ENTY:other", f"{about} {t.the}{where}"),
        ),
        (
            ("HUM:ind", f"Who {v.past} {t.the}{where}"),
            ("HUM:ind", f"What {who} {v.past} {t.any}{where}"),
            ("HUM:ind", f"Name {a.a} that {v.past} {t.a}{where}"),
            ("HUM:ind", f"Which {a.bare} was seen with {t.any}"),
            ("HUM:desc", f"{about} {a.the}{where}"),
        ),
        (
            ("LOC:other", f"Where did {a.the} {v.base} {t.the}"),
            ("LOC:other", f"What {site} was {t.the} {v.participle} in"),
            ("LOC:other", f"Name {article(site)} {site} that is known for {t.a}"),
            ("LOC:other", f"Which {site} did {a.the} leave"),
            ("LOC:other", f"{about} the {site} of {a.the}"),
        ),
        (
            ("NUM:count", f"How many times did {a.the} {v.base} {t.the}{where}"),
            ("NUM:date", f"When did {a.the} {v.base} {t.the}{where}"),
            ("NUM:money", f"What is the price of {t.a}{where}"),
            ("NUM:count", f"What was the number of people that {v.past} {t.any}{where}"),
            ("NUM:period", f"Name the time it takes to {v.base} {t.a}"),
            ("NUM:money", f"{about} the price of {t.a}{where}"),
        ),
    )


def write_mrpc(downstream: Path, seed: int, sizes: dict[str, int]) -> None:
    """Write `MRPC/msr_paraphrase_*.txt`: label, two ids, two sentences; a byte-order mark comes first."""
    folder = downstream / "MRPC"
    folder.mkdir(parents=True)
    number = 100000
    for part, size in sizes.items():
        rng = Random(f"{seed}:MRPC:{part}")
        maker = PairMaker(rng, ("news", "retold"))
        lines = ["\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String"]
        for _ in range(size):
            edit = draw(rng, ("same", "minor", "minor", "hypernym", "sibling", "two siblings"))
            pair = maker.pair(edit)
            label = pair.similarity >= PARAPHRASE
            if rng.random() < NOISE:
                label = not label
            number += 2
            sides = f"{tokenised(pair.first)}\t{tokenised(pair.second)}"
            lines.append(f"{int(label)}\t{number}\t{number + 1}\t{sides}")
        write_lines(folder / f"msr_paraphrase_{part}.txt", lines)


def _clause(rng: Random, chance: dict[str, float]) -> Clause:
    return clause(world().event(rng, chance), rng, random_words(rng))
