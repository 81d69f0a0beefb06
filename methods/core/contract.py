"""What a method is: the contract every file in methods/ fulfils, and how those files are found.

A method is one file holding one class: a `TrainedMethod` (a module that turns a batch into a loss) or an
`UntrainedMethod` (an encoder that needs no training). It sees batches and an encoder, never an evaluator.
"""

from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from methods.core.encoder import Encoder
from pipelines.errors import NegbenchError
from pipelines.params import Pooling, Section, check_method, validate


@dataclass(frozen=True)
class Batch:
    """A batch of B sentences, padded to its longest, L word pieces.

    Attributes:
        ids: (B, L) token ids.
        mask: (B, L), 1 for a token and 0 for padding.
        rows: (B,) numbers of the sentences in the training text, for a method that remembers something of each.
        teacher: (B, D) unit teacher embeddings of the same sentences, for a method that asks for them.
    """

    ids: Tensor
    mask: Tensor
    rows: Tensor
    teacher: Tensor | None = None


@dataclass(frozen=True)
class Schedule:
    """What a method may know of its run: steps, the largest batch (sentences, word pieces), sentences in all."""

    steps: int
    batch_size: int
    max_length: int
    sentences: int


class MethodSettings(Section):
    """Settings that every trained method takes; a method adds its own by subclassing."""

    train: dict[str, Any] = Field(default_factory=dict, description="overrides of the section `train`")

    @property
    def teacher(self) -> str | None:
        """Which entry of the section `teacher` the batches must carry embeddings of."""
        return None


class TrainedMethod(nn.Module, ABC):
    """A training objective around an encoder.

    Attributes:
        label: the name that tables print.
        paper: stem of the file in reports/paper/ with its reported numbers, if there is one.
        Settings: the class of its settings, with the paper's values as defaults.
    """

    label: ClassVar[str]
    paper: ClassVar[str | None] = None
    Settings: ClassVar[type[MethodSettings]] = MethodSettings

    def __init__(self, encoder: Encoder, settings: Any, schedule: Schedule) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        self.schedule = schedule

    @abstractmethod
    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, a scalar, and scalars to log with it."""

    def facts(self) -> dict[str, float]:
        """Derived constants of the run, worth reporting beside its settings."""
        return {}


class UntrainedMethod(ABC):
    """An encoder that takes no training, made from the backbone or from nothing."""

    label: ClassVar[str]
    paper: ClassVar[str | None] = None
    pooling: ClassVar[Pooling | None] = None  # of the backbone's states, where it uses the backbone
    encoder: Encoder | None = None  # the backbone, where the method is that under its pooling and nothing more

    @abstractmethod
    def __init__(self, backbone: str, sentences: Sequence[str]) -> None:
        """Prepare from the backbone's folder and sentences of the training text, without labels."""

    @abstractmethod
    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Embed N sentences: (N, D), not normalised."""

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """The method as plain values, for run.json and for hashing; `name` is its file's."""
        train = {"pooling": cls.pooling} if cls.pooling else {}
        return {"method": name, "label": cls.label, "paper": cls.paper, "trained": False, "train": train}


def load_method(name: str) -> type[TrainedMethod] | type[UntrainedMethod]:
    """The one method class defined in methods/<name>.py.

    Raises:
        NegbenchError: there is no such file, or it defines none, or several.
    """
    check_method(name, "methods/")
    module = importlib.import_module(f"methods.{name}")
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, TrainedMethod | UntrainedMethod) and member.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise NegbenchError(
            f"defines {len(found)} methods in place of one",
            f"methods/{name}.py",
            "Subclass TrainedMethod or UntrainedMethod once.",
        )
    return found[0]


def load_trained(name: str, values: dict[str, Any], where: str) -> tuple[type[TrainedMethod], MethodSettings]:
    """The method's class and its checked settings, which stand at `where`.

    Raises:
        NegbenchError: the method takes no training, or `values` holds a setting it does not know.
    """
    method = load_method(name)
    if not issubclass(method, TrainedMethod):
        raise NegbenchError(f"method '{name}' takes no training", "params.yaml", "List it under `untrained`.")
    return method, validate(method.Settings, values, where)


def load_untrained(name: str) -> type[UntrainedMethod]:
    """The method's class.

    Raises:
        NegbenchError: the method needs training.
    """
    method = load_method(name)
    if not issubclass(method, UntrainedMethod):
        raise NegbenchError(f"method '{name}' needs training", "params.yaml", "List it under `trained`.")
    return method
