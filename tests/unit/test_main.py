"""Exit codes and the one line that a user sees."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import NegbenchError
from pipelines.main import run


def raising(error: BaseException) -> Callable[[Namespace], None]:
    def main(_: Namespace) -> None:
        raise error

    return main


def test_success_is_zero_and_arguments_arrive() -> None:
    seen = []
    parser = ArgumentParser()
    parser.add_argument("--n", type=int)
    assert run(lambda arguments: seen.append(arguments.n), parser, ["--n", "3"]) == 0
    assert seen == [3]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            NegbenchError("line has no tab", "a.txt:3", "Fix it."),
            1,
            "error: line has no tab (a.txt:3). Fix it.",
        ),
        (NegbenchError("two\nlines", "a", "Fix it."), 1, "error: two lines (a). Fix it."),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "error: Permission denied (/x/y)"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device"),
        (OSError("a library's own words"), 1, "error: a library's own words"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_expected_failure_is_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error), ArgumentParser(), []) == code
    assert capsys.readouterr().err == line + "\n"


def test_debug_shows_the_traceback_before_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(NegbenchError("what", "where", "Next.")), ArgumentParser(), ["--debug"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1] == "error: what (where). Next."


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()), ArgumentParser(), [])


def test_a_wrong_option_exits_with_2() -> None:
    with pytest.raises(SystemExit) as caught:
        run(lambda _: None, ArgumentParser(), ["--nonsense"])
    assert caught.value.code == 2


def program(body: str) -> list[str]:
    head = "import argparse, sys\nfrom pipelines.main import run\n"
    return [sys.executable, "-c", f"{head}sys.exit(run(lambda _: {body}, argparse.ArgumentParser(), []))"]


def test_a_real_system_error_names_the_file(tmp_path: Path) -> None:
    done = subprocess.run(program(f"open({str(tmp_path)!r})"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"error: Is a directory ({tmp_path})\n")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    write = f"__import__('pipelines.atomic').atomic.write_text(__import__('pathlib').Path({str(tmp_path)!r}), 'x')"
    done = subprocess.run(program(write), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"error: Is a directory ({tmp_path})\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("output", ["'x'", "'x' * 100_000"])
def test_output_that_cannot_be_written_is_one_line(output: str) -> None:
    with Path("/dev/full").open("w") as full:
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        command = program(f"print({output})")
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=buffered, check=False)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


def test_a_terminated_program_leaves_nothing_half_written(tmp_path: Path) -> None:
    program = (
        "import sys, time; from argparse import ArgumentParser; from pathlib import Path\n"
        "from pipelines import atomic, main\n"
        "def work(_):\n"
        "    with atomic.folder(Path(sys.argv.pop())) as out:\n"
        "        (out / 'half').write_text('x'); print('ready', flush=True); time.sleep(60)\n"
        f"sys.argv.append({str(tmp_path / 'out')!r})\n"
        "sys.exit(main.run(work, ArgumentParser(), []))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(30) == 143
    assert list(tmp_path.iterdir()) == []
