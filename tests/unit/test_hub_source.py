"""The hub source: the real client against a small hub on loopback, whatever goes wrong on the way."""

from __future__ import annotations

import io
import json
import random
import tarfile
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from loopback_hub import CHUNK, Client, Fault, Hub, Repository, contents

from pipelines import fetch, profile

DATASET = "datasets/owner/sets"
MODEL = "models/owner/bert"
TEXT = random.Random(0).randbytes(150_000).hex().encode() + b"\n"
WEIGHTS = random.Random(1).randbytes(50_000)
SENTEVAL = {"STS/STS12-en-test/STS.gs.MSRpar.txt": b"1.0\n", "CR/custrev.pos": b"good\n"}
BERT = {"config.json": b"{}", "model.safetensors": WEIGHTS, "vocab.txt": b"a\nb\n", "1_Pooling/config.json": b"{ }"}
OTHERS = {"pytorch_model.bin": b"pickle", "onnx/config.json": b"{}", "modeling.py": b"code", "README.md": b"# A model"}


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        sets = hub.repositories[DATASET] = Repository(licence="mit")
        sets.commit({"wiki.txt": TEXT, "senteval.tar": archive(SENTEVAL), "more.csv": b"1,2\n"})
        hub.repositories[MODEL] = Repository(licence="apache-2.0")
        hub.repositories[MODEL].commit(BERT | OTHERS)
        yield hub


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    folder = tmp_path / "project"
    folder.mkdir()
    settings = {
        "source": "hub",
        "corpus": "wiki.txt",
        "hub": {
            "text": {"repo": "owner/sets", "file": "wiki.txt"},
            "senteval": {"repo": "owner/sets", "file": "senteval.tar"},
            "models": {"bert": {"repo": "owner/bert"}},
        },
    }
    return Client(folder, hub.url, settings)


def tree() -> dict[str, bytes]:
    """What a complete fetch brings, without the manifest."""
    return (
        {"corpus/wiki.txt": TEXT}
        | {f"senteval/downstream/{name}": content for name, content in SENTEVAL.items()}
        | {f"models/bert/{name}": content for name, content in BERT.items()}
    )


def brought(client: Client) -> dict[str, bytes]:
    found = contents(client.data)
    assert set(json.loads(found.pop("manifest.json"))) == found.keys()
    return found


def test_the_canonical_tree_comes_whole_and_nothing_else(hub: Hub, client: Client) -> None:
    client.fetch()
    assert brought(client) == tree()
    for name in ("corpus/wiki.txt", "models/bert/model.safetensors"):
        assert (client.data / name).resolve().is_relative_to(client.home)  # linked, not copied
    for name in ("more.csv", *OTHERS):
        assert not hub.of("GET", f"/{name}")


def test_what_is_here_is_not_downloaded_again(hub: Hub, client: Client) -> None:
    client.fetch()
    before = contents(client.data)
    hub.asked.clear()
    client.fetch()
    assert contents(client.data) == before
    assert not hub.of("GET", "/resolve/")


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_connection_is_taken_up_where_it_broke(hub: Hub, client: Client, seed: int) -> None:
    chance = random.Random(seed)
    hub.faults = [Fault("GET", "wiki.txt", cut=chance.randrange(CHUNK, 100_000)) for _ in range(2)]
    client.fetch()
    assert brought(client) == tree()
    asked = hub.of("GET", "wiki.txt")
    assert len(asked) == 3
    for earlier, later in pairwise(asked):
        assert later.start == earlier.start + earlier.sent // CHUNK * CHUNK  # the rest and no more


def test_a_reset_connection_is_tried_again(hub: Hub, client: Client) -> None:
    hub.faults = [Fault("GET", "wiki.txt", cut=1000, reset=True)]
    client.fetch()
    assert brought(client) == tree()


