"""Files of the Hugging Face hub's repositories, through its own client: resumed, kept in its cache, and checked.

HF_ENDPOINT (a mirror), HF_HOME (the cache), HF_HUB_OFFLINE and HF_TOKEN are the client's own variables. Over plain http
it compares sizes alone, so the hash is checked here: the cache names a file by it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from huggingface_hub import snapshot_download

from pipelines.errors import NegbenchError
from pipelines.sources import hub_errors, pins

_SHA256 = 64  # digits
_CODE = ("*.py", ".git*")  # of no use here: no code is taken from the hub


@dataclass(frozen=True)
class Wanted:
    """Some files of one repository.

    Attributes:
        place: what they fill, relative to the data folder: "corpus/wiki.txt", "models/bert".
        setting: where the user asked for them, for messages: "fetch.hub.text".
        repo: "owner/name".
        kind: of repository.
        revision: a commit of 40 digits; None is the newest.
        files: names or patterns of names.
        required: names that must be among them.
        kept: whether the revision is that of an earlier fetch, and none of the settings.
    """

    place: str
    setting: str
    repo: str
    kind: Literal["dataset", "model"]
    revision: str | None
    files: tuple[str, ...]
    required: tuple[str, ...] = ()
    kept: bool = False

    @property
    def name(self) -> str:
        """The repository as in the hub's addresses."""
        return f"datasets/{self.repo}" if self.kind == "dataset" else self.repo

    @property
    def where(self) -> str:
        """The setting and the repository, for messages."""
        return f"{self.setting}, {self.name}"

    @property
    def no_commit(self) -> str:
        """What to do where the repository has no such commit."""
        if self.kept:
            return f"An earlier fetch took it: remove {pins.FILE} for the newest of what has no revision."
        return "Correct the revision, or set it to null for the newest."

    def among(self, names: Iterable[str], commit: str) -> list[str]:
        """Those of the files of a commit that are wanted, sorted.

        Raises:
            NegbenchError: one that is required is not among them.
        """
        found = sorted(name for name in names if _matches(name, self.files) and not _matches(name, _CODE))
        for name in self.required:
            if name not in found:
                what = f"there is no file '{name}' at commit {commit}"
                next_step = "Name another repository or revision."
                if name.endswith(".safetensors"):
                    next_step = "Name a revision that has it: weights in other formats may hold code."
                raise NegbenchError(what, self.where, next_step)
        return found


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Snapshot:
    """The wanted files of one commit, in the hub's cache."""

    folder: Path
    commit: str
    files: list[str]


def download(wanted: Wanted) -> Snapshot:
    """Bring files into the hub's cache; what is there already is only checked.

    A connection that breaks is taken up where it broke. What a killed process had of one file is lost, whole files are
    not: the client keeps no part that another process could have written to.

    Raises:
        NegbenchError: one line for whatever went wrong, with the setting that asked for the files.
    """
    found = hub_errors.patiently(
        wanted.where,
        wanted.no_commit,
        lambda: snapshot_download(
            wanted.repo,
            repo_type=wanted.kind,
            revision=wanted.revision,
            allow_patterns=[*wanted.files],
            ignore_patterns=[*_CODE],
            token=token(),
        ),
    )
    folder = Path(found)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    snapshot = Snapshot(folder, folder.name, wanted.among(names, folder.name))
    for name in snapshot.files:
        _check_hash(folder / name, wanted)
    return snapshot


def token() -> str | Literal[False]:
    """The user's token, from the environment alone; False keeps the client from looking elsewhere.

    Raises:
        NegbenchError: no header could hold it; the client's own message would quote it.
    """
    found = os.environ.get("HF_TOKEN", "").strip()
    if any(not "!" <= character <= "~" for character in found):
        what = "the token has a blank, a line's end or a character other than ASCII in it"
        raise NegbenchError(what, "HF_TOKEN", "Set it to the token alone.")
    return found or False


def _check_hash(file: Path, wanted: Wanted) -> None:
    """Refuse a file, and take it out of the cache, whose content has another hash than the hub announced."""
    if not file.is_symlink():
        what = f"nothing says what '{file.name}' should hold: the cache has copies in place of links"
        raise NegbenchError(what, wanted.where, "Unset HF_HUB_DISABLE_SYMLINKS, remove the file and run again.")
    announced = file.readlink().name
    with file.open("rb") as content:
        if len(announced) == _SHA256:  # of large files
            found = hashlib.file_digest(content, "sha256").hexdigest()
        else:  # as git has it
            found = hashlib.sha1(b"blob %d\0" % file.stat().st_size + content.read()).hexdigest()
    if found != announced:
        file.resolve().unlink()
        file.unlink()
        what = f"what came as '{file.name}' is not what the hub announced: its hash is another"
        next_step = "It was removed: run again. If it comes again, ask who runs the hub or the mirror in HF_ENDPOINT."
        raise NegbenchError(what, wanted.where, next_step)
