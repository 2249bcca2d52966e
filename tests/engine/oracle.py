"""ONNX Runtime's LSTM, an implementation that shares nothing with ours."""

import importlib
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from tests.engine.layers import Array

from unrolled import LSTM

# The names of https://onnx.ai/onnx/operators/onnx__LSTM.html, with alpha and beta for those that take them.
ONNX_ACTIVATIONS: dict[str, tuple[str, list[float], list[float]]] = {
    "tanh": ("Tanh", [], []),
    "sigmoid": ("Sigmoid", [], []),
    "relu": ("Relu", [], []),
    "linear": ("Affine", [1.0], [0.0]),
    "hard_sigmoid": ("HardSigmoid", [1 / 6], [0.5]),
    "hard_sigmoid_keras2": ("HardSigmoid", [0.2], [0.5]),
}


def onnx_lstm(layer: LSTM, xs: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """Every h_t, (T, batch, units), and the last c of `layer` as ONNX Runtime computes them, in float32."""
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(_model(layer).SerializeToString(), options, ["CPUExecutionProvider"])
    every_h, last_c = session.run(["Y", "Y_c"], {"X": xs, "h": h[None], "c": c[None]})
    return every_h[:, 0], last_c[0]


def _model(layer: LSTM) -> onnx.ModelProto:
    chosen = [ONNX_ACTIVATIONS[name] for name in (layer.recurrent_activation, layer.activation, layer.activation)]
    node = helper.make_node(
        "LSTM",
        ["X", "W", "R", "B", "", "h", "c"],
        ["Y", "", "Y_c"],
        hidden_size=layer.units,
        activations=[name for name, _, _ in chosen],
        activation_alpha=[number for _, alpha, _ in chosen for number in alpha] or None,
        activation_beta=[number for _, _, beta in chosen for number in beta] or None,
    )
    inputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 3) for name in ("X", "h", "c")]
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("Y", "Y_c")]
    graph = helper.make_graph([node], "lstm", inputs, outputs, _weights(layer))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def _weights(layer: LSTM) -> list[onnx.TensorProto]:
    """ONNX has a row for each gate and unit, the gates in the order i, o, f, c, and two biases, which it adds."""
    bias = np.zeros(4 * layer.units, np.float32) if layer.bias is None else layer.bias
    first = np.linspace(-0.1, 0.1, 4 * layer.units, dtype=np.float32)
    arrays = {
        "W": _in_onnx_order(layer.kernel),
        "R": _in_onnx_order(layer.recurrent_kernel),
        "B": np.concatenate([_in_onnx_order(first), _in_onnx_order(bias - first)]),
    }
    return [numpy_helper.from_array(np.ascontiguousarray(array[None]), name) for name, array in arrays.items()]


def _in_onnx_order(weights: Array) -> Array:
    i, f, g, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, o, f, g], axis=-1).T
