"""The hub source: the real client against a small hub on loopback, whatever goes wrong on the way."""

from __future__ import annotations

import random
import threading
import time
from itertools import pairwise

import pytest
from hub_fixture import DATASET, MODEL, OTHERS, SENTEVAL, TEXT, archive, brought, tree
from loopback_hub import CHUNK, Client, Fault, Hub, Repository, contents


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
    line = client.refused()
    assert (
        "the hub has no such commit (fetch.hub.text, datasets/owner/sets). Correct the revision, or set it to" in line
    )


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


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [(b"", "the corpus is empty", ""), (b"a\ncaf\xe9\n", "byte 0xe9 is not UTF-8", ":2")],
)
def test_a_text_that_will_not_do_names_file_and_repository(
    hub: Hub, client: Client, text: bytes, problem: str, place: str
) -> None:
    hub.repositories[DATASET].commit({"wiki.txt": text, "senteval.tar": archive(SENTEVAL)})
    assert f"error: {problem} (fetch.hub.text, datasets/owner/sets, wiki.txt{place})." in client.refused()


def test_another_corpus_than_the_hubs_is_refused(client: Client) -> None:
    client.settings["corpus"] = "wikki.txt"
    assert "no corpus 'wikki.txt' in fetch.hub.text (fetch.corpus). Did you mean 'wiki.txt'?" in client.refused()


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


@pytest.mark.parametrize(
    ("kind", "content"),
    [("text/html", b"<html>Log in</html>"), ("application/json", b"{}"), ("application/json", b"[]")],
)
@pytest.mark.parametrize("plan", [False, True])
def test_something_that_is_no_hub_is_one_line(hub: Hub, client: Client, kind: str, content: bytes, plan: bool) -> None:
    hub.faults = [Fault("GET", "/api/", 200, {"Content-Type": kind}, content=content, times=99)]
    line = client.refused(plan=plan)
    assert f"what answers at {hub.url} is no hub (fetch.hub.text, datasets/owner/sets). Check HF_ENDPOINT" in line


@pytest.mark.parametrize(("status", "again"), [(416, False), (451, False), (501, True)])
def test_an_answer_that_no_other_try_changes_is_asked_for_once(
    hub: Hub, client: Client, status: int, again: bool
) -> None:
    hub.faults = [Fault("GET", "/api/models", status, times=9)]
    line = client.refused()
    assert len(hub.of("GET", "/api/models")) == 1
    assert f"the hub answers {status} for /api/models/owner/bert/revision/main (fetch.hub.models.bert" in line
    assert ("Run again later" in line) == again
