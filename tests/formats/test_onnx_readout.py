"""What stands behind the recurrent node of an ONNX graph and makes a prediction of its output, beside ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tests.formats.onnx_files import DENSE, SQUEEZE, File, constant, far, follow, random_x, recurrent_file, runtime

import unrolled
from unrolled.network import Dense, Foreign, Recurrent
from unrolled.verify import verify

TOLERANCE = 1e-6

BOTH: dict[str, Any] = {"directions": 2, "direction": "bidirectional"}
WIDE = np.linspace(-1, 1, 16).reshape(8, 2).astype(np.float32)


def picked(name: str, source: str, place: Any, axis: int = 0) -> list[Any]:
    """One place of an axis, which then is gone."""
    return [constant(f"{name} place", place), helper.make_node("Gather", [source, f"{name} place"], [name], axis=axis)]


def joined(*names: str) -> list[Any]:
    """Arrays (batch, units) side by side, and a Dense layer on them."""
    gemm = helper.make_node("Gemm", ["h", "kernel", "bias"], ["out"], beta=0.5)
    beside = helper.make_node("Concat", names, ["h"], axis=-1)
    return [beside, constant("kernel", WIDE), constant("bias", np.array([0.3, -0.2], np.float32)), gemm]


BOTH_DIRECTIONS = {
    "the last states": [*picked("f", "Y_h", 0), *picked("b", "Y_h", 1), *joined("f", "b")],
    "the last states, backward first": [*picked("f", "Y_h", 0), *picked("b", "Y_h", 1), *joined("b", "f")],
    "the last states, reshaped": [
        helper.make_node("Transpose", ["Y_h"], ["t"], perm=[1, 0, 2]),
        constant("s", [-1, 8]),
        helper.make_node("Reshape", ["t", "s"], ["h"]),
        *joined("h")[1:],
    ],
    "the last timestep": [
        *picked("last", "Y", -1),
        *picked("f", "last", 0),
        *picked("b", "last", 1),
        *joined("f", "b"),
    ],
    "the last timestep forward, the first one backward": [
        helper.make_node("Transpose", ["Y"], ["t"], perm=[0, 2, 1, 3]),
        constant("s", [0, 0, 8]),
        helper.make_node("Reshape", ["t", "s"], ["every"]),
        *picked("last", "every", -1),
        *picked("first", "every", 0),
        *(constant(name, [value]) for name, value in (("zero", 0), ("four", 4), ("eight", 2**40), ("one", 1))),
        helper.make_node("Slice", ["last", "zero", "four", "one"], ["f"]),
        helper.make_node("Slice", ["first", "four", "eight", "one"], ["b"]),
        *joined("f", "b"),
    ],
}


@pytest.mark.parametrize("name", BOTH_DIRECTIONS)
@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_both_directions_into_one_dense_layer(tmp_path: Path, name: str, cell: str) -> None:
    file = recurrent_file(cell, **BOTH)
    file.behind, file.outputs = BOTH_DIRECTIONS[name], ("out",)
    path = file.save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["out"]
    model = unrolled.load(path)
    assert [type(layer) for layer in model.network.layers] == [Recurrent, Dense]
    assert model.network.recurrent[0].at_last_timestep == (name == "the last timestep")
    assert verify(model, {"x": x, "y": theirs}).agrees
    for sample in range(2):
        reading = model.network.read(x[:, sample])
        assert reading.prediction(4) is None  # it takes the whole sequence
        assert far(reading.prediction(5), theirs[sample]) <= TOLERANCE


OTHER_SHAPES = {
    "a direction's axis stays": [
        DENSE[0],
        helper.make_node("MatMul", ["Y_h", "kernel"], ["out"]),
    ],
    "the last timestep's axis stays": [
        *SQUEEZE,
        *(constant(name, [value]) for name, value in (("last", -1), ("end", 2**40), ("zero", 0))),
        helper.make_node("Slice", ["h", "last", "end", "zero"], ["t"]),
        DENSE[0],
        helper.make_node("MatMul", ["t", "kernel"], ["out"]),
    ],
    "samples and timesteps as one axis": [
        constant("s", [-1, 4]),
        helper.make_node("Reshape", ["Y", "s"], ["h"]),
        *DENSE,
    ],
}


@pytest.mark.parametrize("name", OTHER_SHAPES)
def test_predictions_of_another_shape_are_the_same_numbers(tmp_path: Path, name: str) -> None:
    path = follow(*OTHER_SHAPES[name]).save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["out"]
    model = unrolled.load(path)
    assert verify(model, {"x": x, "y": theirs}).agrees
    assert not verify(model, {"x": x, "y": theirs[..., ::-1]}).agrees


NOT_ALL_OF_IT = {
    "one direction": [*picked("h", "Y_h", 0), *DENSE],
    "their sum": [
        *picked("f", "Y_h", 0),
        *picked("b", "Y_h", 1),
        helper.make_node("Add", ["f", "b"], ["h"], name="both"),
        *DENSE,
    ],
    "one direction twice": [*picked("f", "Y_h", 0), *joined("f", "f")],
    "the first timestep": [*picked("t", "Y", 0), *picked("f", "t", 0), *picked("b", "t", 1), *joined("f", "b")],
    "the wrong axes": [constant("s", [2, 8]), helper.make_node("Reshape", ["Y_h", "s"], ["h"]), *joined("h")[1:]],
    "the last cell state": [*picked("c", "Y_c", 0), helper.make_node("Identity", ["c"], ["h"]), *DENSE],
    "a part of the units": [
        *picked("f", "Y_h", 0),
        *(constant(name, [value]) for name, value in (("two", 2), ("six", 6), ("axis", 1))),
        helper.make_node("Concat", ["f", "f"], ["twice"], axis=1),
        helper.make_node("Slice", ["twice", "two", "six", "axis"], ["h"]),
        *DENSE,
    ],
}


@pytest.mark.parametrize("name", NOT_ALL_OF_IT)
def test_what_is_not_the_output_of_both_directions(tmp_path: Path, name: str) -> None:
    """Nothing is computed then, and it is told what is not."""
    path = follow(*NOT_ALL_OF_IT[name], **BOTH).save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["out"]
    model = unrolled.load(path)
    assert [type(layer) for layer in model.network.layers] == [Recurrent, Foreign]
    assert model.network.read(x[:, 0]).prediction(5) is None
    with pytest.raises(unrolled.ShapeError, match="y: cannot be computed"):
        verify(model, {"x": x, "y": theirs})


ACTIVATIONS: dict[str, tuple[dict[str, Any], int]] = {
    "Softmax": ({}, 17),
    "LogSoftmax": ({}, 17),
    "Sigmoid": ({}, 17),
    "Relu": ({}, 17),
    "Tanh": ({}, 17),
    "Softplus": ({}, 17),
    "Softsign": ({}, 17),
    "LeakyRelu": ({"alpha": 0.3}, 17),
    "Elu": ({"alpha": 0.7}, 17),
    "ThresholdedRelu": ({"alpha": 0.1}, 17),
    "HardSigmoid": ({"alpha": 0.3, "beta": 0.4}, 17),
    "Selu": ({}, 17),
    "Mish": ({}, 18),
    "Gelu": ({}, 20),
}


@pytest.mark.parametrize("op", ACTIVATIONS)
def test_activations(tmp_path: Path, op: str) -> None:
    attributes, opset = ACTIVATIONS[op]
    for told in ({}, attributes):
        bias = [constant("bias", np.array([0.3, -0.2], np.float32)), helper.make_node("Add", ["p", "bias"], ["z"])]
        product = helper.make_node("MatMul", ["h", "kernel"], ["p"])
        file = follow(*SQUEEZE, DENSE[0], product, *bias, helper.make_node(op, ["z"], ["out"], **told))
        file.opset = opset
        path = file.save(tmp_path / "model.onnx")
        x = random_x()
        model = unrolled.load(path)
        assert [type(layer) for layer in model.network.layers] == [Recurrent, Dense]
        assert verify(model, {"x": x, "y": runtime(path, x)["out"]}).agrees


@pytest.mark.parametrize(
    ("op", "attributes", "opset"),
    [
        ("Selu", {"alpha": 1.0}, 17),
        ("Gelu", {"approximate": "tanh"}, 20),
        ("Softmax", {"axis": 0}, 17),
        ("LogSoftmax", {"axis": 1}, 17),
        ("Softmax", {}, 11),  # over the batch too, in those days
    ],
)
def test_activations_that_are_others(tmp_path: Path, op: str, attributes: dict[str, Any], opset: int) -> None:
    nodes = [constant("s", [0, 2, 4]), helper.make_node("Reshape", ["Y", "s"], ["h"]), *DENSE[:1]]
    last = [helper.make_node("MatMul", ["h", "kernel"], ["p"]), helper.make_node(op, ["p"], ["out"], **attributes)]
    file = follow(*nodes, *last)
    file.opset = opset
    path = file.save(tmp_path / "model.onnx")
    runtime(path, random_x())
    model = unrolled.load(path)
    *_, foreign = model.network.layers
    assert [type(layer) for layer in model.network.layers] == [Recurrent, Dense, Foreign]
    assert isinstance(foreign, Foreign)
    assert foreign.kind == op


def from_keras(*behind: Any, states: bool = True) -> File:
    """As tf2onnx writes a Keras model: samples first, with a state and lengths computed from the input's shape."""
    file = follow(*behind)
    file.x_shape = ("N", "T", 3)
    file.nodes = [
        *(constant(name, [value]) for name, value in (("zero", 0), ("one", 1), ("two", 2), ("four", 4))),
        helper.make_node("Transpose", ["input"], ["X"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["shape32"], to=6),
        helper.make_node("Slice", ["shape32", "zero", "one", "zero"], ["batch32"]),
        helper.make_node("Cast", ["batch32"], ["batch"], to=7),
        helper.make_node("Slice", ["shape32", "one", "two", "zero"], ["time32"]),
        helper.make_node("Concat", ["one", "batch", "four"], ["wanted"], axis=0),
        helper.make_node("ConstantOfShape", ["wanted"], ["initial_h"]),
        helper.make_node("Expand", ["zero f", "wanted"], ["initial_c"]),
        helper.make_node("Tile", ["time32", "batch"], ["sequence_lens"]),
    ]
    file.nodes.insert(0, constant("zero f", np.zeros((), np.float32)))
    if not states:
        del file.nodes[-3:]
    return file


def test_what_keras_models_become_with_a_last_output(tmp_path: Path) -> None:
    behind = [
        helper.make_node("Squeeze", ["Y_h", "zero"], ["h"]),
        DENSE[0],
        constant("bias", np.array([0.3, -0.2], np.float32)),
        helper.make_node("MatMul", ["h", "kernel"], ["p"]),
        helper.make_node("Add", ["p", "bias"], ["z"]),
        helper.make_node("Softmax", ["z"], ["out"]),
    ]
    check_keras(from_keras(*behind), tmp_path)
    check_keras(from_keras(*behind, states=False), tmp_path)


def test_what_keras_models_become_with_a_dense_layer_at_each_timestep(tmp_path: Path) -> None:
    """Keras has the timesteps of all samples in one array for it, and its shape is computed."""
    behind = [
        helper.make_node("Squeeze", ["Y", "one"], ["s"]),
        helper.make_node("Transpose", ["s"], ["h"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["h"], ["h shape"]),
        constant("free", [0, 1]),
        helper.make_node("Gather", ["h shape", "free"], ["outer"]),
        helper.make_node("ReduceProd", ["outer"], ["rows"], keepdims=1),
        helper.make_node("Concat", ["rows", "four"], ["flat shape"], axis=0),
        helper.make_node("Reshape", ["h", "flat shape"], ["flat"]),
        DENSE[0],
        helper.make_node("MatMul", ["flat", "kernel"], ["p"]),
        helper.make_node("Concat", ["outer", "two"], ["out shape"], axis=0),
        helper.make_node("Reshape", ["p", "out shape"], ["z"]),
        constant("bias", np.array([0.3, -0.2], np.float32)),
        helper.make_node("Add", ["z", "bias"], ["b"]),
        helper.make_node("Sigmoid", ["b"], ["out"]),
    ]
    check_keras(from_keras(*behind), tmp_path)


def check_keras(file: File, folder: Path) -> None:
    path = file.save(folder / "model.onnx", lambda proto: setattr(proto.graph.input[0], "name", "input"))
    x = random_x(timesteps=5, batch=3).swapaxes(0, 1)
    model = unrolled.load(path)
    assert model.batch_first
    assert not model.remarks
    assert [type(layer) for layer in model.network.layers] == [Recurrent, Dense]
    assert verify(model, {"x": x, "y": runtime(path, x)["out"]}).agrees
