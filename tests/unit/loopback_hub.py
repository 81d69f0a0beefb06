"""A small Hugging Face hub on loopback, which the real client talks to, and a fetch in a process of its own."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import resource
import socket
import struct
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

CHUNK = 4096


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    start: int  # first byte wanted
    authorization: str | None
    sent: int = 0  # bytes of content


@dataclass
class Fault:
    """What happens to one request in place of its answer.

    Attributes:
        method: of the request.
        part: of its path.
        status: answered instead, with headers and content; 0 answers as usual and then
        cut: ends the connection after so many bytes of content; or
        reset: resets it there; or
        stall: waits there until the event comes.
    """

    method: str
    part: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    cut: int | None = None
    reset: bool = False
    stall: threading.Event | None = None
    times: int = 1


@dataclass
class Repository:
    """Commits of one repository, the newest last; `wrong` is sent in place of a file, under the file's own hash."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    licence: str | None = None
    token: str | None = None  # who reads it must have this
    wrong: dict[str, bytes] = field(default_factory=dict)

    def commit(self, files: Mapping[str, bytes], name: str | None = None) -> str:
        name = name or hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()
        self.commits[name] = {**files}
        return name


def is_large(name: str) -> bool:
    """Whether the hub keeps a file apart from git, and so names it by another hash."""
    return name.endswith((".tar", ".safetensors", ".txt", ".jsonl"))


def etag(name: str, content: bytes) -> str:
    if is_large(name):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


