"""The small hub that several test files fetch from, and a project that does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_fixture import fill, project
from loopback_hub import Client, Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield fill(hub)


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    return project(tmp_path / "project", hub)
