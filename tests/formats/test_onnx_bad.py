"""ONNX files that are damaged, cut short or none at all, and tensors that are not what they say."""

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from tests.formats.onnx_files import add, random_x, recurrent_file, runtime
from tests.formats.onnx_refused import Edit, refused, tensor

import unrolled
from unrolled import ModelFileError

# Rows 1 to 5: files that are none.


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"<!DOCTYPE html><p>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x08", "got one without nodes"),
        (b"\x08\x08\x3a\xff", "damaged or cut short"),
        (b"\x08\x08\x3a\x04\x0a", "damaged or cut short"),
        (b"\x08\x08" + 12 * b"\xff", "something else"),
    ],
)
def test_files_that_are_no_model(tmp_path: Path, raw: bytes, wanted: str) -> None:
    (tmp_path / "model.onnx").write_bytes(raw)
    said = refused(tmp_path / "model.onnx")
    assert wanted in said or (raw == b"\x08" and "damaged" in said)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_cut_short(tmp_path: Path, part: float) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "model.onnx")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    assert "damaged or cut short" in refused(path)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "model.keras")
    assert unrolled.load(path).framework == "ONNX"


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "got a directory" in refused(tmp_path / "folder.onnx")
    assert "got a pipe" in refused(tmp_path / "pipe.onnx")
    assert "no such file" in refused(tmp_path / "none.onnx")
    with pytest.raises(ModelFileError, match="got a device"):
        unrolled.load("/dev/zero")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "model.onnx")
    real = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "onnx":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install '.[onnx]'" in refused(path)


# Row 32: numbers outside of the file.


def outside(path: Path, **told: str) -> Path:
    """A model whose W is said to be in another file, which is beside it if it is called so."""
    file = recurrent_file("LSTM")

    def move(proto: Any) -> None:
        w = tensor(proto, "W")
        raw = w.raw_data
        w.ClearField("raw_data")
        w.data_location = 1
        for key, value in {"location": "weights.bin", **told}.items():
            w.external_data.add(key=key, value=value)
        (path.parent / "weights.bin").write_bytes(b"\0" * 8 + raw)

    return file.save(path, move)


def test_numbers_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = outside(tmp_path / "model.onnx", offset="8", length="192")
    x = random_x()
    theirs = runtime(path, x)["Y"][:, 0, 0]
    for where in (path, Path("model.onnx")):
        monkeypatch.chdir(tmp_path)
        np.testing.assert_allclose(
            np.asarray(unrolled.load(where).network.read(x[:, 0]).output("rnn")), theirs, atol=1e-6
        )


