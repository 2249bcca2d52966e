"""The activation functions of recurrent layers, by name, with their parameters in brackets where they have any.

Each comes in two forms: `activation(z)`, to read, and what `activation.prepare(shape, dtype)` gives to the kernel: a
function of z and of the array to write into. For the common ones that allocates nothing. Sources:
https://keras.io/api/layers/activations/, `keras/activations.py` of Keras 2 for the older hard sigmoid, and
https://onnx.ai/onnx/operators/onnx__LSTM.html for those with parameters.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
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
        name: What Keras calls it, or else ONNX, in small letters.
        formula: As mathematics, in z.
        function: The function itself, on an array of any shape; it may warn of an overflow that means nothing.
        fast: The same for the kernel, if there is a quicker way. What it returns is given `sign * z`, and `out`, its
            scratch paper too.
        sign: -1 where that wants -z, so that the kernel can fold the sign into the weights, which is exact.
        low: The smallest value it can give.
        high: The largest value it can give.
    """

    name: str
    formula: str
    function: Function
    fast: Prepare | None = None
    sign: int = 1
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, z: Array) -> Array:
        """The activation of `z`, a new array of the same shape and dtype."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return self.function(z)

    @property
    def symbol(self) -> str:
        """How the mathematics writes it: σ for the sigmoid, else its name."""
        return "σ" if self.name == "sigmoid" else self.name

    def prepare(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
        """The activation for the kernel, for arrays of one shape: a function of `sign * z` and of where it goes."""
        if self.fast is not None:
            return self.fast(shape, dtype)
        return lambda z, out: np.copyto(out, self.function(z))

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


def softplus(z: Array) -> Array:
    """log(1 + exp(z)), which does not overflow for large z."""
    return np.asarray(np.logaddexp(z, 0), z.dtype)


def gelu(z: Array) -> Array:
    """z·Φ(z) with the exact Φ, Keras's default, and not the approximation by tanh. NumPy has no erfc."""
    erfc = np.fromiter(map(math.erfc, (-z.ravel() / math.sqrt(2)).tolist()), np.float64, z.size).reshape(z.shape)
    return np.asarray(np.where(np.isneginf(z), 0, z * (erfc / 2)), z.dtype)


def silu(z: Array) -> Array:
    """z·sigmoid(z), and 0 where z is minus infinity."""
    return np.asarray(np.where(np.isneginf(z), 0, z * sigmoid(z)), z.dtype)


def mish(z: Array) -> Array:
    """z·tanh(softplus(z)), and 0 where z is minus infinity."""
    return np.asarray(np.where(np.isneginf(z), 0, z * np.tanh(softplus(z))), z.dtype)


def softsign(z: Array) -> Array:
    """z/(1 + |z|), and ±1 where z is infinite."""
    return np.asarray(np.where(np.isinf(z), np.sign(z), z / (1 + np.abs(z))), z.dtype)


def _sigmoid_of_negative(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
    ones = np.ones(shape, dtype)  # an array of the same shape costs a third of what a Python scalar does
    exp, add, reciprocal = np.exp, np.add, np.reciprocal

    def into(negative_z: Array, out: Array) -> None:
        exp(negative_z, out)
        add(out, ones, out)
        reciprocal(out, out)

    return into


def _clipped_line(slope: float, offset: float) -> Prepare:
    def prepare(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
        slopes, offsets, zeros, ones = (np.full(shape, value, dtype) for value in (slope, offset, 0, 1))

        def into(z: Array, out: Array) -> None:
            np.multiply(z, slopes, out)
            np.add(out, offsets, out)
            np.maximum(out, zeros, out=out)
            np.minimum(out, ones, out=out)

        return into

    return prepare


def _relu(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Into:
    zeros = np.zeros(shape, dtype)
    return lambda z, out: np.maximum(z, zeros, out=out)


def _same(function: Into) -> Prepare:
    return lambda _shape, _dtype: function


def hard_sigmoid(alpha: float, beta: float) -> Activation:
    """A line between 0 and 1. Keras 3 has z/6 + 0.5, Keras 1 and 2 have 0.2·z + 0.5."""
    slope = "z/6" if alpha == 1 / 6 else f"{alpha:g}*z"
    return Activation(
        "hard_sigmoid",
        f"clip({slope} + {beta:g}, 0, 1)",
        lambda z: np.asarray(np.clip(z * z.dtype.type(alpha) + z.dtype.type(beta), 0, 1)),
        _clipped_line(alpha, beta),
        low=0,
        high=1,
    )


def elu(alpha: float, scale: float = 1.0) -> Activation:
    """The exponential linear unit (Clevert et al., 2016); scaled, it is the SELU."""
    return Activation(
        "elu",
        f"{'' if scale == 1 else f'{scale:.4g}*'}(z if z > 0 else {alpha:.4g}*(exp(z) - 1))",
        lambda z: np.asarray(scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))), z.dtype),
        low=-scale * alpha if alpha >= 0 else 0,
    )


