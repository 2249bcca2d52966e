"""ONNX graphs: weights behind operators and in branches, and what stands around the recurrent nodes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from tests.formats.onnx_files import (
    DENSE,
    SQUEEZE,
    Array,
    File,
    constant,
    far,
    follow,
    random_x,
    recurrent_file,
    runtime,
)

import unrolled
from unrolled.network import Dense, Embedding, Foreign, Recurrent
from unrolled.verify import verify

MODELS = Path(__file__).parent / "models" / "onnx"
TOLERANCE = 1e-6

EXPORTS = {
    "ts_lstm_both": [Recurrent, Recurrent, Dense],
    "ts_gru_two": [Recurrent, Recurrent, Dense],
    "ts_rnn_relu": [Recurrent, Dense],
    "ts_last_hidden": [Recurrent, Recurrent, Dense],
    "ts_both_hidden": [Recurrent, Dense],
    "ts_last_timestep": [Recurrent, Dense],
    "ts_words": [Embedding, Recurrent, Dense],
    "dynamo_lstm_both": [Recurrent, Recurrent, Dense],
    "dynamo_gru_two": [Recurrent, Recurrent, Dense],
    "dynamo_last_hidden": [Recurrent, Recurrent, Dense],
    "ts_last_timestep_11": [Recurrent, Dense],
    "ts_last_timestep_20": [Recurrent, Dense],
    "ts_logarithms_11": [Recurrent, Recurrent, Dense, Dense],
    "ts_logarithms_20": [Recurrent, Recurrent, Dense, Dense],
    "ts_both_last_timestep": [Recurrent, Dense],
    "ts_both_ends": [Recurrent, Dense],
    "dynamo_last_timestep": [Recurrent, Recurrent, Dense],
    "dynamo_logarithms": [Recurrent, Dense, Dense],
    "dynamo_both_last_timestep": [Recurrent, Recurrent, Dense],
    "dynamo_both_ends": [Recurrent, Dense],
}


@pytest.mark.parametrize("name", EXPORTS)
def test_what_pytorch_exports(name: str) -> None:
    """From the input to the prediction, beside ONNX Runtime."""
    with np.load(MODELS / f"{name}.expected.npz") as file:
        expected = dict(file)
    model = unrolled.load(MODELS / f"{name}.onnx")
    assert [type(layer) for layer in model.network.layers] == EXPORTS[name]
    assert not model.remarks
    assert not model.network.remarks
    assert model.batch_first
    assert verify(model, expected).agrees
    for x, y in zip(expected["x"], expected["y"], strict=True):
        reading = model.network.read(x)
        times = range(len(x)) if y.ndim == 2 else [len(x) - 1]
        assert far([reading.prediction(t) for t in times], y.reshape(len(times), -1)) <= TOLERANCE


@pytest.mark.parametrize("name", ["export_lstm.ts", "export_lstm.dynamo"])
def test_both_exporters_of_one_model(name: str) -> None:
    expected = np.load(MODELS / "export_lstm.expected.npz")
    model = unrolled.load(MODELS / f"{name}.onnx")
    layer, _ = model.network.layers
    for x, y, h in zip(expected["x"], expected["y"], expected["hseq"], strict=True):
        reading = model.network.read(x)
        assert far(reading.output(layer.name), h) <= TOLERANCE
        assert far([reading.prediction(t) for t in range(len(x))], y) <= TOLERANCE
    assert model.network.parameters == 104


def hidden(file: File, *steps: Any) -> File:
    """The same file with these nodes in front, which give what the recurrent node reads."""
    file.nodes += steps
    return file


def through_transpose() -> File:
    file = recurrent_file("LSTM")
    file.arrays["raw"] = file.arrays.pop("W")[0].T.copy()
    turned = helper.make_node("Transpose", ["raw"], ["turned"], perm=[1, 0])
    return hidden(file, turned, helper.make_node("Unsqueeze", ["turned", "zero"], ["W"]), constant("zero", [0]))


def through_slices() -> File:
    """i, f, g, o as other frameworks have them, sliced and put into ONNX's order."""
    file = recurrent_file("LSTM")
    i, o, f, c = np.split(file.arrays.pop("W"), 4, axis=1)
    file.arrays["raw"] = np.concatenate([i, f, c, o], axis=1)
    steps = [constant("axis", [1])]
    for gate, start in (("i", 0), ("f", 4), ("c", 8), ("o", 12)):
        steps += [constant(f"{gate}_start", [start]), constant(f"{gate}_end", [start + 4])]
        steps.append(helper.make_node("Slice", ["raw", f"{gate}_start", f"{gate}_end", "axis"], [gate]))
    return hidden(file, *steps, helper.make_node("Concat", ["i", "o", "f", "c"], ["W"], axis=1))


def through_split() -> File:
    file = recurrent_file("GRU")
    file.arrays["raw"] = file.arrays.pop("R")
    parts = helper.make_node("Split", ["raw"], ["z", "r", "n"], axis=1)
    return hidden(file, parts, helper.make_node("Concat", ["z", "r", "n"], ["R"], axis=1))


