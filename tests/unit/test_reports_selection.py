"""Three choices of checkpoint told from one run: against the trainer itself, naive loops and known scores."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from looks_fixture import looked_at
from scipy import stats

from eval import sts
from eval.looks import SCORES, Looks
from methods.core import trainer
from methods.core.contract import Schedule
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from methods.simcse import SimCSE
from pipelines.params import ROOT, Train
from reports import paper, protocol_figures, selection
from reports.document import Figure, Section, Table
from reports.paper import Paper
from reports.records import Look, Method, Record, Results

SENTENCES = [f"{a} {b} {c}" for a in ("man", "dog", "cat") for b in ("eats", "rides") for c in ("a", "big", "the")]
RECIPE = {"sentences": 18, "batch_size": 4, "epochs": 3, "lr": 2e-3, "eval_every": 2}


def test_a_rule_told_from_the_looks_is_the_run_with_that_rule(sts_tree: Path, tiny_encoder: Encoder) -> None:
    """The oracle is the trainer, run once under each rule and then evaluated."""
    tokens = TokenTable(SENTENCES, tiny_encoder.tokenizer, 12)
    watching = Looks(sts_tree, [*SCORES])
    kept, told = {}, {}
    for rule in selection.RULES:
        recipe = Train.model_validate({**RECIPE, "select": rule})
        torch.manual_seed(0)
        method = SimCSE(copy.deepcopy(tiny_encoder), SimCSE.Settings(), Schedule(15, 4, 12, 18))
        history = trainer.train(method, tokens, recipe, seed=3, look=watching)
        kept[rule] = sts.average(sts.evaluate(method.encoder, sts_tree)).value
        looks = [Look.model_validate(look) for look in history.looks]
        told[rule] = {other: selection.choose(looks, other).sts_test for other in selection.RULES}
    for rule, value in kept.items():
        assert [told[run][rule] for run in selection.RULES] == pytest.approx([value] * 3, abs=0.05)
    assert len({*kept.values()}) == 3  # or the three would not be told apart


scores = st.one_of(st.none(), st.integers(0, 3).map(float))


@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=8), st.sampled_from([*selection.RULES]))
def test_choice_is_that_of_a_naive_loop(values: list[tuple[float | None, float | None]], rule: str) -> None:
    looks = [Look(step=step, stsb_dev=dev, sts_test=test) for step, (dev, test) in enumerate(values, start=1)]
    best, found = -1.0, len(looks)
    for step, (dev, test) in enumerate(values, start=1):
        value = {"stsb-dev": dev, "sts-test": test, "last": None}[rule]
        if value is not None and value > best:
            best, found = value, step
    assert selection.choose(looks, rule).step == found


Scores = Sequence[float | None]


def method(name: str, tests: Sequence[Scores], devs: Scores, share: float = 75.0) -> Method:
    """A method with a run for each list of test scores, looked at every 10 steps."""
    record = Record(task="STSB", metric="dev_pairs_in_tests", value=share, status="ok", reason=None, n=1500)
    return looked_at(name, [[*zip(devs, own, strict=True)] for own in tests], records=(record,))


PEAKING = method("peaking", [[40, 44, 42], [41, 43, 42], [40, 46, 45]], [1, 2, 3])
STEADY = method("steady", [[40, 41, 43], [40, 41, 44], [40, 41, 45]], [1, 2, 3])


def built(*methods: Method) -> Section:
    found = selection.section(Results(tuple(methods), {}), [])
    assert found is not None
    return found


def table(section: Section) -> Table:
    (found,) = (block for block in section.blocks if isinstance(block, Table))
    return found


def test_the_table_holds_each_rule_and_the_paired_gain() -> None:
    peaking, steady = table(built(PEAKING, STEADY)).rows
    assert [cell.text for cell in peaking.cells] == ["43.00", "30", "44.33", "20", "43.00", "+1.33"]
    gains = np.array([2.0, 1.0, 1.0])
    low, high = stats.t.interval(0.95, 2, gains.mean(), stats.sem(gains))
    assert low < 0  # which no gain can be
    assert peaking.cells[-1].spread == f"+0.00 to {high:+.2f}"
    assert [cell.spread for cell in peaking.cells[:3]] == ["1.73", "", "1.53"]
    apart = method("apart", [[40, 44, 42], [45, 43, 42]], [1, 2, 3])
    steps = table(built(apart)).rows[0].cells[3]
    assert (steps.text, steps.spread, steps.value) == ("15", "from 10 to 20", 15)
    assert [cell.text for cell in steady.cells] == ["44.00", "30", "44.00", "30", "44.00", "+0.00"]
    assert peaking.cells[0].note in table(built(PEAKING)).notes  # the rule that the run itself followed
    assert not peaking.cells[2].note


def test_the_text_holds_the_gain_beside_the_lead_of_the_best() -> None:
    text, blind = built(PEAKING, STEADY).blocks[:2]
    assert "It adds 1.33 for PEAKING and 0.00 for STEADY" in str(text)
    assert "leads the second by 1.00" in str(text)
    assert "the gain of PEAKING alone is more than that" in str(text)
    assert "1,125 of its 1,500 pairs, 75 %" in str(blind)
    assert "None of the 1,500 pairs" in str(built(method("one", [[1.0]], [1.0], share=0.0)).blocks[1])


def test_one_seed_has_neither_spread_nor_interval() -> None:
    section = built(method("alone", [[40, 44, 42]], [1, 2, 3]))
    (row,) = table(section).rows
    assert [cell.spread for cell in row.cells] == [""] * 6
    assert table(section).notes[row.note] == "One seed: no spread and no interval."
    assert "standard deviation" not in figure(section).caption


def test_runs_that_nobody_watched_have_no_section() -> None:
    unwatched = method("blind", [[None, None, None]], [1, 2, 3])
    assert selection.section(Results((unwatched,), {}), []) is None
    assert len(table(built(unwatched, STEADY)).rows) == 1


def test_a_choice_without_a_test_score_is_a_dash() -> None:
    (row,) = table(built(method("holed", [[40, None, 42]], [1, 3, 2]))).rows
    assert [cell.text for cell in row.cells] == ["—", "—", "42.00", "30", "42.00", "—"]


def test_a_rule_that_no_look_was_scored_by_is_a_dash_and_no_gain() -> None:
    """A run whose looks are at the test sets alone does not say what STS-B dev would have chosen."""
    unasked = method("unasked", [[40, 44, 42], [41, 45, 40]], [None, None, None])
    section = built(unasked)
    (row,) = table(section).rows
    assert [cell.text for cell in row.cells] == ["—", "—", "44.50", "20", "41.00", "—"]
    assert str(section.blocks[0]).startswith("No run has a score")
    assert "UNASKED" not in str(built(unasked, PEAKING).blocks[0])


def figure(section: Section) -> Figure:
    (found,) = (block for block in section.blocks if isinstance(block, Figure))
    return found


@given(st.lists(st.lists(st.floats(0, 100), min_size=3, max_size=3), min_size=1, max_size=4))
def test_looking_never_loses(tests: list[list[float]]) -> None:
    (found,) = selection.watched(Results((method("any", tests, [2, 3, 1]),), {}))
    gain = found.gain()
    assert gain is not None
    assert gain.n == len(tests)
    assert gain.mean == pytest.approx(np.mean([max(own) - own[1] for own in tests]))
    assert gain.mean >= 0


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    return paper.load_all(ROOT / "reports" / "paper")


def test_the_figure_draws_means_choices_and_the_notebook(papers: list[Paper]) -> None:
    found = selection.watched(Results((PEAKING, STEADY), {}))
    drawn = protocol_figures.training_curves(found, selection.notebook(papers))
    peaking, steady, reported = (axis for axis in drawn.axes if axis.get_visible())
    mean = peaking.lines[-1]
    np.testing.assert_allclose(mean.get_xydata(), [[10, 121 / 3], [20, 133 / 3], [30, 43]])
    dev, test = (np.asarray(marks.get_offsets()) for marks in peaking.collections[1:])
    assert dev.tolist() == [[30, 42], [30, 42], [30, 45]]
    assert test.tolist() == [[20, 44], [20, 43], [20, 46]]
    assert peaking.get_ylim() == steady.get_ylim() != reported.get_ylim()
    runs = next(block for one in papers for block in one.numbers if block.id == "notebook-runs")
    best = [*map(list, zip(runs.column("step"), runs.column("avg"), strict=True))]  # as the authors print them
    marked = [np.asarray(line.get_xydata()) for line in reported.lines if line.get_marker() == "^"]
    assert [point.tolist() for (point,) in marked] == best
    assert [text.get_text() for text in reported.texts] == ["21", "14, 15, 25"]


def test_the_caption_names_the_notebooks_runs(papers: list[Paper]) -> None:
    section = selection.section(Results((PEAKING,), {}), papers)
    assert section is not None
    assert "themselves, as MoCoSE [@mocose] did, cannot" in str(section.blocks[0])  # the one whose protocol says so
    assert "themselves cannot" in str(built(PEAKING).blocks[0])
    caption = figure(section).caption
    assert "(cells 14, 15, 21 and 25, NB), cell 14: η 0.75, *K* 256; cell 15: η 0.85, *K* 256; cell 21:" in caption
    assert "*K* 512, paraphrase (xlnet-base-cased); cell 25: η 0.85, *K* 1024, newest." in caption


def test_the_figure_stands_without_the_notebook_and_with_one_seed() -> None:
    found = selection.watched(Results((method("alone", [[40, None, 42]], [1, 3, 2]),), {}))
    (axis,) = (one for one in protocol_figures.training_curves(found, None).axes if one.get_visible())
    np.testing.assert_allclose(axis.lines[-1].get_xydata(), [[10, 40], [30, 42]])
    assert "notebook" not in selection._figure(found, selection.notebook([])).caption
