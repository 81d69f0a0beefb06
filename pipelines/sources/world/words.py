"""Words and their forms: regular English inflection; the lexicon gives irregular forms after a slash."""

from __future__ import annotations

from typing import NamedTuple

SILENT_H = ("hour", "honest", "heir")
SPOKEN_Y = ("uni", "use", "usu", "eu", "ute")  # written with a vowel, spoken with the consonant of "you"


def article(word: str) -> str:
    """The indefinite article that goes before a word: "an" before a vowel sound, else "a".

    >>> article("apple"), article("university"), article("undergraduate")
    ('an', 'a', 'an')
    """
    lower = word.lower()
    if lower.startswith(SILENT_H):
        return "an"
    spoken_y = lower.startswith(SPOKEN_Y) and not lower.startswith(("unim", "unin"))
    return "an" if lower[0] in "aeiou" and not spoken_y else "a"


def _s(word: str) -> str:
    """The -s form of a noun or verb."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


class Noun(NamedTuple):
    """A count noun: singular, plural, and the singular behind its indefinite article."""

    singular: str
    plural: str
    indefinite: str

    @classmethod
    def parse(cls, text: str) -> Noun:
        """`wolf/wolves`, or just `dog`."""
        singular, _, plural = text.partition("/")
        return cls(singular, plural or _s(singular), f"{article(singular)} {singular}")


class Verb(NamedTuple):
    """A transitive verb: base, third person, past, past participle, -ing form."""

    base: str
    s: str
    past: str
    participle: str
    ing: str

    @classmethod
    def parse(cls, text: str) -> Verb:
        """`treat`, `ban/banned`, `steal/stole/stolen` or `dye/dyed/dyed/dyeing`."""
        base, *rest = text.split("/")
        past = rest[0] if rest else _past(base)
        participle = rest[1] if len(rest) > 1 else past
        ing = rest[2] if len(rest) > 2 else _ing(base, past)
        return cls(base, _s(base), past, participle, ing)


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + "ed"


def _ing(base: str, past: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "ye")):
        return base[:-1] + "ing"
    doubled = past == base + base[-1] + "ed"  # ban, banned, banning
    return base + base[-1] + "ing" if doubled else base + "ing"


class Adjective(NamedTuple):
    """An adjective, and the same behind its indefinite article."""

    plain: str
    indefinite: str

    @classmethod
    def parse(cls, text: str) -> Adjective:
        """`old` gives ("old", "an old")."""
        return cls(text, f"{article(text)} {text}")
