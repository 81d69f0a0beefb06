"""Unpacking an archive that somebody else made."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

from pipelines.errors import NegbenchError


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a plain tar archive into `folder`: files and folders below it and nothing else.

    Every member is looked at before the first is written.

    Raises:
        NegbenchError: the archive is damaged, has a member that lies elsewhere or is no file or folder, or a write
            failed.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                _check(member, archive)
            folder.mkdir(parents=True, exist_ok=True)
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:  # the latter of numbers in its headers
        raise NegbenchError(f"the archive is damaged: {error}", archive, "Fetch it again.") from error
    except OSError as error:  # the disk is full, or a name is too long or taken by a member before it
        what = f"cannot unpack the archive: {error.strerror}"
        raise NegbenchError(what, archive, "Make room if that is why; else fetch it again.") from error


def _check(member: tarfile.TarInfo, archive: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        problem = "lies outside of the folder it is unpacked into"
    elif member.issparse() or not (member.isfile() or member.isdir()):
        problem = "is a link, a device, a pipe or a file with holes"
    else:
        return
    what = f"the archive's member {member.name!r} {problem}"
    raise NegbenchError(what, archive, "Nothing was unpacked. Name an archive that you trust.")
