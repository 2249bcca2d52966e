"""The HDF5 inside of Keras files, damaged or made to do harm: refused in one line, fast and in little memory."""

import io
import struct
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.formats.hostile import (
    H5,
    KERNEL,
    WEIGHTS,
    Config,
    edited,
    parts,
    problem,
    replaced,
    said,
    zipped,
)
from tests.formats.keras_models import case

import unrolled


def test_links_that_lead_out_or_in_a_circle(tmp_path: Path) -> None:
    def outside(file: h5py.File) -> None:
        del file[KERNEL]
        file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/")

    def soft(file: h5py.File) -> None:
        del file[KERNEL]
        file[KERNEL] = h5py.SoftLink("/" + KERNEL)

    assert problem(edited(tmp_path / "a.h5", outside))
    assert "got a link to elsewhere" in problem(edited(tmp_path / "b.h5", soft))


def test_groups_that_hold_themselves_are_not_walked_for_ever(tmp_path: Path) -> None:
    def circle(file: h5py.File) -> None:
        for name in "abcdefgh":
            file["layers"][name] = file["layers"]

    source = case("keras3/lstm3.weights.h5").path
    assert "expected" in problem(edited(tmp_path / "m.weights.h5", circle, source))


def test_numbers_that_are_not_in_the_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(144))
    elsewhere = replaced(shape=(3, 12), dtype="f4", external=[(str(secret), 0, 144)])
    assert problem(edited(tmp_path / "a.h5", elsewhere)).endswith("its numbers are not in this file")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((3, 12), "f4")
        layout[:] = h5py.VirtualSource(str(H5), KERNEL, (3, 12))
        del file[KERNEL]
        file.create_virtual_dataset(KERNEL, layout)

    assert problem(edited(tmp_path / "b.h5", virtual))
    assert problem(edited(tmp_path / "c.h5", replaced(shape=(3, 12), dtype="f4"))).endswith(
        "its numbers are not in this file"
    )


@pytest.mark.parametrize("shape", [(1 << 20, 1 << 20), (30_000, 30_000), (12, 3000)])
def test_datasets_that_claim_much_and_hold_nothing(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = edited(tmp_path / "m.h5", replaced(shape=shape, dtype="f4", chunks=(12, 12), compression="gzip"))
    assert "expected" in problem(path)


def test_a_dataset_of_zeros_packed_a_thousandfold(tmp_path: Path) -> None:
    zeros = np.zeros((5000, 12000), "f4")
    path = edited(tmp_path / "m.h5", replaced(data=zeros, chunks=(500, 12000), compression="gzip", compression_opts=9))
    assert "expected at most 200 times its size when unpacked" in problem(path)


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True}]
)
def test_chunks_are_read_where_they_are_all_there(tmp_path: Path, options: Config) -> None:
    with h5py.File(H5) as file:
        kernel = file[KERNEL][()]
    path = edited(tmp_path / "m.h5", replaced(data=kernel, chunks=(2, 5), **options))
    layer = unrolled.load(path).layers[0].layer
    assert np.array_equal(layer.weights["kernel"], kernel)


@pytest.mark.parametrize(
    "data",
    [
        np.array([b"text"]),
        np.array(["text"], h5py.string_dtype()),
        np.zeros(3, [("a", "f4"), ("b", "f4")]),
        np.zeros((3, 12), int),
        np.zeros((3, 12), bool),
        np.zeros((3, 12), complex),
        np.zeros((3, 12), "V4"),
        np.float32(1),
        np.zeros((0, 12), "f4"),
        np.zeros((3, 12, 1), "f4"),
        np.zeros((3, 13), "f4"),
        np.zeros((12, 3), "f4"),
        np.zeros((3, 15), "f4"),
    ],
    ids=lambda data: f"{data.dtype}{data.shape}",
)
def test_datasets_that_are_no_kernel(tmp_path: Path, data: np.ndarray[Any, Any]) -> None:
    assert "expected" in problem(edited(tmp_path / "m.h5", replaced(data=data)))


def test_datasets_of_references_and_of_lists(tmp_path: Path) -> None:
    def references(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, data=[file.ref, file.ref], dtype=h5py.ref_dtype)

    assert problem(edited(tmp_path / "a.h5", references))
    lists = replaced(shape=(3,), dtype=h5py.vlen_dtype(np.float32))
    assert problem(edited(tmp_path / "b.h5", lists))


