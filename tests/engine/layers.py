"""Layers, inputs and comparisons that the engine's tests share."""

from dataclasses import fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from unrolled import GRU, LSTM, SimpleRNN

Array = npt.NDArray[Any]
Layer: TypeAlias = LSTM | GRU | SimpleRNN

FIELDS = ("x", "h_previous", "z", "h", "c_previous", "i", "f", "g", "o", "c", "tanh_c")
BATCHES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3))

TAME = (
    "tanh",
    "sigmoid",
    "relu",
    "linear",
    "hard_sigmoid",
    "hard_sigmoid_keras2",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "gelu",
    "silu",
    "mish",
    "relu6",
    "leaky_relu",
    "scaled_tanh(1.2, 0.7)",
)
"""Activations with which a layer of small weights does not run away: all but the exponential."""


def random_arrays(seed: int, scale: float, dtype: npt.DTypeLike, *shapes: tuple[int, ...]) -> list[Array]:
    random = np.random.default_rng(seed)
    return [(random.uniform(-1, 1, shape) / scale).astype(dtype) for shape in shapes]


def random_layer(
    units: int,
    features: int,
    dtype: npt.DTypeLike = np.float64,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    bias: bool = True,
    seed: int = 0,
) -> LSTM:
    """A layer whose weights are small enough for unbounded activations to stay in range."""
    shapes = (features, 4 * units), (units, 4 * units), (4 * units,)
    kernel, recurrent_kernel, biases = random_arrays(seed, np.sqrt(units + features), dtype, *shapes)
    return LSTM(kernel, recurrent_kernel, biases if bias else None, activation, recurrent_activation)


def random_lstm(
    units: int,
    features: int,
    dtype: npt.DTypeLike = np.float64,
    *,
    peepholes: bool = False,
    outputs: int | None = None,
    bias: bool = True,
    seed: int = 0,
    **options: Any,
) -> LSTM:
    """An LSTM with rare options."""
    width = units if outputs is None else outputs
    shapes = (features, 4 * units), (width, 4 * units), (4 * units,), (3, units), (units, width)
    arrays = random_arrays(seed, np.sqrt(units + features), dtype, *shapes)
    kernel, recurrent_kernel, biases, own, projection = arrays
    if peepholes:
        options["peepholes"] = 2 * own
    if outputs is not None:
        options["projection"] = projection
    return LSTM(kernel, recurrent_kernel, biases if bias else None, **options)


def random_gru(
    units: int,
    features: int,
    dtype: npt.DTypeLike = np.float64,
    *,
    reset_after: bool = True,
    bias: bool = True,
    seed: int = 0,
    **options: Any,
) -> GRU:
    columns = 3 * units
    shapes = (features, columns), (units, columns), (2, columns) if reset_after else (columns,)
    kernel, recurrent_kernel, biases = random_arrays(seed, np.sqrt(units + features), dtype, *shapes)
    return GRU(kernel, recurrent_kernel, biases if bias else None, reset_after=reset_after, **options)


def random_simple_rnn(
    units: int, features: int, dtype: npt.DTypeLike = np.float64, *, bias: bool = True, seed: int = 0, **options: Any
) -> SimpleRNN:
    shapes = (features, units), (units, units), (units,)
    kernel, recurrent_kernel, biases = random_arrays(seed, np.sqrt(units + features), dtype, *shapes)
    return SimpleRNN(kernel, recurrent_kernel, biases if bias else None, **options)


def random_input(layer: Layer, timesteps: int, batch: tuple[int, ...] = (), seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal((timesteps, *batch, layer.features)).astype(layer.dtype)


def random_state(layer: LSTM, batch: tuple[int, ...] = (), seed: int = 2) -> tuple[Array, Array]:
    h, c = np.random.default_rng(seed).uniform(-1, 1, (2, *batch, layer.units)).astype(layer.dtype)
    return h, c


def any_state(layer: Layer, batch: tuple[int, ...] = (), seed: int = 2) -> tuple[Array, ...]:
    """A state of any cell, each array as wide as it is."""
    random = np.random.default_rng(seed)
    return tuple(random.uniform(-1, 1, zeros.shape).astype(layer.dtype) for zeros in layer.zero_state(batch))


def fields_of(record: Any) -> tuple[str, ...]:
    """The names of the arrays of a step or a trace."""
    return tuple(field.name for field in fields(record) if field.name not in ("t", "start"))


layers = st.builds(
    random_layer,
    units=st.integers(1, 9),
    features=st.sampled_from([1, 2, 8, 9, 20]),  # 8 and 9: the two ways in which the kernel projects
    dtype=st.sampled_from([np.float32, np.float64]),
    activation=st.sampled_from(TAME),
    recurrent_activation=st.sampled_from(["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"]),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)

_sizes = {
    "units": st.integers(1, 6),
    "features": st.sampled_from([1, 3, 9]),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "bias": st.booleans(),
    "seed": st.integers(0, 99),
    "clip": st.sampled_from([None, None, 0.4]),
    "activation": st.sampled_from(TAME),
}
_gated = _sizes | {"recurrent_activation": st.sampled_from(["sigmoid", "hard_sigmoid", "hard_sigmoid(0.3, 0.4)"])}
grus = st.builds(random_gru, reset_after=st.booleans(), **_gated)
simple_rnns = st.builds(random_simple_rnn, **_sizes)
rare_lstms = st.builds(
    random_lstm,
    peepholes=st.booleans(),
    coupled=st.booleans(),
    outputs=st.sampled_from([None, 1, 4]),
    output_activation=st.sampled_from([None, "linear"]),
    **_gated,
)
cells = st.one_of(grus, simple_rnns, rare_lstms, layers)
batches = st.sampled_from(BATCHES)
timesteps = st.integers(1, 12)


def assert_close(one: Any, other: Any, dtype: npt.DTypeLike) -> None:
    """Equal but for the last digits of `dtype`."""
    digits = 2e-5 if np.dtype(dtype) == np.float32 else 1e-12
    np.testing.assert_allclose(one, other, rtol=digits, atol=digits)


def assert_same_bits(one: Any, other: Any) -> None:
    """Two steps, or two traces, with the same bits in every array."""
    assert type(one) is type(other)
    for name in fields_of(one):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), name
        assert mine.tobytes() == theirs.tobytes(), name