def leaky_relu(alpha: float) -> Activation:
    """The identity above 0, alpha·z below. Keras has 0.2, ONNX 0.01 where nothing is said."""
    return Activation(
        "leaky_relu",
        f"z if z >= 0 else {alpha:g}*z",
        lambda z: np.asarray(np.where(z >= 0, z, alpha * z), z.dtype),
        low=0 if alpha <= 0 else -np.inf,
    )


def thresholded_relu(alpha: float) -> Activation:
    """The identity above alpha, else 0."""
    return Activation(
        "thresholded_relu",
        f"z if z > {alpha:g} else 0",
        lambda z: np.asarray(np.where(z <= alpha, 0, z), z.dtype),
        low=min(alpha, 0),
    )


def scaled_tanh(alpha: float, beta: float) -> Activation:
    """alpha·tanh(beta·z)."""
    return Activation(
        "scaled_tanh",
        f"{alpha:g}*tanh({beta:g}*z)",
        lambda z: np.asarray(alpha * np.tanh(beta * z), z.dtype),
        low=-abs(alpha),
        high=abs(alpha),
    )


def affine(alpha: float, beta: float) -> Activation:
    """alpha·z + beta."""
    return Activation("affine", f"{alpha:g}*z + {beta:g}", lambda z: np.asarray(alpha * z + beta, z.dtype))


_SELU = (1.6732632423543772, 1.0507009873554805)  # alpha and scale of Klambauer et al., 2017

ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("tanh", "tanh(z)", np.tanh, _same(np.tanh), low=-1, high=1),
        Activation("sigmoid", "1/(1+exp(-z))", sigmoid, _sigmoid_of_negative, sign=-1, low=0, high=1),
        Activation("relu", "max(z, 0)", relu, _relu, low=0),
        Activation("linear", "z", linear, _same(lambda z, out: np.copyto(out, z))),
        hard_sigmoid(1 / 6, 0.5),
        replace(hard_sigmoid(0.2, 0.5), name="hard_sigmoid_keras2"),
        elu(1.0),
        replace(elu(*_SELU), name="selu"),
        Activation("softplus", "log(1 + exp(z))", softplus, low=0),
        Activation("softsign", "z/(1 + |z|)", softsign, low=-1, high=1),
        Activation("exponential", "exp(z)", np.exp, _same(np.exp), low=0),
        Activation("gelu", "z*(1 + erf(z/sqrt(2)))/2", gelu, low=-0.17),
        Activation("silu", "z/(1+exp(-z))", silu, low=-0.2785),
        Activation("swish", "z/(1+exp(-z))", silu, low=-0.2785),
        Activation("mish", "z*tanh(log(1 + exp(z)))", mish, low=-0.309),
        Activation("relu6", "min(max(z, 0), 6)", lambda z: np.asarray(np.clip(z, 0, 6)), low=0, high=6),
        leaky_relu(0.2),
    )
}
"""Every activation that needs no number beside its name, by its name."""

FAMILIES: dict[str, tuple[int, Callable[..., Activation]]] = {
    "hard_sigmoid": (2, hard_sigmoid),
    "elu": (1, elu),
    "leaky_relu": (1, leaky_relu),
    "thresholded_relu": (1, thresholded_relu),
    "scaled_tanh": (2, scaled_tanh),
    "affine": (2, affine),
}
"""Those with numbers in brackets, such as `leaky_relu(0.01)` or `affine(2, -1)`: how many (ONNX's alpha and beta), and
what makes them."""

_WITH_NUMBERS = re.compile(r"(\w+)\(([^()]{1,100})\)")


@lru_cache(maxsize=256)
def activation_named(name: str, option: str = "activation") -> Activation:
    """The activation called `name`, such as `tanh` or `leaky_relu(0.01)`.

    Raises:
        OptionError: If there is none of that name; `option` is the option that the message speaks of.
    """
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    family, numbers = _parsed(name)
    if family not in FAMILIES:
        known = ", ".join([*ACTIVATIONS, *(f"{each}(…)" for each in FAMILIES if each not in ACTIVATIONS)])
        raise OptionError(f"{option}: expected one of {known}, got {name!r}")
    count, make = FAMILIES[family]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise OptionError(f"{option}: expected {count} finite number{'s' * (count > 1)} in {family}(…), got {name!r}")
    return replace(make(*numbers), name=name)


def _parsed(name: str) -> tuple[str, tuple[float, ...]]:
    """The name and the numbers of `leaky_relu(0.01)`; nan for what is no number."""
    match = _WITH_NUMBERS.fullmatch(name)
    if match is None:
        return name, ()
    return match[1], tuple(map(_number, match[2].split(",")))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
