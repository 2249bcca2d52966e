"""Sequences that cannot be read: each gets one printable sentence that says what, and where."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import OptionError, SequenceFileError, read_sequence
from unrolled.sequences import counting, one_hot


def problem(path: Path | str, features: int | None = None) -> str:
    """What is said of the file, without its name."""
    with pytest.raises(SequenceFileError) as caught:
        read_sequence(str(path), features)
    sentence = str(caught.value)
    assert sentence.isprintable()
    return sentence.partition(": ")[2]


TEXTS = {
    "ragged.csv": ("1,2\n3,4\n\n5\n", "line 4: expected 2 values as in line 1, got 1"),
    "words.csv": ("a,b\n1,2\n3,x\x1b[2J\n", r'line 3, column 2: expected a number, got "x\x1b[2J"'),
    "gap.csv": ("1,,3\n", "line 1, column 2: expected a number, got nothing"),
    "half-named.csv": ("a,2\n1,2\n", 'line 1, column 1: expected a number, got "a"'),
    "only-names.csv": ("a,b\n", "expected one timestep or more, got shape (0, 1)"),
    "semicolons.csv": ("a;b\n1;2\n", 'line 2, column 1: expected a number, got "1;2"'),
    "underscore.csv": ("2\n1_000\n", 'line 2, column 1: expected a number, got "1_000"'),
    "one-line.csv": ("1,2,3\n", "expected 2 features per timestep, got 3: shape (1, 3); each line is one timestep"),
    "blank.txt": ("\n \n", "expected one timestep or more"),
    "story.txt": ("Once upon\n", 'line 1, column 1: expected a number, got "Once"'),
    "ragged.txt": ("1 2\n3\n", "line 2: expected 2 values as in line 1, got 1"),
    "gap.txt": ("1,,2\n", "line 1, column 2: expected a number, got nothing"),
    "long.txt": ("y" * 500, f'line 1, column 1: expected a number, got "{"y" * 60}…"'),
    "object.jsonl": ('[1]\n{"a": 1}\n', "line 2, value 1: expected a number, got an object"),
    "text.jsonl": ('["1"]\n', "line 1, value 1: expected a number, got text"),
    "true.jsonl": ("[1, true]\n", "line 1, value 2: expected a number, got true or false"),
    "null.jsonl": ("[null]\n", "line 1, value 1: expected a number, got null"),
    "nested.jsonl": ("[[1]]\n", "line 1, value 1: expected a number, got a list"),
    "empty-list.jsonl": ("[]\n", "line 1: expected one number or more, got an empty list"),
    "broken.jsonl": ("[1, 2\n", 'line 1: expected a JSON number or list, got "[1, 2"'),
    "deep.jsonl": ("[" * 200_000, "line 1: expected a JSON number or list, got"),
    "digits.jsonl": ("1" * 5000, "line 1: expected a JSON number or list, got"),
    "huge.jsonl": ("1" + "0" * 400, "line 1: expected numbers below 1.8e308"),
    "ragged.jsonl": ("[1, 2]\n3\n", "line 2: expected 2 values as in line 1, got 1"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(tmp_path: Path, name: str) -> None:
    content, expected = TEXTS[name]
    (tmp_path / name).write_text(content)
    assert problem(tmp_path / name, 2 if expected.startswith("expected 2") else None).startswith(expected)


BYTES: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "the file is empty"),
    "empty.npy": (b"", "the file is empty"),
    "latin.csv": (b"1,2\n\xe9,3\n", "line 2: expected UTF-8 text, got the byte 0xe9"),
    "utf16.txt": ("1\n".encode("utf-16"), "line 1: expected UTF-8 text, got the byte 0xff"),
    "data.xlsx": (b"1\n", "expected the extension .npy or .npz or .csv or .jsonl or .txt, got .xlsx"),
    "data": (b"1\n", "expected the extension .npy or .npz or .csv or .jsonl or .txt, got none"),
    "picture.npy": (b"\x89PNG\r\n\x1a\n", "the array: expected a .npy array, got a PNG picture"),
    "page.npz": (b"<!DOCTYPE html><html>", "expected a .npz archive, got a web page"),
    "pointer.npz": (b"version https://git-lfs.github.com", "expected a .npz archive, got a Git LFS pointer"),
    "pickle.npy": (b"\x80\x04K\x01.", "the array: expected a .npy array, got a Python pickle"),
    "noise.npy": (b"hello", "the array: expected a .npy array, got something else"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes(tmp_path: Path, name: str) -> None:
    content, expected = BYTES[name]
    (tmp_path / name).write_bytes(content)
    assert problem(tmp_path / name).startswith(expected)


@pytest.mark.parametrize(
    ("shape", "features", "expected"),
    [
        ((4, 2), 3, "expected 3 features per timestep, got 2: shape (4, 2)"),
        ((3, 7), 3, "expected 3 features per timestep, got 7: shape (3, 7); use x.T for 7 timesteps"),
        (
            (8, 12),
            3,
            "expected 3 features per timestep, got 12: shape (8, 12); use x.reshape(8, -1, 3) for a batch of 8",
        ),
        ((8, 5), 1, "expected 1 feature per timestep, got 5: shape (8, 5); use x.reshape(-1, 1) for one sequence, or"),
        ((12,), 3, "expected (T, features) with 3 features, got shape (12,); use x.reshape(-1, 3) for 4 timesteps"),
        ((13,), 3, "expected (T, features) with 3 features, got shape (13,)"),
        ((), 1, "expected (T, features) with 1 feature, got shape ()"),
        ((2, 3, 5), 3, "expected 3 features per timestep, got 5: shape (2, 3, 5); use x.transpose(0, 2, 1)"),
        ((2, 2, 3, 4), 4, "expected (T, features) with 4 features, got shape (2, 2, 3, 4); use x.reshape(-1, *x.shape"),
        ((0, 3), 3, "expected one timestep or more, got shape (0, 3)"),
        ((2, 0, 3), None, "expected one timestep or more, got shape (2, 0, 3)"),
        ((0, 2, 3), None, "expected one timestep or more, got shape (0, 2, 3)"),
        ((0,), 1, "expected one timestep or more, got shape (0,)"),
        ((3, 0), None, "expected one feature or more per timestep, got 0: shape (3, 0)"),
    ],
)
def test_a_shape_that_does_not_fit_says_how_to_reshape(
    tmp_path: Path, shape: tuple[int, ...], features: int | None, expected: str
) -> None:
    np.save(tmp_path / "x.npy", np.zeros(shape))
    assert problem(tmp_path / "x.npy", features).startswith(expected)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([print, None]), "expected plain numbers, got pickled Python objects, which are never loaded"),
        (np.zeros(3, [("a", "f4")]), "expected real numbers, got a structured type"),
        (np.zeros(3, [("a", "O")]), "expected plain numbers, got pickled Python objects, which are never loaded"),
        (np.zeros((3, 1), complex), "expected real numbers, got complex numbers"),
        (np.array(["1"]), "expected real numbers, got text"),
        (np.array([b"1"]), "expected real numbers, got text"),
        (np.zeros(3, "M8[s]"), "expected real numbers, got dates"),
    ],
)
def test_arrays_of_anything_but_numbers(tmp_path: Path, array: np.ndarray[Any, Any], expected: str) -> None:
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", array)
    assert problem(tmp_path / "x.npy") == f"the array: {expected}"
    assert problem(tmp_path / "x.npz") == f"array arr_0: {expected}"


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1")


HEADERS = {
    "{'descr': '<f8', 'fortran_order': False, 'shape': (4398046511104,)}": "the array: expected the shape of an array",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,)}": "the array: expected 8,000,000 bytes",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}": "the array: expected the shape of an array",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904, 9)}": "the array: expected the shape",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}": "the array: the header is damaged",
    "{'descr': '<f8', 'fortran_order': False, 'shape': __import__('os')}": "the array: the header is damaged",
    "{'descr': '<zz', 'fortran_order': False, 'shape': (1,)}": "the array: the header is damaged",
    "{'descr': '<U0', 'fortran_order': False, 'shape': ()}": "the array: expected real numbers, got text",
    "{" * 9000: "the array: the header is damaged",
    "-" * 9000 + "1": "the array: the header is damaged",
    "[]": "the array: the header is damaged",
    " " * 60000: "the array: the header is damaged",
}


@pytest.mark.parametrize("text", HEADERS, ids=range(len(HEADERS)))
def test_a_header_that_lies(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.npy").write_bytes(header(text) + bytes(40))
    assert problem(tmp_path / "x.npy").startswith(HEADERS[text])


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_a_file_cut_short_anywhere(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "x.npy", np.zeros((9, 2)))
    np.savez(tmp_path / "x.npz", np.zeros((9, 2)))
    whole = (tmp_path / name).read_bytes()
    for length in range(1, len(whole), 7):
        (tmp_path / name).write_bytes(whole[:length])
        assert problem(tmp_path / name)


def test_two_arrays_in_one_npy(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.save(file, np.zeros(2))
        np.save(file, np.zeros(2))
    assert problem(tmp_path / "x.npy").startswith("the array: expected 16 bytes for shape (2,), got 160")


def test_an_archive_of_several_arrays_and_no_x(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(2), b=np.zeros(2))
    assert problem(tmp_path / "x.npz") == "expected one array, or one called x, got a, b"


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    assert problem(tmp_path / "missing.csv") == "there is no such file"
    assert problem(tmp_path / "folder.csv") == "expected a file, got a directory"
    assert problem(tmp_path / "pipe.csv") == "expected a file, got a pipe"
    assert problem("/dev/zero") == "expected a file, got a device"
    assert problem(tmp_path / "loop.csv").startswith("cannot be read: ")
    assert problem(tmp_path / ("n" * 300 + ".csv")).startswith("cannot be read: ")
    assert problem("a\0.csv").startswith("expected the name of a file")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.csv").write_text("1\n")
    monkeypatch.setattr(os, "open", raising(PermissionError(13, "Permission denied")))
    assert problem(tmp_path / "x.csv") == "cannot be read: Permission denied"


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "x.csv").open("wb") as file:
        file.truncate((4 << 30) + 1)
    assert problem(tmp_path / "x.csv") == "expected a file of at most 4 GiB, got 4.0 GiB"
    monkeypatch.setattr("unrolled.rows.MOST_ARRAY_BYTES", 64)
    (tmp_path / "x.csv").write_text("1\n" * 9)
    assert problem(tmp_path / "x.csv").startswith("expected numbers of at most")
    monkeypatch.setattr("unrolled.rows._MOST_LINE_BYTES", 64)
    (tmp_path / "x.csv").write_text("1" * 65)
    assert problem(tmp_path / "x.csv").startswith("line 1: expected at most")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert problem("-") == "there was nothing to read"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1\n\x1b[2J\n")))
    assert problem("-") == r'line 2, column 1: expected a number, got "\x1b[2J"'
    monkeypatch.setattr(sys, "stdin", None)
    assert problem("-") == "it is closed"


def test_text_as_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SequenceFileError, match="expected one character or more, got none"):
        one_hot("")
    monkeypatch.setattr("unrolled.sequences.MOST_BYTES", 64)
    with pytest.raises(SequenceFileError, match="expected numbers of at most"):
        one_hot("abcd")


def test_counting_without_features() -> None:
    with pytest.raises(OptionError, match="features: expected 1 or more, got 0"):
        counting(0)


def raising(error: Exception) -> Callable[..., Any]:
    def raise_it(*_arguments: object, **_options: object) -> Any:
        raise error

    return raise_it
