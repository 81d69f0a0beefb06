"""The DAG: what each stage declares, and what runs again when something changes."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo

from pipelines import params, profile, provenance

ROOT = params.ROOT
PACKAGES = ("pipelines", "methods", "eval", "reports")
# Shells, messages, places and hashes: no number depends on them, so that touching one runs nothing again. params.py
# belongs here because every value it could supply stands in params.yaml, which stages do depend on.
INFRASTRUCTURE = {
    f"pipelines/{name}.py"
    for name in (
        *("__init__", "atomic", "device", "errors", "expected", "launch", "locks", "log", "main", "nearest"),
        *("params", "paths", "provenance"),
    )
}


def imported(file: Path) -> Iterator[Path]:
    """The repository's own files that one file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            path = ROOT / Path(*name.split("."))
            if name.split(".")[0] in PACKAGES:
                yield from (p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file())


def closure(file: Path) -> set[str]:
    found, waiting = {file}, [file]
    while waiting:
        for path in imported(waiting.pop()):
            if path not in found and str(path.relative_to(ROOT)) not in INFRASTRUCTURE:
                found.add(path)
                waiting.append(path)
    return {str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"}


def stages() -> dict[str, dict[str, Any]]:
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in content["stages"].items()}


@pytest.mark.parametrize("name", stages())
def test_a_stage_declares_all_the_code_it_imports(name: str) -> None:
    """DVC follows no imports: what is missing here would let a stale number stand."""
    declared = stages()[name]["deps"]
    for file in closure(ROOT / "pipelines" / f"{name}.py"):
        covered = any(file == dep or file.startswith(f"{dep}/") for dep in declared)
        assert covered, f"stage {name} imports {file} and does not depend on it"


def settings_read(file: Path) -> set[str]:
    """Dotted paths below the root of params.yaml that a program reads off what it calls `settings`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            keys, value = [node.attr], node.value
            while isinstance(value, ast.Attribute):
                keys.insert(0, value.attr)
                value = value.value
            if isinstance(value, ast.Name) and value.id == "settings":
                found.add("fetch.corpus" if keys[0] == "corpus" else ".".join(keys))
    return {path for path in found if path.split(".")[0] in params.Params.model_fields}


WITHOUT_A_RESULT = {"checkpoint_seconds"}  # the survival tests end with equal bytes wherever a state was saved


@pytest.mark.parametrize("name", stages())
def test_a_stage_declares_all_the_settings_it_reads(name: str) -> None:
    """Those of the programs it shares functions with too: a change of one that is missing would run nothing again."""
    declared = [entry.split(".$")[0] for entry in stages()[name].get("params", [])]
    files = {file for file in closure(ROOT / "pipelines" / f"{name}.py") if file.startswith("pipelines/")}
    assert files
    for path in {path for file in files for path in settings_read(ROOT / file)} - WITHOUT_A_RESULT:
        covered = any(f"{path}.".startswith(f"{entry}.") or entry.startswith(f"{path}.") for entry in declared)
        assert covered, f"stage {name} reads the setting {path} and does not depend on it"


@pytest.mark.parametrize("name", ["evaluate", "untrained", "mteb", "mteb_untrained", "ablate"])
def test_a_stage_depends_on_what_its_records_carry_the_hash_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the records would be stale for good: DVC would see nothing to run."""
    hashed: list[Path] = []
    monkeypatch.setattr(provenance, "code_hash", lambda *paths: hashed.extend(paths))
    provenance.run_code({"method": "${item.method}"})
    deps = stages()[name]["deps"]
    assert {"data/manifest.json", *(str(path.relative_to(ROOT)) for path in hashed)} <= {*deps}
    assert {"backbone", "fetch.corpus", "teacher"} <= {*stages()[name]["params"]}


