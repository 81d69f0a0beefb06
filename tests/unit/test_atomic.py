"""Outputs appear whole or not at all, also when a write really fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pipelines import atomic, main


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its content."""
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "result"
    with atomic.folder(path) as new:
        (new / "a").write_text("1")
        assert not path.exists()
        assert new.stat().st_dev == tmp_path.stat().st_dev
    assert tree(tmp_path) == {"deep/result/a": "1"}
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "result"
    for content in ("first", "second"):
        with atomic.folder(path) as new:
            (new / content).write_text(content)
    assert tree(tmp_path) == {"result/second": "second"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_keeps_the_earlier_folder(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result"
    with atomic.folder(path) as new:
        (new / "a").write_text("good")
    with pytest.raises(error), atomic.folder(path) as new:
        (new / "a").write_text("half")
        raise error
    assert tree(tmp_path) == {"result/a": "good"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_rename_puts_the_earlier_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result"
    with atomic.folder(path) as new:
        (new / "a").write_text("good")
    rename = Path.rename

    def refuse_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(13, "Permission denied", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(PermissionError), atomic.folder(path) as new:
        (new / "a").write_text("better")
    assert tree(tmp_path) == {"result/a": "good"}


def test_outputs_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain.txt").touch()
    with atomic.folder(tmp_path / "folder"):
        pass
    atomic.write_text(tmp_path / "file.txt", "x")
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "file.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    atomic.write_text(path, "naïve\n")
    assert path.read_bytes() == "naïve\n".encode()
    atomic.write_bytes(path, b"\r\n")
    assert path.read_bytes() == b"\r\n"
    assert list(path.parent.iterdir()) == [path]


WRITERS: dict[str, str] = {
    "folder": "with atomic.folder(path) as new:\n    (new / 'a').write_bytes(bytes(100_000))",
    "write_bytes": "atomic.write_bytes(path, bytes(100_000))",
    "write_text": "atomic.write_text(path, 'x' * 100_000)",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_write_that_the_system_refuses_leaves_the_earlier_result(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "result"
    earlier: Callable[[], object] = path.mkdir if writer == "folder" else path.touch
    earlier()
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom pipelines import atomic\n"
        f"path = Path({str(path)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        f"try:\n    {WRITERS[writer].replace(chr(10), chr(10) + '    ')}\n"
        "except OSError as error:\n    sys.exit(f'{error.strerror}: {error.filename}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"File too large: {path}\n")
    assert list(tmp_path.iterdir()) == [path]
    assert list(path.iterdir()) == [] if path.is_dir() else path.read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_reported_with_the_output_it_hit(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with pytest.raises(OSError, match="No space left on device") as caught, atomic.folder(path) as new:
        (new / "a").symlink_to("/dev/full")
        (new / "a").write_bytes(b"x")
    assert caught.value.filename == os.fspath(path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder with an earlier result that this process may not write to, even if it is root's."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").write_text("earlier")
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.parametrize("write", [atomic.folder, atomic.entries, atomic.file], ids=lambda write: write.__name__)
def test_a_read_only_folder_is_one_line_and_keeps_the_earlier_result(
    read_only: Path, write: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def stage(_: Namespace) -> None:
        with write(read_only / "a" if write is not atomic.entries else read_only):
            pytest.fail("nothing can be written")

    assert main.run(stage, ArgumentParser(), []) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: Permission denied ({read_only}")
    assert said.count("\n") == 1
    assert tree(read_only) == {"a": "earlier"}


def test_entries_leave_what_others_wrote(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with atomic.folder(path / "theirs") as theirs:
        (theirs / "a").write_text("1")
    for content in ("first", "second"):
        with atomic.entries(path) as new:
            (new / "b").write_text(content)
            assert new.stat().st_dev == tmp_path.stat().st_dev
    assert tree(tmp_path) == {"result/theirs/a": "1", "result/b": "second"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_keeps_the_earlier_entries(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result"
    path.mkdir()
    (path / "b").write_text("1")
    with pytest.raises(error), atomic.entries(path) as new:
        (new / "b").write_text("2")
        raise error
    assert tree(tmp_path) == {"result/b": "1"}


def python(program: str, *arguments: object) -> subprocess.Popen[bytes]:
    """A process that runs `program`, in which `path` is the last argument."""
    start = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom pipelines import atomic\npath = Path(sys.argv[-1])\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + program, *map(str, arguments)])


KILLED = {
    "in the block": "with atomic.folder(path) as new:\n    (new / 'a').touch()\n    os.kill(os.getpid(), 9)",
    "between the renames": """
with atomic.folder(path) as new:
    (new / 'a').touch()
    rename = Path.rename
    Path.rename = lambda self, to: os.kill(os.getpid(), 9) if self.name == "new" else rename(self, to)
""",
    "in a file": "with atomic.file(path / 'a') as out:\n    out.write(bytes(100))\n    os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("when", KILLED)
def test_a_killed_writer_costs_neither_the_earlier_result_nor_room(tmp_path: Path, when: str) -> None:
    path = tmp_path / "result"
    atomic.write_text(path / "earlier", "kept")
    assert python(KILLED[when], path).wait() == -signal.SIGKILL
    assert len([*tmp_path.rglob(".*")]) == 1
    with pytest.raises(KeyError), atomic.folder(path):
        raise KeyError
    atomic.remove(path / "a")
    assert tree(tmp_path) == {"result/earlier": "kept"}
    assert [*tmp_path.rglob(".*")] == []


def test_what_a_living_writer_holds_is_left_alone(tmp_path: Path) -> None:
    with atomic.folder(tmp_path / "result") as new:
        (new / "a").write_text("mine")
        atomic.write_text(tmp_path / "result" / "a", "theirs")
        with atomic.folder(tmp_path / "result") as other:
            (other / "b").write_text("theirs")
        assert tree(tmp_path / "result") == {"b": "theirs"}
    assert tree(tmp_path) == {"result/a": "mine"}


def test_two_processes_that_write_one_folder_leave_one_whole(tmp_path: Path) -> None:
    program = """
for number in range(300):
    with atomic.folder(path) as new:
        for name in "abc":
            (new / name).write_text(f"{sys.argv[1]} {number}")
"""
    writers = [python(program, name, tmp_path / "result") for name in ("first", "second")]
    assert [writer.wait() for writer in writers] == [0, 0]
    contents = tree(tmp_path)
    assert sorted(contents) == ["result/a", "result/b", "result/c"]
    assert len({*contents.values()}) == 1
