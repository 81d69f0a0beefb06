"""What the settings ask a source for, and whether there is such a thing: told before hours of work that need it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from eval import mteb_sets
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.params import Fetch
from pipelines.sources import generated, local


def corpus(settings: Fetch) -> str | None:
    """The text that the source has to bring; None where `fetch.add` has it.

    Raises:
        NegbenchError: neither has it, with the nearest that there is.
    """
    own = local.texts(settings.add) if settings.add else []
    if settings.corpus in own:
        return None
    if settings.source == "generated":
        theirs, place = [generated.CORPUS], "the generated source"
    elif settings.source == "hub":
        theirs, place = [Path(settings.hub.text.file).name], "fetch.hub.text"
    else:
        folder = local.folder(settings)
        theirs, place = local.texts(folder), str(folder / "corpus")
    if settings.corpus in theirs:
        return settings.corpus
    what = f"there is no corpus '{settings.corpus}' in {place}"
    if settings.add:
        what += f" and none in {settings.add / 'corpus'}, which fetch.add names"
    valid = [*theirs, *own]
    next_step = nearest(settings.corpus, valid) if valid else "Put a text file with one sentence a line there."
    raise NegbenchError(what, "fetch.corpus", next_step)


def tasks(settings: Fetch, names: Sequence[str]) -> list[str]:
    """Those of `mteb.tasks` that the source has to bring: `fetch.add` has not their sets.

    Raises:
        NegbenchError: one is neither a task of MTEB's nor the name of a set of a local folder, the generated world or
            `fetch.add`, with the nearest that there is.
    """
    own = local.sets(settings.add) if settings.add else set()
    wanted = [name for name in names if not {name, mteb_sets.folder_name(name)} & own]
    if settings.source != "hub":  # which looks up the repository of each
        theirs = local.sets(local.folder(settings)) if settings.source == "local" else generated.SETS
        for name in wanted:
            _check(name, theirs)
    return wanted


def _check(task: str, sets: Set[str]) -> None:
    """Refuse a task that is neither MTEB's nor one of `sets`; MTEB is asked, in seconds, of those alone that it names.

    One of MTEB's whose set is not there may still come from the hub, when it is evaluated.
    """
    if mteb_sets.folder_name(task) in sets and task in mteb_sets.TASKS:
        return
    of_mteb = {mteb_sets.folder_name(name) for name in mteb_sets.TASKS}  # which go by the task's name
    if task not in sets - of_mteb:
        mteb_sets.find(task, sets - of_mteb)