def as_constants() -> File:
    file = recurrent_file("GRU", linear_before_reset=1)
    for name in ("W", "R", "B"):
        file.nodes.append(
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(file.arrays.pop(name)))
        )
    return file


def through_reshape() -> File:
    file = recurrent_file("RNN")
    file.arrays["raw"] = file.arrays.pop("W").reshape(-1)
    file.arrays["cast"] = file.arrays.pop("R").astype(np.float64)
    cast = helper.make_node("Cast", ["cast"], ["R"], to=1)
    return hidden(file, constant("shape", [1, -1, 3]), helper.make_node("Reshape", ["raw", "shape"], ["W"]), cast)


def in_old_opset() -> File:
    """Squeeze and Unsqueeze have their axes as attributes before opset 13."""
    file = recurrent_file("LSTM")
    file.opset = 9
    file.arrays["raw"] = file.arrays.pop("W")
    return hidden(
        file,
        helper.make_node("Squeeze", ["raw"], ["flat"], axes=[0]),
        helper.make_node("Slice", ["flat"], ["same"], starts=[0], ends=[99], axes=[0]),
        helper.make_node("Unsqueeze", ["same"], ["W"], axes=[0]),
    )


def zero_states_of_the_size_of_the_batch() -> File:
    """As exporters write them: zeros of a shape that is computed from the input's."""
    file = recurrent_file("LSTM")
    steps = [
        helper.make_node("Shape", ["X"], ["shape"]),
        constant("one", [1]),
        constant("four", [4]),
        helper.make_node("Gather", ["shape", "one"], ["batch"]),
        helper.make_node("Concat", ["one", "batch", "four"], ["wanted"], axis=0),
        helper.make_node(
            "ConstantOfShape", ["wanted"], ["initial_h"], value=numpy_helper.from_array(np.array([0.25], np.float32))
        ),
        constant("start", np.array([[[0.1, -0.2, 0.3, 0.4]]], np.float32)),
        helper.make_node("Expand", ["start", "wanted"], ["initial_c"]),
    ]
    return hidden(file, *steps)


@pytest.mark.parametrize(
    "make",
    [
        through_transpose,
        through_slices,
        through_split,
        as_constants,
        through_reshape,
        in_old_opset,
        zero_states_of_the_size_of_the_batch,
    ],
)
def test_weights_behind_operators(tmp_path: Path, make: Callable[[], File]) -> None:
    file = make()
    order = {"Constant": 0}
    file.nodes.sort(key=lambda node: order.get(node.op_type, 1))
    path = file.save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["Y"][:, 0]
    model = unrolled.load(path)
    for sample in range(2):
        assert far(model.network.read(x[:, sample]).output("rnn"), theirs[:, sample]) <= TOLERANCE
    assert not model.remarks


