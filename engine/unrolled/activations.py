"""The activation functions of recurrent layers, by name.

Each comes in two forms: `activation(z)`, to read, and what `activation.prepare(shape, dtype)` gives to the kernel: a
function of z and of the array to write into, which allocates nothing. Sources:
https://keras.io/api/layers/activations/ and, for the older hard sigmoid, `keras/activations.py` of Keras 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array
from unrolled.errors import OptionError

Function: TypeAlias = Callable[[Array], Array]
Into: TypeAlias = Callable[[Array, Array], object]
Prepare: TypeAlias = Callable[[tuple[int, ...], npt.DTypeLike], Into]


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation function.

    Attributes:
        name: What Keras calls it.
        formula: As mathematics, in z.
        function: The function itself, on an array of any shape; it may warn of an overflow that means nothing.
        prepare: The same for the kernel. What it returns is given `sign * z`, and `out`, its scratch paper too.
        sign: -1 where that wants -z, so that the kernel can fold the sign into the weights, which is exact.
        low: The smallest value it can give.
        high: The largest value it can give.
    """

    name: str
    formula: str
    function: Function
    prepare: Prepare
    sign: int = 1
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, z: Array) -> Array:
        """The activation of `z`, a new array of the same shape and dtype."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return self.function(z)

    def prepare_unsigned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
        """What `prepare` gives, but always taking z itself."""
        into = self.prepare(shape, dtype)
        if self.sign == 1:
            return into

        def negate_first(z: Array, out: Array) -> None:
            np.negative(z, out)
            into(out, out)

        return negate_first


def sigmoid(z: Array) -> Array:
    """1/(1+exp(-z)): right to the last digits for a nearly closed gate, where ½+½·tanh(z/2) is not.

    For z far below zero exp(-z) overflows to infinity, and 1/(1+inf) is exactly 0.
    """
    return np.asarray(np.reciprocal(1 + np.exp(-z)))


def relu(z: Array) -> Array:
    """max(z, 0)."""
    return np.asarray(np.maximum(z, 0))


def linear(z: Array) -> Array:
    """Z itself, as a copy."""
    return np.array(z)


def hard_sigmoid(z: Array) -> Array:
    """z/6 + 0.5 between 0 and 1: the hard sigmoid of Keras 3."""
    return np.asarray(np.clip(z / 6 + 0.5, 0, 1))


def hard_sigmoid_keras2(z: Array) -> Array:
    """0.2·z + 0.5 between 0 and 1: the hard sigmoid of Keras 1 and 2."""
    return np.asarray(np.clip(0.2 * z + 0.5, 0, 1))


def _sigmoid_of_negative(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
    ones = np.ones(shape, dtype)  # an array of the same shape costs a third of what a Python scalar does
    exp, add, reciprocal = np.exp, np.add, np.reciprocal

    def into(negative_z: Array, out: Array) -> None:
        exp(negative_z, out)
        add(out, ones, out)
        reciprocal(out, out)

    return into


def _clipped_line(slope: float) -> Prepare:
    def prepare(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
        slopes, halves, zeros, ones = (np.full(shape, value, dtype) for value in (slope, 0.5, 0, 1))

        def into(z: Array, out: Array) -> None:
            np.multiply(z, slopes, out)
            np.add(out, halves, out)
            np.maximum(out, zeros, out=out)
            np.minimum(out, ones, out=out)

        return into

    return prepare


def _relu(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
    zeros = np.zeros(shape, dtype)
    return lambda z, out: np.maximum(z, zeros, out=out)


def _same(function: Into) -> Prepare:
    return lambda _shape, _dtype: function


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("tanh", "tanh(z)", np.tanh, _same(np.tanh), low=-1, high=1),
        Activation("sigmoid", "1/(1+exp(-z))", sigmoid, _sigmoid_of_negative, sign=-1, low=0, high=1),
        Activation("relu", "max(z, 0)", relu, _relu, low=0),
        Activation("linear", "z", linear, _same(lambda z, out: np.copyto(out, z))),
        Activation("hard_sigmoid", "clip(z/6 + 0.5, 0, 1)", hard_sigmoid, _clipped_line(1 / 6), low=0, high=1),
        Activation(
            "hard_sigmoid_keras2",
            "clip(0.2*z + 0.5, 0, 1)",
            hard_sigmoid_keras2,
            _clipped_line(0.2),
            low=0,
            high=1,
        ),
    )
}
"""Every activation by its name."""


def activation_named(name: str, option: str = "activation") -> Activation:
    """The activation called `name`.

    Raises:
        OptionError: If there is none of that name; `option` is the option that the message speaks of.
    """
    if name not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise OptionError(f"{option}: expected one of {known}, got {name!r}")
    return ACTIVATIONS[name]
