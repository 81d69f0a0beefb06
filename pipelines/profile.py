"""Switch profile: compose profiles/<name>.yaml into params.yaml and show what changes.

    python -m pipelines.profile small
    python -m pipelines.profile small train.sentences=20000 'seeds=[0,1]'

A profile states its differences from profiles/base.yaml (Hydra's defaults list); settings given as `key=value`
come on top, in Hydra's override grammar. Where one of them changes text or training, the papers' numbers are no longer
those of the same recipe: `comparable` becomes `direction`, unless `comparable=yes` is given too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml

from pipelines import atomic, locks, main, params
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.paths import REPRO_LOCK

PROFILES = params.ROOT / "profiles"
_RECIPE = ("fetch.source", "fetch.corpus", "fetch.generated", "fetch.hub.text", "train", "methods")
_NO_RECIPE = ("revision", "processes", "watch")  # there, too, and of no weight on a result


def names() -> list[str]:
    """The profiles there are."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml") if path.stem != "base")


def compose(name: str, overrides: list[str]) -> str:
    """The text of params.yaml for a profile.

    Args:
        name: stem of a file in profiles/.
        overrides: "key=value" settings on top, dotted keys.

    Raises:
        NegbenchError: no such profile or study, a file that cannot be read or has another profile's name, an unknown
            key, or a value that the settings' types refuse.
    """
    if name not in names():
        raise NegbenchError(f"unknown profile '{name}'", "profiles/", nearest(name, names()))
    where = f"profile {name}"
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException

    refusals = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError, TypeError)
    try:
        values = _composed(name, overrides)
    except MissingConfigException as error:
        group, _, option = (error.missing_cfg_file or "").rpartition("/")
        there = [path.stem for path in (PROFILES / group).glob("*.yaml")]
        raise NegbenchError(f"no such {group or 'profile'} '{option}'", where, nearest(option, there)) from None
    except refusals as error:
        cause = " ".join(str(error).split())
        if (at_fault := _at_fault(name, overrides, refusals)) is not None:
            next_step = "Give settings as key=value, as profiles/base.yaml has them."
            raise NegbenchError(f"cannot apply '{at_fault}': {cause}", where, next_step) from None
        raise NegbenchError(f"cannot be composed: {cause}", where, "Correct its file in profiles/.") from None
    said = values.get("profile", name)  # a file without the line is told below what it lacks
    if said != name and not any(override.startswith("profile=") for override in overrides):
        raise NegbenchError(f"it says 'profile: {said}'", where, f"Write `profile: {name}` in its file.")
    if values.get("comparable") == "yes" and any(map(_recipe, overrides)) and "comparable=yes" not in overrides:
        values["comparable"] = "direction"  # else a run cut down would be held against the papers' whole ones
    if isinstance(studies := values.get("ablate") or {}, Mapping):  # else it is refused below
        values["ablate"] = {
            study: of_it
            for study, of_it in studies.items()
            if any(override.startswith(f"ablate.{study}.") for override in overrides) or not _left_out(study, of_it)
        }
    checked = params.check(values, where)
    try:
        _check_methods(checked)
    except NegbenchError as error:  # params.yaml, which it names, is not written yet
        raise NegbenchError(error.what, str(error.where).replace(str(params.PARAMS), where), error.next_step) from error
    header = f"# Composed by `python -m pipelines.profile {' '.join([name, *overrides])}`; meanings and sources of\n"
    header += "# the settings: profiles/base.yaml. Edit here for one experiment, there for good.\n"
    return header + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=110)


def _composed(name: str, overrides: list[str]) -> dict[str, Any]:
    """The settings as Hydra puts them together, before they are checked."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(PROFILES), version_base=None):
        values: Any = OmegaConf.to_container(compose(name, overrides=[*map(_added, overrides)]), resolve=True)
    assert isinstance(values, dict)
    return values


def _at_fault(name: str, overrides: list[str], refusals: tuple[type[Exception], ...]) -> str | None:
    """The first of the settings with which the profile cannot be composed any more; None if it cannot without any."""
    for count in range(len(overrides) + 1):
        try:
            _composed(name, overrides[:count])
        except refusals:
            return overrides[count - 1] if count else None
    return None


def _recipe(override: str) -> bool:
    """Whether a setting may make other weights than the profile's recipe: its text, or how it trains on it."""
    key = override.lstrip("+~").partition("=")[0] + "."
    within = any(key.startswith(f"{one}.") or f"{one}.".startswith(key) for one in _RECIPE)
    return within and not key.endswith(tuple(f".{one}." for one in _NO_RECIPE))


def _left_out(name: str, study: Any) -> bool:
    """Whether all there is of a study is how the profile cuts it down: nobody chose it."""
    return isinstance(study, Mapping) and "method" not in study and (PROFILES / "study" / f"{name}.yaml").is_file()


def _check_methods(checked: params.Params) -> None:
    # Here: they import torch, which reading params.yaml must not.
    from methods.core.contract import load_untrained
    from pipelines.ablate import runs
    from pipelines.train import Run

    for name in checked.trained:
        Run.resolve(checked, name, checked.seeds[0], method={}, train={})
    for study in checked.ablate:
        runs(checked, study)
    for name in checked.untrained:
        load_untrained(name)


def _added(override: str) -> str:
    """The override in the form that adds a key where there is none: which keys there may be, `params` knows better."""
    plain = override[:1].isalpha() and not (PROFILES / override.split("=")[0]).is_dir()
    return f"++{override}" if plain else override


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested settings; an empty section counts as a value."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _earlier(path: Path) -> dict[str, Any]:
    """The settings that a switch replaces; none where there are none to be read, as whoever is told to switch has."""
    try:
        values = yaml.safe_load(path.read_bytes())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return dict(_leaves(values)) if isinstance(values, dict) else {}


def switch(arguments: argparse.Namespace) -> None:
    """Write params.yaml for the profile and print each setting that differs from the one before."""
    after = compose(arguments.name, arguments.overrides)
    path = params.PARAMS
    old, new = _earlier(path), dict(_leaves(yaml.safe_load(after)))
    atomic.write_text(path, after)
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    for key in changed:
        was, will_be = (shorten(str(values.get(key, "(none)")), 60, placeholder=" ...") for values in (old, new))
        print(f"{key}: {was} -> {will_be}")
    if changed and (who := locks.holder(REPRO_LOCK)):
        print(f"note: {who}: its stages that have begun will fail, and those to come are of the new settings")
    print(f"Profile {arguments.name}: {len(changed)} setting{'s' * (len(changed) != 1)} changed in {path}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.profile", description=__doc__.split("\n\n")[0])
    parser.add_argument("name", help=f"one of: {', '.join(names())}")
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="settings on top of the profile's"
    )
    sys.exit(main.run(switch, parser))
