"""Sequences from every kind of file, as they should be."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled
from unrolled import InputSequence, read_sequence
from unrolled.npy import read_npy
from unrolled.sequences import counting, one_hot

ROWS = [[1.0, -2.5], [3e-5, 0.1], [5.0, 1e300]]


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(path: Path, content: str | bytes, features: int | None = None) -> list[list[float]]:
    rows: list[list[float]] = read_sequence(write(path, content), features).values.tolist()
    return rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", "1,-2.5\n3e-5,0.1\n5,1e300\n"),
        ("names.csv", "speed,heat\n1,-2.5\n3e-5,0.1\n5,1e300\n"),
        ("quoted.csv", '"speed","heat"\n"1","-2.5"\n 3e-5 , 0.1\n5,1e300\n'),
        ("windows.csv", "\ufeff1,-2.5\r\n3e-5,0.1\r\n\r\n5,1e300"),
        ("tabs.txt", "1\t-2.5\n 3e-5   0.1\n\n5 1e300\n"),
        ("commas.txt", "1,-2.5\n3e-5 , 0.1\n5 1e300\n"),
        ("lists.jsonl", "[1, -2.5]\n[3e-5, 0.1]\n[5, 1e300]\n"),
        ("LOUD.CSV", "1,-2.5\n3e-5,0.1\n5,1e300\n"),
    ],
)
def test_text_gives_a_timestep_per_line(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path / name, content) == ROWS
    assert read(tmp_path / name, content, 2) == ROWS


def test_json_numbers_are_timesteps_of_one_feature(tmp_path: Path) -> None:
    assert read(tmp_path / "numbers.jsonl", "1\n2.5\n[3]\n") == [[1.0], [2.5], [3.0]]


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "<i4", ">i2", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_arrays_of_any_real_type(tmp_path: Path, dtype: str, order: Any) -> None:
    values = np.array([[1, 0], [0, 1], [1, 1]], dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", values)
    np.savez_compressed(tmp_path / "x.npz", values)
    for name in ("x.npy", "x.npz"):
        sequence = read_sequence(str(tmp_path / name), 2)
        assert sequence.values.dtype == np.float64
        assert sequence.values.tolist() == values.astype(float).tolist()
        assert sequence.name == name
        assert not sequence.remarks


def test_every_version_of_the_npy_header(tmp_path: Path) -> None:
    for version in ((1, 0), (2, 0), (3, 0)):
        with (tmp_path / "v.npy").open("wb") as file:
            np.lib.format.write_array(file, np.array(ROWS), version=version)
        assert read_sequence(str(tmp_path / "v.npy")).values.tolist() == ROWS


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "old.npy", np.array(ROWS))
    raw = (tmp_path / "old.npy").read_bytes().replace(b"(3, 2), }  ", b"(3L, 2L), }")
    assert read_sequence(write(tmp_path / "old.npy", raw)).values.tolist() == ROWS


def test_one_axis_is_one_feature(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(3.0))
    assert read_sequence(str(tmp_path / "x.npy"), 1).values.shape == (3, 1)
    assert read_sequence(str(tmp_path / "x.npy")).values.shape == (3, 1)


def test_three_axes_are_a_batch(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 4, 3)))
    assert read_sequence(str(tmp_path / "x.npy"), 3).values.shape == (5, 4, 3)


def test_an_archive_of_several_arrays_gives_the_one_called_x(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", labels=np.zeros(3), x=np.array(ROWS))
    assert read_sequence(str(tmp_path / "many.npz"), 2).values.tolist() == ROWS


def test_a_large_file_is_mapped_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.npy._MAPPED_FROM", 16)
    for order in ("C", "F"):
        np.save(tmp_path / "big.npy", np.array(ROWS, order=order))
        with (tmp_path / "big.npy").open("rb") as file:
            assert isinstance(read_npy(file).base, np.memmap)
        sequence = read_sequence(str(tmp_path / "big.npy"))
        assert sequence.values.tolist() == ROWS
        assert not sequence.values.flags.writeable


def test_values_are_read_only_and_of_the_layers_type(tmp_path: Path) -> None:
    sequence = read_sequence(write(tmp_path / "x.txt", "0.1\n"), 1, np.float32)
    assert sequence.values.dtype == np.float32
    assert not sequence.values.flags.writeable


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("1,2\n3,nan\n", "data.csv: 1 value is not finite: nan at timestep 2, feature 2"),
        ("1,2\n-inf,4\nnan,nan\n", "data.csv: 3 values are not finite, the first is -inf at timestep 2, feature 1"),
    ],
)
def test_what_is_not_finite_goes_through_with_a_remark(tmp_path: Path, content: str, remark: str) -> None:
    sequence = read_sequence(write(tmp_path / "data.csv", content), 2)
    assert sequence.remarks == (remark,)
    assert not np.isfinite(sequence.values).all()


def test_a_remark_names_the_sequence_of_a_batch(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4))
    values[1, 2, 3] = np.inf
    np.save(tmp_path / "x.npy", values)
    (remark,) = read_sequence(str(tmp_path / "x.npy"), 4).remarks
    assert remark.endswith("1 value is not finite: inf at sequence 2, timestep 3, feature 4")


def test_a_value_too_large_for_float32_is_remarked_on(tmp_path: Path) -> None:
    (remark,) = read_sequence(write(tmp_path / "x.txt", "1e300\n"), 1, np.float32).remarks
    assert (
        remark
        == "x.txt: 1 value is not finite: inf at timestep 1, feature 1 (1e+300 in the file, too large for float32)"
    )


@pytest.mark.parametrize(
    ("text", "rows"),
    [("1\n2\n", [[1.0], [2.0]]), ("a b\n1 2\n", [[1.0, 2.0]]), ("1, 2\n3 4\n", [[1.0, 2.0], [3.0, 4.0]])],
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, text: str, rows: list[list[float]]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    sequence = read_sequence("-")
    assert sequence.values.tolist() == rows
    assert sequence.name == "standard input"


def test_a_name_is_printable(tmp_path: Path) -> None:
    assert read_sequence(write(tmp_path / "a\x1b[2J.txt", "1\n")).name == r"a\x1b[2J.txt"


def test_one_hot_is_over_the_distinct_characters_sorted() -> None:
    sequence = one_hot("hello")
    assert sequence.values.argmax(axis=1).tolist() == [1, 0, 2, 2, 3]
    assert sequence.values.sum(axis=1).tolist() == [1] * 5
    assert sequence.labels == tuple("hello")


def test_one_hot_of_characters_that_cannot_be_shown() -> None:
    sequence = one_hot("\0\x1b\u202e\0\udc80", np.float32)
    assert sequence.values.shape == (5, 4)
    assert sequence.values.dtype == np.float32
    assert np.array_equal(sequence.values[0], sequence.values[3])
    assert sequence.labels == (r"\x00", r"\x1b", r"\u202e", r"\x00", r"\udc80")
    assert sequence.tokens == "\0\x1b\u202e\0\udc80"
    assert sequence.name.isprintable()


def test_a_nul_at_the_end_is_a_character() -> None:
    assert one_hot("a\0").values.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_counting() -> None:
    assert counting(1).values.tolist() == [[1.0], [2.0], [3.0], [4.0]]
    assert counting(3).values[-1].tolist() == [10 / 3, 11 / 3, 4.0]
    assert counting(2, np.float32).values.dtype == np.float32
    assert (counting(1).name, counting(2).name) == ("1, 2, 3, 4", "counting to 4 in steps of 1/2")


def test_a_sequence_without_tokens_has_no_labels() -> None:
    assert InputSequence(np.zeros((1, 1)), "x").labels == ()
    assert unrolled.InputSequence is InputSequence
