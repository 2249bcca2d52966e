"""Token ids from every kind of file, and the sequences of a batch."""

import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import InputSequence, OptionError, SequenceFileError
from unrolled.reading import read_sequence, read_tokens
from unrolled.vocabulary import Vocabulary

WORDS = Vocabulary("v", {"<pad>": 0, "the": 1, "cat": 2, "\x1b[2J": 3})


def write(path: Path, content: Any) -> str:
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.save(path, content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", np.array([1, 0, 3])),
        ("x.npy", np.array([[1], [0], [3]], np.uint8)),
        ("x.npy", np.array([1.0, 0.0, 3.0], np.float32)),
        ("x.txt", "1\n0\n3\n"),
        ("x.txt", "1 0 3\n"),
        ("x.csv", "id\n1\n0\n3\n"),
        ("x.jsonl", "1\n0\n3.0\n"),
        ("x.jsonl", "[1, 0, 3]\n"),
    ],
)
def test_one_sequence(tmp_path: Path, name: str, content: Any) -> None:
    sequence = read_tokens(write(tmp_path / name, content), 4, WORDS)
    assert sequence.values.tolist() == [[1], [0], [3]]
    assert sequence.values.dtype == np.dtype(np.intp)
    assert (sequence.values.flags.writeable, sequence.rows) == (False, None)
    assert sequence.tokens == ("the", "<pad>", "\x1b[2J")
    assert sequence.labels == ("the", "<pad>", r"\x1b[2J")
    assert sequence.row(0) is sequence
    assert read_tokens(str(tmp_path / name), 4).labels == ("1", "0", "3")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", np.array([[1, 2, 0], [3, 2, 1]])),
        ("x.npy", np.array([[[1], [2], [0]], [[3], [2], [1]]])),
        ("x.csv", "1,2,0\n3,2,1\n"),
        ("x.jsonl", "[1, 2, 0]\n[3, 2, 1]\n"),
    ],
)
def test_a_batch_has_the_tokens_of_each_sequence(tmp_path: Path, name: str, content: Any) -> None:
    sequence = read_tokens(write(tmp_path / name, content), 4, WORDS)
    assert sequence.values.tolist() == [[[1], [2], [0]], [[3], [2], [1]]]
    assert (sequence.rows, sequence.tokens) == (2, ())
    assert sequence.row(0).tokens == ("the", "cat", "<pad>")
    assert sequence.row(1).labels == (r"\x1b[2J", "cat", "the")
    assert sequence.row(1).values.tolist() == [[3], [2], [1]]
    assert sequence.row(1).name == f"{name}, sequence 2 of 2"
    assert read_tokens(str(tmp_path / name), 4).row(1).labels == ("3", "2", "1")


def test_a_batch_of_one_sequence_of_an_array(tmp_path: Path) -> None:
    assert read_tokens(write(tmp_path / "x.npy", np.array([[1, 2, 3]])), 4).values.shape == (1, 3, 1)


def test_the_sequences_of_a_batch_of_numbers(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    values[1, 0, 0] = np.nan
    sequence = read_sequence(write(tmp_path / "x.npy", values))
    assert np.array_equal(sequence.row(1).values, values[1], equal_nan=True)
    assert sequence.row(1).remarks == sequence.remarks != ()
    for row in (-1, 2):
        with pytest.raises(OptionError, match=f"row: expected 0 to 1 of x.npy, got {row}"):
            sequence.row(row)
    with pytest.raises(OptionError, match="row: expected 0 to 0 of x, got 1"):
        InputSequence(np.zeros((3, 1)), "x").row(1)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1\n2\n")))
    sequence = read_tokens("-", 4, WORDS)
    assert (sequence.labels, sequence.name) == (("the", "cat"), "standard input")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.npy", np.array([0, 4]), "expected token ids from 0 to 3, got 4 at timestep 2"),
        ("x.npy", np.array([0, 2**63], np.uint64), "expected token ids from 0 to 3, got 9223372036854775808"),
        ("x.npy", np.array([-1]), "expected token ids from 0 to 3, got -1 at timestep 1"),
        ("x.npy", np.array([1, 1.5]), "expected token ids from 0 to 3, got 1.5 at timestep 2"),
        ("x.npy", np.array([np.inf]), "expected token ids from 0 to 3, got inf at timestep 1"),
        ("x.npy", np.array([[1, 1], [1, np.nan]]), "expected token ids from 0 to 3, got nan at sequence 2, timestep 2"),
        ("x.npy", np.array(["1"]), "the array: expected real numbers, got text"),
        ("x.npy", np.zeros(0, int), "expected one timestep or more, got shape (0,)"),
        ("x.npy", np.zeros((2, 0), int), "expected one timestep or more, got shape (2, 0)"),
        ("x.npy", np.array(1), "expected token ids, (T) or (batch, T), got shape ()"),
        ("x.npy", np.zeros((2, 3, 2)), "expected token ids, (T) or (batch, T), got shape (2, 3, 2)"),
        (
            "x.npy",
            np.zeros((2, 3, 4)),
            "expected token ids, (T) or (batch, T), got shape (2, 3, 4); use x.argmax(-1) if it is one-hot",
        ),
        ("x.txt", "1\ntwo\n", 'line 2, column 1: expected a number, got "two"'),
        ("x.csv", "1,2\n3\n", "line 2: expected 2 values as in line 1, got 1"),
        ("x.jsonl", "true\n", "line 1, value 1: expected a number, got true or false"),
    ],
)
def test_what_is_no_token_id(tmp_path: Path, name: str, content: Any, expected: str) -> None:
    with pytest.raises(SequenceFileError) as caught:
        read_tokens(write(tmp_path / name, content), 4)
    assert str(caught.value).partition(f"{name}: ")[2].startswith(expected)


def test_ten_million_ids(tmp_path: Path) -> None:
    ids = np.random.default_rng(1).integers(0, 4, 10**7, np.uint8)
    path = write(tmp_path / "x.npy", ids)
    start = time.process_time()
    sequence = read_tokens(path, 4, WORDS)
    assert time.process_time() - start < 20
    assert len(sequence.labels) == 10**7
    assert np.array_equal(sequence.values[:, 0], ids)
    assert len({id(token) for token in sequence.tokens[:1000]}) == 4  # a word is held once
