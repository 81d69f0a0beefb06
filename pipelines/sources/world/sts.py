"""Semantic textual similarity: STS12 to STS16, STS-B and SICK, in the files that SentEval reads.

A gold score is five times the similarity of the two events, as five annotators see it. The STS files are
tokenised and in lower case, SICK is neither, as in the originals. The format of each file is that of
facebookresearch/SentEval's download scripts.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from pipelines.sources.world.ontology import MINOR, Event, relation
from pipelines.sources.world.pairs import Pair, PairMaker

ANNOTATORS = 5
SPREAD = 0.55  # standard deviation of one annotator's score before rounding, in points of the 0-5 scale

# The registers of the two sentences of each subset, in SentEval's order.
SUBSETS: dict[str, dict[str, tuple[str, str]]] = {
    "STS12": {
        "MSRpar": ("retold", "retold"),
        "MSRvid": ("caption", "caption"),
        "SMTeuroparl": ("speech", "speech"),
        "surprise.OnWN": ("gloss", "gloss"),
        "surprise.SMTnews": ("news", "news"),
    },
    "STS13": {"FNWN": ("frame", "gloss"), "headlines": ("headline", "headline"), "OnWN": ("gloss", "gloss")},
    "STS14": {
        "deft-forum": ("forum", "forum"),
        "deft-news": ("news", "news"),
        "headlines": ("headline", "headline"),
        "images": ("caption", "caption"),
        "OnWN": ("gloss", "gloss"),
        "tweet-news": ("tweet", "headline"),
    },
    "STS15": {
        "answers-forums": ("forum", "forum"),
        "answers-students": ("retold", "retold"),
        "belief": ("belief", "belief"),
        "headlines": ("headline", "headline"),
        "images": ("caption", "caption"),
    },
    "STS16": {
        "answer-answer": ("forum", "belief"),
        "headlines": ("headline", "headline"),
        "plagiarism": ("retold", "retold"),
        "postediting": ("news", "retold"),
        "question-question": ("question", "question"),
    },
}
# How a score is printed in each year's files.
SCORE = {"STS12": "{:.3f}", "STS13": "{:g}", "STS14": "{:g}", "STS15": "{:.2f}", "STS16": "{:g}"}
UNSCORED = {"STS15": 0.1, "STS16": 0.15}  # share of lines without a score, beside the scored ones
# Genre, file and year of STS-B's rows, with the registers they are written in.
SOURCES = (
    ("main-captions", "MSRvid", "2012test", "caption"),
    ("main-captions", "images", "2014", "caption"),
    ("main-forum", "deft-forum", "2014", "forum"),
    ("main-news", "MSRpar", "2012test", "retold"),
    ("main-news", "headlines", "2013", "headline"),
    ("main-news", "deft-news", "2014", "news"),
)


def tokenised(text: str) -> str:
    """The text in lower case with blanks around punctuation, as SentEval ships its STS files."""
    return " ".join(re.findall(r"\w+(?:[-']\w+)*|[^\w\s]", text.lower()))


def annotate(similarity: float, rng: Random) -> float:
    """The mean of the annotators' scores, each a whole number from 0 to 5."""
    scores = [min(5, max(0, round(5.0 * similarity + rng.gauss(0.0, SPREAD)))) for _ in range(ANNOTATORS)]
    return sum(scores) / ANNOTATORS


def subset_pairs(seed: int, year: str, subset: str, count: int) -> list[Pair]:
    """The pairs of one subset of STS12 to STS16, scored or not."""
    maker = PairMaker(Random(f"{seed}:{year}:{subset}"), SUBSETS[year][subset])
    return [maker.pair() for _ in range(count)]


def write_sts(downstream: Path, seed: int, pairs_per_subset: int) -> None:
    """Write `STS/STS12-en-test` to `STS/STS16-en-test` under SentEval's folder `downstream`."""
    for year, subsets in SUBSETS.items():
        folder = downstream / "STS" / f"{year}-en-test"
        folder.mkdir(parents=True)
        unscored = round(pairs_per_subset * UNSCORED.get(year, 0.0))
        for subset in subsets:
            rng = Random(f"{seed}:{year}:{subset}:annotators")
            pairs = subset_pairs(seed, year, subset, pairs_per_subset + unscored)
            gold = [SCORE[year].format(annotate(pair.similarity, rng)) for pair in pairs]
            for line in rng.sample(range(len(pairs)), unscored):
                gold[line] = ""
            lines = [f"{tokenised(p.first)}\t{tokenised(p.second)}" for p in pairs]
            write_lines(folder / f"STS.input.{subset}.txt", lines)
            write_lines(folder / f"STS.gs.{subset}.txt", gold)


def write_stsb(downstream: Path, seed: int, sizes: dict[str, int]) -> None:
    """Write `STS/STSBenchmark/sts-*.csv`: genre, file, year, id, score, two sentences, separated by tabs."""
    folder = downstream / "STS" / "STSBenchmark"
    folder.mkdir(parents=True)
    for part, size in sizes.items():
        rng = Random(f"{seed}:STSBenchmark:{part}")
        makers = [PairMaker(rng, (register, register)) for *_, register in SOURCES]
        rows = []
        for row in range(size):
            genre, name, year, _ = SOURCES[row % len(SOURCES)]
            pair = makers[row % len(SOURCES)].pair()
            score = f"{annotate(pair.similarity, rng):.3f}"
            rows.append(
                "\t".join((genre, name, year, f"{row:04d}", score, tokenised(pair.first), tokenised(pair.second)))
            )
        write_lines(folder / f"sts-{part}.csv", rows)


def write_sick(downstream: Path, seed: int, sizes: dict[str, int]) -> None:
    """Write `SICK/SICK_*.txt`: id, two sentences, relatedness from 1 to 5, entailment."""
    folder = downstream / "SICK"
    folder.mkdir(parents=True)
    number = 0
    for part, size in sizes.items():
        rng = Random(f"{seed}:SICK:{part}")
        maker = PairMaker(rng, ("caption", "caption"))
        rows = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"]
        for _ in range(size):
            number += 1
            pair = maker.pair()
            score = 1.0 + 0.8 * annotate(pair.similarity, rng)
            sides = f"{pair.first.removesuffix('.')}\t{pair.second.removesuffix('.')}"
            rows.append(f"{number}\t{sides}\t{score:.1f}\t{entailment(*pair.events)}")
        write_lines(folder / f"SICK_{part}.txt", rows)


def entailment(first: Event, second: Event) -> str:
    """Whether the first event entails the second, contradicts it, or neither.

    It entails one that says the same or less, up to hypernyms; it contradicts one with the same agent,
    action and theme but another count, site, city or time.
    """
    major = [relation(getattr(first, role), getattr(second, role)) for role in ("agent", "action", "theme")]
    minor = [(role, getattr(first, role), getattr(second, role)) for role in MINOR]
    if set(major) == {"same"} and any(a and b and a is not b for role, a, b in minor if not role.endswith("property")):
        return "CONTRADICTION"
    widened = all(
        getattr(second, r).name == getattr(second, r).family
        for r, how in zip(("agent", "action", "theme"), major, strict=True)
        if how != "same"
    )
    return "ENTAILMENT" if widened and all(b is None or a is b for _, a, b in minor) else "NEUTRAL"


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> None:
    """Write lines, each ended by a newline."""
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
