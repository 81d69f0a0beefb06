"""What the code must not do with a file that somebody else may have written: run what is in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.params import ROOT

FOLDERS = ("benchmarks", "eval", "methods", "pipelines", "reports")
FILES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
CALLS = {"eval", "exec", "torch.load", "torch.save", "yaml.full_load", "yaml.unsafe_load"}
ALLOWED = {"pipelines/cluster.py": ["cloudpickle"]}  # tasks on their way to a Dask worker; nothing is read or kept
KEYWORDS = {"allow_pickle", "shell", "trust_remote_code"}
UNPACKING = {"extract", "extractall", "unpack_archive"}  # each with filter="data"


def offences(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    safe = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and [*map(ast.unparse, node.bases)] == ["yaml.SafeLoader"]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names} & CALLS
            yield from names or {node.module or ""} & MODULES
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            yield from {name} & CALLS
            yield from given.keys() & KEYWORDS
            if name.split(".")[-1] in UNPACKING and given.get("filter") != "'data'":
                yield name
            if name == "yaml.load" and not {*map(ast.unparse, node.args[1:])} & safe:
                yield name


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_can_bring_code_with_it(file: Path) -> None:
    assert [*offences(file.read_text(encoding="utf-8"))] == ALLOWED.get(file.relative_to(ROOT).as_posix(), [])


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import joblib.externals",
        "from pickle import loads",
        "from torch import load",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "tar.extractall(folder)",
        "tar.extractall(folder, filter='fully_trusted')",
        "shutil.unpack_archive(path)",
        "yaml.load(text, yaml.Loader)",
        "eval(text)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_the_check_sees_what_it_is_for(line: str) -> None:
    assert [*offences(line)]
    assert not [*offences("tar.extractall(folder, filter='data')\nmodel.eval()\nnp.load(path)")]
