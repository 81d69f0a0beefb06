"""What is fuzzed: for each reader a small folder of good files, and a function that reads all of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import yaml

from eval import transfer_sets
from eval.beir import load_collection
from eval.senteval import SPLITS, load_sts
from pipelines import params, profile
from pipelines.errors import NegbenchError
from pipelines.paths import teacher_of
from pipelines.sources import archive, generated, pins
from pipelines.sources.corpus import read_sentences
from reports import changes_wording, families, flat, items, paper, records, runs, scale, study, tested, theory
from reports.changes import changes
from reports.document import Cell, Document, Group, Row, Section, Table, dump

_LINES = 12  # kept of each file of the generated world


@dataclass(frozen=True)
class Target:
    """A reader and good input for it.

    Args:
        files: content by path below a folder.
        read: reads all of it, from the folder.
    """

    files: Mapping[str, bytes]
    read: Callable[[Path], object]

    def attempt(self, folder: Path, name: str, content: bytes) -> NegbenchError | None:
        """Read the folder with other content in one file, which then gets its own back; the error if it was refused.

        Raises:
            Exception: the reader's, of any kind but ours: what is looked for.
        """
        (folder / name).write_bytes(content)
        try:
            self.read(folder)
        except NegbenchError as error:
            return error
        finally:
            (folder / name).write_bytes(self.files[name])
        return None

    def write(self, folder: Path) -> None:
        """Write the good files."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def _params() -> Target:
    from pipelines import ablate
    from pipelines.train import Run

    def read(folder: Path) -> None:
        settings = params.load(folder / "params.yaml")
        for name in settings.trained:
            Run.resolve(settings, name, 0, method={}, train={})
        for name in settings.ablate:
            ablate.runs(settings, name)

    return Target({"params.yaml": profile.compose("demo", []).encode()}, read)


def _corpus() -> Target:
    text = b"\n".join(_world()["corpus/generated.txt"].split(b"\n") * 30)
    files = {"plain.txt": text, "packed.txt.xz": lzma.compress(text)}
    return Target(files, lambda folder: [read_sentences(folder / name) for name in files])


def _sts() -> Target:
    files = {name: content for name, content in _world().items() if "/STS/" in name or "/SICK/" in name}
    return Target(files, lambda folder: [load_sts(folder, task, split) for task in SPLITS for split in SPLITS[task]])


def _transfer() -> Target:
    files = {name: content for name, content in _world().items() if "senteval" in name and name not in _sts().files}
    return Target(files, lambda folder: [transfer_sets.load(folder, task) for task in transfer_sets.TASKS])


def _beir() -> Target:
    documents = [{"_id": f"d{i}", "title": f"t{i}" * (i % 2), "text": f"text {i}"} for i in range(4)]
    queries = [{"_id": f"q{i}", "text": f"what {i}"} for i in range(3)]
    ranked = [{"query-id": f"q{i}", "corpus-ids": ["d0", f"d{i + 1}"]} for i in range(3)]
    files = {
        "corpus.jsonl": _json_lines(documents),
        "queries.jsonl": _json_lines(queries),
        "top_ranked.jsonl": _json_lines(ranked),
        "qrels/test.tsv": b"query-id\tcorpus-id\tscore\n" + b"".join(b"q%d\td%d\t1\n" % (i, i + 1) for i in range(3)),
    }
    return Target(files, load_collection)


def _archive() -> Target:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, size in {"STS/a.txt": 5, f"{'long/' * 30}ü.txt": 700}.items():
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(b"x" * size))

    def read(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            archive.unpack(folder / "sets.tar", Path(scratch) / "in" / "side")
            assert [path.name for path in Path(scratch).iterdir()] == ["in"]
            assert [path.name for path in Path(scratch, "in").iterdir()] == ["side"]

    return Target({"sets.tar": stream.getvalue()[: 10 * tarfile.BLOCKSIZE]}, read)  # without its padding


def _checkpoint() -> Target:
    import torch

    from methods.core import checkpoint

    method = torch.nn.Linear(3, 4)
    optimiser = torch.optim.AdamW(method.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    method(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint.save(Path(scratch) / "state", method, optimiser, schedule, {"best": torch.ones(2)}, {"done": 3})
        files = _files(Path(scratch))
    return Target(files, lambda folder: checkpoint.load(folder / "state", method, optimiser, schedule))


def _model() -> Target:
    from transformers import BertTokenizer

    from methods.core.bert import Bert
    from methods.core.encoder import Encoder

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ascii_lowercase]
    sizes = {"vocab_size": len(pieces), "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 16, "max_position_embeddings": 16, "type_vocab_size": 2, "pad_token_id": 0}
    rates = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "layer_norm_eps": 1e-12}
    backbone = Bert({"model_type": "bert", "hidden_act": "gelu", **sizes, **rates}, pooler=True)
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer = BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)})
        Encoder(backbone, tokenizer, "mean", 16).save(Path(scratch))
        files = _files(Path(scratch))
    return Target(files, Encoder.load)


