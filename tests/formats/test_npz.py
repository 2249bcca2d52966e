"""Models in .npz files: those that load, and those that must not."""

import io
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.formats.hostile import patched
from tests.formats.keras_models import FOLDER, Case, case, distance

import unrolled
from unrolled import LSTM, Model, ModelFileError
from unrolled.choices import Choices
from unrolled.files import UnreadableError
from unrolled.formats.tensors import check_total, tensor

LAYER = LSTM.initialize(units=3, features=2, seed=1)


def save(path: Path, **changes: Any) -> Path:
    arrays = {**LAYER.weights, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def problem(path: Path | str) -> str:
    """What is said of the file, without its name."""
    with pytest.raises(ModelFileError) as caught:
        unrolled.load(path)
    sentence = str(caught.value)
    assert sentence.isprintable()
    return sentence.partition(": ")[2]


def only_layer(model: Model) -> LSTM:
    (named,) = model.layers
    assert isinstance(named.layer, LSTM)
    return named.layer


def test_a_layer_comes_back_bit_for_bit(tmp_path: Path) -> None:
    model = unrolled.load(save(tmp_path / "model.npz"))
    layer = only_layer(model)
    assert model.name == "model.npz"
    assert model.layers[0].name == "lstm"
    assert model.remarks == (
        "model.npz: the activation is not in the file: taken tanh; --activation says otherwise",
        "model.npz: the activation of the gates is not in the file: taken sigmoid; "
        "--recurrent-activation says otherwise",
    )
    assert all(np.array_equal(layer.weights[name], array) for name, array in LAYER.weights.items())
    assert (layer.activation, layer.recurrent_activation) == ("tanh", "sigmoid")


def test_no_bias_and_other_activations(tmp_path: Path) -> None:
    path = save(tmp_path / "m.npz", bias=None, activation="relu", recurrent_activation=b"hard_sigmoid")
    layer = only_layer(unrolled.load(str(path)))
    assert layer.bias is None
    assert (layer.activation, layer.recurrent_activation) == ("relu", "hard_sigmoid")


def test_the_name_of_the_file_does_not_matter(tmp_path: Path) -> None:
    save(tmp_path / "model.npz").rename(tmp_path / "model.keras")
    assert only_layer(unrolled.load(tmp_path / "model.keras")).units == 3


def test_other_types_and_byte_orders(tmp_path: Path) -> None:
    half = {name: array.astype(np.float16) for name, array in LAYER.weights.items()}
    model = unrolled.load(save(tmp_path / "half.npz", **half))
    assert only_layer(model).dtype == np.float32
    assert "half.npz: bias is stored as float16, stepped in float32" in model.remarks
    swapped = {name: array.astype(">f4") for name, array in LAYER.weights.items()}
    assert only_layer(unrolled.load(save(tmp_path / "big.npz", **swapped))).dtype == np.dtype("float32")


def test_weights_that_are_not_finite_load_with_a_remark(tmp_path: Path) -> None:
    kernel = LAYER.kernel.copy()
    kernel[1, 4] = np.nan
    kernel[1, 5] = np.inf
    model = unrolled.load(save(tmp_path / "m.npz", kernel=kernel))
    assert model.remarks[-1] == "m.npz: kernel: 2 values are not finite, the first is nan at [1, 4]"


def test_what_the_file_says_is_not_asked_for(tmp_path: Path) -> None:
    assert not unrolled.load(save(tmp_path / "m.npz", activation="relu", recurrent_activation="sigmoid")).remarks


@pytest.mark.parametrize("name", ["bilstm2", "gru", "lstm4"])
def test_parameters_by_the_names_of_pytorch(name: str) -> None:
    model = unrolled.load(FOLDER / "npz" / f"{name}.npz")
    expected = Case(FOLDER / "torch" / f"{name}.npz").expected
    assert model.framework == "PyTorch"
    assert distance(model, expected) <= 1e-6
    assert model.network.parameters == json.loads(str(expected["meta"]))["params"]


def test_a_layer_of_pytorch_that_is_not_whole(tmp_path: Path) -> None:
    with np.load(FOLDER / "npz" / "bilstm2.npz") as file:
        arrays = dict(file)
    gone = next(name for name in arrays if name.endswith("weight_hh_l0_reverse"))
    np.savez(tmp_path / "m.npz", **{name: array for name, array in arrays.items() if name != gone})
    assert problem(tmp_path / "m.npz").startswith("expected weight_hh_l0_reverse")


@pytest.mark.parametrize("name", ["lstm3.h5", "bilstm_concat.h5", "gru_before.h5", "simple_rnn.h5"])
def test_parameters_by_the_names_of_keras(tmp_path: Path, name: str) -> None:
    one = case(f"keras2/{name}")
    arrays: dict[str, Any] = {}
    with h5py.File(one.path) as file:

        def take(path: str, found: object) -> None:
            if isinstance(found, h5py.Dataset):
                arrays[path.partition("/")[2]] = found[()]

        file["model_weights"].visititems(take)
    np.savez(tmp_path / "m.npz", **arrays)
    choices = Choices(activation="relu" if "simple" in name else None)
    assert distance(unrolled.load(tmp_path / "m.npz", choices), one.expected) <= 1e-6


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kernel": None}, "expected the arrays kernel and recurrent_kernel, and bias, activation and recurrent_acti"),
        ({"gamma\x1b": np.zeros(2)}, "expected the arrays kernel and recurrent_kernel"),
        (
            {"kernel": np.zeros((2, 8))},
            "kernel: expected shape (features, 12) beside a recurrent_kernel of shape (3, 12)",
        ),
        ({"recurrent_kernel": np.zeros((3, 11))}, "recurrent_kernel: expected shape (units, 4·units), got (3, 11)"),
        ({"bias": np.zeros(3)}, "bias: expected shape (12,) beside a recurrent_kernel of shape (3, 12), got (3,)"),
        ({"kernel": np.zeros(12)}, "kernel: expected 2 axes, got shape (12,)"),
        ({"kernel": np.array([[print]])}, "array kernel: expected plain numbers, got pickled Python objects"),
        ({"kernel": np.zeros((2, 12), complex)}, "array kernel: expected real numbers, got complex numbers"),
        ({"bias": np.array("tanh")}, "array bias: expected real numbers, got text"),
        ({"activation": "os.system\x1b"}, "activation: expected one of tanh, sigmoid, relu"),
        ({"activation": np.zeros(())}, "activation: expected the name of an activation, got float64"),
        ({"activation": np.array(["tanh"])}, "array activation: expected real numbers, got text"),
        ({"activation": "a" * 5000}, "activation: expected the name of an activation, got <U5000"),
    ],
)
def test_arrays_that_make_no_layer(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    assert problem(save(tmp_path / "m.npz", **changes)).startswith(expected)


def test_what_was_found_instead_is_listed(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", W=np.zeros(2), U=np.zeros(2))
    assert problem(tmp_path / "m.npz").endswith("got W, U")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "expected a Keras, PyTorch, ONNX or .npz model, got a PNG picture"),
        (b"\x93NUMPY\x01\0", "expected a Keras, PyTorch, ONNX or .npz model, got a .npy array"),
        (b"\n <html>404", "expected a Keras, PyTorch, ONNX or .npz model, got a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "expected a Keras, PyTorch, ONNX or .npz model, got a Git LFS pointer",
        ),
        (
            b"\x80\x02}q\0.",
            "expected a file of torch.save, got a Python pickle, which is never loaded",
        ),
        (b"PK\x05\x06" + bytes(18), "expected a Keras, PyTorch, ONNX or .npz model, got an empty zip archive"),
        (b"PK\x03\x04" + bytes(40), "the zip archive is damaged or cut short"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, raw: bytes, expected: str) -> None:
    (tmp_path / "m.npz").write_bytes(raw)
    assert problem(tmp_path / "m.npz").startswith(expected)


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problem(tmp_path) == "expected a file, got a directory"
    assert problem(tmp_path / "pipe") == "expected a file, got a pipe"
    assert problem("/dev/zero") == "expected a file, got a device"
    assert problem(tmp_path / "missing\x1b.npz") == "there is no such file"


def test_a_file_cut_short_or_with_a_flipped_byte(tmp_path: Path) -> None:
    whole = save(tmp_path / "m.npz").read_bytes()
    for length in range(4, len(whole), 97):
        (tmp_path / "m.npz").write_bytes(whole[:length])
        assert problem(tmp_path / "m.npz")
    middle = whole.index(b"NUMPY") + 200
    (tmp_path / "m.npz").write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert problem(tmp_path / "m.npz").startswith("the zip archive is damaged or cut short: Bad CRC-32")


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


def npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_an_archive_that_unpacks_to_far_more_than_it_is(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.npz", {"kernel.npy": npy(np.zeros(3 << 20))})
    assert path.stat().st_size < 100_000
    assert problem(path).startswith("expected at most 200 times its size when unpacked, got a zip archive that claims")


def test_an_archive_that_claims_more_than_a_gibibyte(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "m.npz", {"kernel.npy": npy(np.zeros(3))}), 24, b"\x01\x00\x00\x40")
    told = "expected at most 1 GiB (1,073,741,824 bytes) when unpacked, got a zip archive that claims 1,073,741,825"
    assert problem(path) == told


def test_weights_that_are_a_little_too_many() -> None:
    with pytest.raises(UnreadableError, match=r"at most 1 GiB \(1,073,741,824 bytes\), got 1,073,741,828"):
        check_total([tensor(((1 << 28) + 1,), "float32", lambda: np.zeros(1))])


def test_an_archive_that_claims_less_than_it_is(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "m.npz", {"kernel.npy": npy(np.zeros(300))}), 24, b"\x90\0\0\0")
    assert problem(path).startswith("the zip archive is damaged or cut short")


