"""Layers, inputs and comparisons that the engine's tests share."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

import unrolled

Array = npt.NDArray[Any]

FIELDS = ("x", "h_previous", "z", "h", "c_previous", "i", "f", "g", "o", "c", "tanh_c")
BATCHES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3))


def random_layer(
    units: int,
    features: int,
    dtype: npt.DTypeLike = np.float64,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    bias: bool = True,
    seed: int = 0,
) -> unrolled.LSTM:
    """A layer whose weights are small enough for unbounded activations to stay in range."""
    random = np.random.default_rng(seed)
    kernel, recurrent_kernel, biases = (
        (random.uniform(-1, 1, shape) / np.sqrt(units + features)).astype(dtype)
        for shape in ((features, 4 * units), (units, 4 * units), (4 * units,))
    )
    return unrolled.LSTM(kernel, recurrent_kernel, biases if bias else None, activation, recurrent_activation)


def random_input(layer: unrolled.LSTM, timesteps: int, batch: tuple[int, ...] = (), seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal((timesteps, *batch, layer.features)).astype(layer.dtype)


def random_state(layer: unrolled.LSTM, batch: tuple[int, ...] = (), seed: int = 2) -> tuple[Array, Array]:
    h, c = np.random.default_rng(seed).uniform(-1, 1, (2, *batch, layer.units)).astype(layer.dtype)
    return h, c


layers = st.builds(
    random_layer,
    units=st.integers(1, 9),
    features=st.sampled_from([1, 2, 8, 9, 20]),  # 8 and 9: the two ways in which the kernel projects
    dtype=st.sampled_from([np.float32, np.float64]),
    activation=st.sampled_from(list(unrolled.ACTIVATIONS)),
    recurrent_activation=st.sampled_from(["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"]),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
batches = st.sampled_from(BATCHES)
timesteps = st.integers(1, 12)


def assert_close(one: Any, other: Any, dtype: npt.DTypeLike) -> None:
    """Equal but for the last digits of `dtype`."""
    digits = 2e-5 if np.dtype(dtype) == np.float32 else 1e-12
    np.testing.assert_allclose(one, other, rtol=digits, atol=digits)


def assert_same_bits(one: Any, other: Any) -> None:
    """Two steps, or two traces, with the same bits in every array."""
    for name in FIELDS:
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), name
        assert mine.tobytes() == theirs.tobytes(), name