class Hub:
    """Serves `repositories`, by "models/owner/name" and "datasets/owner/name", and remembers what it was asked."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.storage: Hub | None = None  # sends large files to this other server, as the hub does
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET  # noqa: N815 - http.server's own names

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, method: str, part: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == method and part in asked.path]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        wanted = request.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0]
        asked = Asked(request.command, path, int(wanted), request.headers.get("Authorization"))
        self.asked.append(asked)
        fault = next((f for f in self.faults if f.method == asked.method and f.part in path and f.times), None)
        if fault:
            fault.times -= 1
            if fault.status:
                send(request, fault.status, fault.headers, fault.content)
                return
        kind, _, rest = path.removeprefix("/api").strip("/").partition("/")
        if not path.startswith("/api/") and kind != "datasets":
            kind, rest = "models", path.strip("/")
        owner, name, *below = rest.split("/")
        repository = self.repositories.get(f"{kind}/{owner}/{name}")
        if repository is None:  # as the hub, which tells nobody whether a repository of others exists
            send(request, 401, {"X-Error-Code": "RepoNotFound"})
        elif repository.token and asked.authorization != f"Bearer {repository.token}":
            send(request, 401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        else:
            self.found(request, asked, repository, f"{kind}/{owner}/{name}", below, fault)

    def found(
        self,
        request: BaseHTTPRequestHandler,
        asked: Asked,
        repository: Repository,
        name: str,
        below: list[str],
        fault: Fault | None,
    ) -> None:
        what, revision, *parts = below or ["revision", "main"]
        commit = [*repository.commits][-1] if revision == "main" else revision
        if commit not in repository.commits:
            send(request, 404, {"X-Error-Code": "RevisionNotFound"})
            return
        files = repository.commits[commit]
        if what == "revision":
            siblings = [{"rfilename": file, "size": len(content)} for file, content in files.items()]
            card = {"license": repository.licence} if repository.licence else {}
            send_json(request, {"id": name.partition("/")[2], "sha": commit, "siblings": siblings, "cardData": card})
        elif what == "tree":
            send_json(request, [entry(file, content) for file, content in files.items()])
        elif "/".join(parts) not in files:
            send(request, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        else:
            self.file(request, asked, repository, commit, "/".join(parts), fault)

    def file(
        self,
        request: BaseHTTPRequestHandler,
        asked: Asked,
        repository: Repository,
        commit: str,
        file: str,
        fault: Fault | None,
    ) -> None:
        content = repository.commits[commit][file]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag(file, content)}"'}
        if self.storage and is_large(file):
            headers = {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(content)), "X-Repo-Commit": commit}
            send(request, 302, {**headers, "Location": f"{self.storage.url}{asked.path}?signature=secret"})
            return
        content = repository.wrong.get(file, content)
        status = 206 if asked.start else 200
        if status == 206:
            headers["Content-Range"] = f"bytes {asked.start}-{len(content) - 1}/{len(content)}"
        rest = content[asked.start :]
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(rest))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        if fault:
            rest = rest[: fault.cut]
        request.wfile.write(rest)
        asked.sent = len(rest)
        if fault:
            request.wfile.flush()
            if fault.stall:
                fault.stall.wait(60)
            if fault.reset:
                request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                request.connection.close()
            request.close_connection = True


def entry(file: str, content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "file", "path": file, "size": len(content), "oid": etag(f"{file}-", content)}
    if is_large(file):
        found["lfs"] = {"oid": etag(file, content), "size": len(content), "pointerSize": 134}
    return found


def send(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content: bytes = b"") -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(content))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


def send_json(request: BaseHTTPRequestHandler, content: Any) -> None:
    send(request, 200, {"Content-Type": "application/json"}, json.dumps(content).encode())


# The client reads its environment when it is imported: each fetch is a process, forked from one that has the rest.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["eval.mteb_sets", "httpx2", "pipelines.sources.published", "pytest", "tqdm.auto"])


def in_process(folder: Path, environment: Mapping[str, str], order: Mapping[str, Any]) -> None:
    """What pipelines/fetch.py does with source hub, with any tasks, or none, and any numbers of rows as published."""
    for name in [name for name in os.environ if name.startswith("HF_")]:
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    from huggingface_hub import constants

    from pipelines import atomic, main, params
    from pipelines.paths import DATA
    from pipelines.sources import asked, hub, manifest, pins, plan, published

    settings = params.validate(params.Fetch, order["fetch"], "params.yaml")
    published.EXPECTED_ROWS = order["rows"]
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK  # the client writes so much at a time, and may lose it of a broken connection
    if order["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"],) * 2)  # no larger files, as on a full disk

    def fetch(_: Namespace) -> None:
        if order["plan"]:
            print(plan.table(plan.rows(settings, order["tasks"], pins.read())))
            return
        corpus, tasks = asked.corpus(settings), asked.tasks(settings, order["tasks"])
        with atomic.folder(DATA) as target:
            origins = hub.fetch(target, settings.hub, corpus, tasks, pins.read())
            pins.add(origins)
            asked.text(settings, target / "corpus" / settings.corpus)
            manifest.write(target, origins)

    sys.exit(main.run(fetch, ArgumentParser(), []))


@dataclass
class Client:
    """A project folder that fetches from a hub."""

    folder: Path
    endpoint: str
    settings: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pins(self) -> Path:
        return self.folder / "data.pins.json"

    @property
    def home(self) -> Path:
        return self.folder / "hf"

    def started(self, *, plan: bool = False, limit: int = 0, tasks: Sequence[str] = ()) -> ForkServerProcess:
        order = {"fetch": self.settings, "rows": self.rows, "plan": plan, "limit": limit, "tasks": tasks}
        environment = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_XET": "1",  # plain http
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **self.environment,
        }
        process = PROCESSES.Process(target=in_process, args=(self.folder, environment, order))
        process.start()
        return process

    def ended(self, **options: Any) -> tuple[int | None, str, str]:
        """Exit code, output and messages of one fetch."""
        process = self.started(**options)
        process.join()
        return process.exitcode, *((self.folder / name).read_text() for name in ("out", "err"))

    def fetch(self, **options: Any) -> str:
        """Fetch, or plan; what it printed."""
        code, out, err = self.ended(**options)
        assert code == 0, err
        return out

    def refused(self, **options: Any) -> str:
        """The one line of a fetch that failed and left nothing behind."""
        before = contents(self.data)
        code, _, err = self.ended(**options)
        assert code == 1, err
        assert "Traceback" not in err
        assert contents(self.data) == before
        assert not [*self.folder.glob(".data*")]
        line = err.strip().splitlines()[-1]
        assert line.startswith("error: ")
        return line


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
