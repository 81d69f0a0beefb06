"""MTEB's sets from the hub: the real loaders on what a small hub serves, written in BEIR's layout."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from beir_fixture import write_set
from loopback_hub import Client, Hub, Repository

from eval import mteb_sets
from eval.beir import load_collection
from pipelines import params, profile

PAPER = yaml.safe_load(profile.compose("paper", []))


def as_on_the_hub(folder: Path) -> dict[str, bytes]:
    """A set in BEIR's layout as MTEB keeps it in a repository: JSON lines, and what they are in its card."""
    collection = load_collection(folder)
    files = {name: (folder / name).read_bytes() for name in ("corpus.jsonl", "queries.jsonl")}
    judged = [(q, d, score) for q, found in collection.qrels.items() for d, score in found.items()]
    rows: dict[str, list[dict[str, Any]]] = {
        "default": [{"query-id": q, "corpus-id": d, "score": score} for q, d, score in reversed(judged)]
    }
    if collection.candidates:
        rows["top_ranked"] = [{"query-id": q, "corpus-ids": found} for q, found in collection.candidates.items()]
    files |= {f"{name}.jsonl": "\n".join(map(json.dumps, found)).encode() for name, found in rows.items()}
    splits = {"corpus": "corpus", "queries": "queries"} | dict.fromkeys(rows, "test")
    configs = [
        {"config_name": name, "data_files": [{"split": split, "path": f"{name}.jsonl"}]}
        for name, split in splits.items()
    ]
    card = f"---\n{yaml.safe_dump({'configs': configs})}---\n"
    return files | {"README.md": card.encode(), "loader.py": b"raise SystemExit\n"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        sets = hub.repositories[f"datasets/{PAPER['fetch']['hub']['text']['repo']}"] = Repository(licence="mit")
        sets.commit({"wiki1m_for_simcse.txt": b"A sentence.\n", "senteval.tar": b"\0" * 10_240})
        for model in PAPER["fetch"]["hub"]["models"].values():
            hub.repositories[f"models/{model['repo']}"] = Repository(licence="apache-2.0")
            hub.repositories[f"models/{model['repo']}"].commit({"config.json": b"{}", "model.safetensors": b"weights"})
        yield hub


@pytest.fixture
def serve(hub: Hub) -> Callable[[str, dict[str, bytes]], str]:
    """Serve the set of a task at the commit that MTEB pins, which is returned; a later one has other files."""

    def serve(task: str, files: dict[str, bytes]) -> str:
        found = mteb_sets.find(task)
        assert found is not None
        path, commit = found.metadata.dataset["path"], found.metadata.dataset["revision"]
        hub.repositories[f"datasets/{path}"] = Repository()
        hub.repositories[f"datasets/{path}"].commit(files, commit)
        hub.repositories[f"datasets/{path}"].commit({"README.md": b"newer"})
        return str(commit)

    return serve


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    folder = tmp_path / "project"
    folder.mkdir()
    settings = {**PAPER["fetch"], "hub": {**PAPER["fetch"]["hub"], "models": {}}}
    return Client(folder, hub.url, settings)


@pytest.mark.slow
def test_sets_come_at_the_pinned_commit_in_beirs_layout(
    hub: Hub, serve: Callable[[str, dict[str, bytes]], str], client: Client, tmp_path: Path
) -> None:
    names = {"SciFact": "scifact", "FiQA2018": "fiqa", "AskUbuntuDupQuestions": "askubuntudupquestions"}
    origins = {}
    for seed, (task, name) in enumerate(names.items()):
        write_set(tmp_path / name, seed=seed, candidates=task == "AskUbuntuDupQuestions")
        origins[name] = serve(task, as_on_the_hub(tmp_path / name))
    client.fetch(tasks=[*names])
    manifest = json.loads((client.data / "manifest.json").read_text())
    for name, commit in origins.items():
        expected, found = load_collection(tmp_path / name), load_collection(client.data / "beir" / name)
        assert found.documents == expected.documents
        assert found.queries == expected.queries
        assert found.qrels == expected.qrels
        if expected.candidates is None:
            assert found.candidates is None
        else:
            assert found.candidates is not None
            assert {q: found.candidates[q] for q in found.queries} == {
                q: expected.candidates[q] for q in expected.queries
            }
        assert manifest[f"beir/{name}/corpus.jsonl"]["origin"].endswith(f"@{commit}")
    assert not hub.of("GET", "loader.py")
    before = (client.data / "manifest.json").read_bytes()
    client.environment["HF_HUB_OFFLINE"] = "1"
    client.fetch(tasks=[*names])
    assert (client.data / "manifest.json").read_bytes() == before

    line = client.refused(tasks=["SciFakt"])
    assert "unknown task 'SciFakt' (mteb.tasks). Did you mean 'SciFact'?" in line


@pytest.mark.slow
def test_a_set_that_breaks_the_layout_names_the_task(
    serve: Callable[[str, dict[str, bytes]], str], client: Client, tmp_path: Path
) -> None:
    files = as_on_the_hub(write_set(tmp_path / "scifact"))
    serve("SciFact", files | {"corpus.jsonl": files["corpus.jsonl"].replace(b'"_id": "d3"', b'"_id": "d2"')})
    line = client.refused(tasks=["SciFact"])
    assert (
        "corpus.jsonl:4: document 'd2' given twice (mteb.tasks: SciFact, datasets/mteb/scifact). Take the task out"
        in line
    )
    shutil.rmtree(client.home)
    serve("SciFact", {name: content for name, content in files.items() if name != "README.md"})
    assert "MTEB cannot load the set:" in client.refused(tasks=["SciFact"])


@pytest.mark.slow
def test_the_paper_profiles_plan(hub: Hub, serve: Callable[[str, dict[str, bytes]], str], tmp_path: Path) -> None:
    commits = {task: serve(task, {"corpus.jsonl": b"x" * 7, "README.md": b"card"}) for task in PAPER["mteb"]["tasks"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PAPER))
    mine = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    mine |= {"PYTHONPATH": str(params.ROOT), "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-m", "pipelines.fetch", "--plan"]
    ended = subprocess.run(command, cwd=tmp_path, env=mine, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 1 + 2 + len(PAPER["fetch"]["hub"]["models"]) + len(commits) + 1
    for task, commit in commits.items():
        row = next(line for line in lines if line.startswith(f"beir/{mteb_sets.folder_name(task)} "))
        assert commit in row
        assert row.endswith("none stated  0 of 2 files  11")
    assert not hub.of("GET", "/resolve/")
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_the_real_sets_come_under_dvc_and_stay_at_their_commit(
    hub: Hub, serve: Callable[[str, dict[str, bytes]], str], real_data: Path, tmp_path: Path
) -> None:
    """DVC removes what a stage is about to make again, unless it is told not to: the commit would be forgotten."""
    for item in ("dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(params.ROOT / item, tmp_path)
    for item in ("pipelines", "eval", "methods"):
        shutil.copytree(params.ROOT / item, tmp_path / item, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {**PAPER, "mteb": {**PAPER["mteb"], "tasks": ["SciFact"]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    lines = PAPER["train"]["sentences"]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in sorted((real_data / "senteval" / "downstream").iterdir()):
            tar.add(folder, folder.name)
    sets = hub.repositories[f"datasets/{PAPER['fetch']['hub']['text']['repo']}"]
    first = sets.commit({"wiki1m_for_simcse.txt": b"A sentence.\n" * lines, "senteval.tar": archive.getvalue()})
    serve("SciFact", as_on_the_hub(real_data / "beir" / "scifact"))
    mine = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    mine |= {"PYTHONPATH": str(tmp_path), "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}

    def dvc(*arguments: str) -> None:
        command = [sys.executable, "-m", "dvc", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, env=mine, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    dvc("init", "-q")
    dvc("repro", "fetch")
    found = load_collection(tmp_path / "data/beir/scifact")
    assert found == load_collection(real_data / "beir" / "scifact")
    before = (tmp_path / "data/manifest.json").read_bytes()
    assert json.loads(before)["senteval/downstream/CR/custrev.pos"]["origin"].endswith(first)

    sets.commit({"wiki1m_for_simcse.txt": b"Another.\n" * lines, "senteval.tar": archive.getvalue()})
    dvc("repro", "--force", "fetch")
    assert (tmp_path / "data/manifest.json").read_bytes() == before
