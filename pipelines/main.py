"""The shell every program runs in: one clear line for an expected failure, a traceback only with --debug."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from pipelines.errors import NegbenchError


def run(main: Callable[[Namespace], None], parser: ArgumentParser, argv: Sequence[str] | None = None) -> int:
    """Parse the arguments, call `main` with them and return the exit code.

    `sys.exit(run(main, parser))` is the last line of a program. Codes: 0; 1 for a NegbenchError or OSError
    (one line on stderr); 130 for Ctrl-C; 143 for SIGTERM; argparse itself exits with 2. Any other exception
    is a defect of ours and keeps its traceback.

    Args:
        main: does the work; what it returns is ignored.
        parser: the program's options, to which --debug is added.
        argv: arguments in place of the command line's.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that nothing half-written stays
    try:
        main(arguments)
        sys.stdout.flush()  # so that a full disk or a closed pipe is met here and not after us
    except KeyboardInterrupt:
        return _fail("interrupted", 130, arguments.debug)
    except NegbenchError as error:
        return _fail(f"error: {error}", 1, arguments.debug)
    except OSError as error:
        named = error.filename2 or error.filename  # a rename has two: from a scratch file, to what was asked for
        where = f" ({named})" if named else ""
        code = _fail(f"error: {error.strerror or error}{where}", 1, arguments.debug)
        _drop_unwritable_output()
        return code
    return 0


def _fail(line: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(" ".join(line.split()), file=sys.stderr)
    return code


def _drop_unwritable_output() -> None:
    """Point stdout at nowhere if it cannot be flushed, or the interpreter complains again on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
