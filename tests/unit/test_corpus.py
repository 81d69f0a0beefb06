"""Reading a training corpus, plain and compressed, sound and broken."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from pipelines.errors import NegbenchError
from pipelines.sources.corpus import read_sentences, stream

SENTENCES = [f"Sentence {n}: “naïve” tests are tests." for n in range(500)]
TEXT = "".join(f"{sentence}\n" for sentence in SENTENCES).encode()


def write(folder: Path, content: bytes, name: str = "corpus.txt") -> Path:
    path = folder / name
    path.write_bytes(lzma.compress(content) if name.endswith(".xz") else content)
    return path


@pytest.mark.parametrize("name", ["corpus.txt", "corpus.txt.xz"])
def test_sentences_are_read_in_order_up_to_the_limit(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, TEXT, name)
    assert read_sentences(path) == SENTENCES
    assert read_sentences(path, 7) == SENTENCES[:7]
    assert read_sentences(path, 500) == SENTENCES


def test_a_stream_is_read_no_further_than_it_is_asked(tmp_path: Path) -> None:
    sentences = stream(write(tmp_path, b"one\ntwo\nth\xff\n"), 3)
    assert [next(sentences), next(sentences)] == ["one", "two"]
    with pytest.raises(NegbenchError, match="not UTF-8"):
        next(sentences)


def test_blank_lines_are_skipped_and_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, b"\none\n \n\t\ntwo\n\nthree")
    assert read_sentences(path) == ["one", "two", "three"]
    assert read_sentences(path, 2) == ["one", "two"]


def test_only_a_newline_ends_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, "one\u2028still one\x85and still\ntwo\n".encode())
    assert read_sentences(path) == ["one\u2028still one\x85and still", "two"]


@pytest.mark.parametrize(
    ("content", "what", "line"),
    [
        (b"one\ntw\xff\n", "byte 0xff is not UTF-8", ":2"),
        (b"one\ntwo\nth\xc3", "byte 0xc3 is not UTF-8", ":3"),
        (b"one\r\ntwo\r\n", "CRLF line ends", ":1"),
        (b"one\nt\rwo\n", "a carriage return inside a line", ":2"),
        (b"", "the corpus is empty", ""),
        (b"\n \n", "the corpus is empty", ""),
    ],
)
@pytest.mark.parametrize("name", ["corpus.txt", "corpus.txt.xz"])
def test_bad_text_is_named_with_its_line(tmp_path: Path, content: bytes, what: str, line: str, name: str) -> None:
    path = write(tmp_path, content, name)
    with pytest.raises(NegbenchError) as caught:
        read_sentences(path)
    assert (caught.value.what, caught.value.where) == (what, f"{path}{line}")
    assert caught.value.next_step


def test_a_corpus_smaller_than_wanted_says_its_size(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match="501 sentences are wanted and the corpus has 500"):
        read_sentences(write(tmp_path, TEXT), 501)


def test_a_truncated_archive_is_an_error_even_after_good_lines(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt.xz"
    path.write_bytes(lzma.compress(TEXT)[:-20])
    with pytest.raises(NegbenchError, match=r"the \.xz file is cut short or damaged"):
        read_sentences(path)


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    whole = bytearray(lzma.compress(TEXT))
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "corpus.txt.xz"
    path.write_bytes(whole)
    with pytest.raises(NegbenchError, match=r"the \.xz file is cut short or damaged"):
        read_sentences(path)
    path.write_bytes(TEXT)
    with pytest.raises(NegbenchError, match=r"the \.xz file is cut short or damaged"):
        read_sentences(path)


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match=r"the file is missing \(.*nowhere\.txt\)"):
        read_sentences(tmp_path / "nowhere.txt")


def test_the_real_corpus_reads_to_the_wanted_line(real_data: Path) -> None:
    sentences = read_sentences(real_data / "corpus" / "wiki_sentences_1m.txt.xz", 20_000)
    assert len(sentences) == len(set(sentences)) == 20_000
    assert all(6 <= len(sentence.split()) <= 64 for sentence in sentences)
