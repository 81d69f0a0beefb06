"""Numbers, counts and lists as the report writes them."""

from __future__ import annotations

from collections.abc import Sequence

from reports.stats import Sample

MISSING = "—"
MINUS = "\N{MINUS SIGN}"
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def score(value: float | None) -> str:
    """A score with the papers' two decimals."""
    return MISSING if value is None else _exact(value, ".2f")


def measured(sample: Sample) -> str:
    """Mean ± standard deviation, or the bare score of one seed."""
    return score(sample.mean) + ("" if sample.std is None else f" ± {score(sample.std)}")


def signed(value: float | None) -> str:
    """A difference with its sign."""
    return MISSING if value is None else _exact(value, "+.2f")


def probability(value: float) -> str:
    """A p with the three decimals it is worth."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def plain(value: float) -> str:
    """A setting, with as many digits as it has."""
    return f"{value:g}".replace("-", MINUS)


def _exact(value: float, form: str) -> str:
    return format(round(value, 2) + 0.0, form).replace("-", MINUS)  # adding 0.0 takes the sign off -0.00


def number(count: int) -> str:
    """A count in words, up to ten."""
    return WORDS[count] if count < len(WORDS) else str(count)


def seeds(count: int) -> str:
    """A count of seeds in words: one seed, three seeds."""
    return f"{number(count)} seed{'s' * (count != 1)}"


def listing(items: Sequence[str]) -> str:
    """Items as a sentence names them: a, b and c."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
