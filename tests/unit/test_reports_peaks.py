"""When each run was at its best: against counts and means worked out from the looks by hand."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from looks_fixture import looked_at

from reports import peaks
from reports.document import Table
from reports.records import Method, Results


def method(
    name: str, devs: Sequence[Sequence[float | None]], select: str = "stsb-dev", steps: int | None = 100
) -> Method:
    """A method with a run for each list of dev scores, a score every 10 steps; on the tests the reverse."""
    return looked_at(name, [[*zip(own, reversed(own), strict=True)] for own in devs], select, steps=steps)


def results(*methods: Method) -> Results:
    return Results(tuple(methods), {})


FALLING, RISING, BETWEEN = [[3.0, 2, 1], [5.0, 2, 0]], [[1.0, 2, 3]], [[1.0, 3, 2]]


def text(*methods: Method) -> str:
    found = peaks.section(results(*methods))
    assert found is not None
    return str(found.blocks[0])


def test_runs_that_peak_at_once_are_counted_and_named() -> None:
    said = text(method("falling", FALLING), method("rising", RISING), method("between", BETWEEN))
    assert "Two of four runs were at their best in the first tenth of the steps** (FALLING 2 of 2)" in said
    assert "One of four runs was at its best at the last look (RISING 1 of 1)" in said
    assert "No run was at its best in the first tenth of its steps." in text(method("between", BETWEEN))


def test_with_few_looks_the_first_is_the_best_by_chance() -> None:
    """A look after more than a tenth of the steps."""
    few = method("falling", FALLING, steps=99)
    assert "No run was at its best in the first tenth of its steps." in text(few)
    assert not peaks.warning(results(few))


def test_the_table_holds_the_first_the_best_and_the_last_look() -> None:
    found = peaks.section(results(method("falling", FALLING), method("apart", [[1.0, 3, 2], [4.0, 2, 0]])))
    assert found is not None
    table = found.blocks[1]
    assert isinstance(table, Table)
    falling, apart = ([(cell.text, cell.spread) for cell in row.cells] for row in table.rows)
    assert falling == [("STS-B dev", ""), ("4.00", "1.41"), ("4.00", "1.41"), ("10", ""), ("0.50", "0.71")]
    assert apart[2:4] == [("3.50", "0.71"), ("15", "from 10 to 20")]


def test_the_score_is_the_one_that_chose_the_weights() -> None:
    said = text(method("tested", FALLING, select="sts-test"))
    assert "at the last look (TESTED 2 of 2)" in said
    assert peaks.section(results(method("last", FALLING, select="last"))) is None
    assert peaks.section(results(method("once", [[1.0]]))) is None
    assert peaks.section(results(method("undefined", [[None, None]]))) is None


def test_the_first_page_warns_where_most_runs_peak_at_once() -> None:
    assert peaks.warning(results(method("falling", FALLING), method("rising", RISING))).startswith(
        "**Two of three runs were at their best in the first tenth of the steps**"
    )
    assert "One of one runs was at its best" in peaks.warning(results(method("falling", FALLING[:1])))
    assert not peaks.warning(results(method("falling", FALLING[:1]), method("rising", RISING)))
    assert not peaks.warning(results())


@given(
    st.lists(st.lists(st.integers(0, 3).map(float), min_size=2, max_size=5), min_size=1, max_size=4),
    st.sampled_from([50, 100, 250, 400]),
)
def test_the_counts_are_those_of_a_naive_loop(devs: list[list[float]], steps: int) -> None:
    (found,) = peaks.found(results(method("one", devs, steps=steps)))
    assert found.early() == sum(10 * (own.index(max(own)) + 1) * 10 <= steps for own in devs)
    assert found.late() == sum(all(other < own[-1] for other in own[:-1]) for own in devs)
    assert found.scores(found.at(0)) == [own[0] for own in devs]
