"""A finished report is kept with its records, settings and commit; one that is not finished is refused."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
from dvc.repo import Repo
from report_fixture import VERSIONS, write_results

from pipelines import graph, marked, params, provenance, report
from pipelines.errors import NegbenchError
from pipelines.publish import publish
from reports import flat, readme, records

TARGET, README = Path("results/demo"), Path("README.md")


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit, other settings than it has and a report that is up to date."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graph, "changed", list)
    monkeypatch.setattr(provenance, "versions", lambda: VERSIONS)
    (tmp_path / "code.py").write_text("one = 1\n")
    (tmp_path / "params.yaml").write_text("seeds: []\n")
    (tmp_path / ".gitignore").write_text("/results/\n/reports/\n")
    git("init", "--quiet")
    git("add", ".")
    commit("One")
    shutil.copy(params.ROOT / params.PARAMS, tmp_path)
    (tmp_path / "reports/build/figures").mkdir(parents=True)
    for name in ("report.pdf", "figures/one.svg"):
        (tmp_path / "reports/build" / name).write_text(f"{name} {'x' * 99}\n")
    results = records.load(write_results(tmp_path_factory.mktemp("results")))
    flat.frame(results, {}).to_csv(tmp_path / "reports/build/records.csv", index=False)
    print_report()
    return tmp_path


def print_report() -> None:
    Path("reports/build/report.md").write_text(f"# Report\n\n{report.commit(Path())}.\n")


def commit(message: str) -> None:
    git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "--all", "--message", message)


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def kept() -> dict[str, bytes]:
    files = (path for path in TARGET.rglob("*") if path.is_file())
    return {path.relative_to(TARGET).as_posix(): path.read_bytes() for path in files}


def test_the_report_is_kept_with_what_made_it(project: Path) -> None:
    publish(Namespace())
    found = kept()
    build = project / "reports/build"
    for name in ("report.pdf", "report.md", "figures/one.svg"):
        assert found.pop(name) == (build / name).read_bytes()
    assert gzip.decompress(found.pop("records.csv.gz")) == (build / "records.csv").read_bytes()
    assert found.pop("params.yaml") == (project / "params.yaml").read_bytes()
    assert json.loads(found.pop("origin.json"))["commit"] == git("rev-parse", "HEAD").strip()
    assert not found


def test_a_readme_without_a_place_for_the_table_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("README.md").write_text("<!-- results/demo --> \n<!-- /results/demo -->\n")  # a blank too many
    publish(Namespace())
    assert "README.md has no place for its table: <!-- results/demo -->" in capsys.readouterr().out
    Path("README.md").write_text("<!-- results/demo -->\n<!-- /results/demo -->\n")
    publish(Namespace())
    assert "no place" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["demo", "paper", "mine"])
def test_git_keeps_it_and_no_stage_depends_on_it(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for ignored in (".gitignore", ".dvcignore"):
        shutil.copy(params.ROOT / ignored, project)
    git("add", ".gitignore", ".dvcignore")
    commit("Two")
    print_report()
    settings = params.load()
    monkeypatch.setattr(params, "load", lambda: settings.model_copy(update={"profile": name}))
    publish(Namespace())
    written = {path.as_posix() for path in Path("results").rglob("*") if path.is_file()}
    git("add", "results")
    assert {*git("diff", "--cached", "--name-only").split()} == written
    with Repo.init(str(project)) as repo:
        assert all(repo.dvcignore.check_ignore(file).match for file in written)
        for own in ("results/simcse/0/records.json", "results/ablate/ema_decay.csv", "params.yaml"):
            assert not repo.dvcignore.check_ignore(own).match


def test_the_readme_takes_the_averages_where_it_has_a_place(project: Path) -> None:
    publish(Namespace())
    assert not README.exists()
    README.write_text("before\n<!-- results/demo -->\n<!-- /results/demo -->\nafter\n")
    publish(Namespace())
    text = README.read_text()
    assert marked.part(text, "results/demo") == readme.table(TARGET)
    publish(Namespace())  # what it wrote itself makes the code no other
    assert README.read_text() == text


def test_it_is_the_same_bytes_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Namespace())
    before = kept()
    monkeypatch.setattr("time.time", lambda: 2e9)  # which gzip writes down if it is let
    publish(Namespace())
    assert kept() == before


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_code_of_no_commit_is_refused(project: Path, name: str) -> None:
    (project / name).write_text("two = 2\n")
    with pytest.raises(NegbenchError, match=rf"of no commit \({name}\)"):
        publish(Namespace())
    assert not TARGET.exists()


def test_a_report_that_names_another_commit_is_refused(project: Path) -> None:
    (project / "code.py").write_text("two = 2\n")
    commit("Two")
    with pytest.raises(NegbenchError, match=r"printed at another commit .*--single-item report"):
        publish(Namespace())
    assert not TARGET.exists()
    print_report()
    publish(Namespace())
    assert TARGET.exists()


def test_records_of_other_versions_are_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "versions", lambda: VERSIONS | {"torch": "2.14.0"})
    with pytest.raises(NegbenchError, match="other versions of libraries than are installed"):
        publish(Namespace())
    assert not TARGET.exists()


def test_a_stale_report_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "changed", lambda: ["train@simcse-0"])
    with pytest.raises(NegbenchError, match="train@simcse-0"):
        publish(Namespace())
    assert not TARGET.exists()


def test_results_of_a_method_by_the_profiles_name_are_left_alone(project: Path) -> None:
    (TARGET / "0").mkdir(parents=True)
    with pytest.raises(NegbenchError, match="something else"):
        publish(Namespace())
    assert (TARGET / "0").is_dir()
