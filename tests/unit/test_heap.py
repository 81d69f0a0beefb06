"""Free pages go back to the system once they are many."""

from __future__ import annotations

import sys

import pytest
import torch

from methods.core import heap
from methods.core.heap import Heap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a process holds")


def test_holes_go_back_once_there_is_no_room_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    room = 64 * 2**20
    monkeypatch.setattr(heap, "ROOM", room)
    ours = Heap()
    start = heap.held()
    blocks = [bytearray(100_000) for _ in range(2_000)]  # below the size that the C library asks the system for
    kept = blocks[::100]  # so that what is free lies between what is not
    del blocks
    assert heap.held() > start + 2 * room
    ours.step()
    assert heap.held() < start + room
    assert len(kept) == 20


def test_a_large_block_is_asked_of_the_system_once() -> None:
    Heap()
    size = 64 * 2**20  # more than the C library keeps of its own accord
    start = heap.held()
    torch.empty(size, dtype=torch.uint8).fill_(1)
    assert heap.held() > start + 0.9 * size


def test_little_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Heap()
    trims: list[int] = []
    monkeypatch.setattr(ours, "_release", trims.append)
    ours.step()
    assert trims == []
    monkeypatch.setattr(heap, "ROOM", -1)
    ours.step()
    assert trims == [0]
