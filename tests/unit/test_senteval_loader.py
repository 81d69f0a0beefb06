"""Reading STS files: the order, what is dropped, and one clear line for each kind of bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.senteval import SPLITS, TASKS, load_sts
from pipelines.errors import NegbenchError
from pipelines.sources.published import EXPECTED_ROWS

STS15 = "STS/STS15-en-test"


def downstream(data: Path) -> Path:
    return data / "senteval" / "downstream"


def test_subsets_come_in_sentevals_order(sts_tree: Path) -> None:
    names = {task: [subset.name for subset in load_sts(sts_tree, task)] for task in TASKS}
    assert names["STS14"] == ["deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"]
    assert names["STS13"] == ["FNWN", "headlines", "OnWN"]
    assert (names["STSB"], names["SICKR"]) == (["STSB"], ["SICKR"])


def test_unscored_pairs_are_dropped_and_the_others_stay_aligned(sts_tree: Path) -> None:
    folder = downstream(sts_tree) / STS15
    (folder / "STS.input.belief.txt").write_text("a\tb\nc\td\ne  e\tf\ng\th\n")
    (folder / "STS.gs.belief.txt").write_text("\n4.5\n0\n\n")
    belief = load_sts(sts_tree, "STS15")[2]
    assert (belief.name, belief.first, belief.second) == ("belief", ["c", "e e"], ["d", "f"])
    assert belief.gold.tolist() == [4.5, 0.0]
    assert belief.gold.dtype == np.float64


def test_a_file_that_was_cut_in_its_last_line_is_refused(sts_tree: Path) -> None:
    """A score may have lost digits, and is one still."""
    for name, task in (("STS/STSBenchmark/sts-test.csv", "STSB"), (f"{STS15}/STS.gs.belief.txt", "STS15")):
        file = downstream(sts_tree) / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        with pytest.raises(NegbenchError, match=rf"cut short: its last line has no end \(\S+{name}\)"):
            load_sts(sts_tree, task)
        file.write_bytes(whole)
        load_sts(sts_tree, task)


def test_tables_are_read_by_column(sts_tree: Path) -> None:
    (downstream(sts_tree) / "STS/STSBenchmark/sts-dev.csv").write_text(
        'g\tf\ty\t1\t2.5\t"a  quote\ta b\n' * 2, encoding="utf-8"
    )
    (stsb,) = load_sts(sts_tree, "STSB", "dev")
    assert (stsb.first, stsb.second, stsb.gold.tolist()) == (['"a quote'] * 2, ["a b"] * 2, [2.5, 2.5])
    (sick,) = load_sts(sts_tree, "SICKR")
    raw = (downstream(sts_tree) / "SICK/SICK_test_annotated.txt").read_bytes().split(b"\r\n")[1:-1]
    assert [[a, b] for a, b in zip(sick.first, sick.second, strict=True)] == [
        row.decode().split("\t")[1:3] for row in raw
    ]


sentences = st.text(st.characters(exclude_characters="\t\n\r", codec="utf-8"))
scores = st.floats(0, 5)


@given(st.lists(st.tuples(sentences, sentences, scores), min_size=2, max_size=6))
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float]]
) -> None:
    data = tmp_path_factory.mktemp("data")
    path = downstream(data) / "STS/STSBenchmark/sts-test.csv"
    path.parent.mkdir(parents=True)
    text = "".join(f"g\tf\ty\t1\t{score!r}\t{a}\t{b}\n" for a, b, score in rows)
    path.write_bytes(text.encode())
    (found,) = load_sts(data, "STSB")
    assert found.first == [" ".join(a.split()) for a, _, _ in rows]
    assert found.second == [" ".join(b.split()) for _, b, _ in rows]
    assert found.gold.tolist() == [score for _, _, score in rows]


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(data: Path) -> None:
        path = downstream(data) / name
        path.write_bytes(change(path.read_bytes()))

    return apply


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def apply(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[number - 1] = change(lines[number - 1])
        return b"\n".join(lines)

    return apply


PAIRS, GOLD = "STS/STS12-en-test/STS.input.MSRpar.txt", "STS/STS12-en-test/STS.gs.MSRpar.txt"
STSB, SICK = "STS/STSBenchmark/sts-test.csv", "SICK/SICK_test_annotated.txt"
BAD: dict[str, tuple[str, Callable[[Path], None], str, str]] = {
    "fewer scores": (
        "STS12",
        edit(GOLD, lambda c: c.split(b"\n", 1)[1]),
        "8 pairs but 7 lines of scores",
        f"{PAIRS} and STS.gs.MSRpar.txt",
    ),
    "more scores": (
        "STS12",
        edit(GOLD, lambda c: c + b"\n"),
        "8 pairs but 9 lines of scores",
        "STS.gs.MSRpar.txt",
    ),
    "no tab": (
        "STS12",
        edit(PAIRS, line(3, lambda x: x.replace(b"\t", b" "))),
        "1 tab-separated columns in place of 2",
        f"{PAIRS}:3",
    ),
    "two tabs": ("STS12", edit(PAIRS, line(8, lambda x: x + b"\t")), "3 tab-separated columns", f"{PAIRS}:8"),
    "column lost": (
        "STSB",
        edit(STSB, line(2, lambda x: x.split(b"\t", 1)[1])),
        "6 tab-separated columns in place of 7",
        f"{STSB}:2",
    ),
    "empty line": (
        "STSB",
        edit(STSB, lambda c: c + b"\n"),
        "1 tab-separated columns in place of 7",
        f"{STSB}:9",
    ),
    "latin-1": (
        "STS12",
        edit(PAIRS, line(2, lambda x: b"caf\xe9 " + x)),
        "byte 0xe9 is not UTF-8",
        f"{PAIRS}:2",
    ),
    "CRLF pairs": ("STS12", edit(PAIRS, lambda c: c.replace(b"\n", b"\r\n")), "CRLF line ends", f"{PAIRS}:1"),
    "CRLF scores": ("STS12", edit(GOLD, lambda c: c.replace(b"\n", b"\r\n")), "CRLF line ends", f"{GOLD}:1"),
    "CRLF table": ("STSB", edit(STSB, lambda c: c.replace(b"\n", b"\r\n")), "CRLF line ends", f"{STSB}:1"),
    "lone CR": (
        "SICKR",
        edit(SICK, line(4, lambda x: b"\r" + x)),
        "a carriage return inside a line",
        f"{SICK}:4",
    ),
    "score is a word": (
        "STS12",
        edit(GOLD, line(5, lambda _: b"high")),
        "score 'high' is not a number",
        f"{GOLD}:5",
    ),
    "score is blank": (
        "STS12",
        edit(GOLD, line(5, lambda _: b" ")),
        "score ' ' is not a number",
        f"{GOLD}:5",
    ),
    "score too high": (
        "STS12",
        edit(GOLD, line(5, lambda _: b"5.01")),
        "'5.01' is outside 0 to 5",
        f"{GOLD}:5",
    ),
    "score negative": ("STS12", edit(GOLD, line(5, lambda _: b"-1")), "'-1' is outside 0 to 5", f"{GOLD}:5"),
    "score NaN": ("STS12", edit(GOLD, line(5, lambda _: b"nan")), "'nan' is outside 0 to 5", f"{GOLD}:5"),
    "SICK score": (
        "SICKR",
        edit(SICK, line(3, lambda x: x.replace(x.split(b"\t")[3], b"?"))),
        "score '?' is not a number",
        f"{SICK}:3",
    ),
    "one scored pair": (
        "STS12",
        edit(GOLD, lambda _: b"3.0\n" + b"\n" * 7),
        "1 scored pairs, and a correlation needs at least 2",
        GOLD,
    ),
    "no scored pair": ("STS12", edit(GOLD, lambda _: b"\n" * 8), "0 scored pairs", GOLD),
    "empty table": ("STSB", edit(STSB, lambda _: b""), "the file is empty or cut short", STSB),
    "no header": (
        "SICKR",
        edit(SICK, lambda c: c.split(b"\n", 1)[1]),
        "the header line is missing",
        f"{SICK}:1",
    ),
    "missing file": ("STS12", lambda d: (downstream(d) / PAIRS).unlink(), "the file is missing", PAIRS),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_file_and_line(sts_tree: Path, case: str) -> None:
    task, damage, what, where = BAD[case]
    load_sts(sts_tree, task)
    damage(sts_tree)
    with pytest.raises(NegbenchError) as caught:
        load_sts(sts_tree, task)
    assert what in caught.value.what
    assert caught.value.where.endswith(where)
    assert caught.value.next_step
    assert "\n" not in str(caught.value)


def test_unknown_names_are_met_with_the_nearest(sts_tree: Path) -> None:
    with pytest.raises(NegbenchError, match=r"unknown task 'SICK'.*Did you mean 'SICKR'"):
        load_sts(sts_tree, "SICK")
    with pytest.raises(NegbenchError, match=r"unknown split 'dev' of STS13.*Valid: test"):
        load_sts(sts_tree, "STS13", "dev")


@pytest.mark.parametrize("task", TASKS)
def test_the_real_sets_have_their_published_sizes(real_data: Path, task: str) -> None:
    found = {split: sum(len(s.gold) for s in load_sts(real_data, task, split)) for split in SPLITS[task]}
    assert found == EXPECTED_ROWS[task]
