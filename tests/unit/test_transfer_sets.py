"""Reading transfer files: formats, SentEval's order, and one clear line for each kind of bad input."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.transfer_sets import ALL_TASKS, PUBLISHED, SINGLE, SPLIT, load
from pipelines.errors import NegbenchError


def downstream(data: Path) -> Path:
    return data / "senteval" / "downstream"


def write(data: Path, name: str, content: bytes) -> None:
    path = downstream(data) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A few lines of every file, in the published formats."""
    for positive, negative in SINGLE.values():
        write(tmp_path, positive, b"good  film \nvery good\n\ncaf\xe9 !\n")
        write(tmp_path, negative, b"bad film\nno\n")
    sst = {"SST2": b"fine .\t1\nso so so \t0\n", "SST5": b"4 superb\n0 it is awful .\n2 neither nor\n"}
    for task, content in sst.items():
        for name in SPLIT[task].values():
            write(tmp_path, name, content)
    for name in SPLIT["TREC"].values():
        write(tmp_path, name, b"NUM:dist How far is it ?\nABBR:exp What 's Inc. : a firm ?\nHUM:ind Who am \xec ?\n")
    header = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n".encode()
    for name in SPLIT["MRPC"].values():
        write(tmp_path, name, header + b'1\t1\t2\ta  "b c\td e\n0\t3\t4\tf g h\ti\n0\t5\t6\tj k l\tm n\n')
    return tmp_path


def test_positives_come_first_and_the_sort_is_stable(tree: Path) -> None:
    found = load(tree, "SUBJ").parts["all"]
    assert found.first == ["", "no", "bad film", "good film", "very good", "café !"]
    assert found.labels.tolist() == [1, 0, 0, 1, 1, 1]
    assert found.second is None
    assert found.labels.dtype == np.int64


def test_the_formats_of_the_split_sets(tree: Path) -> None:
    sst2, sst5, trec, mrpc = (load(tree, task) for task in ("SST2", "SST5", "TREC", "MRPC"))
    assert (sst2.parts["dev"].first, sst2.parts["dev"].labels.tolist()) == (["fine .", "so so so"], [1, 0])
    assert sst5.parts["test"].first == ["superb", "neither nor", "it is awful ."]
    assert sst5.parts["test"].labels.tolist() == [4, 2, 0]
    assert trec.parts["train"].first == ["Who am ì ?", "How far is it ?", "What 's Inc. : a firm ?"]
    assert trec.parts["train"].labels.tolist() == [3, 5, 0]
    pairs = mrpc.parts["test"]
    assert list(zip(pairs.first, pairs.second or (), pairs.labels.tolist(), strict=True)) == [
        ("f g h", "i", 0),
        ("j k l", "m n", 0),
        ('a "b c', "d e", 1),
    ]
    assert [task.classes for task in (sst2, sst5, trec, mrpc)] == [2, 5, 6, 2]
    assert [*sst2.parts] == [*sst5.parts] == ["train", "dev", "test"]
    assert [*trec.parts] == [*mrpc.parts] == ["train", "test"]


def test_all_text_of_all_parts_is_listed(tree: Path) -> None:
    assert len([*load(tree, "MRPC").sentences()]) == 2 * (3 + 3)
    assert len([*load(tree, "SST2").sentences()]) == 3 * 2
    assert {*load(tree, "CR").sentences()} == {"", "no", "bad film", "good film", "very good", "café !"}


line = st.text(st.characters(exclude_characters="\n\r", codec="latin-1"), max_size=8)


@given(st.lists(line, min_size=1, max_size=6), st.lists(line, min_size=1, max_size=6))
def test_the_order_is_that_of_sentevals_rule(
    tmp_path_factory: pytest.TempPathFactory, positive: list[str], negative: list[str]
) -> None:
    data = tmp_path_factory.mktemp("data")
    for name, lines in zip(SINGLE["CR"], (positive, negative), strict=True):
        write(data, name, "".join(x + "\n" for x in lines).encode("latin-1"))
    tokens = [(x.split(), 1) for x in positive] + [(x.split(), 0) for x in negative]
    expected = []
    for count in range(9):
        for label in (0, 1):
            expected += [(" ".join(t), label) for t, y in tokens if len(t) == count and y == label]
    found = load(data, "CR").parts["all"]
    assert list(zip(found.first, found.labels.tolist(), strict=True)) == expected


