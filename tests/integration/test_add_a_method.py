"""What the README says of adding a method, done: its own example, run to the report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.params import ROOT

REPORTED = """
key: margin
name: Margin
citation: Nobody. An example. 2026.
sources: {A: the authors' README}
protocols:
  own: {pooling: mean, aggregation: all, selection: STS-B dev, split: test}
rows:
  - {id: margin, label: Margin (theirs), methods: [margin], backbone: bert-base-uncased, protocol: own,
     where: README, source: A, certainty: A, metric: spearman_all,
     STS12: 70, STS13: 70, STS14: 70, STS15: 70, STS16: 70, STSB: 70, SICKR: 70, avg: 70}
transfer: []
numbers: []
reproductions: []
claims: []
"""
SMALL = [
    "trained=[margin]",
    "untrained=[cls]",
    "seeds=[0,1]",
    "fetch.generated.corpus_sentences=3000",
    "backbone.sentences=1500",
    "train.sentences=1000",
    "evaluate.histogram_sentences=100",
    "evaluate.fit_sentences=100",
    "mteb.tasks=[world-facts]",
    *(f"~ablate.{name}" for name in ("queue_distance", "ema_decay", "softcse_sharpness")),
]


@pytest.mark.slow
def test_one_file_one_subtree_and_one_file_of_numbers_make_a_method(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if not name.startswith((".dvc", "tests")) and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Add a method")[1]
    code, settings = re.findall(r"```(?:python|yaml)\n(.*?)```", section, flags=re.DOTALL)[:2]
    (tmp_path / "methods/margin.py").write_text(code, encoding="utf-8")
    base = tmp_path / "profiles/base.yaml"
    values = yaml.safe_load(base.read_text(encoding="utf-8"))
    values["methods"] |= yaml.safe_load(settings)["methods"]
    base.write_text(yaml.safe_dump(values), encoding="utf-8")
    (tmp_path / "reports/paper/margin.yaml").write_text(REPORTED, encoding="utf-8")

    def do(*command: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    do("git", "init", "-q")
    do(sys.executable, "-m", "dvc", "init", "-q")
    do(sys.executable, "-m", "pipelines.profile", "demo", *SMALL)
    assert "temperature: 0.05" in do(sys.executable, "-m", "methods", "margin")
    do(sys.executable, "-m", "dvc", "repro", "-q")
    table = (tmp_path / "reports/build/tables/sts.md").read_text(encoding="utf-8")
    ours = next(line for line in table.splitlines() if line.startswith("| Margin |"))
    assert "±" in ours
    assert "| Margin (theirs) | 70.00 |" in table
    cost = (tmp_path / "reports/build/tables/cost.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in cost[1:]] == ["Margin"]
    assert (tmp_path / "reports/build/report.pdf").read_bytes().startswith(b"%PDF")
