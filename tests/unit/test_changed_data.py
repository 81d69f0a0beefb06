"""Data that changed after they were fetched are refused, before anything is computed or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import provenance
from pipelines.errors import NegbenchError
from pipelines.sources import manifest


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    for name in ("corpus/text.txt", "senteval/downstream/STS/pairs.txt", "beir/set/corpus.jsonl"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("one\ntwo\n", encoding="utf-8")
    manifest.write(folder)
    monkeypatch.setattr(provenance, "DATA", folder)
    return folder


def change(file: Path, content: str | None) -> None:
    """Give the file this content, or take it away."""
    if content is None:
        file.unlink()
    else:
        file.write_text(content, encoding="utf-8")


def test_data_as_they_were_fetched_are_taken(data: Path) -> None:
    provenance.check_data("corpus", "senteval", "beir")


@pytest.mark.parametrize("content", ["one\ntwO\n", "one\ntwo\nthree\n", None])
def test_a_changed_or_missing_file_is_named(data: Path, content: str | None) -> None:
    change(data / "senteval/downstream/STS/pairs.txt", content)
    with pytest.raises(NegbenchError, match=r"(changed since it was|that was) fetched.*pairs\.txt.*fetch") as caught:
        provenance.check_data("corpus", "senteval")
    assert "\n" not in str(caught.value)
    provenance.check_data("corpus", "beir")  # which are read by others


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"corpus/text.txt": 3}', '{"corpus/text.txt": {"rows": 8}}'])
def test_a_manifest_that_is_none_is_refused(data: Path, content: str | None) -> None:
    change(data / "manifest.json", content)
    with pytest.raises(NegbenchError, match=r"manifest.*dvc repro --force fetch"):
        provenance.check_data("corpus")


def test_an_added_file_is_nobodys_business(data: Path) -> None:
    (data / "corpus/other.txt").write_text("x", encoding="utf-8")
    provenance.check_data("corpus")
    assert "corpus/other.txt" not in json.loads((data / "manifest.json").read_text(encoding="utf-8"))
