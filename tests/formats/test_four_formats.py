"""The same weights as Keras, PyTorch, ONNX and NumPy write them: the same trace, bit for bit."""

import json
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.formats.onnx_files import File
from tests.formats.torch_pickles import dictionary, file, storage, tensor

from unrolled import load
from unrolled.export import arrays
from unrolled.layer import RecurrentLayer

Array = np.ndarray[Any, Any]
UNITS, FEATURES, TIMESTEPS = 5, 3, 40
GATES = {"LSTM": "ifgo", "GRU": "zrn", "SimpleRNN": "h"}
TORCH = {"LSTM": "ifgo", "GRU": "rzn", "SimpleRNN": "h"}
ONNX = {"LSTM": "iofg", "GRU": "zrn", "SimpleRNN": "h"}
KERAS_PATH = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}


class Weights:
    """W (units, features), U (units, units) and both biases of each gate, in float32."""

    def __init__(self, cell: str, seed: int) -> None:
        chance = np.random.default_rng(seed)
        self.cell = cell
        sizes = {"W": (UNITS, FEATURES), "U": (UNITS, UNITS), "b": (UNITS,), "c": (UNITS,)}
        self.of = {
            gate: {name: chance.normal(size=size).astype(np.float32) for name, size in sizes.items()}
            for gate in GATES[cell]
        }

    def rows(self, name: str, order: str) -> Array:
        """The blocks of W, U or a bias below each other."""
        return np.concatenate([self.of[gate][name] for gate in order])

    @property
    def keras(self) -> list[Array]:
        """The kernel, the recurrent kernel and the bias as Keras has them: one bias, but two rows for a GRU."""
        order = GATES[self.cell]
        b, c = self.rows("b", order), self.rows("c", order)
        bias = np.stack([b, c]) if self.cell == "GRU" else b + c
        return [self.rows("W", order).T.copy(), self.rows("U", order).T.copy(), bias]

    @property
    def torch(self) -> dict[str, Array]:
        order = TORCH[self.cell]
        names = {"weight_ih_l0": "W", "weight_hh_l0": "U", "bias_ih_l0": "b", "bias_hh_l0": "c"}
        return {name: self.rows(letter, order) for name, letter in names.items()}


def npz(weights: Weights, path: Path) -> Path:
    layer = KERAS_PATH[weights.cell]
    names = (f"{layer}/kernel", f"{layer}/recurrent_kernel", f"{layer}/bias")
    named: dict[str, Any] = dict(zip(names, weights.keras, strict=True))
    np.savez(path.with_suffix(".npz"), **named)
    return path.with_suffix(".npz")


def keras(weights: Weights, path: Path) -> Path:
    with h5py.File(path.with_suffix(".weights.h5"), "w") as out:
        for number, array in enumerate(weights.keras):
            out[f"layers/{KERAS_PATH[weights.cell]}/cell/vars/{number}"] = array
    return path.with_suffix(".weights.h5")


def pickled(weights: Weights, path: Path) -> Path:
    tensors, members = {}, {}
    for number, (name, array) in enumerate(weights.torch.items()):
        key = str(number + 1)
        tensors[name] = tensor(array.shape, of=storage("FloatStorage", key, array.size))
        members[f"data/{key}"] = array.tobytes()
    return file(path.with_suffix(".pt"), dictionary(tensors), members)


def safetensors(weights: Weights, path: Path) -> Path:
    header, data = {}, b""
    for name, array in weights.torch.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    raw = json.dumps(header).encode()
    path.with_suffix(".safetensors").write_bytes(struct.pack("<Q", len(raw)) + raw + data)
    return path.with_suffix(".safetensors")


def onnx(weights: Weights, path: Path) -> Path:
    order = ONNX[weights.cell]
    both = np.concatenate([weights.rows("b", order), weights.rows("c", order)])
    inputs = {"W": weights.rows("W", order)[None], "R": weights.rows("U", order)[None], "B": both[None]}
    options = {"linear_before_reset": 1} if weights.cell == "GRU" else {}
    cell = weights.cell.removeprefix("Simple")
    return File(cell, inputs, {"hidden_size": UNITS, **options}).save(path.with_suffix(".onnx"))


WRITERS = (npz, keras, pickled, safetensors, onnx)


def trace_of(layer: RecurrentLayer[Any]) -> dict[str, Array]:
    x = np.random.default_rng(3).normal(size=(TIMESTEPS, FEATURES)).astype(np.float32)
    return arrays(layer.anatomy, layer.trace(x))


@pytest.mark.parametrize("cell", list(GATES))
def test_the_same_weights_give_the_same_bits(tmp_path: Path, cell: str) -> None:
    weights = Weights(cell, seed=len(cell))
    layers = [load(write(weights, tmp_path / "model")).layers for write in WRITERS]
    assert [len(each) for each in layers] == [1] * len(WRITERS)
    first, *others = (trace_of(each[0].layer) for each in layers)
    assert first["h"].dtype == np.float32
    assert np.abs(first["h"]).max() > 0.1
    for write, other in zip(WRITERS[1:], others, strict=True):
        assert other.keys() == first.keys()
        for name, array in first.items():
            assert array.tobytes() == other[name].tobytes(), f"{write.__name__}: {name}"


def test_the_weights_themselves_are_the_same(tmp_path: Path) -> None:
    """So that the trace is not the same because every format forgets the same half of the weights."""
    weights = Weights("LSTM", seed=4)
    wanted = dict(zip(("kernel", "recurrent_kernel", "bias"), weights.keras, strict=True))
    for write in WRITERS:
        found = load(write(weights, tmp_path / "model")).layers[0].layer.weights
        assert found.keys() == wanted.keys()
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
