"""The documents of docs/howto, done: their files written and their commands run, one after the other, in a copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from pipelines.params import ROOT

# The demo's own settings are minutes of training; these are put in place of them in the copy.
TINY = {
    "defaults": ["base", {"study": []}, "_self_"],
    "trained": ["simcse"],
    "untrained": [],
    "seeds": [0],
    "fetch": {"generated": {"corpus_sentences": 400, "pairs_per_subset": 6}},
    "backbone": {"vocab_size": 300, "hidden": 16, "sentences": 400, "epochs": 1},
    "train": {"sentences": 160, "batch_size": 16, "eval_every": 10, "watch": False},
    "evaluate": {"histogram_sentences": 20, "fit_sentences": 100, "transfer": "fast", "poolings": ["mean"]},
    "mteb": {"tasks": ["world-facts"]},
    "significance": {"resamples": 100},
    "methods": {},
    "ablate": {},
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository's files, as a repository of their own, with a demo that takes seconds."""
    folder = tmp_path / "negbench"  # a document puts data of the reader's beside it
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if not name.startswith((".dvc/", "tests")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    demo = folder / "profiles/demo.yaml"
    values = yaml.safe_load(demo.read_text(encoding="utf-8"))
    for key, value in TINY.items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) and value else value
    demo.write_text(yaml.safe_dump(values), encoding="utf-8")
    do(folder, "git init -q && dvc init -q && python -m pipelines.profile demo")
    return folder


def do(folder: Path, script: str) -> str:
    """Run commands as a reader would, with the environment activated; what they print."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def follow(folder: Path, document: str) -> str:
    """Write each block of a document that names a file, and run each that is commands; what they print."""
    text = (ROOT / "docs/howto" / document).read_text(encoding="utf-8")
    printed = ""
    for block in (token for token in MarkdownIt().parse(text) if token.type == "fence"):
        language, _, name = block.info.partition(" ")
        if language == "sh":
            printed += do(folder, block.content)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block.content, encoding="utf-8")
    return printed


def scores(file: Path) -> dict[tuple[str, str], float]:
    stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {(one["task"], one["metric"]): one["value"] for one in stored["records"]}


@pytest.mark.slow
def test_the_documents_do_what_they_say(copy: Path) -> None:
    printed = follow(copy, "add_a_method.md")
    assert "temperature: 0.05" in printed
    margin = scores(copy / "results/margin/0/records.json")["avg", "spearman_all"]
    assert f"{margin:.4f}".rstrip("0") in printed

    printed = follow(copy, "add_a_claim.md")
    assert "Margin scores higher" in printed  # the table breaks the line
    content = json.loads((copy / "reports/build/summary.json").read_text(encoding="utf-8"))
    claims = [row for row in rows(content) if row["label"] == "Margin scores higher than SimCSE on the seven STS tasks"]
    assert claims
    assert any("undecided" in json.dumps(row) for row in claims)  # one seed
    assert any(row["label"] == "Margin (theirs)" for row in rows(content))

    printed = follow(copy, "add_a_profile.md")
    assert "train.epochs: 1 -> 2" in printed
    measured = json.loads((copy / "results/simcse/0/records.json").read_text(encoding="utf-8"))
    assert measured["provenance"]["profile"] == "evening"
    assert json.loads((copy / "runs/simcse/0/run.json").read_text(encoding="utf-8"))["steps"] == 20

    assert "questions" in follow(copy, "add_a_data_set.md")
    assert (copy / "data/corpus/notes.txt").resolve() == copy.parent / "my-data/corpus/notes.txt"
    assert "corpus/notes.txt" in json.loads((copy / "data/manifest.json").read_text(encoding="utf-8"))
    found = scores(copy / "results/simcse/0/mteb/records.json")
    assert {"world-facts", "questions"} <= {task for task, metric in found if metric == "retrieval_main_score"}
    assert found["questions", "ndcg_at_10"] > 0


def rows(content: Any) -> list[dict[str, Any]]:
    """Every row of every table of the report's content."""
    if isinstance(content, dict):
        own = [content] if "label" in content else []
        return own + [row for value in content.values() for row in rows(value)]
    return [row for value in content for row in rows(value)] if isinstance(content, list) else []


def test_every_document_is_led_to_and_followed() -> None:
    there = {path.name for path in (ROOT / "docs/howto").glob("*.md")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    followed = Path(__file__).read_text(encoding="utf-8")
    assert there
    for name in there:
        assert f"docs/howto/{name}" in readme
        assert f'follow(copy, "{name}")' in followed
