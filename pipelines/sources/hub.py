"""Data from the Hugging Face hub: the text, SentEval, models and MTEB's sets, in the canonical tree; see docs/hub.md.

Files stay in the hub's own cache and are linked; SentEval is unpacked and MTEB's sets are written in BEIR's layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval import mteb_sets
from methods.core.folder import LIMITS
from pipelines.errors import NegbenchError
from pipelines.params import Hub, HubFile
from pipelines.sources.archive import unpack
from pipelines.sources.download import Snapshot, Wanted, download
from pipelines.sources.published import check_sets

SENTEVAL = "senteval"
# What transformers and sentence-transformers read of a model's folder; of weights safetensors alone: they hold no code.
_MODEL = ("config.json", "model.safetensors")
_WORDS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt")
_SENTENCES = ("modules.json", *LIMITS, "config_sentence_transformers.json", "1_Pooling/config.json")


def wanted(settings: Hub, corpus: str | None, tasks: Sequence[str], earlier: Mapping[str, str]) -> list[Wanted]:
    """All that is to be downloaded.

    Args:
        settings: `fetch.hub`.
        corpus: the name of the file of `settings.text`; None for no text.
        tasks: names of MTEB's tasks.
        earlier: "repository@commit" by the file or folder that it filled: what has no revision keeps to that commit.

    Raises:
        NegbenchError: a task is none of MTEB's, or its set has subsets.
    """
    models = [
        Wanted(
            f"models/{name}",
            f"fetch.hub.models.{name}",
            model.repo,
            "model",
            model.revision,
            (*_MODEL, *_WORDS, *_SENTENCES),
            _MODEL,
        )
        for name, model in settings.models.items()
    ]
    files = [_file(f"corpus/{corpus}", "fetch.hub.text", settings.text)] if corpus else []
    files.append(_file(SENTEVAL, "fetch.hub.senteval", settings.senteval))
    return [*(_kept(item, earlier) for item in (*files, *models)), *map(_set, tasks)]


def fetch(
    target: Path, settings: Hub, corpus: str | None, tasks: Sequence[str], earlier: Mapping[str, str]
) -> dict[str, str]:
    """Fill `target` with the canonical tree; arguments and errors as of `wanted`.

    Returns:
        "repository@commit" by the file or folder below `target` that it filled.

    Raises:
        NegbenchError: a download failed, the archive is not to be trusted, or a set is not the published one.
    """
    items = wanted(settings, corpus, tasks, earlier)
    found = [(item, download(item)) for item in items]  # all of it before anything is written
    names = {_place(name): name for name in tasks}
    if names:
        mteb_sets.quiet()
    for item, snapshot in found:
        if item.place == SENTEVAL:
            _unpack(item, snapshot, target)
        elif item.place in names:
            _convert(item, snapshot, target, names[item.place])
        else:
            _link(item, snapshot, target)
    return {item.place: f"{item.name}@{snapshot.commit}" for item, snapshot in found}


def _file(place: str, setting: str, file: HubFile) -> Wanted:
    return Wanted(place, setting, file.repo, "dataset", file.revision, (file.file,), (file.file,))


def _place(task: str) -> str:
    return f"beir/{mteb_sets.folder_name(task)}"


def _set(task: str) -> Wanted:
    repo, revision = mteb_sets.pinned(task)
    return Wanted(_place(task), f"mteb.tasks: {task}", repo, "dataset", revision, ("*",))


def _kept(item: Wanted, earlier: Mapping[str, str]) -> Wanted:
    """With the commit that an earlier fetch took of this repository, where the settings name none."""
    repo, _, commit = earlier.get(item.place, "").partition("@")
    return replace(item, revision=commit, kept=True) if item.revision is None and repo == item.name else item


def _link(item: Wanted, snapshot: Snapshot, target: Path) -> None:
    """A model's files by their names, or the one file of a text by that of its place."""
    for name in snapshot.files:
        link = target / item.place if item.kind == "dataset" else target / item.place / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((snapshot.folder / name).resolve())


def _unpack(item: Wanted, snapshot: Snapshot, target: Path) -> None:
    """SentEval's folders of sets.

    Assumed, as the published archive was out of our reach: its members are STS/..., MR/... and so on. SimCSE unpacks it
    in SentEval/data/downstream (download_dataset.sh there).
    """
    try:
        unpack(snapshot.folder / snapshot.files[0], target / SENTEVAL / "downstream")
        check_sets(target)
    except NegbenchError as error:
        next_step = "Name SentEval's data as SimCSE packed them."
        raise NegbenchError(f"{Path(error.where).name}: {error.what}", item.where, next_step) from error


def _convert(item: Wanted, snapshot: Snapshot, target: Path, task: str) -> None:
    try:
        mteb_sets.convert(task, snapshot.folder, target / item.place)
    except NegbenchError as error:
        what = f"{Path(error.where).name}: {error.what}"
        raise NegbenchError(what, item.where, "Take the task out of mteb.tasks.") from error
