"""How far a number moves with the protocol: differences against naive ones, and words against known scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import protocol
from reports.document import Section, Table
from reports.records import Info, Method, Provenance, Record, Results, Run

Scores = Mapping[str, float | str]  # by "task metric"; a string is the reason why there is none
ORIGIN = Provenance(profile="demo", comparable="never", params_hash="", code_hash="", data_hash="", versions={})
PAIRS = {"STSB spearman_all": 1379, "STSB spearman_all@distinct": 1363, "STSB spearman_all@unshared": 370}


def method(label: str, seeds: Sequence[Scores], *, pooling: str = "mean", trained: bool = True) -> Method:
    runs = []
    for seed, own in enumerate(seeds):
        records = tuple(
            Record(
                task=key.split()[0],
                metric=key.split()[1],
                value=None if isinstance(found, str) else found,
                status="skipped" if isinstance(found, str) else "ok",
                reason=found if isinstance(found, str) else None,
                n=PAIRS.get(key, 10),
            )
            for key, found in own.items()
        )
        info = Info(label=label, trained=trained, train={"pooling": pooling} if pooling else {})
        runs.append(Run(label, seed, info, ORIGIN, records, None, (), None, None))
    return Method(label, tuple(runs))


def scores(headline: float, cls: float | str, sub: float = 0.0) -> dict[str, float | str]:
    return {
        "avg spearman_all": headline,
        "avg spearman_mean": headline + sub,
        "avg spearman_all@cls": cls,
        "avg spearman_all@mean": headline,
        "STSB spearman_all": 70.0,
        "STSB spearman_all@distinct": 69.5,
        "STSB spearman_all@unshared": 75.0,
        "avg acc": 80.0,
        "avg devacc": 81.5,
    }


FIRST = method("First", [scores(60, 50, 1), scores(62, 54, 3)])
SECOND = method("Second", [scores(59, 58), scores(60, 59)])
WORDS = method("Words", [scores(40, "no pooling")], pooling="", trained=False)


def built(*methods: Method) -> Section:
    found = protocol.section(Results(tuple(methods), {}))
    assert found is not None
    return found


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def test_the_tables_hold_the_headline_and_differences_from_it() -> None:
    averages, sets = tables(built(WORDS, FIRST, SECOND))
    assert averages.columns == ("headline", "mean of subsets", "cls", "mean")
    words, first, second = averages.rows
    assert [cell.text for cell in first.cells] == ["61.00", "+2.00", "\N{MINUS SIGN}9.00", "0"]
    assert [cell.spread for cell in first.cells[:3]] == ["1.41", "1.41", "1.41"]
    assert [cell.text for cell in second.cells] == ["59.50", "+0.00", "\N{MINUS SIGN}1.00", "0"]
    assert averages.notes[first.cells[3].note] == "The method's own pooling."
    assert (words.cells[2].text, averages.notes[words.cells[2].note]) == ("—", "No pooling.")
    assert [cell.text for cell in sets.rows[0].cells] == ["70.00", "\N{MINUS SIGN}0.50", "+5.00", "80.00", "+1.50"]
    assert [group.title for group in averages.groups] == ["untrained", "trained"]


TOLD = "First leads under the headline and another method by no more than the noise of seeds under *cls* (Second)."


def test_the_words_hold_the_largest_swing_beside_the_largest_difference() -> None:
    text, repeats = (block for block in built(WORDS, FIRST, SECOND).blocks if isinstance(block, str))
    assert (
        "The same trained weights, measured otherwise: the largest swing is \N{MINUS SIGN}9.00 points, First, *cls*"
        in text
    )
    assert "within 1.50 points of each other" in text
    assert "the protocol moves a number further than the method does" in text
    assert text.endswith(TOLD)
    assert "1,379 pairs" in repeats
    assert "takes out 16:" in repeats
    assert "993 more" in repeats
    assert "370 are left" in repeats


def test_a_method_that_chose_by_these_scores_neither_leads_nor_stretches_the_range() -> None:
    peeking = Method("Peeking", tuple(map(by_test, method("Peeking", [scores(70, 69)]).runs)))
    text = str(built(FIRST, SECOND, peeking).blocks[0])
    assert "The trained methods but Peeking, whose checkpoints these scores chose, lie within 1.50 points" in text
    assert text.endswith(TOLD)


def test_a_lead_under_another_protocol_is_told_from_the_noise_of_seeds() -> None:
    ahead = method("Second", [scores(59, 58, 2), scores(60, 62, 5)])  # by 8 in either seed under cls
    text = str(built(FIRST, ahead).blocks[0])
    assert text.endswith("headline and another method by more than the noise of seeds under *cls* (Second).")
    one = method("Second", [scores(59, 58)])
    assert "by no more than the noise of seeds under *cls* (Second)" in str(built(FIRST, one).blocks[0])


def by_test(run: Run) -> Run:
    info = run.info.model_copy(update={"train": run.info.train | {"select": "sts-test"}})
    return replace(run, info=info)


def test_where_methods_differ_by_more_nothing_is_made_of_the_swing() -> None:
    text = str(built(method("High", [scores(80, 79)]), method("Low", [scores(40, 39.5)])).blocks[0])
    assert "within 40.00 points of each other under the headline protocol. High leads under each of them." in text


def test_one_seed_has_no_spread() -> None:
    averages, sets = tables(built(method("Alone", [scores(60, 50)])))
    assert {cell.spread for table in (averages, sets) for row in table.rows for cell in row.cells} == {""}


def test_without_other_protocols_there_is_no_section() -> None:
    assert protocol.section(Results((method("Old", [{"avg spearman_all": 60.0}]),), {})) is None


def test_what_was_not_evaluated_says_so() -> None:
    old = method("Old", [{"avg spearman_all": 60.0}])
    averages, _ = tables(built(FIRST, old))
    missing = averages.rows[1].cells[2]
    assert (missing.text, averages.notes[missing.note]) == ("—", "Not evaluated.")


value = st.floats(-100, 100)


@given(
    st.lists(st.tuples(st.one_of(value, st.just("gone")), st.one_of(value, st.just("lost"))), min_size=1, max_size=5)
)
def test_a_difference_is_paired_over_the_seeds_that_have_both(pairs: list[tuple[float | str, float | str]]) -> None:
    one = method("Any", [{"avg a": a, "avg b": b} for a, b in pairs])
    found = protocol.shift(one, ("avg", "a"), ("avg", "b"))
    both = [b - a for a, b in pairs if not isinstance(a, str) and not isinstance(b, str)]
    if both:
        assert found.difference is not None
        assert found.difference.n == len(both)
        assert found.difference.mean == pytest.approx(np.mean(both), abs=1e-9)
    else:
        assert found.difference is None
        assert re.fullmatch(r"(gone|lost)(; (gone|lost))?", found.reason)