def replace(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def apply(data: Path) -> None:
        path = downstream(data) / name
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return apply


TREC, MRPC = SPLIT["TREC"]["train"], SPLIT["MRPC"]["test"]
SST2, SST5 = SPLIT["SST2"]["dev"], SPLIT["SST5"]["train"]
MR = SINGLE["MR"][1]
BAD: dict[str, tuple[str, Callable[[Path], None], str, str]] = {
    "no file": ("MR", lambda d: (downstream(d) / MR).unlink(), "the file is missing", MR),
    "no folder": ("TREC", lambda d: (downstream(d) / "TREC").rename(d / "x"), "the file is missing", TREC),
    "a folder in its place": (
        "MR",
        lambda d: ((downstream(d) / MR).unlink(), (downstream(d) / MR).mkdir())[0],
        "the file cannot be read: Is a directory",
        MR,
    ),
    "a file for a folder": (
        "TREC",
        lambda d: ((downstream(d) / "TREC").rename(d / "x"), (downstream(d) / "TREC").touch())[0],
        "the file is missing",
        TREC,
    ),
    "cut short": ("MR", replace(MR, b"no\n", b"n"), "cut short", MR),
    "empty": ("MR", replace(MR, b"bad film\nno\n", b""), "empty or cut short", MR),
    "carriage return": ("MR", replace(MR, b"film\n", b"film\r\n"), "CRLF line ends", f"{MR}:1"),
    "unknown class": ("TREC", replace(TREC, b"NUM", b"NUN"), "is not a class (ABBR", f"{TREC}:1"),
    "no colon": ("TREC", replace(TREC, b"HUM:ind", b"HUM ind"), "is not a class", f"{TREC}:3"),
    "no question": ("TREC", replace(TREC, b" Who am \xec ?", b""), "'HUM:ind' is not a class", f"{TREC}:3"),
    "label too high": ("MRPC", replace(MRPC, b"\n1\t1", b"\n2\t1"), "label '2' is none of 0, 1", f"{MRPC}:2"),
    "column lost": ("MRPC", replace(MRPC, b"4\tf", b"4 f"), "4 tab-separated columns in place of 5", f"{MRPC}:3"),
    "no header": ("MRPC", replace(MRPC, b"Quality", b"1"), "the header line is missing", f"{MRPC}:1"),
    "header alone": (
        "MRPC",
        lambda d: write(d, MRPC, (downstream(d) / MRPC).read_bytes().split(b"\n")[0] + b"\n"),
        "no examples",
        MRPC,
    ),
    "no label": ("SST2", replace(SST2, b"\t1", b" 1"), "label '' is none of 0, 1", f"{SST2}:1"),
    "two tabs": ("SST2", replace(SST2, b"\t0", b"\tx\t0"), "is none of 0, 1", f"{SST2}:2"),
    "label negative": ("SST5", replace(SST5, b"2 nei", b"-1 nei"), "label '-1' is none of 0, 1, 2", f"{SST5}:3"),
    "label is a word": ("SST5", replace(SST5, b"2 nei", b"nei"), "label 'neither' is none", f"{SST5}:3"),
    "not UTF-8": ("SST2", replace(SST2, b"fine", b"fin\xe9"), "byte 0xe9 is not UTF-8", f"{SST2}:1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_file_and_line(tree: Path, case: str) -> None:
    task, damage, what, where = BAD[case]
    load(tree, task)
    damage(tree)
    with pytest.raises(NegbenchError) as caught:
        load(tree, task)
    assert what in caught.value.what
    assert caught.value.where.endswith(where)
    assert caught.value.next_step
    assert "\n" not in str(caught.value)


def test_an_unknown_task_is_met_with_the_nearest(tree: Path) -> None:
    with pytest.raises(NegbenchError, match=r"unknown task 'SST'.*Did you mean 'SST\d'"):
        load(tree, "SST")


@pytest.mark.parametrize("task", ALL_TASKS)
def test_the_real_sets_have_their_published_sizes(real_data: Path, task: str) -> None:
    found = load(real_data, task)
    assert found.sizes == PUBLISHED[task]
    assert all({*part.labels.tolist()} == {*range(found.classes)} for part in found.parts.values())
    assert not any(re.search(r"\s\s|^\s|\s$", sentence) for sentence in found.sentences())
