"""Git, as far as we ask it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipelines.errors import NegbenchError


def git(*arguments: str) -> bytes:
    """What a git command prints.

    Raises:
        NegbenchError: it failed, as outside a repository, or there is no git.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError as error:
        raise NegbenchError(f"cannot start git: {error.strerror}", Path.cwd(), "Install git.") from error
    if done.returncode:
        raise NegbenchError(done.stderr.decode().strip(), Path.cwd(), "Work in a clone of the repository.")
    return done.stdout
