"""Git and DVC repositories for tests, and waiting for what other processes do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from dvc.repo import Repo

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> None:
    """Run git in the folder, under an identity that needs no configuration."""
    subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


def publish(folder: Path, remote: Path) -> None:
    """Make a folder a git and DVC repository with a default remote, everything committed."""
    git(folder, "init", "-q")
    with Repo.init(str(folder)) as repo, repo.config.edit("repo") as config:
        config["remote"] = {"common": {"url": str(remote)}}
        config["core"] = {"remote": "common", "analytics": False}
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All")


def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait until the condition holds, so long at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
