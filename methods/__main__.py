"""Every method with its paper, its switches and their defaults.

python -m methods [NAME ...]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from inspect import cleandoc, getmodule
from typing import Literal, get_args, get_origin

from methods.core.contract import TrainedMethod, load_method
from pipelines.main import run
from pipelines.params import check_method, method_names


def main(arguments: Namespace) -> None:
    """Print the methods asked for, all without a name."""
    for name in arguments.names:
        check_method(name, "methods/")
    print("\n\n".join(describe(name) for name in arguments.names or method_names()))


def describe(name: str) -> str:
    """The method's name, label, the first paragraph of its file, and a line for each switch."""
    method = load_method(name)
    about = cleandoc(getmodule(method).__doc__ or "").split("\n\n")[0]
    lines = [f"{name}: {method.label}", *(f"  {line}" for line in about.splitlines())]
    if not issubclass(method, TrainedMethod):
        return "\n".join([*lines, "  takes no training"])
    switches = {}
    for key, value in method.Settings().model_dump(mode="json").items():
        field = method.Settings.model_fields[key]
        shown = value if isinstance(value, str) else json.dumps(value)  # as params.yaml wants it
        choices = f" [{' | '.join(get_args(field.annotation))}]" if get_origin(field.annotation) is Literal else ""
        switches[f"{key}: {shown}"] = f"{field.description}{choices}"
    width = max(map(len, switches))
    return "\n".join([*lines, *(f"    {switch:<{width}}  {meaning}" for switch, meaning in switches.items())])


def parser() -> ArgumentParser:
    """The options of `python -m methods`."""
    options = ArgumentParser("python -m methods", description="Every method with its switches and their defaults.")
    options.add_argument("names", nargs="*", metavar="NAME", help="files in methods/ (default: all)")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