def test_big_endian_numbers_load(tmp_path: Path) -> None:
    with h5py.File(H5) as file:
        kernel = file[KERNEL][()]
    model = unrolled.load(edited(tmp_path / "m.h5", replaced(data=kernel.astype(">f4"))))
    assert np.array_equal(model.layers[0].layer.weights["kernel"], kernel)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_load_and_are_told(tmp_path: Path, value: float) -> None:
    kernel = np.full((3, 12), 1e-40, "f4")
    kernel[0, 0] = 3e38
    kernel[1, 2] = kernel[2, 3] = value
    model = unrolled.load(edited(tmp_path / "m.h5", replaced(data=kernel)))
    assert model.remarks == (f"m.h5: lstm_1: kernel: 2 values are not finite, the first is {value} at [1, 2]",)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["../x", "y", "z"], "expected a path inside of the file, got ../x"),
        (["/", "y", "z"], "expected a path inside of the file, got /"),
        (["", "y", "z"], "expected a path inside of the file, got an empty one"),
        (["/etc/passwd", "y", "z"], "expected a path inside of the file"),
        (["a/b", "c/d", "e/f"], "expected an array, got nothing"),
        (["lstm_1", "lstm_1", "lstm_1"], "expected an array, got a group"),
        (["a"], "got 1 arrays"),
        ([], "got 0 arrays"),
        (["a"] * 100, "expected a few weight arrays, got 100"),
    ],
)
def test_names_of_weights_that_lead_nowhere(tmp_path: Path, names: list[str], expected: str) -> None:
    def rename(file: h5py.File) -> None:
        file[WEIGHTS].attrs["weight_names"] = np.array(names, "S30") if names else np.zeros(0)

    path = edited(tmp_path / "m.h5", rename)
    if names == ["a"]:
        assert problem(path)
    else:
        assert expected in problem(path)


def test_names_of_layers_that_repeat_or_are_gone(tmp_path: Path) -> None:
    def named(value: object) -> Callable[[h5py.File], object]:
        return lambda file: file["model_weights"].attrs.create("layer_names", value)

    assert "got lstm_1 twice" in problem(edited(tmp_path / "a.h5", named([b"lstm_1", b"lstm_1"])))
    assert problem(edited(tmp_path / "b.h5", named([b"other"])))
    assert "layer_names: expected a list of names" in problem(edited(tmp_path / "c.h5", named(3)))


def test_a_bias_that_is_missing(tmp_path: Path) -> None:
    def drop(file: h5py.File) -> None:
        del file[f"{WEIGHTS}/lstm_1/lstm_cell/bias:0"]

    assert "bias:0: expected an array, got nothing" in problem(edited(tmp_path / "m.h5", drop))


def test_a_filter_that_is_not_known(tmp_path: Path) -> None:
    path = edited(tmp_path / "m.h5", replaced(data=np.ones((3, 12), "f4"), chunks=(3, 12), compression="lzf"))
    assert problem(path).endswith("is packed in a way that is not known, HDF5 filter 32000")
    raw = path.read_bytes()
    assert raw.count(struct.pack("<H", 32000)) == 1
    path.write_bytes(raw.replace(struct.pack("<H", 32000), struct.pack("<H", 32001)))
    assert problem(path).endswith("HDF5 filter 32001")


def test_an_h5_file_of_something_else(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["data"] = np.zeros(3)
    assert problem(tmp_path / "m.h5") == "expected the weights of a Keras model, got an HDF5 file without any"


def test_an_attribute_that_claims_a_thousand_million_texts(tmp_path: Path) -> None:
    raw = bytearray(H5.read_bytes())
    start = raw.index(b"layer_names\0")
    shape = raw.index(struct.pack("<Q", 1), start)
    raw[shape : shape + 8] = struct.pack("<Q", 1 << 31)
    (tmp_path / "m.h5").write_bytes(raw)
    assert problem(tmp_path / "m.h5").endswith("an attribute claims more than there is")


def test_weights_of_more_than_is_read_at_once(tmp_path: Path) -> None:
    members = parts()
    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        file["unused"] = np.ones(1 << 20)
    path = zipped(tmp_path / "m.keras", {**members, "model.weights.h5": stream.getvalue()})
    assert unrolled.load(path).layers


@pytest.mark.parametrize(
    "name", ["keras3/lstm3.keras", "keras2/lstm3.h5", "keras3/lstm3.weights.h5", "keras2/tokens.h5"]
)
def test_bytes_changed_at_random(tmp_path: Path, name: str) -> None:
    whole, chance = case(name).path.read_bytes(), np.random.default_rng(len(name))
    path = tmp_path / "m"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(250):
            raw = bytearray(whole)
            for _ in range(chance.integers(1, 6)):
                raw[chance.integers(len(raw))] = chance.choice([0, 1, 0x7F, 0xFF, int(chance.integers(256))])
            path.write_bytes(raw)
            begin = time.process_time()
            assert said(path).isprintable()
            assert time.process_time() - begin < 1


def test_weights_that_are_no_hdf5(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(1))
    path = zipped(tmp_path / "m.keras", {**parts(), "model.weights.h5": stream.getvalue()})
    assert problem(path) == "model.weights.h5: expected an HDF5 file, got a zip archive"
