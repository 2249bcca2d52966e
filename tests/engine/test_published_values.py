"""The values that Keras publishes in its own tests: test_correctness of lstm_test, gru_test and simple_rnn_test."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.engine.layers import Array

import unrolled

UNITS, FEATURES = 3, 4
SEQUENCE = np.arange(72, dtype=np.float32).reshape(3, 6, 4)  # (batch, T, features)

FORGETTING_BIAS = np.repeat(np.array([0.03, 1.0, 0.03, 0.03], np.float32), UNITS)
PUBLISHED = [
    pytest.param(FORGETTING_BIAS, [0.6288687, 0.86899155, 0.9460773], id="unit_forget_bias"),
    pytest.param(np.full(4 * UNITS, np.float32(0.03)), [0.57019705, 0.8661914, 0.9459622], id="bias"),
    pytest.param(None, [0.54986924, 0.86226785, 0.9443936], id="no bias"),
]


def keras_layer(bias: Any) -> unrolled.LSTM:
    kernel = np.full((FEATURES, 4 * UNITS), np.float32(0.01))
    return unrolled.LSTM(kernel, np.full((UNITS, 4 * UNITS), np.float32(0.02)), bias)


@pytest.mark.parametrize(("bias", "published"), PUBLISHED)
@pytest.mark.parametrize("route", ["trace", "unroll an array", "unroll a stream", "run"])
def test_last_hidden_state(bias: Any, published: list[float], route: str) -> None:
    layer, by_time = keras_layer(bias), SEQUENCE.transpose(1, 0, 2)
    routes: dict[str, Callable[[], Array]] = {
        "trace": lambda: layer.trace(by_time).h[-1],
        "unroll an array": lambda: list(layer.unroll(by_time))[-1].h,
        "unroll a stream": lambda: list(layer.unroll(iter(by_time)))[-1].h,
        "run": lambda: unrolled.Run(layer, by_time)[5].h,
    }
    np.testing.assert_allclose(routes[route](), np.repeat(published, UNITS).reshape(3, UNITS), rtol=1e-6)


@pytest.mark.parametrize(("bias", "published"), PUBLISHED)
def test_one_sequence_at_a_time(bias: Any, published: list[float]) -> None:
    for sequence, value in zip(SEQUENCE, published, strict=True):
        np.testing.assert_allclose(keras_layer(bias).trace(sequence).h[-1], [value] * UNITS, rtol=1e-6)


GRUS = [
    pytest.param((2, 9), True, [0.5217289, 0.6371659, 0.39384964], id="reset_after"),
    pytest.param((9,), False, [0.51447755, 0.6426879, 0.40208298], id="reset_after=False"),
    pytest.param(None, True, [0.49988455, 0.64701194, 0.4103359], id="no bias"),
]


@pytest.mark.parametrize(("bias", "reset_after", "published"), GRUS)
def test_gru(bias: tuple[int, ...] | None, reset_after: bool, published: list[float]) -> None:
    biases = None if bias is None else np.full(bias, np.float32(0.03))
    kernels = np.full((4, 9), np.float32(0.01)), np.full((3, 9), np.float32(0.02))
    layer = unrolled.GRU(*kernels, biases, reset_after=reset_after)
    last = layer.trace(SEQUENCE.transpose(1, 0, 2)).h[-1]
    np.testing.assert_allclose(last, np.repeat(published, 3).reshape(3, 3), rtol=2e-6)


def test_gru_that_starts_from_a_state() -> None:
    sequence = np.arange(24, dtype=np.float32).reshape(2, 4, 3).transpose(1, 0, 2)
    kernels = np.full((3, 6), np.float32(0.01)), np.full((2, 6), np.float32(0.02))
    layer = unrolled.GRU(*kernels, np.full((2, 6), np.float32(0.03)))
    last = layer.trace(sequence, (np.arange(4, dtype=np.float32).reshape(2, 2),)).h[-1]
    np.testing.assert_allclose(last, [[0.23774096, 0.33508456], [0.83659905, 1.0227708]], rtol=2e-6)


def test_simple_rnn() -> None:
    sequence = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(1, 0, 2)
    kernels = np.full((4, 4), np.float32(0.01)), np.full((4, 4), np.float32(0.02))
    layer = unrolled.SimpleRNN(*kernels, np.full(4, np.float32(0.03)))
    np.testing.assert_allclose(
        layer.trace(sequence).h[-1], np.repeat([0.405432, 0.73605347], 4).reshape(2, 4), rtol=2e-6
    )
