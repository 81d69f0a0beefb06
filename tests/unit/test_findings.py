"""The first page and the terminal's verdicts: what they say follows from the findings."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from report_fixture import HASHES, TRAINED, UNTRAINED, record, write_json, write_results

from pipelines.main import run
from pipelines.measured import options
from reports import claims, document, evidence, findings, verdicts
from reports.document import Section, Table
from reports.evidence import Evidence
from reports.records import Expected

REPORTED = Path(__file__).parents[2] / "reports" / "paper"


def level(results: Path, method: str, values: list[float]) -> None:
    """Give the seeds of a method these averages on STS."""
    for seed, value in enumerate(values):
        file = results / method / str(seed) / "records.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        kept = [one for one in content["records"] if (one["task"], one["metric"]) != ("avg", "spearman_all")]
        write_json(file, {**content, "records": [*kept, record("avg", value)]})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = write_results(tmp_path / "results")
    level(folder, "simcse", [60.0, 60.2, 60.1])
    level(folder, "softcse_weight", [65.0, 65.3, 65.0])
    level(folder, "softcse_temperature", [55.0, 55.2, 55.1])
    level(folder, "mocose", [58.0, 62.0, 60.0])
    return folder


def page(found: Evidence) -> tuple[Section, Table]:
    section = findings.first_page(found, claims.judge(found), verdicts.compare(found.results, found.papers))
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    return section, table


def test_the_first_page_counts_what_its_table_shows(results: Path) -> None:
    found = evidence.load(results, REPORTED)
    section, table = page(found)
    answers = [row.cells[0].text for row in table.rows]
    assert len(answers) == len(claims.judge(found))
    text = str(section.blocks[1])
    decidable = sum(bool(row.cells[1].spread) for row in table.rows)
    assert text.startswith(f"**Of {len(answers)} findings, ")
    for answer in ("supported", "contradicted", "undecided"):
        count = findings.number(answers.count(answer))
        assert f"{count} {'is' if count == 'one' else 'are'} {answer}" in text
    assert f"about {0.05 * decidable:.1g} of the {findings.number(decidable)} with an interval" in text


def test_a_row_of_the_first_page(results: Path) -> None:
    _, table = page(evidence.load(results, REPORTED))
    row = next(row for row in table.rows if row.label.startswith("SoftCSE (weight)") and "STS" in row.label)
    answer, difference, seeds, reported = row.cells
    assert (answer.text, difference.text, seeds.text, reported.text) == ("supported", "+5.00", "3", "—")
    assert difference.spread == "[4.75, 5.25]"  # of 5.0, 5.1 and 4.9: t(2) 4.303 times 0.1 over the root of 3


def test_one_seed_prints_no_interval(tmp_path: Path) -> None:
    _, table = page(evidence.load(write_results(tmp_path / "results", seeds=1), REPORTED))
    single = [row.cells for row in table.rows if row.cells[2].text == "1"]
    assert single
    assert {answer.text for answer, *_ in single} == {"undecided"}
    assert not any(difference.spread for _, difference, *_ in single)


def test_no_interval_is_no_chance_to_be_decided_by_chance(tmp_path: Path) -> None:
    found = evidence.load(write_results(tmp_path / "results", seeds=1), REPORTED)
    methods = [one for one in claims.judge(found) if one.contrast and one.contrast.low is None]
    assert methods and "chance" not in findings.answer(methods)


def test_what_is_not_tested_has_its_command(results: Path) -> None:
    found = evidence.load(results, REPORTED)
    judged = claims.judge(found)
    section = findings.section(found, judged)
    (table,) = (block for block in section.blocks if isinstance(block, Table) and block.id == "untested")
    assert [row.label for row in table.rows] == [one.title for one in judged if one.answer == "not tested"]
    assert all(row.cells[1].text.startswith("`make repro PROFILE=demo SET=") for row in table.rows)
    assert document.texts(section)  # every mark of its markup can be read


def test_records_left_out_are_named(results: Path) -> None:
    wanted: dict[str, dict[int, Expected]] = {
        name: {seed: Expected(HASHES, HASHES) for seed in range(3 if name in TRAINED else 1)}
        for name in [*TRAINED, *UNTRAINED]
    }
    wanted["simcse"][1] = Expected({**HASHES, "code_hash": "0"}, HASHES)
    found = evidence.load(results, REPORTED, wanted)
    last = findings.section(found, claims.judge(found)).blocks[-1]
    assert "simcse, seed 1 (stale, of other code)" in str(last)


def test_a_stale_or_missing_study_counts_nowhere_and_is_named(results: Path) -> None:
    fresh = evidence.load(results, REPORTED, studies={"queue_distance": HASHES})
    assert [*fresh.studies] == ["queue_distance"]
    assert fresh.left_out == ()
    other = {"queue_distance": HASHES | {"code_hash": "0"}, "fgsm": HASHES}
    found = evidence.load(results, REPORTED, studies=other)
    assert not found.studies
    told = str(findings.section(found, claims.judge(found)).blocks[-1])
    assert "study queue_distance (stale, of other code)" in told
    assert "study fgsm (not there)" in told


def printed(results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "200")

    def main(arguments: Namespace) -> None:
        verdicts.print_all(Namespace(**{**vars(arguments), "params": None}))

    argv = ["--results", str(results), "--paper", str(REPORTED)]
    code = run(main, options("verdicts", None), argv)
    told: Any = capsys.readouterr()
    return code, told.out, told.err


def test_the_terminal_says_the_same_and_fails_on_a_contradiction(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = printed(results, capsys, monkeypatch)
    found = evidence.load(results, REPORTED)
    for one in claims.judge(found):
        assert any(one.title in line and f" {one.answer} " in line for line in out.splitlines()), one.title
    assert code == 1
    assert "contradicted or not reproduced" in err


def test_the_terminal_passes_without_one(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in TRAINED:
        for seed in range(3):
            source = json.loads((results / "simcse" / str(seed) / "records.json").read_text(encoding="utf-8"))
            write_json(results / method / str(seed) / "records.json", source)
            search = json.loads((results / "simcse" / str(seed) / "mteb/records.json").read_text(encoding="utf-8"))
            write_json(results / method / str(seed) / "mteb/records.json", search)
    assert printed(results, capsys, monkeypatch)[0] == 0
