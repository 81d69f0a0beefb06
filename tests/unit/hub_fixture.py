"""A text, an archive of sets and a model on a small hub, and what a fetch brings of them."""

from __future__ import annotations

import io
import json
import random
import tarfile
from pathlib import Path

from loopback_hub import Client, Hub, Repository, contents

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


def fill(hub: Hub) -> Hub:
    sets = hub.repositories[DATASET] = Repository(licence="mit")
    sets.commit({"wiki.txt": TEXT, "senteval.tar": archive(SENTEVAL), "more.csv": b"1,2\n"})
    hub.repositories[MODEL] = Repository(licence="apache-2.0")
    hub.repositories[MODEL].commit(BERT | OTHERS)
    return hub


def project(folder: Path, hub: Hub) -> Client:
    """A new project folder that fetches all of it."""
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