def branches(condition: Any, weights_inside: bool = True) -> tuple[Any, dict[str, Array]]:
    """A graph whose LSTM is in the first branch of an If; the other one gives zeros."""
    file = recurrent_file("LSTM")
    tensors = [numpy_helper.from_array(array, name) for name, array in file.arrays.items()]
    y = helper.make_tensor_value_info("Y", 1, None)
    inside = helper.make_graph([file.node], "then", [], [y], tensors if weights_inside else [])
    zeros = helper.make_graph([constant("Y", np.zeros((6, 1, 2, 4), np.float32))], "else", [], [y])
    x = helper.make_tensor_value_info("X", 1, ["T", 2, 3])
    which = helper.make_tensor_value_info("which", 9, [])
    nodes = [constant("told", condition)] if condition is not None else []
    name = "which" if condition is None else "told"
    node = helper.make_node("If", [name], ["out"], then_branch=inside, else_branch=zeros, name="choice")
    graph = helper.make_graph(
        [*nodes, node],
        "g",
        [x] if condition is not None else [x, which],
        [helper.make_tensor_value_info("out", 1, None)],
        [] if weights_inside else tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file.arrays


@pytest.mark.parametrize("weights_inside", [True, False])
def test_weights_in_the_branch_that_runs(tmp_path: Path, weights_inside: bool) -> None:
    proto, _ = branches(np.True_, weights_inside)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    x = random_x()
    model = unrolled.load(path)
    assert far(model.network.read(x[:, 1]).output("rnn"), runtime(path, x)["out"][:, 0, 1]) <= TOLERANCE
    assert not model.remarks


def test_a_branch_that_never_runs_is_not_shown(tmp_path: Path) -> None:
    proto, _ = branches(np.False_)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(unrolled.UnrolledError, match="no LSTM, GRU or RNN operator"):
        unrolled.load(tmp_path / "model.onnx")


def test_the_branch_with_the_layer(tmp_path: Path) -> None:
    proto, arrays = branches(None)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    model = unrolled.load(tmp_path / "model.onnx")
    assert model.network.parameters == sum(array.size for array in arrays.values())
    assert model.remarks == (
        "model.onnx: choice: then_branch is shown; which branch runs depends on the model's input",
    )


def test_what_stands_behind_and_is_not_followed(tmp_path: Path) -> None:
    """What is no Dense layer is told of, and nothing behind it is taken for one."""
    nodes = [
        *SQUEEZE,
        helper.make_node("LayerNormalization", ["h", "scale"], ["n"], name="norm"),
        constant("scale", [1.0]),
    ]
    model = unrolled.load(follow(*nodes, outputs=("n",)).save(tmp_path / "model.onnx"))
    _, foreign = model.network.layers
    assert isinstance(foreign, Foreign)
    assert (foreign.name, foreign.kind) == ("norm", "LayerNormalization")
    assert model.network.read(random_x()[:, 0]).readout is None


@pytest.mark.parametrize(
    "nodes",
    [
        [constant("s", [-1, 4]), helper.make_node("Reshape", ["Y", "s"], ["h"])],
        [*SQUEEZE],
        [constant("s", [0, 2, 4]), helper.make_node("Reshape", ["Y", "s"], ["h"])],
        [
            helper.make_node("Transpose", ["Y"], ["t"], perm=[1, 0, 2, 3]),
            constant("z", [0]),
            helper.make_node("Squeeze", ["t", "z"], ["h"]),
        ],
        [constant("first", 0), helper.make_node("Gather", ["Y", "first"], ["h"], axis=1)],
    ],
)
def test_axes_that_move(tmp_path: Path, nodes: list[Any]) -> None:
    path = follow(*nodes, *DENSE).save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["out"].reshape(6, 2, 2)
    model = unrolled.load(path)
    for sample in range(2):
        reading = model.network.read(x[:, sample])
        assert far([reading.prediction(t) for t in range(6)], theirs[:, sample]) <= TOLERANCE


@pytest.mark.parametrize(
    "nodes",
    [
        [constant("s", [2, 6, 4]), helper.make_node("Reshape", ["Y", "s"], ["h"])],  # T and the batch are mixed
        [
            constant("s", [-1, 2, 1, 2]),
            helper.make_node("Reshape", ["Y", "s"], ["x"]),
            helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1]),
            constant("s2", [-1, 4]),
            helper.make_node("Reshape", ["y", "s2"], ["h"]),
        ],
        [
            constant("second", 1),
            helper.make_node("Gather", ["Y", "second"], ["t"]),
            constant("z", [0]),
            helper.make_node("Squeeze", ["t", "z"], ["h"]),
        ],  # the second timestep is not the last
    ],
)
def test_axes_that_are_mixed_are_not_followed(tmp_path: Path, nodes: list[Any]) -> None:
    path = follow(*nodes, *DENSE).save(tmp_path / "model.onnx")
    runtime(path, random_x())  # it is a graph that runs
    model = unrolled.load(path)
    assert isinstance(model.network.layers[-1], Foreign)


@pytest.mark.parametrize(("direction", "place"), [("forward", -1), ("reverse", 0)])
def test_the_last_timestep(tmp_path: Path, direction: str, place: int) -> None:
    nodes = [
        constant("place", place),
        helper.make_node("Gather", ["Y", "place"], ["t"]),
        constant("z", [0]),
        helper.make_node("Squeeze", ["t", "z"], ["h"]),
    ]
    path = follow(*nodes, *DENSE, direction=direction).save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)["out"]
    model = unrolled.load(path)
    assert [type(layer) for layer in model.network.layers] == [Recurrent, Dense]
    reading = model.network.read(x[:, 1])
    t = 5 if reading.readout is None or not reading.readout.backwards else 0
    assert far(reading.prediction(t), theirs[1]) <= TOLERANCE


@pytest.mark.parametrize(("direction", "place"), [("forward", 0), ("reverse", -1)])
def test_the_other_end_is_not_the_last_timestep(tmp_path: Path, direction: str, place: int) -> None:
    nodes = [
        constant("place", place),
        helper.make_node("Gather", ["Y", "place"], ["t"]),
        constant("z", [0]),
        helper.make_node("Squeeze", ["t", "z"], ["h"]),
    ]
    model = unrolled.load(follow(*nodes, *DENSE, direction=direction).save(tmp_path / "model.onnx"))
    assert isinstance(model.network.layers[-1], Foreign)


def test_what_stands_in_front_and_is_not_followed(tmp_path: Path) -> None:
    file = recurrent_file("GRU")
    file.nodes = [helper.make_node("Relu", ["input"], ["X"], name="rectify")]
    path = file.save(tmp_path / "model.onnx", lambda proto: setattr(proto.graph.input[0], "name", "input"))
    model = unrolled.load(path)
    assert [layer.name for layer in model.network.layers] == ["rectify", "rnn"]
    assert "not computed: rnn behind it reads the array that you give" in model.network.remarks[0]


def test_two_layers_on_one_input(tmp_path: Path) -> None:
    file = recurrent_file("GRU")
    other = helper.make_node("GRU", ["X", "W", "R"], ["Z"], name="other", hidden_size=4)
    file.behind, file.outputs = [other], ("Y", "Z")
    path = file.save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)
    model = unrolled.load(path)
    assert [layer.name for layer in model.network.layers] == ["rnn", "input of other", "other"]
    reading = model.network.read(x[:, 0], layer="other")
    assert far(reading.output("other"), theirs["Z"][:, 0, 0]) <= TOLERANCE
