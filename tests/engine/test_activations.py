"""The activations, to their last digits and at their ends."""

import math
from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt
import pytest

import unrolled
from unrolled import ACTIVATIONS

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
    with pytest.raises(unrolled.OptionError, match=r"^activation: expected one of tanh, .*, got 'gelu'$"):
        unrolled.LSTM(weights, weights, activation="gelu")
    with pytest.raises(unrolled.OptionError, match=r"^recurrent_activation: expected one of .*, got 'swish'$"):
        unrolled.LSTM(weights, weights, recurrent_activation="swish")
