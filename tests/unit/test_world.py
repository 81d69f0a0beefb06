"""The generated world: its words, its grammar, and the distance of its meanings."""

from __future__ import annotations

import doctest
import re
from itertools import chain
from random import Random

import pytest

from pipelines.sources.world import opinion, words
from pipelines.sources.world.corpus import LONGEST, SHORTEST, sentences
from pipelines.sources.world.grammar import clause
from pipelines.sources.world.ontology import MINOR, Event, similarity
from pipelines.sources.world.pairs import PairMaker, random_words
from pipelines.sources.world.sampling import world
from pipelines.sources.world.templates import REGISTERS, TEMPLATES

SAMPLE = list(sentences(seed=5, count=20_000))
TOKENS = [re.findall(r"[A-Za-z]+", line) for line in SAMPLE]
EVERYTHING = dict.fromkeys(MINOR, 1.0)


def drawn(seed: int, count: int = 200) -> list[Event]:
    rng = Random(seed)
    return [world().event(rng, EVERYTHING) for _ in range(count)]


def test_the_text_has_a_rich_vocabulary() -> None:
    assert len({token.lower() for tokens in TOKENS for token in tokens}) >= 1500


def test_same_seed_gives_the_same_sentences_and_another_seed_others() -> None:
    assert list(sentences(7, 300)) == list(sentences(7, 300))
    assert not set(sentences(7, 300)) & set(sentences(8, 300))


def test_more_sentences_begin_with_the_fewer() -> None:
    assert list(sentences(7, 500))[:100] == list(sentences(7, 100))


def test_every_word_belongs_to_one_meaning() -> None:
    w = world()
    owner: dict[str, str] = {}
    for noun in chain(*w.nouns.values(), *w.sites.values()):
        for word in noun.words:
            for form in {word.singular, word.plural}:
                assert owner.setdefault(form, noun.name) == noun.name, form
    for action in chain(*w.actions.values()):
        for verb in action.words:
            for form in set(verb):
                assert owner.setdefault(form, f"to {action.name}") == f"to {action.name}", form
    for prop in dict.fromkeys(chain(*w.properties.values())):
        for adjective in prop.words:
            assert owner.setdefault(adjective.plain, f"{prop.name}.") == f"{prop.name}.", adjective.plain


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_reachable_and_says_every_role(name: str) -> None:
    assert len(TEMPLATES) >= 20
    users = [r for r in REGISTERS.values() if TEMPLATES[name] in r.templates]
    assert users, "no register uses it"
    for register in users:
        said = dict.fromkeys(register.chance, 1.0)
        rng = Random(name)
        for _ in range(30):
            event = world().event(rng, said)
            text = TEMPLATES[name](clause(event, rng, random_words(rng))).lower()
            for role in ("agent", "theme"):
                noun = getattr(event, role)
                assert any(w.singular in text or w.plural in text for w in noun.words), text
            assert any(form in text for verb in event.action.words for form in verb), text
            for role in ("city", "time", "manner", "agent_count", "theme_count"):
                sense = getattr(event, role)
                assert sense is None or any(word.lower() in text for word in sense.words), (role, text)
            for role in ("agent_property", "theme_property"):
                sense = getattr(event, role)
                assert sense is None or any(word.plain in text for word in sense.words), (role, text)
            assert event.site is None or any(word.singular in text for word in event.site.words), text


def test_the_training_text_uses_every_template() -> None:
    openings = {  # words that only this template says
        "quote": "told the press",
        "nominalisation": " happened",
        "gerund": " is what ",
        "headline as": " alarmed as ",
        "caption photo": "A photo of ",
        "caption while": " shown being ",
        "does anyone know": "Does anyone know why",
        "one who": "and it was done by",
        "the house": "this House should know",
        "frame": "This frame describes how",
    }
    for template, words_of_it in openings.items():
        assert any(words_of_it in line for line in SAMPLE), template


def test_sentences_are_well_formed() -> None:
    for line in SAMPLE:
        assert SHORTEST <= len(line.split()) <= LONGEST
        assert line == line.strip() and "  " not in line
        assert not re.search(r"[{}]|None|<|>| [,.?!]", line), line
        assert not re.search(r"\b(\w+) \1\b", line.replace("that that", "")), line


