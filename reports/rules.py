"""How a claim of a paper is tested, as data: the rules of reports/paper/*.yaml, which reports/claims.py applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.params import method_names
from reports.block import Strict, Study

# What two methods are compared by: its task and metric in the records.
MEASURES = {
    "sts": ("avg", "spearman_all"),
    "transfer": ("avg", "acc"),
    "retrieval": ("avg", "retrieval_main_score"),
    "reranking": ("avg", "reranking_main_score"),
}
Measure = Literal["sts", "transfer", "retrieval", "reranking"]


class Range(Strict):
    """Numbers between two ends, both included."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a range without an end holds everything")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("a range whose min exceeds its max holds nothing")
        return self


Condition = bool | float | str | list[float | str] | Range
Where = Annotated[dict[str, Condition], Field(min_length=1)]  # settings of a study, or derived constants like d_trace


class Methods(Strict):
    """Each of `methods` scores higher than `other`."""

    kind: Literal["methods"]
    methods: tuple[str, ...] = Field(min_length=1)
    other: str
    measure: Measure

    @field_validator("methods", "other")
    @classmethod
    def _there(cls, named: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for name in [named] if isinstance(named, str) else named:
            if name not in method_names():
                raise ValueError(f"no method '{name}' in methods/")
        return named

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.other in self.methods:
            raise ValueError(f"'{self.other}' is held against itself")
        return self


class Cells(Strict):
    """In a study, the best of some settings scores higher than the best of others on the average of STS."""

    kind: Literal["cells"]
    study: Study
    better: Where
    than: Where | None = None  # None: all other settings of the study


class Collapse(Strict):
    """In a study, every seed of the settings `than` ends below a score, which those of `better` stay above.

    It takes some training to get there: that a shorter run is not below says nothing.
    """

    kind: Literal["collapse"]
    study: Study
    better: Where
    than: Where
    below: float
    within: int = Field(gt=0)  # steps, in which the paper's runs fell


Rule = Annotated[Methods | Cells | Collapse, Field(discriminator="kind")]


def matches(where: Mapping[str, Condition], settings: Mapping[str, Any]) -> bool:
    """Whether settings meet every condition; one that lacks a named setting does not."""
    return all(name in settings and _meets(settings[name], condition) for name, condition in where.items())


def _meets(value: Any, condition: Condition) -> bool:
    if isinstance(condition, Range):
        if not isinstance(value, int | float):
            return False
        low, high = condition.min, condition.max
        return (low is None or value >= low) and (high is None or value <= high)
    return bool(value in condition if isinstance(condition, list) else value == condition)
