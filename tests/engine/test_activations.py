"""The activations, to their last digits and at their ends."""

import importlib
import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper
from tests.engine.layers import Array

import unrolled
from unrolled import ACTIVATIONS
from unrolled.activations import activation_named

Z = [-80.0, -40.0, -20.0, -15.0, -10.0, -3.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 2.0, 10.0, 20.0]


def exact_sigmoid(z: float) -> float:
    with localcontext() as context:
        context.prec = 50
        return float(1 / (1 + (-Decimal(z)).exp()))


def gates_at(z: float, dtype: npt.DTypeLike) -> list[float]:
    """i, f and o of a layer whose pre-activations are all `z`, from the clear form and from the kernel."""
    layer = unrolled.LSTM(np.zeros((1, 4), dtype), np.zeros((1, 4), dtype), np.full(4, z, dtype))
    steps = (layer.step([0.0]), layer.trace([[0.0]])[0])
    return [float(gate[0]) for step in steps for gate in (step.i, step.f, step.o)]


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 3e-7), (np.float64, 5e-16)])
@pytest.mark.parametrize("z", Z)
def test_a_nearly_closed_gate_keeps_its_digits(z: float, dtype: npt.DTypeLike, digits: float) -> None:
    there = float(np.asarray(z, dtype))
    for gate in gates_at(z, dtype):
        assert gate == pytest.approx(exact_sigmoid(there), rel=digits, abs=0)


@pytest.mark.parametrize(
    ("z", "published"), [(-10, 4.539787e-05), (-15, 3.059022e-07), (-20, 2.061154e-09), (-40, 4.248354e-18)]
)
def test_float32_sigmoid_is_not_zero(z: float, published: float) -> None:
    assert gates_at(z, np.float32) == pytest.approx([published] * 6, rel=6e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shut_and_open_gates_are_exact_and_silent(dtype: npt.DTypeLike) -> None:
    assert gates_at(-1e4, dtype) == [0.0] * 6
    assert gates_at(1e4, dtype) == [1.0] * 6
    assert ACTIVATIONS["sigmoid"](np.array([-np.inf, -1e4, np.inf], dtype)).tolist() == [0, 0, 1]


KNOWN = {  # at -10, -2, 0, 0.75 and 10
    "tanh": [math.tanh(-10), math.tanh(-2), 0, math.tanh(0.75), math.tanh(10)],
    "relu": [0, 0, 0, 0.75, 10],
    "linear": [-10, -2, 0, 0.75, 10],
    "hard_sigmoid": [0, 1 / 6, 0.5, 0.625, 1],
    "hard_sigmoid_keras2": [0, 0.1, 0.5, 0.65, 1],
}


@pytest.mark.parametrize("name", list(KNOWN))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(name: str, dtype: npt.DTypeLike) -> None:
    z = np.array([-10, -2, 0, 0.75, 10], dtype)
    value = ACTIVATIONS[name](z)
    assert value.dtype == dtype
    assert value.base is not z
    np.testing.assert_allclose(value, KNOWN[name], rtol=4e-7)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_stays_between_its_bounds_and_lets_nan_through(name: str) -> None:
    activation = ACTIVATIONS[name]
    values = activation(np.linspace(-50, 50, 1001))
    assert activation.low <= values.min()
    assert values.max() <= activation.high
    assert np.isnan(activation(np.array([np.nan]))).all()
    assert activation.name == name


def test_an_unknown_name_lists_the_known() -> None:
    weights = np.zeros((1, 4))
    with pytest.raises(unrolled.OptionError, match=r"^activation: expected one of tanh, .*, got 'softmax'$"):
        unrolled.LSTM(weights, weights, activation="softmax")
    with pytest.raises(unrolled.OptionError, match=r"^recurrent_activation: expected one of .*, got 'Sigmoid'$"):
        unrolled.LSTM(weights, weights, recurrent_activation="Sigmoid")


def onnx_values(name: str, z: Array) -> Array:
    """What ONNX Runtime's operators give, for activations that are none of its recurrent layers."""
    runtime: Any = importlib.import_module("onnxruntime")
    nodes = {
        "selu": [helper.make_node("Selu", ["z"], ["y"])],
        "exponential": [helper.make_node("Exp", ["z"], ["y"])],
        "gelu": [helper.make_node("Gelu", ["z"], ["y"])],
        "silu": [helper.make_node("Sigmoid", ["z"], ["s"]), helper.make_node("Mul", ["z", "s"], ["y"])],
        "mish": [helper.make_node("Mish", ["z"], ["y"])],
        "relu6": [helper.make_node("Relu", ["z"], ["r"]), helper.make_node("Clip", ["r", "", "six"], ["y"])],
    }[name]
    ends = [helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, [None]) for end in ("z", "y")]
    six = [numpy_helper.from_array(np.array(6, np.float32), "six")] if name == "relu6" else []
    graph = helper.make_graph(nodes, "activation", ends[:1], ends[1:], six)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values: Array = session.run(None, {"z": z})[0]
    return values


@pytest.mark.parametrize("name", ["selu", "exponential", "gelu", "silu", "mish", "relu6"])
def test_values_of_onnx_operators(name: str) -> None:
    z = np.linspace(-9, 9, 181, dtype=np.float32)
    np.testing.assert_allclose(ACTIVATIONS[name](z), onnx_values(name, z), rtol=2e-6, atol=2e-6)


def test_the_published_values_of_keras() -> None:  # the examples of keras.ops.gelu, selu, elu and leaky_relu
    z = np.array([-1.0, 0.0, 1.0])
    published = {
        "gelu": [-0.15865525, 0.0, 0.84134475],
        "selu": [-1.11133055, 0.0, 1.05070098],
        "elu": [-0.63212055, 0.0, 1.0],
        "leaky_relu": [-0.2, 0.0, 1.0],
    }
    for name, values in published.items():
        np.testing.assert_allclose(activation_named(name)(z), values, atol=5e-7)
    assert np.array_equal(activation_named("swish")(z), activation_named("silu")(z))


@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky_relu(0.01)", "affine(2, -1)", "scaled_tanh(1.7, 0.5)"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_form_of_the_kernel_gives_the_same(name: str, dtype: npt.DTypeLike) -> None:
    z = np.linspace(-30, 30, 241).astype(dtype)
    activation, out = activation_named(name), np.empty_like(z)
    with np.errstate(over="ignore"):
        activation.prepare_unsigned(z.shape, dtype)(z, out)
    value = activation(z)
    assert value.dtype == dtype
    np.testing.assert_allclose(out, value, rtol=3e-7)
    for axes in (np.zeros(()), z.reshape(1, -1)):
        assert activation(axes.astype(dtype)).shape == axes.shape


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_infinity_stays_a_number(name: str) -> None:
    assert not np.isnan(ACTIVATIONS[name](np.array([-np.inf, np.inf]))).any()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("leaky_relu(x)", r"expected 1 finite number in leaky_relu\(…\), got 'leaky_relu\(x\)'"),
        ("elu(1, 2)", r"expected 1 finite number in elu\(…\)"),
        ("affine", r"expected 2 finite numbers in affine\(…\), got 'affine'"),
        ("affine(1, nan)", r"expected 2 finite numbers in affine\(…\)"),
        ("relu(3)", "expected one of tanh"),
        ("elu()", "expected one of tanh"),
        ("", "expected one of tanh"),
    ],
)
def test_numbers_that_do_not_fit(name: str, message: str) -> None:
    with pytest.raises(unrolled.OptionError, match=message):
        activation_named(name)
