"""Keep a finished report for others, in results/<profile>/, to be committed.

    python -m pipelines.publish

The PDF, the Markdown with its figures, all records, the settings, and the commit and versions that they come from:
`python -m pipelines.compare results/<profile> reports/build/records.csv` holds another run against it. Where the README
has a place for the profile's results, its table of averages is written there.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from pathlib import Path

from pipelines import atomic, graph, main, marked, params, provenance, report
from pipelines.errors import NegbenchError
from pipelines.git import git
from pipelines.paths import BUILD, RESULTS
from reports import flat, readme

README = Path("README.md")
_ORIGIN = "origin.json"
_NO_SOURCES = ("params.yaml", "dvc.lock", README, RESULTS)  # the first is kept beside the report


def publish(_: argparse.Namespace) -> None:
    """Write the folder, whole or not at all.

    Raises:
        NegbenchError: the code is of no commit, the report is not of the present settings, code, versions and results,
            or the folder holds something else, such as the results of a method of that name.
    """
    profile = params.load().profile
    others = ["--", ":/", *(f":(top,exclude){path}" for path in _NO_SOURCES)]
    if edited := git("status", "--porcelain", *others).decode():
        raise NegbenchError("the code is of no commit", edited.splitlines()[0][3:], "Commit first.")
    if changed := [*graph.changed()]:
        raise NegbenchError("the report is not of what is here now", changed[0], "Run `make repro`.")
    commit, versions = git("rev-parse", "HEAD").decode().strip(), provenance.versions()
    if f"{report.commit(Path())}." not in (BUILD / "report.md").read_text(encoding="utf-8"):
        again = "Run `dvc repro --force --single-item report`."
        raise NegbenchError("the report was printed at another commit", BUILD / "report.md", again)
    records = BUILD / "records.csv"
    if {*flat.read(records)["versions_hash"].dropna()} != {provenance.params_hash(versions)}:
        install = "Install those of requirements.lock, or run `dvc repro --force`."
        raise NegbenchError("made with other versions of libraries than are installed", records, install)
    target = RESULTS / profile
    if target.exists() and not (target / _ORIGIN).is_file():
        raise NegbenchError("the folder holds something else", target, "Give the profile another name.")
    with atomic.folder(target) as out:
        for name in ("report.pdf", "report.md"):
            shutil.copy(BUILD / name, out / name)
        shutil.copytree(BUILD / "figures", out / "figures")
        (out / readme.RECORDS).write_bytes(gzip.compress(records.read_bytes(), mtime=0))
        shutil.copy(params.PARAMS, out / "params.yaml")
        atomic.write_json(out / _ORIGIN, {"commit": commit, "versions": versions})
    text, mark = README.read_text(encoding="utf-8") if README.is_file() else "", target.as_posix()
    placed = marked.part(text, mark) is not None
    if placed:
        atomic.write_text(README, marked.replace(text, mark, readme.table(target), README.name))
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB, to be committed. Made by {commit[:12]}.")
    if not placed:
        print(f"{README} has no place for its table: <!-- {mark} --> on a line and, below, <!-- /{mark} -->.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m pipelines.publish", description=__doc__.split("\n")[0])
    sys.exit(main.run(publish, parser))
