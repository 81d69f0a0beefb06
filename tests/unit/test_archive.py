"""Archives that reach outside of their folder, or bring what is no file, are refused before anything is written."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pipelines.errors import NegbenchError
from pipelines.sources.archive import unpack


def make(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, 3 * (kind == tarfile.REGTYPE)
    return found


def test_files_and_folders_come_as_they_are(tmp_path: Path) -> None:
    unpack(
        make(tmp_path / "a.tar", member("STS", tarfile.DIRTYPE), member("STS/a"), member("./b")),
        tmp_path / "out",
    )
    assert {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*")} == {"STS", "STS/a", "b"}
    assert (tmp_path / "out" / "STS" / "a").read_bytes() == b"xxx"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (member("../out-of-here"), "lies outside"),
        (member("STS/../../out-of-here"), "lies outside"),
        (member("/tmp/out-of-here"), "lies outside"),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (member("link", tarfile.SYMTYPE, "first"), "is a link"),
        (member("link", tarfile.LNKTYPE, "first"), "is a link"),
        (member("device", tarfile.CHRTYPE), "a device"),
        (member("disk", tarfile.BLKTYPE), "a device"),
        (member("pipe", tarfile.FIFOTYPE), "a pipe"),
        (member("holes", tarfile.GNUTYPE_SPARSE), "with holes"),
    ],
)
def test_a_malicious_archive_is_one_line_and_writes_nothing(tmp_path: Path, bad: tarfile.TarInfo, says: str) -> None:
    path = make(tmp_path / "a.tar", member("first"), bad)
    with pytest.raises(NegbenchError, match=says) as caught:
        unpack(path, tmp_path / "out")
    assert repr(bad.name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [*tmp_path.iterdir()] == [path]


def test_a_cut_archive_is_one_line(tmp_path: Path) -> None:
    whole = member("whole")
    whole.size = 20_000
    path = make(tmp_path / "a.tar", whole)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(NegbenchError, match="the archive is damaged"):
        unpack(path, tmp_path / "out")


def test_what_is_no_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"<html>not here</html>")
    with pytest.raises(NegbenchError, match="the archive is damaged"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_name_that_two_members_want_is_one_line(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tar", member("STS"), member("STS/a"))
    with pytest.raises(NegbenchError, match="cannot unpack the archive: Not a directory"):
        unpack(path, tmp_path / "out")