def test_members_that_are_encrypted_or_packed_otherwise(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.npz", {"kernel.npy": npy(np.zeros(3))})
    assert problem(patched(path, 8, b"\x01")) == "kernel.npy is encrypted"
    path = zipped(tmp_path / "m.npz", {"kernel.npy": npy(np.zeros(3))}, zipfile.ZIP_BZIP2)
    assert problem(path) == "kernel.npy is packed in a way other than deflate"
    assert problem(patched(path, 10, b"\x63")) == "kernel.npy is packed in a way other than deflate"


def test_two_members_of_one_name(tmp_path: Path) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("kernel.npy", npy(np.zeros(3)))
        archive.writestr("kernel.npy", npy(np.ones(3)))
    assert problem(tmp_path / "m.npz") == "the zip archive has two members called kernel.npy"


def test_members_that_are_no_arrays(tmp_path: Path) -> None:
    assert problem(zipped(tmp_path / "a", {"kernel.npy": npy(np.zeros(3)), "readme": b""})) == (
        "expected only .npy arrays in the archive, got readme"
    )
    assert problem(zipped(tmp_path / "c", {"readme": b""})) == (
        "expected a Keras, PyTorch, ONNX or .npz model, got a zip archive without one"
    )
    assert problem(zipped(tmp_path / "b", {"\x1b.npy": b"hello"})) == (
        r"array \x1b: expected a .npy array, got something else"
    )


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.archives.MOST_MEMBERS", 50)
    path = zipped(tmp_path / "m.npz", {f"{number}.npy": b"" for number in range(51)})
    assert problem(path) == "expected a zip archive of at most 50 members, got 51"
    monkeypatch.setattr("unrolled.archives._MOST_DIRECTORY_BYTES", 1000)
    assert problem(path) == "expected a zip archive of at most 50 members, got a larger directory"


def test_members_outside_of_the_folder_are_only_names(tmp_path: Path) -> None:
    assert problem(zipped(tmp_path / "m.npz", {"../../x.npy": npy(np.zeros(3))})).endswith("got ../../x")
    assert not (tmp_path.parent.parent / "x.npy").exists()