def _paper() -> Target:
    """Two whole files, and of the longest a row, a claim of each kind and the block with a table beside it."""
    files = _files(params.ROOT / "reports/paper")
    longest = yaml.safe_load(files["mocose.yaml"])
    (block,) = (block for block in longest["numbers"] if "csv" in block)
    claims = {claim["rule"]["kind"]: claim for claim in longest["claims"] if claim.get("rule")}
    longest |= {"rows": longest["rows"][:1], "numbers": [block], "claims": [*claims.values()]}
    longest |= {"transfer": [], "reproductions": []}
    kept = {name: files[name] for name in ("macl.yaml", "softcse.yaml")}
    kept["mocose.yaml"] = yaml.safe_dump(longest, sort_keys=False).encode()
    kept[block["csv"]] = b"".join(files[block["csv"]].splitlines(keepends=True)[:_LINES])
    return Target(kept, paper.load_all)


def _records() -> Target:
    score = {"task": "STS12", "metric": "spearman_all", "value": 61.5, "status": "ok", "reason": None, "n": 8}
    failed = {**score, "task": "avg", "value": None, "status": "failed", "reason": "loss is nan at step 1"}
    hashes = {"params_hash": "1", "code_hash": "2", "data_hash": "3"}
    origin = {"profile": "demo", "comparable": "never", "backbone": "b", "versions": {"torch": "2"}, **hashes}
    look = {"step": 5, "stsb_dev": 61.0, "sts_test": None}
    histogram = {"edges": [-1, 0, 1], "before": [1, 2], "after": [2, 1], "n": 3}
    histogram |= {f"{kind}_{when}": 0.5 for kind in ("mean", "std") for when in ("before", "after")}
    pulls = {"positive": [0.1, 0.2], "negative": [0.2, 0.1]}
    difference = {"estimate": 1.0, "low": 0.5, "high": 1.5, "p": 0.01, "seeds": 3, "items": 8}
    compared = {
        "method": "b",
        "label": "B",
        "of": ["1", "2"],
        "average": difference,
        "iqm": None,
        "tasks": {"STS12": difference},
    }
    run = {"label": "A", "trained": True, "best_step": 5, "steps": 5, "looks": [look], "settings": {"t": 0.05}}
    run |= {"train": {"sentences": 8, "batch_size": 4, "select": "stsb-dev"}, "status": "ok"}
    row = "0,simcse,0,0.05,avg,spearman_all,61.5,ok,,8"
    about = {"method": "simcse", "label": "A", "varied": ["temperature"], "fixed": {"lr": 1.0}, "hashes": hashes}
    contents: dict[str, Any] = {
        "simcse/0/records.json": {"provenance": origin, "records": [score, failed]},
        "simcse/0/run.json": run,
        "simcse/0/negatives.json": histogram,
        "simcse/0/spectrum.json": {"singular_values": [0.9, 0.1]},
        "simcse/0/mteb/records.json": {"provenance": origin, "records": [{**score, "task": "NFCorpus"}]},
        "ablate/one.json": {**about, "runs": [{"cell": 0, "seed": 0, "looks": [look]}]},
        "theory.json": {
            "positive": 0.8,
            "background": [0.1, 0.3],
            "negatives": 63,
            "similarities": [0.1, 0.9],
            "methods": [{"label": "A", "autograd": pulls, "closed_form": None}],
        },
        "significance.json": {
            "reference": "A",
            "resamples": 100,
            "families": [{"name": "sts", "comparisons": [compared]}],
        },
    }
    arrays = {
        "STS12/a": np.arange(8, dtype=np.float32),
        "gold/STS12/a": np.arange(8.0),
        "sentences/STS12/a": np.arange(16).reshape(8, 2),
    }
    files = {name: json.dumps(content).encode() for name, content in contents.items()}
    files["ablate/one.csv"] = f"cell,method,seed,temperature,{','.join(study.RECORD)}\n{row}\n".encode()
    files["simcse/0/pairs.npz"] = _npz(arrays)
    files["simcse/0/correct.npz"] = _npz({"MR": np.ones(8, dtype=bool)})
    files["runs/simcse/0/run.json"] = files["simcse/0/run.json"]
    files["runs/simcse/0/log.csv"] = b"step,loss,sentences_per_second\n1,0.5,10\n2,0.4,11\n"
    files["runs/simcse/0/machine.json"] = b'{"platform": "x", "device": "CPU", "cores": 2, "threads": 1}'
    files["runs/simcse/0/model/model.safetensors"] = _model().files["model.safetensors"]

    def read(folder: Path) -> None:
        readers: list[Callable[[], object]] = [
            lambda: records.load(folder),
            lambda: items.load(folder / "simcse/0", families.STS),
            lambda: items.load(folder / "simcse/0", families.TRANSFER),
            lambda: study.load(folder),
            lambda: theory.load(folder),
            lambda: tested.load(folder / "significance.json", records.load(folder)),
            lambda: runs.load(folder / "runs", ["simcse"], [0]),
        ]
        refused = []
        for reader in readers:  # all of them, though one refuses
            try:
                reader()
            except NegbenchError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    return Target(files, read)


