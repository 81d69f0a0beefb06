"""What a download would bring, without downloading: sizes and licences from the hub, or what its cache knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from huggingface_hub import HfApi, get_cached_repo_tree, is_offline_mode, try_to_load_from_cache
from huggingface_hub.errors import CachedRepoTreeNotFoundError, RevisionResolutionError

from pipelines.sources import hub_errors
from pipelines.sources.download import Wanted, token


@dataclass(frozen=True)
class Described:
    """What the hub says of wanted files, or else the cache; None is unknown.

    Attributes:
        commit: that a download would take.
        sizes: bytes by name.
        cached: names that need no download.
        licence: as the repository's card states it; None also where it states none.
        online: whether the hub was asked.
        cause: why it could not be; "" where it was, or nobody was to be asked.
    """

    commit: str | None
    sizes: dict[str, int | None] | None
    cached: set[str]
    licence: str | None = None
    online: bool = False
    cause: str = ""


def describe(wanted: Wanted) -> Described:
    """Ask the hub, or the cache where it is out of reach, what a download would bring; nothing is downloaded.

    Raises:
        NegbenchError: the hub refuses, or has no such repository.
    """
    api = HfApi(token=token())
    if is_offline_mode():
        return _describe_cached(wanted)
    ask = api.dataset_info if wanted.kind == "dataset" else api.model_info
    try:
        info = hub_errors.patiently(
            wanted.where, wanted.no_commit, lambda: ask(wanted.repo, revision=wanted.revision, files_metadata=True)
        )
    except hub_errors.OutOfReachError as error:
        return replace(_describe_cached(wanted), cause=f"{error.what}. {error.next_step}")
    assert info.sha is not None  # asked for by revision
    found = _described(wanted, info.sha, {file.rfilename: file.size for file in info.siblings or []})
    licence = getattr(info.card_data, "license", None)
    return replace(found, licence=str(licence) if licence else None, online=True)


def _describe_cached(wanted: Wanted) -> Described:
    repo: dict[str, str] = {"repo_id": wanted.repo, "repo_type": wanted.kind}
    try:
        commit = HfApi().resolve_revision(**repo, revision=wanted.revision, local_files_only=True).resolved
        tree = get_cached_repo_tree(**repo, revision=commit)
    except (RevisionResolutionError, CachedRepoTreeNotFoundError):
        return Described(wanted.revision, None, set())
    return _described(wanted, commit, {file.path: file.size for file in tree})


def _described(wanted: Wanted, commit: str, sizes: dict[str, int | None]) -> Described:
    names = wanted.among(sizes, commit)
    places = {n: try_to_load_from_cache(wanted.repo, n, repo_type=wanted.kind, revision=commit) for n in names}
    cached = {name for name, place in places.items() if isinstance(place, str)}
    return Described(commit, {name: sizes[name] for name in names}, cached)