@pytest.mark.parametrize(("method", "part"), [("GET", "/api/"), ("HEAD", "wiki.txt"), ("GET", "wiki.txt")])
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_waited_for(hub: Hub, client: Client, method: str, part: str, status: int) -> None:
    times = 2 if method == "HEAD" else 1  # the client asks for a file twice before it waits
    hub.faults = [Fault(method, part, status, {"Retry-After": "2"}, times=times)]
    start = time.monotonic()
    client.fetch()
    assert time.monotonic() - start > 2
    assert brought(client) == tree()


@pytest.mark.slow
def test_a_hub_that_stays_busy_is_one_line(hub: Hub, client: Client) -> None:
    hub.faults = [Fault("GET", "wiki.txt", 503, times=100)]
    line = client.refused()
    assert "the hub answers 503 for /datasets/owner/sets/resolve/" in line
    assert "wiki.txt, after 4 tries (fetch.hub.text, datasets/owner/sets)" in line


def test_no_such_repository_names_the_setting(client: Client) -> None:
    client.settings["hub"]["models"]["bert"]["repo"] = "owner/bret"
    line = client.refused()
    assert "no such repository, or not for everybody (401) (fetch.hub.models.bert, owner/bret)" in line
    assert "HF_TOKEN" in line


def test_no_such_file_names_file_and_setting(hub: Hub, client: Client) -> None:
    hub.faults = [Fault("HEAD", "wiki.txt", 404, {"X-Error-Code": "EntryNotFound"})]
    assert "/wiki.txt (fetch.hub.text, datasets/owner/sets). Correct the setting." in client.refused()
    client.settings["hub"]["senteval"]["file"] = "senteval.tgz"
    line = client.refused()
    assert "there is no file 'senteval.tgz' at commit" in line
    assert "(fetch.hub.senteval, datasets/owner/sets)" in line


def test_no_such_commit_names_the_setting(client: Client) -> None:
    client.settings["hub"]["text"]["revision"] = "0" * 40
    assert "the hub has no such commit (fetch.hub.text, datasets/owner/sets)" in client.refused()


def test_a_gated_repository_says_what_to_accept(hub: Hub, client: Client) -> None:
    hub.faults = [Fault("GET", "/api/models", 403, {"X-Error-Code": "GatedRepo"}, times=9)]
    assert "accepted its terms may read it (fetch.hub.models.bert, owner/bert). Accept them" in client.refused()


def test_a_model_without_safetensors_is_refused(hub: Hub, client: Client) -> None:
    hub.repositories[MODEL].commit(dict.fromkeys(("config.json", "pytorch_model.bin"), b"x"))
    line = client.refused()
    assert "there is no file 'model.safetensors' at commit" in line
    assert "may hold code" in line
    assert not hub.of("GET", "pytorch_model.bin")


@pytest.mark.parametrize(("repository", "file"), [(DATASET, "wiki.txt"), (MODEL, "config.json")])
def test_content_of_another_hash_is_refused_and_forgotten(hub: Hub, client: Client, repository: str, file: str) -> None:
    served = hub.repositories[repository]
    right = next(reversed(served.commits.values()))[file]
    served.wrong[file] = bytes([right[0] ^ 1]) + right[1:]
    assert f"what came as '{file}' is not what the hub announced" in client.refused()
    served.wrong.clear()
    client.fetch()
    assert brought(client) == tree()


def test_a_disk_that_fills_up_is_one_line(client: Client) -> None:
    line = client.refused(limit=100_000)
    assert "no room for the download in" in line
    assert "Free some space" in line
    client.fetch()
    assert brought(client) == tree()


def test_a_killed_fetch_leaves_nothing_and_keeps_whole_files(hub: Hub, client: Client) -> None:
    go_on = threading.Event()
    hub.faults = [Fault("GET", "model.safetensors", cut=1000, stall=go_on)]
    process = client.started()
    while not any(asked.sent for asked in hub.of("GET", "model.safetensors")):
        time.sleep(0.05)
    process.kill()
    process.join()
    go_on.set()
    assert not client.data.exists()
    hub.asked.clear()
    client.fetch()
    assert brought(client) == tree()
    assert [*client.folder.glob(".data*")] == []
    assert not hub.of("GET", "wiki.txt")


