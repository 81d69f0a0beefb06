"""What the settings ask of the data, and whether it is there: told before hours of work that need it."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import Path

from eval import mteb_sets
from pipelines.errors import NegbenchError
from pipelines.nearest import nearest
from pipelines.params import Fetch, Params
from pipelines.paths import DATA
from pipelines.sources import generated, local, manifest
from pipelines.sources.corpus import stream

_WHERE_FROM = {  # the next step where a vocabulary or a model is missing, by source
    "generated": "Correct the setting: the generated source has none.",
    "local": f"Put it under the same name into the folder of {local.VARIABLE}, or correct the setting.",
    "hub": "Name its repository in fetch.hub.models, or correct the setting.",
}


def corpus(settings: Fetch) -> str | None:
    """The text that the source has to bring; None where `fetch.add` has it.

    Raises:
        NegbenchError: neither has it, with the nearest that there is; or the folder of one does not exist.
    """
    if settings.add and not settings.add.is_dir():
        raise NegbenchError("the folder does not exist", settings.add, "Correct fetch.add.")
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
    there = own | (generated.SETS if settings.source == "generated" else set())
    if settings.source == "local":
        there |= local.sets(local.folder(settings))
    for name in names:
        _check_task(name, there)
    return [name for name in names if not {name, mteb_sets.folder_name(name)} & own]


def _check_task(name: str, sets: Set[str]) -> None:
    """Refuse a task that is neither MTEB's nor one of `sets`; MTEB is asked, in seconds, where we do not know.

    One of MTEB's whose set is not there may still come from the hub, when it is evaluated.
    """
    if name not in {*mteb_sets.TASKS, *sets} - mteb_sets.OF_FOLDER.keys():
        try:
            mteb_sets.find(name, sets)
        except NegbenchError as error:
            raise NegbenchError(error.what, "mteb.tasks", error.next_step) from error


def text(settings: Fetch, path: Path) -> None:
    """Read the text through, as hours later every stage that trains would.

    Args:
        settings: that brought it.
        path: where it lies for now.

    Raises:
        NegbenchError: it breaks the format or has no sentence, with where the user finds it.
    """
    if settings.add and settings.corpus in local.texts(settings.add):
        found = str(settings.add / "corpus" / settings.corpus)
    elif settings.source == "local":
        found = str(local.folder(settings) / "corpus" / settings.corpus)
    elif settings.source == "hub":
        found = f"fetch.hub.text, datasets/{settings.hub.text.repo}, {settings.hub.text.file}"
    else:
        found = "the generated source"
    try:
        for _ in stream(path):
            pass
    except NegbenchError as error:
        raise NegbenchError(error.what, str(error.where).replace(str(path), found), error.next_step) from error


def check(settings: Params, data: Path) -> None:
    """Refuse data that lack a vocabulary or a model that a setting names, or sentences that one asks for.

    Args:
        settings: all of them.
        data: with a manifest.

    Raises:
        NegbenchError: with the setting.
    """
    for setting, name in settings.data_files():
        if not (data / name).exists():
            what = f"{setting} names it and it did not come"
            raise NegbenchError(what, DATA / name, _WHERE_FROM[settings.fetch.source])
    described = json.loads((data / manifest.NAME).read_text(encoding="utf-8"))
    rows = described.get(f"corpus/{settings.fetch.corpus}", {}).get("rows")
    for setting, count in settings.sentences():
        if rows is not None and count > rows:
            what = f"{setting} asks for {count:,} sentences and the corpus has {rows:,} lines"
            larger = "name a larger corpus"
            if settings.fetch.source == "generated" and settings.fetch.corpus == generated.CORPUS:
                larger = "raise fetch.generated.corpus_sentences"
            raise NegbenchError(what, f"fetch.corpus, {settings.fetch.corpus}", f"Lower the setting, or {larger}.")
