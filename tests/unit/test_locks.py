"""Whoever holds a lock is alone, however many want it, and nothing stays of it."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from pipelines.errors import NegbenchError
from pipelines.locks import alone
from pipelines.params import ROOT

COUNT = """
import sys, time
from pathlib import Path
from pipelines.locks import alone
for _ in range(30):
    with alone(Path("lock"), "count"):
        count = int(Path("count").read_text())
        time.sleep(0.001)
        Path("count").write_text(str(count + 1))
"""


def test_processes_that_count_one_by_one_lose_no_number(tmp_path: Path) -> None:
    """The file of a lock goes with its holder, while others wait for it: the moment at which two could come in."""
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT]
    several = [subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}) for _ in range(4)]
    assert [process.wait(120) for process in several] == [0] * 4
    assert (tmp_path / "count").read_text() == "120"
    assert not (tmp_path / "lock").exists()


def test_who_waits_says_for_whom_and_may_give_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(tmp_path / "lock", "first"):
        with (
            pytest.raises(InterruptedError, match="waiting to do: second"),
            alone(tmp_path / "lock", "second", give_up=lambda: True),
        ):
            pytest.fail("two held it")
        assert "Waiting for first, process" in capsys.readouterr().out
        waiting = Thread(target=_take, args=(tmp_path / "lock",))
        waiting.start()
        time.sleep(0.3)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOLCK, "no locks"), (errno.ENOSYS, "no locks"), (errno.ESTALE, "")]
)
def test_a_file_system_without_locks_is_told_and_a_lost_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    flock, calls = fcntl.flock, []

    def failing(file: object, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            raise OSError(number, "no")
        flock(file, how)  # type: ignore[call-overload]

    monkeypatch.setattr(fcntl, "flock", failing)
    if says:
        with pytest.raises(NegbenchError, match=rf"{says}.*lock"):
            _take(tmp_path / "lock")
    else:
        _take(tmp_path / "lock")
        assert len(calls) == 2


def test_a_failure_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), alone(tmp_path / "lock", "first"):
        raise ValueError("inside")
    _take(tmp_path / "lock")
    assert [*tmp_path.iterdir()] == []


def _take(path: Path) -> None:
    with alone(path, "another"):
        pass