def test_numbers_in_a_folder_of_the_folder(tmp_path: Path) -> None:
    path = outside(tmp_path / "model.onnx", location="deeper/weights.bin", offset="8")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "weights.bin").rename(tmp_path / "deeper" / "weights.bin")
    assert unrolled.load(path).layers[0].layer.units == 4


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"location": "../secret.bin"}, "in the model's folder, got ../secret.bin"),
        ({"location": "deeper/../../secret.bin"}, "in the model's folder"),
        ({"location": "/etc/passwd"}, "in the model's folder, got /etc/passwd"),
        ({"location": "C:\\secret.bin"}, "in the model's folder"),
        ({"location": "C:secret.bin"}, "in the model's folder"),
        ({"location": "..\\secret.bin"}, "in the model's folder"),
        ({"location": ""}, "in the model's folder"),
        ({"location": "a\0b"}, r"got a\x00b"),
        ({"location": "link.bin"}, "which is not followed"),
        ({"location": "folder/secret.bin"}, "which is not followed"),
        ({"location": "none\x1b[2J.bin"}, r"there is no file none\x1b[2J.bin beside the model"),
        ({"location": "."}, "in the model's folder"),
        ({"length": str(2**50)}, "expected 192 bytes outside of the file, got 1125899906842624"),
        ({"length": "191"}, "expected 192 bytes outside of the file, got 191"),
        ({"length": "-1"}, "expected a number of bytes, got -1"),
        ({"length": "²"}, "expected a number of bytes"),
        (
            {"offset": str(2**50)},
            "weights.bin: expected 192 bytes from byte 1,125,899,906,842,624 on, got a file of 200",
        ),
        ({"offset": "9"}, "weights.bin: expected 192 bytes from byte 9 on, got a file of 200"),
        ({"offset": "1e1"}, "expected a number of bytes"),
        ({"basepath": "/etc"}, "got basepath"),
        ({"__class__": "x"}, "got __class__"),
    ],
)
def test_numbers_that_are_not_there(tmp_path: Path, told: dict[str, str], wanted: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (inside / "link.bin").symlink_to(tmp_path / "secret.bin")
    (inside / "folder").symlink_to(tmp_path)
    said = refused(outside(inside / "model.onnx", **told))
    assert wanted in said


def test_a_pipe_beside_the_file(tmp_path: Path) -> None:
    path = outside(tmp_path / "model.onnx")
    (tmp_path / "weights.bin").unlink()
    os.mkfifo(tmp_path / "weights.bin")
    assert "tensor W: weights.bin: expected a file, got a pipe" in refused(path)


def test_an_empty_file_beside_the_file(tmp_path: Path) -> None:
    path = outside(tmp_path / "model.onnx")
    (tmp_path / "weights.bin").write_bytes(b"")
    assert "tensor W: weights.bin: the file is empty" in refused(path)


# Row 33: tensors that are not what they say.


def dims(*sizes: int) -> Edit:
    def edit(proto: Any) -> None:
        tensor(proto, "W").dims[:] = sizes

    return edit


def as_text(proto: Any) -> None:
    w = tensor(proto, "W")
    w.ClearField("raw_data")
    w.data_type = 8
    w.string_data.extend([b"x"] * 48)


def as_short_list(proto: Any) -> None:
    w = tensor(proto, "W")
    w.ClearField("raw_data")
    w.float_data.extend([1.0] * 47)


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (dims(1, 16, 2**40), "tensor W: expected at most 256 MiB"),
        (dims(2**40, 2**40, 2**40), "tensor W: expected at most 256 MiB"),
        (dims(1, -16, -3), "tensor W: expected a shape, got (1, -16, -3)"),
        (dims(1, 16, -1), "tensor W: expected a shape"),
        (dims(*[1] * 9), "tensor W: expected a shape"),
        (dims(1, 16, 4), "tensor W: expected 256 bytes, as its shape says, got 192"),
        (dims(1, 0, 3), "tensor W: expected 0 bytes"),
        (
            lambda proto: setattr(tensor(proto, "W"), "raw_data", b"short"),
            "expected 192 bytes, as its shape says, got 5",
        ),
        (lambda proto: setattr(tensor(proto, "W"), "data_type", 999), "expected real numbers, got type 999"),
        (lambda proto: setattr(tensor(proto, "W"), "data_type", 14), "expected real numbers, got complex numbers"),
        (
            lambda proto: setattr(tensor(proto, "W"), "data_type", 6),
            "rnn: W: expected floating point numbers, got int32",
        ),
        (as_text, "tensor W: expected real numbers, got texts"),
        (as_short_list, "expected 48 numbers, as its shape says, got 47"),
    ],
)
def test_tensors(tmp_path: Path, edit: Edit, wanted: str) -> None:
    assert wanted in refused(recurrent_file("LSTM").save(tmp_path / "model.onnx", edit))


def test_a_constant_that_claims_a_lot(tmp_path: Path) -> None:
    file = recurrent_file("LSTM")
    del file.arrays["W"]
    shape = numpy_helper.from_array(np.array([2**20, 2**20, 2**20]))
    file.nodes = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["W"], name="huge"),
    ]
    assert "huge (ConstantOfShape) cannot be computed" in refused(file.save(tmp_path / "model.onnx"))


def test_damage(tmp_path: Path) -> None:
    """Bytes changed at random: each file is read or refused, and nothing else happens."""
    path = add(recurrent_file("LSTM", clip=1.0, activations=["Sigmoid", "Tanh", "Tanh"]), "P", 1, 12).save(
        tmp_path / "m.onnx"
    )
    whole, chance, read = path.read_bytes(), np.random.default_rng(7), 0
    for _ in range(400):
        raw = bytearray(whole)
        for _ in range(chance.integers(1, 5)):
            raw[chance.integers(len(raw))] = chance.choice([0, 1, 0x7F, 0xFF, int(chance.integers(256))])
        path.write_bytes(raw)
        try:
            model = unrolled.load(path)
            read += 1
            assert all(remark.isprintable() for remark in (*model.remarks, *model.network.remarks))
        except ModelFileError as error:
            assert str(error).isprintable()  # noqa: PT017 - both outcomes are right
    assert 20 < read < 380