def test_the_indefinite_article_fits_the_next_word() -> None:
    for line in SAMPLE:
        for article, word in re.findall(r"\b([Aa]n?) ([a-z]+)", line):
            vowel = word[0] in "aeiou" and word not in ("university", "utensil")  # spoken as in "you"
            assert (article.lower() == "an") == vowel, line


def test_registers_have_their_capital_and_their_full_stop() -> None:
    rng = Random(3)
    for name, register in REGISTERS.items():
        for template in register.templates:
            text = template(clause(world().event(rng, register.chance), rng, random_words(rng)))
            opening = text.lstrip('"')[0]
            assert opening.isdigit() or opening.isupper() == (name != "gloss"), text
            if name not in ("headline", "tweet"):
                assert text.endswith(("?",) if name == "question" else (".",)), text


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("treat", ("treat", "treats", "treated", "treated", "treating")),
        ("carry", ("carry", "carries", "carried", "carried", "carrying")),
        ("ban/banned", ("ban", "bans", "banned", "banned", "banning")),
        ("steal/stole/stolen", ("steal", "steals", "stole", "stolen", "stealing")),
        ("tie", ("tie", "ties", "tied", "tied", "tying")),
        ("free", ("free", "frees", "freed", "freed", "freeing")),
        ("catch/caught", ("catch", "catches", "caught", "caught", "catching")),
    ],
)
def test_verb_forms(text: str, forms: tuple[str, ...]) -> None:
    assert tuple(words.Verb.parse(text)) == forms


def test_plural_subjects_take_plural_verbs() -> None:
    for line in SAMPLE:
        for count in ("two", "three", "eight", "twelve"):
            if match := re.match(rf"{count} [a-z ]*?\b(is|was|has|are|were|have) ", line, re.IGNORECASE):
                assert match[1] in ("are", "were", "have"), line


def test_an_event_equals_itself_and_nothing_else() -> None:
    for a, b in zip(drawn(1), drawn(2), strict=True):
        assert similarity(a, a) == 1.0
        assert similarity(a, b) == similarity(b, a)
        assert 0.0 <= similarity(a, b) < 1.0


def test_similarity_falls_with_each_further_difference() -> None:
    for a, b in zip(drawn(3), drawn(4), strict=True):
        mixed, before = a, 1.0
        for role in (*MINOR, "theme", "action", "agent"):
            value = getattr(b, role)
            if value is getattr(a, role):
                continue
            mixed = mixed._replace(**{role: value})
            if mixed.agent.domain != a.agent.domain:
                continue  # the floor of a shared topic is gone as well
            after = similarity(a, mixed)
            assert after <= before
            before = after


def test_the_bands_of_the_scale() -> None:
    maker = PairMaker(Random(9), ("news", "news"))
    scores: dict[str, list[float]] = {}
    for edit in ("same", "minor", "hypernym", "sibling", "two siblings", "topic", "unrelated"):
        pairs = [maker.pair(edit) for _ in range(300)]
        scores[edit] = [5.0 * pair.similarity for pair in pairs]
    mean = {edit: sum(values) / len(values) for edit, values in scores.items()}
    assert list(mean.values()) == sorted(mean.values(), reverse=True)
    assert mean["same"] == 5.0
    assert 3.7 < mean["minor"] < 4.8
    assert 3.5 < mean["hypernym"] < 4.5
    assert 2.8 < mean["sibling"] < 3.7
    assert 1.7 < mean["two siblings"] < 2.8
    assert 1.3 < mean["topic"] < 2.1
    assert mean["unrelated"] < 0.3


def test_swapping_agent_and_theme_counts_as_a_difference() -> None:
    event = next(e for e in drawn(6, 2000) if e.agent.family == e.theme.family)
    assert similarity(event, event._replace(agent=event.theme, theme=event.agent)) == pytest.approx(0.65)


def test_reviews_keep_their_polarity_apart() -> None:
    rng = Random(1)
    good = " ".join(opinion.opinion(rng, "film", 4) for _ in range(300)).split()
    bad = " ".join(opinion.opinion(rng, "film", 0) for _ in range(300)).split()
    assert good.count("brilliant") > 2 * bad.count("brilliant") > 0  # turned around, but not always


def test_examples_in_the_docstrings() -> None:
    for module in (words, opinion):
        assert doctest.testmod(module).failed == 0