def _made() -> Target:
    """What stages write for later ones, and the scale benchmark for the report."""
    from pipelines import ablate, provenance, report, train

    result = {"facts": {"collapsed": False}, "records": [], "best_step": 5, "looks": []}
    point = {"size": 10, "seconds": 0.5, "mib": 3.0}
    points = [point, {**point, "size": 100}]
    curve = {"id": "queue", "label": "size", "what": "a step", "plain": "a loop", "ours": points, "reference": points}
    machine = {"platform": "x", "device": "CPU", "cores": 2, "threads": 1}
    measured = {"commit": "0", "model": "b", "machine": machine, "torch": "2", "transformers": "5", "curves": [curve]}
    section = Section("a", "A", ("Text.", Table("b", ("c",), (Group((Row("d", (Cell("1", value=1.0),)),)),), "E.")))
    document = Document("Title", "Subtitle", "Notice", (section,))
    corpus = b"one sentence\n"
    entry = {"bytes": len(corpus), "sha256": hashlib.sha256(corpus).hexdigest(), "origin": "owner/name@0"}
    teacher = io.BytesIO()
    np.save(teacher, np.ones((3, 4), np.float16))
    files = {
        "data/corpus/a.txt": corpus,
        "data/manifest.json": json.dumps({"corpus/a.txt": entry}).encode(),
        "data.pins.json": json.dumps({"corpus/a.txt": f"owner/sets@{'0' * 40}"}).encode(),
        "cell.json": json.dumps({"hash": provenance.params_hash(result), "result": result}).encode(),
        teacher_of("t").as_posix(): teacher.getvalue(),
        "scale.json": json.dumps(measured).encode(),
        "summary.json": dump(document).encode(),
        "run.json": json.dumps({"method": "a", "seed": 0, "settings": {}, "train": {}, "status": "ok"}).encode(),
    }

    def read(folder: Path) -> None:
        with chdir(folder):
            provenance.check_data("corpus")
            pins.read()
            ablate.finished(Path("cell.json"))
            train.embedded("t", 0)
            scale.section(scale.load(Path("scale.json")))
            report.summary(Path())
            provenance.described(Path())

    return Target(files, read)


def _published() -> Target:
    """A table of records as a report has it, plain and compressed, compared with itself."""
    from pipelines import compare

    hashes = "{},1,2,3,4"
    lines = [",".join(flat.COLUMNS)]
    lines += [f"demo,,,simcse,A,{seed},avg,spearman_all,61.{seed},ok,,8,,{hashes}" for seed in (0, 1)]
    lines += [f"demo,,,simcse,A,1,STS12,spearman_all,,failed,loss is nan,8,,{hashes}"]
    lines += ['demo,one,0,simcse,A,0,avg,spearman_all,60.5,ok,,8,"{""lr"": 1.0}",,1,2,3,4']
    table = "\n".join(lines).encode()
    files = {
        "records.csv": table,
        "records.csv.gz": gzip.compress(table, mtime=0),
        "records.csv.xz": lzma.compress(table),
    }

    def read(folder: Path) -> None:
        for name in files:
            side = compare.load(folder / name)
            changes_wording.answer(changes(side.records, side.records))

    return Target(files, read)


TARGETS: Mapping[str, Callable[[], Target]] = {
    "params": _params,
    "corpus": _corpus,
    "sts": _sts,
    "transfer": _transfer,
    "beir": _beir,
    "archive": _archive,
    "checkpoint": _checkpoint,
    "model": _model,
    "paper": _paper,
    "records": _records,
    "made": _made,
    "published": _published,
}


@cache
def _world() -> dict[str, bytes]:
    """The first lines of each file of the generated world."""
    with tempfile.TemporaryDirectory() as scratch:
        generated.generate(Path(scratch), seed=1, corpus_sentences=40, pairs_per_subset=4, sentiment_rows=20, queries=4)
        files = _files(Path(scratch))
    return {name: b"".join(content.splitlines(keepends=True)[:_LINES]) for name, content in files.items()}


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _json_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _npz(arrays: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()
