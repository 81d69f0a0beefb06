"""Reading text files line by line, strictly: one encoding, Unix line ends, plain or .xz."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipelines.errors import NegbenchError


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for reading bytes, decompressing it on the way if its name ends in .xz.

    Raises:
        NegbenchError: the file is missing or cannot be read, or the .xz is cut short or damaged (also while it is
            being read).
    """
    try:
        with lzma.open(path, "rb") if path.suffix == ".xz" else path.open("rb") as file:
            yield file
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NegbenchError("the file is missing", path, "Check the path or fetch the data again.") from error
    except (PermissionError, IsADirectoryError) as error:
        raise NegbenchError(f"the file cannot be read: {error.strerror}", path, "Put a readable file there.") from error
    except (EOFError, lzma.LZMAError) as error:
        raise NegbenchError("the .xz file is cut short or damaged", path, "Fetch it again.") from error


def read_lines(path: Path, *, crlf: bool = False, encoding: str = "utf-8") -> Iterator[str]:
    r"""Yield the lines of a text file, without their ends; only "\n" ends a line.

    Args:
        path: a text file, plain or .xz.
        crlf: take "\r\n" as well (one of SICK's published files has it).
        encoding: of the file; the oldest sets of SentEval are "latin-1".

    Raises:
        NegbenchError: as `open_bytes`; or a line (named in `where`) is not UTF-8 or has a carriage return.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode(encoding).removesuffix("\n")
            except UnicodeDecodeError as error:
                bad = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
                raise NegbenchError(bad, f"{path}:{number}", "Convert the file to UTF-8 (iconv).") from error
            if crlf:
                line = line.removesuffix("\r")
            if "\r" in line:
                what = "CRLF line ends" if line.endswith("\r") else "a carriage return inside a line"
                raise NegbenchError(what, f"{path}:{number}", "Convert the file to Unix line ends (dos2unix).")
            yield line
