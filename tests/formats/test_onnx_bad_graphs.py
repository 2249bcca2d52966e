"""ONNX files whose attributes, graphs or names do harm."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from tests.formats.onnx_files import add, recurrent_file
from tests.formats.onnx_refused import Edit, attribute, refused, tensor

import unrolled

# Row 34: attributes.


def change(name: str, value: Any) -> Edit:
    """Sets an attribute anew, of whatever type."""

    def edit(proto: Any) -> None:
        node = proto.graph.node[-1]
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return edit


def twice(proto: Any) -> None:
    proto.graph.node[-1].attribute.append(attribute(proto, "hidden_size"))


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (change("hidden_size", 5), "expected 5 units, as hidden_size says, got R of shape (1, 16, 4)"),
        (change("hidden_size", -3), "expected -3 units"),
        (change("hidden_size", 2**40), "units, as hidden_size says"),
        (change("hidden_size", 4.0), "hidden_size: expected a whole number, got a number"),
        (change("hidden_size", "4"), "hidden_size: expected a whole number, got a text"),
        (change("direction", "sideways"), "expected forward, reverse or bidirectional, got sideways"),
        (change("direction", "\x1b[2J"), r"got \x1b[2J"),
        (change("direction", 1), "direction: expected a text, got a whole number"),
        (
            change("direction", "bidirectional"),
            "W: expected shape (2, 16, 3) for 4 units, bidirectional, got (1, 16, 3)",
        ),
        (change("activations", ["Tanh"]), "activations: expected 3, got 1"),
        (change("activations", ["Tanh", "Tanh", "Wave"]), "expected ones of ONNX's own, got Wave"),
        (change("activations", ["Tanh", "Tanh", "Affine"]), "expected alpha and beta for Affine, got none"),
        (change("activations", 3), "activations: expected texts"),
        (change("activation_alpha", "x"), "activation_alpha: expected numbers"),
        (change("clip", float("nan")), "rnn: clip: expected a positive number, got nan"),
        (change("clip", -1.0), "rnn: clip: expected a positive number, got -1"),
        (change("clip", 0.0), "rnn: clip: expected a positive number, got 0"),
        (change("clip", [1.0]), "clip: expected a number, got numbers"),
        (change("layout", 7), "layout: expected 0 or 1, got 7"),
        (change("input_forget", 2), "input_forget: expected 0 or 1, got 2"),
        (change("linear_before_reset", 1), "expected the attributes of LSTM, got linear_before_reset"),
        (change("spin\x9b", 1), r"expected the attributes of LSTM, got spin\x9b"),
        (twice, "hidden_size: expected it once, got it twice"),
    ],
)
def test_attributes(tmp_path: Path, edit: Edit, wanted: str) -> None:
    assert wanted in refused(recurrent_file("LSTM").save(tmp_path / "model.onnx", edit))


@pytest.mark.parametrize("activation", ["Affine", "HardSigmoid"])
def test_alpha_that_is_no_number(tmp_path: Path, activation: str) -> None:
    file = recurrent_file("RNN", activations=[activation], activation_alpha=[float("nan")], activation_beta=[1.0])
    said = refused(file.save(tmp_path / "model.onnx"))
    assert f"rnn: activations: expected finite alpha and beta for {activation}, got nan and 1.0" in said


@pytest.mark.parametrize("lengths", [[-1, 2], [0, 0], [[1, 2]], []])
def test_lengths(tmp_path: Path, lengths: Any) -> None:
    file = recurrent_file("GRU")
    file.arrays["sequence_lens"] = np.array(lengths, np.int32)
    assert "sequence_lens: expected a number of timesteps" in refused(file.save(tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("initial_h", (1, 2, 5)), ("initial_h", (2, 2, 4)), ("initial_c", (4,)), ("P", (1, 8)), ("B", (16,))],
)
def test_shapes(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    path = add(recurrent_file("LSTM"), name, *shape).save(tmp_path / "model.onnx")
    assert f"rnn: {name}: expected shape" in refused(path)


# Row 35: graphs.


def without_w(proto: Any) -> None:
    proto.graph.initializer.remove(tensor(proto, "W"))


def w_as_input(proto: Any) -> None:
    without_w(proto)
    proto.graph.input.append(helper.make_tensor_value_info("W", 1, [1, 16, 3]))


def in_a_circle(proto: Any) -> None:
    without_w(proto)
    nodes = [helper.make_node("Identity", ["a"], ["W"]), helper.make_node("Identity", ["W"], ["a"])]
    nodes += [proto.graph.node[-1]]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def in_another_domain(proto: Any) -> None:
    proto.graph.node[-1].domain = "org.example\x1b]0;x"


def quantized(proto: Any) -> None:
    proto.graph.node[-1].op_type = "DynamicQuantizeLSTM"
    proto.graph.node[-1].domain = "com.microsoft"


def other_operator(proto: Any) -> None:
    proto.graph.node[-1].op_type = "Conv"


def two_values(proto: Any) -> None:
    proto.graph.node.append(proto.graph.node[-1])


def no_opset(proto: Any) -> None:
    del proto.opset_import[:]


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (without_w, "rnn: W: expected numbers in the file, got W, which nothing gives"),
        (w_as_input, "rnn: W: expected numbers in the file, got W, which depends on the model's input"),
        (in_a_circle, "rnn: W: expected numbers in the file, got W, which nothing gives"),
        (
            lambda proto: proto.graph.ClearField("input"),
            "rnn: X: expected a sequence to read, got X, which nothing gives",
        ),
        (in_another_domain, r"got LSTM, which is not ONNX's own but of the domain org.example\x1b]0;x"),
        (quantized, "got DynamicQuantizeLSTM, whose weights are quantized"),
        (other_operator, "no LSTM, GRU or RNN operator in the ONNX graph: got Conv"),
        (two_values, "expected one value for Y, got two"),
        (no_opset, "expected one opset"),
        (lambda proto: setattr(proto.opset_import[0], "version", -1), "expected one opset"),
        (lambda proto: proto.graph.ClearField("node"), "got one without nodes"),
        (lambda proto: proto.ClearField("graph"), "got one without nodes"),
    ],
)
def test_graphs(tmp_path: Path, edit: Edit, wanted: str) -> None:
    assert wanted in refused(recurrent_file("LSTM").save(tmp_path / "model.onnx", edit))


def nested(depth: int) -> Any:
    """An LSTM in an If in an If, and so on."""
    file = recurrent_file("LSTM")
    y = helper.make_tensor_value_info("Y", 1, None)
    tensors = [numpy_helper.from_array(array, name) for name, array in file.arrays.items()]
    graph = helper.make_graph([file.node], "g", [], [y], tensors)
    other = helper.make_graph([], "other", [], [])
    for level in range(depth):
        node = helper.make_node("If", ["which"], [f"Y{level}"], then_branch=graph, else_branch=other, name=f"if{level}")
        graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info(f"Y{level}", 1, None)])
    graph.input.append(helper.make_tensor_value_info("which", 9, []))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize("depth", [8, 28])
def test_graphs_in_graphs(tmp_path: Path, depth: int) -> None:
    (tmp_path / "model.onnx").write_bytes(nested(depth).SerializeToString())
    assert "expected graphs nested at most 8 deep" in refused(tmp_path / "model.onnx")


def test_an_unrolled_layer(tmp_path: Path) -> None:
    name = "dynamo_unrolled_rnn.onnx"
    source = Path(__file__).parent / "models" / "onnx" / name
    (tmp_path / name).write_bytes(source.read_bytes())
    said = refused(tmp_path / name)
    assert "no LSTM, GRU or RNN operator" in said
    assert "unrolled it to MatMul and Tanh" in said


@pytest.mark.parametrize("count", [20_001, 2_000_000])
def test_too_many_nodes(tmp_path: Path, count: int) -> None:
    nodes = b"\x0a\x00" * count
    size = len(nodes)
    length = b""
    while size:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08\x3a" + length + nodes)
    assert "expected a graph of at most 20,000 nodes" in refused(tmp_path / "model.onnx")


def test_a_long_chain_of_constants(tmp_path: Path) -> None:
    file = recurrent_file("LSTM")
    file.arrays["w0"] = file.arrays.pop("W")
    file.nodes = [helper.make_node("Identity", [f"w{n}"], [f"w{n + 1}"]) for n in range(5000)]
    file.nodes.append(helper.make_node("Identity", ["w5000"], ["W"]))
    assert "expected constants of at most 200 operators" in refused(file.save(tmp_path / "model.onnx"))


# Row 36, and names.


def test_an_operator_that_is_no_text(tmp_path: Path) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "model.onnx")
    path.write_bytes(path.read_bytes().replace(b"\x22\x04LSTM", b"\x22\x04LS\xff\xfe"))
    assert r"node 1: expected an operator in UTF-8, got LS\xff\xfe" in refused(path)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("lstm\x1b[2J", r"lstm\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb\0", r"a\nb\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("[/] [@click=app.quit]x[/]", "[/] [@click=app.quit]x[/]"),
        ("x" * 1_000_000, "x" * 60 + "…"),
        ("", "lstm_1"),
        ("漢字", "漢字"),
    ],
)
def test_names_are_shown_and_never_sent(tmp_path: Path, name: str, shown: str) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "m.onnx", lambda proto: setattr(proto.graph.node[-1], "name", name))
    assert unrolled.load(path).layers[0].name == shown


HOSTILE = [
    "a\x1b[2J",
    "\x1b]52;c;x\x07",
    "\x9b31m",
    "a\nb\0",
    "\u202egnp",
    "a\u200bb",
    "[/]",
    "x" * 100_000,
    "a" + "\u0301" * 500,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_arrays_are_shown_and_never_sent(tmp_path: Path, name: str) -> None:
    """Those of inputs, outputs, tensors, operators and domains, in remarks and in errors."""
    file = add(recurrent_file("GRU"), "initial_h", 1, 2, 4)
    file.arrays["W"][0, 0, 0] = np.nan
    file.behind = [helper.make_node("Relu", ["Y"], ["out"], name=name), helper.make_node(name, ["out"], [name])]
    file.outputs = (name,)

    def rename(proto: Any) -> None:
        proto.graph.initializer.remove(tensor(proto, "initial_h"))
        proto.graph.input.append(helper.make_tensor_value_info(name, 1, [1, 2, 4]))
        next(node for node in proto.graph.node if node.op_type == "GRU").input[5] = name
        proto.graph.node[-1].output[0] = f"{name}!"
        proto.graph.output[0].name = f"{name}!"

    model = unrolled.load(file.save(tmp_path / "model.onnx", rename))
    told = (*model.remarks, *model.network.remarks, *(layer.name for layer in model.network.layers))
    assert len(model.remarks) == 2
    assert all(sentence.isprintable() and len(sentence) < 300 for sentence in told)

    def lose(proto: Any) -> None:
        rename(proto)
        next(node for node in proto.graph.node if node.op_type == "GRU").input[1] = f"{name}?"

    said = refused(file.save(tmp_path / "model.onnx", lose))
    assert said.isprintable()
    assert "W: expected numbers in the file" in said


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    file = recurrent_file("LSTM")
    file.name = "abcdefgh"
    path = file.save(tmp_path / "model.onnx")
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abc\xff\xfegh"[:7] + b"i"))
    assert unrolled.load(path).layers[0].name == r"abc\xff\xfeghi"
