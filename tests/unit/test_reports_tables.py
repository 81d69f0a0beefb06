"""The STS table in three formats against pandas, and what it prints where a score is missing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import TRAINED, fail, write_results

from pipelines.aggregate import aggregate
from reports import bibliography, document, latex, layout, markdown, paper, records, scores, spreadsheet
from reports.document import Cell, Document, Group, Reference, Row, Section, Table
from reports.families import STS, TRANSFER, families
from reports.markup import Names

PAPER = Path(__file__).parents[2] / "reports" / "paper"
SCORE = re.compile(r"-?\d+\.\d\d")
NUMBER = re.compile(r"-?\d+\.\d+")
References = tuple[Reference, ...]
LISTED = bibliography.load()


def names(table: Table, references: References) -> Names:
    return document.names(Document("", "", "", (Section("s", "S", (table,)),), references))


def to_csv(table: Table, references: References = LISTED) -> str:
    return spreadsheet.table(table, names(table, references))


def to_markdown(table: Table, references: References = LISTED) -> str:
    return markdown.table(layout.table(table, names(table, references)))


def to_latex(table: Table, references: References = LISTED) -> str:
    return latex.table(layout.table(table, names(table, references)))


def build(results: Path) -> Table:
    table = scores.build(records.load(results), paper.load_all(PAPER), STS)
    assert table is not None
    return table


def lines(table: Table) -> dict[str, Row]:
    return {row.label: row for group in table.groups if not group.muted for row in group.rows}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("tables") / "results")


def test_numbers_against_pandas(results: Path, tmp_path: Path) -> None:
    aggregate(Namespace(results=results, paper=PAPER, build=tmp_path, params=None))
    flat = pd.read_csv(tmp_path / "records.csv")
    flat = flat[flat.study.isna()]
    expected = flat[flat.metric == "spearman_all"].groupby(["label", "task"]).value.agg(["mean", "std"])
    printed = pd.read_csv(io.StringIO(to_csv(build(results))), na_values="—").set_index("label")
    reported = [row for one in paper.load_all(PAPER) for row in one.rows if not row.repeats]
    assert len(printed) == 7 + len(reported)  # ours, reported
    for label, task in expected.index:
        column = STS.labels[task]
        assert printed.loc[label, column] == pytest.approx(expected.loc[(label, task), "mean"], rel=1e-12)
        if label in {name for name, *_ in TRAINED.values()}:
            assert printed.loc[label, f"{column} spread"] == round(expected.loc[(label, task), "std"], 2)
    assert printed.loc["MoCoSE (BERT-base)", "Avg."] == 77.27


def test_the_formats_agree(results: Path) -> None:
    table = build(results)
    rows = list(csv.reader(io.StringIO(to_csv(table))))[1:]
    in_csv = [sorted(f"{float(cell):.2f}" for cell in row if NUMBER.fullmatch(cell)) for row in rows]
    complete = [numbers for numbers in in_csv if len(numbers) >= len(STS.labels)]
    assert len(complete) >= 20
    for text in (to_markdown(table), to_latex(table)):
        found = [sorted(SCORE.findall(line)) for line in text.splitlines()]
        assert [numbers for numbers in found if len(numbers) >= len(STS.labels)] == complete


def test_bold_is_the_highest_of_ours_in_each_column(results: Path) -> None:
    ours = lines(build(results))
    for index in range(len(STS.labels)):
        values = {label: line.cells[index].value or 0.0 for label, line in ours.items()}
        bold = [label for label, line in ours.items() if line.cells[index].best]
        assert bold == [max(values, key=values.__getitem__)]


def test_rows_are_ordered_by_average(results: Path) -> None:
    for block in build(results).groups:
        averages = [line.cells[-1].value or 0.0 for line in block.rows]
        assert averages == sorted(averages)


def test_a_missing_score_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", seeds=1)
    fail(results / "simcse/0", "STS13", "all pairs have the same cosine")
    table = build(results)
    cell = lines(table)["SimCSE"].cells[1]
    assert (cell.text, cell.value, cell.spread, cell.best) == ("—", None, "", False)
    assert table.notes[cell.note] == "All pairs have the same cosine."
    average = lines(table)["SimCSE"].cells[-1]
    assert (average.value, table.notes[average.note]) == (None, "No score: STS13.")
    markdown, latex = to_markdown(table), to_latex(table)
    assert f"| —<sup>{cell.note}</sup> |" in markdown
    assert f"<sup>{cell.note}</sup> All pairs have the same cosine." in markdown
    assert f"& ---$^{{{cell.note}}}$ &" in latex
    assert f"$^{{{cell.note}}}$ All pairs have the same cosine." in latex
    row = next(row for row in csv.DictReader(io.StringIO(to_csv(table))) if row["label"] == "SimCSE")
    assert (row["STS13"], row["notes"]) == ("—", "All pairs have the same cosine. No score: STS13.")
    assert not re.search(r"\b0\.00\b", markdown + latex)


def test_a_score_missing_for_some_seeds_is_the_mean_of_the_others(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    fail(copy / "simcse/1", "STS13", "all pairs have the same cosine")
    table, whole = build(copy), build(results)
    cell = lines(table)["SimCSE"].cells[1]
    assert table.notes[cell.note] == "One of three seeds: all pairs have the same cosine."
    values = [
        run.score("STS13", "spearman_all") for m in records.load(copy).methods if m.name == "simcse" for run in m.runs
    ]
    kept = [one.value for one in values if one and one.value is not None]
    assert cell.value == pytest.approx(sum(kept) / 2)
    assert lines(table)["SimCSE"].cells[0] == lines(whole)["SimCSE"].cells[0]


def test_a_task_never_evaluated_says_so(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", seeds=1)
    file = results / "simcse/0/records.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"STS13"', '"STS99"'), encoding="utf-8")
    table = build(results)
    assert table.notes[lines(table)["SimCSE"].cells[1].note] == "Not evaluated."


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    table = build(write_results(tmp_path / "results", seeds=1))
    assert table.groups[1].title == "Trained (ours), one seed, so no spread"
    assert not any(cell.spread for row in lines(table).values() for cell in row.cells)
    assert "±" not in to_markdown(table)


def test_uneven_seeds_and_mixed_records_are_marked(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    shutil.rmtree(copy / "mocose/2")
    file = copy / "simcse/1/records.json"
    file.write_text(re.sub(r'"code_hash": "\w+"', '"code_hash": "other"', file.read_text()), encoding="utf-8")
    table = build(copy)
    assert table.groups[1].title == "Trained (ours), mean ± std over n seeds"
    assert {line.label for line in table.groups[1].rows} >= {"MoCoSE (n = 2)", "SimCSE (n = 3)"}
    assert table.notes[lines(table)["SimCSE (n = 3)"].note] == "Mixed records: its seeds differ in code."


def test_a_row_that_was_selected_by_its_own_scores_says_so(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results")
    for seed in range(3):
        file = results / f"mocose/{seed}/run.json"
        info = json.loads(file.read_text(encoding="utf-8"))
        info["train"]["select"] = "sts-test"
        file.write_text(json.dumps(info), encoding="utf-8")
    sts = build(results)
    assert sts.notes == {"a": "The checkpoint was selected by the average of this very row."}
    assert {label for label, line in lines(sts).items() if line.note} == {"MoCoSE"}
    transfer = scores.build(records.load(results), [], TRANSFER)
    assert transfer is not None
    assert not transfer.notes


def test_without_baselines_or_papers(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    for name in ("bag_of_words", "cls", "first_last_avg"):
        shutil.rmtree(copy / name)
    table = scores.build(records.load(copy), [], STS)
    assert table is not None
    assert [not block.muted for block in table.groups] == [True]


def test_latex_is_balanced_and_has_booktabs_rules(results: Path) -> None:
    latex = to_latex(build(results))
    body = re.sub(r"\\[{}&%$#_]", "", latex)
    assert body.count("{") == body.count("}")
    assert body.count("$") % 2 == 0
    for rule, count in (("\\toprule", 1), ("\\midrule", 3), ("\\bottomrule", 1)):
        assert latex.count(rule) == count
    assert latex.index("\\begin{tabular}{lrrrrrrrrl}") < latex.index("\\toprule") < latex.index("\\end{tabular}")
    rows = [line for line in body.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.count("&") for line in rows} == {len(STS.labels) + 1}  # the last cell is the source
    assert latex.isascii()


def test_latex_has_every_sign_that_the_report_writes() -> None:
    sources = "".join(file.read_text("utf-8") for file in Path(latex.__file__).parent.glob("*.py"))
    signs = {sign for sign in sources if not sign.isascii()}
    assert "∞" in signs
    assert {sign for sign in signs if not latex.escape(sign).isascii()} == set()
    assert latex.escape("< 0.001 > 0") == "$<$ 0.001 $>$ 0"  # by themselves OT1, LaTeX's default, prints ¡ and ¿


def test_markup_and_marks_in_each_format() -> None:
    row = Row("`a_b` | *c*", (Cell("**1.00**", "[−1, 2]", "a"), Cell("partly")), source="[@gao_2020]")
    table = Table("t", ("x", "y"), (Group((row,), "see [#table-t]"),), "", {"a": "why [#t]"}, "head")
    references = (Reference("gao_2020", "Gao 2020", "Gao."),)
    markdown = to_markdown(table, references)
    assert "| head | x | y |  |\n|---|---:|---|---|\n| **see Table 1** |  |  |  |\n" in markdown
    assert "| `a_b` \\| *c* | **1.00** <sub>\\[−1, 2\\]</sub><sup>a</sup> | partly | (Gao 2020) |" in markdown
    latex = to_latex(table, references)
    assert r"\texttt{a\_b} | \emph{c} & \textbf{1.00} {\scriptsize {[}$-$1, 2]}$^{a}$ & partly & (Gao 2020) \\" in latex
    (line,) = csv.DictReader(io.StringIO(to_csv(table, references)))
    assert line == {
        "group": "see Table 1", "head": "a_b | c", "x": "1.00", "x spread": "[-1, 2]", "y": "partly",
        "source": "(Gao 2020)", "notes": "why Table 1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50% of a_b & c", r"50\% of a\_b \& c"),
        ("#1 {x} $y$", r"\#1 \{x\} \$y\$"),
        ("[CLS]", "{[}CLS]"),
        ("a\\b ~ ^", r"a\textbackslash{}b \textasciitilde{} \textasciicircum{}"),
        ("± —", r"$\pm$ ---"),
    ],
)
def test_latex_escapes(text: str, escaped: str) -> None:
    assert latex.escape(text) == escaped


def test_a_family_that_nobody_was_evaluated_on_has_no_table(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    for file in copy.glob("*/*/records.json"):
        content = json.loads(file.read_text())
        content["records"] = [one for one in content["records"] if one["metric"] not in TRANSFER.metrics]
        file.write_text(json.dumps(content))
    assert scores.build(records.load(copy), paper.load_all(PAPER), TRANSFER) is None


def test_like_stands_beside_like(results: Path) -> None:
    """Test accuracies among test accuracies, devacc among devacc: ours and the papers'."""
    table = scores.build(records.load(results), paper.load_all(PAPER), TRANSFER)
    assert table is not None
    kinds = [(not block.muted, "devacc" in block.title) for block in table.groups]
    assert kinds == [(True, False), (True, False), (False, False), (True, True), (True, True), (False, True)]
    assert {line.label for line in table.groups[5].rows} == {"MoCoSE (BERT-base)", "MoCoSE (BERT-large)"}
    stored = json.loads((results / "cls/0/records.json").read_text())["records"]
    for block, metric in ((table.groups[0], "acc"), (table.groups[3], "devacc")):
        (line,) = (line for line in block.rows if line.label == "[CLS]")
        values = {one["task"]: one["value"] for one in stored if one["metric"] == metric}
        assert [cell.value for cell in line.cells] == [values[task] for task in TRANSFER.labels]
    for kind in ("test accuracy", "devacc"):  # one best of ours in each column of each kind
        lines = [line for block in table.groups if kind in block.title for line in block.rows]
        assert [sum(line.cells[column].best for line in lines) for column in range(8)] == [1] * 8


def test_the_records_say_which_sets_were_searched(results: Path) -> None:
    loaded = records.load(results)
    found = {family.name: family for family in families(loaded)}
    assert list(found) == ["sts", "transfer", "retrieval", "reranking"]
    assert found["retrieval"].labels == {"world-qa": "world-qa", "avg": "Avg."}
    table = scores.build(loaded, [], found["reranking"])
    assert table is not None
    assert [block.title.split(", ")[-1] for block in table.groups] == ["MTEB's main score"] * 2


def test_the_caption_says_how_much_of_a_text_is_read(results: Path) -> None:
    for file in results.glob("*/*/mteb/records.json"):
        stored = json.loads(file.read_text())
        stored["provenance"]["evaluation"] = {"query_length": 64, "passage_length": 128}
        file.write_text(json.dumps(stored))
    loaded = records.load(results)
    (family,) = (one for one in families(loaded) if one.name == "retrieval")
    table = scores.build(loaded, [], family)
    assert table is not None
    assert table.caption.endswith("up to 64 word pieces of a query and 128 of a passage, a bag of words all of it.")
