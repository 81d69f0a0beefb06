"""What a fetch from the hub would bring, and the commits that it keeps to."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from pathlib import Path

import httpx2
import pytest
from hub_fixture import BERT, DATASET, MODEL, SENTEVAL, TEXT, archive, brought, tree
from loopback_hub import Client, Hub

from pipelines import fetch, profile
from pipelines.errors import NegbenchError
from pipelines.sources import hub_errors


def test_the_first_commit_is_kept_until_the_pins_go(hub: Hub, client: Client) -> None:
    first = next(iter(hub.repositories[DATASET].commits))
    client.fetch()
    entries = json.loads((client.data / "manifest.json").read_text())
    assert entries["corpus/wiki.txt"]["origin"] == f"{DATASET}@{first}"
    assert all("origin" in entry for entry in entries.values())
    newer = hub.repositories[DATASET].commit({"wiki.txt": b"newer\n", "senteval.tar": archive(SENTEVAL)})
    client.fetch()
    assert brought(client) == tree()
    client.pins.unlink()
    client.fetch()
    assert brought(client) == tree() | {"corpus/wiki.txt": b"newer\n"}
    assert newer in (client.data / "manifest.json").read_text()
    client.settings["hub"]["text"]["revision"] = first
    client.fetch()
    assert brought(client) == tree()


def test_another_source_meanwhile_neither_loses_the_commit_nor_knows_of_it(
    hub: Hub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["fetch.generated={corpus_sentences: 500, pairs_per_subset: 20}", "study=[]", "trained=[simcse]"]
    small += ["backbone.sentences=500", "train.sentences=500", "evaluate={histogram_sentences: 9, fit_sentences: 9}"]
    client.fetch()
    manifests = []
    for folder in (client.folder, tmp_path / "fresh"):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        Path("params.yaml").write_text(profile.compose("demo", small))
        fetch.fetch(Namespace(plan=False))
        manifests.append(Path("data/manifest.json").read_bytes())
    assert manifests[0] == manifests[1]
    hub.repositories[DATASET].commit({"wiki.txt": b"newer\n", "senteval.tar": archive(SENTEVAL)})
    client.fetch()
    assert brought(client) == tree()


def test_settings_without_a_model_keep_its_commit(hub: Hub, client: Client) -> None:
    client.fetch()
    models = client.settings["hub"].pop("models")
    client.fetch()
    hub.repositories[MODEL].commit(BERT | {"vocab.txt": b"newer\n"})
    client.settings["hub"]["models"] = models
    client.fetch()
    assert brought(client) == tree()


@pytest.mark.parametrize("plan", [False, True])
def test_a_kept_commit_that_the_hub_no_longer_has_says_how_to_let_it_go(hub: Hub, client: Client, plan: bool) -> None:
    client.fetch()
    hub.repositories[MODEL].commits.clear()
    hub.repositories[MODEL].commit(BERT | {"vocab.txt": b"newer\n"})
    shutil.rmtree(client.home / "hub/models--owner--bert")
    line = client.refused(plan=plan)
    assert "the hub has no such commit (fetch.hub.models.bert, owner/bert). An earlier fetch took it: remove" in line
    client.pins.unlink()
    client.fetch()
    assert brought(client)["models/bert/vocab.txt"] == b"newer\n"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"senteval": 3}'])
def test_pins_that_are_none_are_refused(client: Client, content: str) -> None:
    client.pins.write_text(content)
    assert "the pins are damaged (data.pins.json). Remove it" in client.refused()


def test_the_plan_downloads_nothing(hub: Hub, client: Client) -> None:
    lines = client.fetch(plan=True).splitlines()
    assert not client.data.exists()
    assert not hub.of("GET", "/resolve/")
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    sizes = {
        "corpus/wiki.txt": len(TEXT),
        "senteval": len(archive(SENTEVAL)),
        "models/bert": sum(map(len, BERT.values())),
    }
    commit = next(iter(hub.repositories[DATASET].commits))
    assert rows["senteval"][1:4] == [DATASET, commit, "mit"]
    assert rows["models/bert"][-5:] == ["0", "of", "4", "files", f"{sizes['models/bert']:,}"]
    assert {name: rows[name][-1] for name in sizes} == {name: f"{size:,}" for name, size in sizes.items()}
    assert rows["total"] == ["total", f"{sum(sizes.values()):,}"]


def test_the_plan_knows_offline_what_the_cache_knows(hub: Hub, client: Client) -> None:
    client.environment["HF_HUB_OFFLINE"] = "1"
    cold = client.fetch(plan=True)
    assert cold.count("unknown offline") == 6  # commit and licence of each
    assert "0 and what is unknown" in cold
    client.environment.clear()
    client.fetch()
    online = client.fetch(plan=True)
    assert "4 of 4 files" in online
    client.environment["HF_HUB_OFFLINE"] = "1"
    warm = client.fetch(plan=True)
    assert warm.split()[-1] == online.split()[-1]
    assert next(iter(hub.repositories[DATASET].commits)) in warm
    assert "reach" not in cold + online + warm


def test_the_plan_says_why_it_could_not_ask(client: Client) -> None:
    client.environment["HF_ENDPOINT"] = "http://127.0.0.1:1"
    last = client.fetch(plan=True).splitlines()[-1]
    assert last.startswith("cannot reach http://127.0.0.1:1: ")
    assert "Check the network, or HF_ENDPOINT." in last


@pytest.mark.parametrize("plan", [False, True])
def test_an_endpoint_that_is_no_address_is_refused(hub: Hub, client: Client, plan: bool) -> None:
    client.environment["HF_ENDPOINT"] = hub.url.removeprefix("http://")
    assert client.refused(plan=plan).endswith("Correct HF_ENDPOINT.")


@pytest.mark.parametrize("error", [httpx2.UnsupportedProtocol, httpx2.LocalProtocolError])
def test_a_request_that_cannot_be_sent_is_not_tried_again(error: type[httpx2.TransportError]) -> None:
    calls = []

    def call() -> None:
        calls.append(error)
        raise error("no scheme")

    with pytest.raises(NegbenchError, match=r"no scheme \(setting\)"):
        hub_errors.patiently("setting", "", call)
    assert len(calls) == 1