def test_an_archive_that_reaches_out_leaves_nothing(hub: Hub, client: Client) -> None:
    client.fetch()
    client.pins.unlink()
    hub.repositories[DATASET].commit({"wiki.txt": TEXT, "senteval.tar": archive(SENTEVAL | {"../../x": b"out"})})
    assert "member '../../x' lies outside" in client.refused()


def test_sets_of_other_sizes_are_refused(client: Client) -> None:
    client.rows = {"STSB": {"test": 1379}}
    assert "STSB train: the file is missing (fetch.hub.senteval, datasets/owner/sets)" in client.refused()


def test_another_corpus_than_the_hubs_is_refused(client: Client) -> None:
    client.settings["corpus"] = "wikki.txt"
    assert "the hub brings no corpus 'wikki.txt' (fetch.corpus). Did you mean 'wiki.txt'?" in client.refused()


@pytest.mark.parametrize("offline", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:1"}])
def test_offline_the_cache_is_enough(hub: Hub, client: Client, offline: dict[str, str]) -> None:
    client.fetch()
    before = contents(client.data)
    client.environment |= offline
    hub.asked.clear()
    client.fetch()
    assert contents(client.data) == before
    client.pins.unlink()  # the cache knows the commit too
    client.fetch()
    assert contents(client.data) == before
    assert not hub.asked


def test_offline_without_a_cache_says_so(client: Client) -> None:
    client.environment["HF_HUB_OFFLINE"] = "1"
    line = client.refused()
    assert "the client is offline (fetch.hub.text, datasets/owner/sets)" in line
    assert "Unset HF_HUB_OFFLINE" in line
    client.environment = {"HF_ENDPOINT": "http://127.0.0.1:1"}
    line = client.refused()
    assert "cannot reach http://127.0.0.1:1" in line
    assert "HF_ENDPOINT" in line


def test_a_token_goes_to_the_endpoint_alone(hub: Hub, client: Client) -> None:
    token = "hf_" + "t0ken" * 6
    with Hub() as storage:
        hub.storage = storage
        storage.repositories = {DATASET: Repository(hub.repositories[DATASET].commits), MODEL: hub.repositories[MODEL]}
        hub.repositories[DATASET].token = token
        line = client.refused()
        assert "(401) (fetch.hub.text, datasets/owner/sets)" in line
        client.environment["HF_TOKEN"] = "hf_wrong"
        assert "hf_wrong" not in client.refused()
        client.environment["HF_TOKEN"] = token
        hub.asked.clear()
        assert token not in client.fetch()
        assert brought(client) == tree()
        assert {asked.authorization for asked in hub.asked} == {f"Bearer {token}"}
        assert storage.of("GET", "wiki.txt")
        assert {asked.authorization for asked in storage.asked} == {None}
    for content in contents(client.folder).values():
        assert token.encode() not in content


@pytest.mark.parametrize("token", ["hf_abc\ndef", "hf_abc def", "hf_ü"])
@pytest.mark.parametrize("plan", [False, True])
def test_a_token_that_is_none_is_refused_and_not_quoted(hub: Hub, client: Client, token: str, plan: bool) -> None:
    client.environment["HF_TOKEN"] = token
    line = client.refused(plan=plan)
    assert line.endswith("(HF_TOKEN). Set it to the token alone.")
    assert not any(part in (client.folder / "err").read_text() for part in ("abc", "def", "ü"))
    assert not hub.asked


def test_a_token_comes_from_the_environment_alone(hub: Hub, client: Client) -> None:
    client.home.mkdir()
    (client.home / "token").write_text("hf_kept_in_a_file")
    client.fetch()
    assert {asked.authorization for asked in hub.asked} == {None}


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
    small = [f"fetch.generated.{name}" for name in ("corpus_sentences=500", "pairs_per_subset=20")]
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
