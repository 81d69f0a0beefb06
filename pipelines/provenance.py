"""What a result depends on, as hashes: settings, code, data and library versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.errors import NegbenchError
from pipelines.params import METHODS, ROOT, Params
from pipelines.paths import DATA

_READING = ("seeding.py", "text.py", "sources/corpus.py")  # in pipelines/: what every training draws and reads with
_TRAINING = ("backbone.py", "teacher.py", "train.py")
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn", "mteb")


def params_hash(values: Any) -> str:
    """Hash of JSON-like settings; the order of keys does not matter."""
    return _short(json.dumps(values, sort_keys=True, default=str).encode())


def code_hash(*paths: Path) -> str:
    """Hash of source files; a folder counts with every .py in it."""
    files = sorted(file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path]))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Hash of one file's content.

    Raises:
        NegbenchError: there is no such file.
    """
    try:
        return _sha256(path)[:16]
    except FileNotFoundError:
        raise NegbenchError("the file is missing", path, "Run `dvc repro`, which makes it.") from None


def origin(settings: Params, described: Mapping[str, Any], section: BaseModel) -> dict[str, Any]:
    """What the records of one evaluated run depend on.

    Args:
        settings: the profile's.
        described: what the run was: method, seed, settings, train.
        section: the settings of the evaluation.
    """
    return {
        "profile": settings.profile,
        "comparable": settings.comparable,
        "backbone": settings.backbone.name,
        "evaluation": section.model_dump(mode="json"),
        "versions": versions(),
        **hashes(settings, described, section),
    }


def hashes(settings: Params, described: Mapping[str, Any], section: BaseModel) -> dict[str, str]:
    """What tells records of the present settings, code and data from others; arguments as of `origin`."""
    own = _chosen(described, "method", "seed", "settings", "train")
    return {
        "params_hash": params_hash([own, section.model_dump(mode="json"), *_given(settings), *_fitted(settings, own)]),
        "code_hash": run_code(described),
        "data_hash": data_hash(),
    }


def study_hashes(settings: Params, runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The same for a study, of its runs as they describe themselves."""
    return {
        "params_hash": params_hash([*runs, *_given(settings)]),
        "code_hash": run_code(runs[0]),
        "data_hash": data_hash(),
    }


def revision(settings: Params, described: Mapping[str, Any], section: BaseModel) -> str:
    """Hash of what the seeds of a method share: one model to those who see only models."""
    own = _chosen(described, "method", "settings", "train")
    given = [*_given(settings), *_fitted(settings, own)]
    return params_hash([own, section.model_dump(mode="json"), *given, run_code(described), data_hash()])


def described(run: Path) -> dict[str, Any]:
    """What a training run says of itself: its run.json.

    Raises:
        NegbenchError: the file is missing or damaged.
    """
    file = run / "run.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not {"method", "seed", "settings", "train", "status"} <= found.keys():
            raise ValueError
    except FileNotFoundError:
        raise NegbenchError("the run has not been trained", file, "Run `dvc repro`.") from None
    except (ValueError, AttributeError, RecursionError):  # not JSON, or of another shape
        raise NegbenchError("what the run says of itself is damaged", file, "Run `dvc checkout`.") from None
    return found


def run_code(described: Mapping[str, Any]) -> str:
    """Hash of the code that trains and scores a run; every file is a dependency of the stages that write records."""
    own = METHODS / f"{described['method']}.py"
    return code_hash(ROOT / "eval", METHODS / "core", own, *_stages(*_READING, *_TRAINING))


def weights_key(origin: Any, code: Sequence[Path], device: str) -> str:
    """Hash of all that trained weights depend on: a state saved under it may be gone on from.

    Args:
        origin: settings, and hashes of what else training reads.
        code: what trains, beside the code that all trainings share.
        device: its type, such as "cuda".
    """
    return params_hash(
        [origin, code_hash(METHODS / "core", *_stages(*_READING), *code), data_hash(), versions(), device]
    )


def data_hash() -> str:
    """Hash of the data that stage fetch brought, by its manifest."""
    return file_hash(DATA / "manifest.json")


def check_data(*parts: str) -> None:
    """Refuse data that are no longer what stage fetch brought: records would carry the hash of others.

    Args:
        parts: folders below data/ that are about to be read.

    Raises:
        NegbenchError: there is no manifest, or a file that it describes is gone or another one.
    """
    manifest = DATA / "manifest.json"
    again = "Run `dvc repro --force fetch`, which takes the data as they are."
    try:
        described = json.loads(manifest.read_text(encoding="utf-8"))
        known = {name: (entry["bytes"], entry["sha256"]) for name, entry in described.items()}
    except FileNotFoundError:
        raise NegbenchError("the data have no manifest", manifest, again) from None
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):  # not JSON, or of another shape
        raise NegbenchError("the manifest is damaged", manifest, again) from None
    for name, (size, sha256) in known.items():
        if name.split("/")[0] not in parts:
            continue
        file = DATA / name
        if not file.is_file():
            raise NegbenchError("a file that was fetched is gone", file, again)
        if file.stat().st_size != size or _sha256(file) != sha256:
            raise NegbenchError("the file was changed since it was fetched", file, again)


def versions() -> dict[str, str]:
    """Python and the libraries that numbers can depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _given(settings: Params) -> list[Any]:
    """What a profile gives all its runs: the backbone, the text and the teachers."""
    teachers = {name: teacher.model_dump(mode="json") for name, teacher in settings.teacher.items()}
    return [settings.backbone.model_dump(mode="json"), settings.fetch.corpus, teachers]


def _fitted(settings: Params, own: Mapping[str, Any]) -> list[int]:
    """What a method that takes no training may fit itself to."""
    return [] if own["settings"] is not None else [settings.evaluate.fit_sentences]


def _stages(*names: str) -> list[Path]:
    return [ROOT / "pipelines" / name for name in names]


def _chosen(described: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Settings alone: best_step and best_score are results, and equal settings must have equal hashes."""
    return {key: described.get(key) for key in keys}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
