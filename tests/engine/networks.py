"""Networks, and oracles for them, that several tests share."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from tests.engine.layers import Array

from unrolled import GRU, LSTM, RecurrentLayer, SimpleRNN
from unrolled.network import Dense, Embedding, Masking, Network, NetworkLayer, Recurrent, Unchanged

CELLS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}


@dataclass(frozen=True, eq=False, slots=True)
class KerasCase:
    """A network with random weights, and what Keras made of `x`, (samples, T, …): see `keras_cases`."""

    network: Network
    parameters: int
    batch_size: int | None
    x: Array
    outputs: dict[str, Array]
    y: Array


def keras_cases() -> dict[str, KerasCase]:
    """The networks of `keras_networks.npz`, whose numbers Keras 3.15.1 computed on PyTorch.

    `outputs` holds what it passed from each recurrent layer to the next one, `y` the output of the model.
    """
    with np.load(Path(__file__).with_name("keras_networks.npz")) as archive:
        arrays = dict(archive)
    cases = json.loads(str(arrays.pop("meta")))["cases"]
    return {name: _keras_case(name, case, arrays) for name, case in cases.items()}


def _keras_case(name: str, case: dict[str, Any], arrays: dict[str, Array]) -> KerasCase:
    layers = tuple(_keras_layer(dict(spec), name, arrays) for spec in case["layers"])
    out = f"{name}/out/"
    outputs = {key.removeprefix(out): array for key, array in arrays.items() if key.startswith(out)}
    return KerasCase(Network(layers), case["parameters"], case["batch"], arrays[f"{name}/x"], outputs, outputs.pop("y"))


def _keras_layer(spec: dict[str, Any], case: str, arrays: dict[str, Array]) -> NetworkLayer:
    def weights(name: str) -> Iterator[Array]:
        return (arrays[key] for key in (f"{case}/{name}/{number}" for number in range(3)) if key in arrays)

    kind, name = spec.pop("kind"), spec["name"]
    match kind:
        case "Embedding":
            return Embedding(table=next(weights(name)), **spec)
        case "Masking":
            return Masking(**spec)
        case "Dense":
            kernel, bias = weights(name)
            return Dense(kernel=kernel, bias=bias, **spec)
        case "Recurrent":
            cell: Any = CELLS[spec.pop("cell")]
            if spec.pop("bidirectional", False):
                return Recurrent(
                    forward=cell(*weights(f"{name}/forward")), backward=cell(*weights(f"{name}/backward")), **spec
                )
            return Recurrent(forward=cell(*weights(name)), **spec)
    return Unchanged(name, spec["of"])


def onnx_outputs(layers: list[tuple[LSTM, LSTM | None]], xs: Array, lengths: Array, direction: str) -> list[Array]:
    """What ONNX Runtime makes of stacked LSTMs, (batch, T, directions·units) for each.

    Args:
        layers: The forward and the backward layer of each; the forward one alone, if `direction` is not both.
        xs: The input, (batch, T, features).
        lengths: The number of timesteps of each sequence, (batch,).
        direction: forward, reverse or bidirectional.
    """
    nodes, weights, given = [], [], "x"
    for number, pair in enumerate(layers):
        both = [layer for layer in pair if layer is not None]
        prefix = f"l{number}"
        weights += [
            numpy_helper.from_array(np.stack(arrays), f"{prefix}{letter}")
            for letter, arrays in zip("WRB", zip(*map(_onnx_weights, both), strict=True), strict=True)
        ]
        operands = [given, *(f"{prefix}{letter}" for letter in "WRB"), "lengths"]
        nodes.append(helper.make_node("LSTM", operands, [f"{prefix}Y"], hidden_size=both[0].units, direction=direction))
        # (T, directions, batch, units) to (T, batch, directions·units), as the next one reads it
        nodes.append(helper.make_node("Transpose", [f"{prefix}Y"], [f"{prefix}T"], perm=[0, 2, 1, 3]))
        nodes.append(helper.make_node("Reshape", [f"{prefix}T", "joined"], [f"{prefix}out"]))
        given = f"{prefix}out"
    weights.append(numpy_helper.from_array(np.array([0, 0, -1], np.int64), "joined"))
    return _run_onnx(nodes, weights, xs, lengths, [f"l{number}out" for number in range(len(layers))])


def _run_onnx(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], xs: Array, lengths: Array, names: list[str]
) -> list[Array]:
    inputs = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None] * 3),
        helper.make_tensor_value_info("lengths", onnx.TensorProto.INT32, [None]),
    ]
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    found = session.run(names, {"x": xs.swapaxes(0, 1), "lengths": lengths.astype(np.int32)})
    return [array.swapaxes(0, 1) for array in found]


def _onnx_weights(layer: LSTM) -> tuple[Array, Array, Array]:
    """W, R and B, whose gates are in the order i, o, f, c; B has two biases, which are added."""

    def in_order(weights: Array) -> Array:
        i, f, g, o = np.split(weights, 4, axis=-1)
        return np.ascontiguousarray(np.concatenate([i, o, f, g], axis=-1).T)

    assert layer.bias is not None
    bias = in_order(layer.bias)
    return in_order(layer.kernel), in_order(layer.recurrent_kernel), np.concatenate([bias, 0 * bias])


def every_h(layer: RecurrentLayer[Any], xs: Array) -> Array:
    """Every h_t by the clear form of the arithmetic, a timestep after the other; (0, outputs) for no timestep."""
    steps = [step.h for step in layer.unroll(iter(xs))]
    return np.array(steps).reshape(len(steps), layer.outputs)
