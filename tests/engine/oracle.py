"""ONNX Runtime's LSTM, GRU and RNN, an implementation that shares nothing with ours."""

import importlib
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from tests.engine.layers import Array, Layer

from unrolled import GRU, LSTM, SimpleRNN

# The names of https://onnx.ai/onnx/operators/onnx__LSTM.html, with alpha and beta for those that take them.
ONNX_ACTIVATIONS: dict[str, tuple[str, list[float], list[float]]] = {
    "tanh": ("Tanh", [], []),
    "sigmoid": ("Sigmoid", [], []),
    "relu": ("Relu", [], []),
    "linear": ("Affine", [1.0], [0.0]),
    "hard_sigmoid": ("HardSigmoid", [1 / 6], [0.5]),
    "hard_sigmoid_keras2": ("HardSigmoid", [0.2], [0.5]),
    "elu": ("Elu", [1.0], []),
    "softplus": ("Softplus", [], []),
    "softsign": ("Softsign", [], []),
    "leaky_relu": ("LeakyRelu", [0.2], []),
    "leaky_relu(0.01)": ("LeakyRelu", [0.01], []),
    "thresholded_relu(0.3)": ("ThresholdedRelu", [0.3], []),
    "scaled_tanh(1.2, 0.7)": ("ScaledTanh", [1.2], [0.7]),
    "hard_sigmoid(0.3, 0.4)": ("HardSigmoid", [0.3], [0.4]),
    "elu(0.5)": ("Elu", [0.5], []),
    "affine(0.8, -0.1)": ("Affine", [0.8], [-0.1]),
}

UNREAD = 9.0
"""What stands in the blocks of a coupled layer's forget gate, which ONNX has and must not use."""


def onnx_run(layer: Layer, xs: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """Every h_t, (T, batch, units), and an LSTM's last c, as ONNX Runtime computes them, in float32."""
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(_model(layer).SerializeToString(), options, ["CPUExecutionProvider"])
    inputs = {"X": xs} | {name: array[None] for name, array in zip("hc", state, strict=False)}
    every_h, *last_c = session.run(None, inputs)
    return every_h[:, 0], *(array[0] for array in last_c)


def _model(layer: Layer) -> onnx.ModelProto:
    states = layer.anatomy.carries
    weights = _weights(layer)
    arguments = ["X", *(name if name in weights else "" for name in ("W", "R", "B")), "", *states]
    outputs = ["Y", "", "Y_c"] if "c" in states else ["Y"]
    node = helper.make_node(
        {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}[layer.anatomy.cell],
        [*arguments, "P"] if "P" in weights else arguments,
        outputs,
        hidden_size=layer.units,
        **_attributes(layer),
    )
    tensors = [numpy_helper.from_array(np.ascontiguousarray(array[None]), name) for name, array in weights.items()]
    given = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 3) for name in ("X", *states)]
    made = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs if name]
    graph = helper.make_graph([node], "cell", given, made, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def _attributes(layer: Layer) -> dict[str, Any]:
    attributes: dict[str, Any] = {} if layer.clip is None else {"clip": layer.clip}
    match layer:
        case LSTM():
            names = [layer.recurrent_activation, layer.activation, layer.output_activation or layer.activation]
            attributes["input_forget"] = int(layer.coupled)
        case GRU():
            names = [layer.recurrent_activation, layer.activation]
            attributes["linear_before_reset"] = int(layer.reset_after)
        case SimpleRNN():
            names = [layer.activation]
    chosen = [ONNX_ACTIVATIONS[name] for name in names]
    return attributes | {
        "activations": [name for name, _, _ in chosen],
        "activation_alpha": [number for _, alpha, _ in chosen for number in alpha] or None,
        "activation_beta": [number for _, _, beta in chosen for number in beta] or None,
    }


def _weights(layer: Layer) -> dict[str, Array]:
    """ONNX has a row for each gate and unit, an LSTM's in the order i, o, f, c, and two biases, which it adds."""
    width = layer.recurrent_kernel.shape[1]
    bias: Array = np.zeros(width, np.float32) if layer.bias is None else layer.bias
    first = np.linspace(-0.1, 0.1, width, dtype=np.float32)
    if bias.ndim == 1:
        bias = np.stack([first, bias - first])
    arrays = {
        "W": _in_onnx_order(layer, layer.kernel),
        "R": _in_onnx_order(layer, layer.recurrent_kernel),
        "B": np.concatenate([_in_onnx_order(layer, row) for row in (bias[0], bias[1])]),
    }
    if isinstance(layer, GRU) and layer.reset_after and layer.bias is None:
        del arrays["B"]  # the second row alone would not be nothing
    if isinstance(layer, LSTM) and layer.peepholes is not None:
        i, *f, o = layer.peepholes
        arrays["P"] = np.concatenate([i, o, *(f or [np.full_like(i, UNREAD)])])
    return arrays


def _in_onnx_order(layer: Layer, weights: Array) -> Array:
    if not isinstance(layer, LSTM):
        return weights.T
    i, *f, g, o = np.split(weights, len(layer.anatomy.gates), axis=-1)
    return np.concatenate([i, o, *(f or [np.full_like(i, UNREAD)]), g], axis=-1).T