@pytest.mark.parametrize("name", stages())
def test_a_stage_is_a_file_of_its_name(name: str) -> None:
    assert (ROOT / "pipelines" / f"{name}.py").is_file()
    assert f"python -m pipelines.{name}" in stages()[name]["cmd"]
    assert "." not in stages()[name]["deps"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which every stage counts as done: made-up outputs, committed to DVC."""
    root = tmp_path_factory.mktemp("project")
    for item in (*PACKAGES, "profiles", "dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        source = ROOT / item
        if source.is_dir():
            shutil.copytree(source, root / item, ignore=shutil.ignore_patterns("__pycache__", "build"))
        else:
            shutil.copy(source, root / item)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    Repo.init(str(root))
    with chdir(root), Repo() as repo:  # DVC takes paths relative to where it runs
        for out in repo.index.outs:
            path = Path(out.fs_path)
            file = path if path.suffix else path / "content"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(str(path.relative_to(root)), encoding="utf-8")
        for dep in (d for stage in repo.index.stages for d in stage.deps):
            path = Path(dep.fs_path)
            if not path.exists():  # a part of the data folder
                path.mkdir(parents=True)
                (path / "content").write_text(str(path), encoding="utf-8")
        repo.commit(force=True)
        assert repo.status() == {}
    return root


def reruns(root: Path) -> set[str]:
    """Stages that `dvc repro` would run: the changed ones and all that follows from them."""
    with chdir(root), Repo() as repo:
        changed = {name.removeprefix("dvc.yaml:") for name in repo.status()}
        graph = repo.index.graph  # edges lead from a stage to what it needs
        named = {stage.addressing: stage for stage in graph}
        following = {found.addressing for name in changed for found in nx.ancestors(graph, named[name])}
    return changed | following


@pytest.fixture
def edited(project: Path) -> Iterator[Path]:
    """The project, put back as it was after the test."""
    kept = {path: path.read_bytes() for path in project.rglob("*") if path.suffix in (".py", ".yaml", ".typ")}
    yield project
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


ENDS = {"aggregate", "figures", "report"}
MEASURED = ENDS | {"significance"}  # what follows from any result


@pytest.mark.parametrize("name", profile.names())
def test_the_dag_stays_small(edited: Path, name: str) -> None:
    """DVC's own cost grows with the square of the number of stages."""
    (edited / "params.yaml").write_text(profile.compose(name, []), encoding="utf-8")
    with chdir(edited), Repo() as repo:
        assert len(repo.index.stages) < 150


def test_a_new_seed_runs_only_its_own_stages(edited: Path) -> None:
    settings = yaml.safe_load((edited / "params.yaml").read_text(encoding="utf-8"))
    settings["seeds"].append(77)
    (edited / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    expected = {f"{stage}@{method}-77" for stage in ("train", "evaluate", "mteb") for method in settings["trained"]}
    assert reruns(edited) == expected | MEASURED


def test_another_setting_of_the_evaluation_evaluates_everything_again(edited: Path) -> None:
    settings = yaml.safe_load((edited / "params.yaml").read_text(encoding="utf-8"))
    settings["evaluate"]["transfer"] = "full" if settings["evaluate"]["transfer"] == "fast" else "fast"
    (edited / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    trained = {f"evaluate@{method}-{seed}" for method in settings["trained"] for seed in settings["seeds"]}
    untrained = {f"untrained@{method}" for method in settings["untrained"]}
    assert reruns(edited) == trained | untrained | MEASURED


def test_editing_a_method_runs_only_that_method(edited: Path) -> None:
    settings = yaml.safe_load((edited / "params.yaml").read_text(encoding="utf-8"))
    for method in settings["trained"]:
        file = edited / "methods" / f"{method}.py"
        before = file.read_text(encoding="utf-8")
        file.write_text(before + "# edited\n", encoding="utf-8")
        own = {f"{stage}@{method}-{seed}" for stage in ("train", "evaluate", "mteb") for seed in settings["seeds"]}
        studies = {f"ablate@{name}" for name, study in settings["ablate"].items() if study["method"] == method}
        assert reruns(edited) == own | studies | {"theory"} | MEASURED
        file.write_text(before, encoding="utf-8")


def test_editing_a_methods_settings_runs_only_that_method(edited: Path) -> None:
    settings = yaml.safe_load((edited / "params.yaml").read_text(encoding="utf-8"))
    method = settings["trained"][0]
    settings["methods"][method]["temperature"] = 0.07
    (edited / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    own = {f"{stage}@{method}-{seed}" for stage in ("train", "evaluate", "mteb") for seed in settings["seeds"]}
    studies = {f"ablate@{name}" for name, study in settings["ablate"].items() if study["method"] == method}
    assert reruns(edited) == own | studies | MEASURED


def test_editing_the_template_runs_only_the_report(edited: Path) -> None:
    template = edited / "reports" / "template" / "report.typ"
    template.write_text(template.read_text(encoding="utf-8") + "\n// edited\n", encoding="utf-8")
    assert reruns(edited) == {"report"}


def test_editing_a_reported_number_trains_nothing(edited: Path) -> None:
    paper = next((edited / "reports" / "paper").glob("*.yaml"))
    paper.write_text(paper.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    assert reruns(edited) == ENDS


def test_python_bytecode_changes_nothing(edited: Path) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", "methods", "eval"], cwd=edited, check=True)
    assert reruns(edited) == set()
