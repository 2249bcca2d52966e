"""Every hidden state and the last cell state beside ONNX Runtime's."""

import numpy as np
import pytest
from tests.engine.layers import random_input, random_layer, random_state
from tests.engine.oracle import ONNX_ACTIVATIONS, onnx_lstm

import unrolled

SHAPES = [  # units, features, batch, timesteps
    (1, 1, 1, 1),
    (3, 1, 1, 4),
    (3, 2, 2, 9),
    (5, 8, 1, 20),
    (5, 9, 4, 20),
    (17, 3, 3, 33),
    (32, 32, 2, 15),
    (64, 20, 1, 300),
    (130, 40, 5, 20),
    (600, 12, 1, 6),
]


@pytest.mark.parametrize(("units", "features", "batch", "timesteps"), SHAPES)
def test_every_hidden_state(units: int, features: int, batch: int, timesteps: int) -> None:
    layer = random_layer(units, features, np.float32, seed=units)
    assert_agrees(layer, batch, timesteps)


@pytest.mark.parametrize("recurrent_activation", ["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"])
@pytest.mark.parametrize("activation", list(ONNX_ACTIVATIONS))
def test_activations(activation: str, recurrent_activation: str) -> None:
    assert set(ONNX_ACTIVATIONS) == set(unrolled.ACTIVATIONS)
    layer = random_layer(4, 3, np.float32, activation, recurrent_activation)
    wide = unrolled.LSTM(9 * layer.kernel, layer.recurrent_kernel, layer.bias, activation, recurrent_activation)
    assert_agrees(wide, 2, 8)  # far from zero, where the hard sigmoids are clipped


@pytest.mark.parametrize("units", [2, 40])
def test_without_bias(units: int) -> None:
    assert_agrees(random_layer(units, 3, np.float32, bias=False), 2, 8)


def assert_agrees(layer: unrolled.LSTM, batch: int, timesteps: int) -> None:
    xs, state = random_input(layer, timesteps, (batch,)), random_state(layer, (batch,))
    every_h, last_c = onnx_lstm(layer, xs, *state)
    size = max(1, float(np.abs(every_h).max()), float(np.abs(last_c).max()))
    trace = layer.trace(xs, state)
    steps = list(layer.unroll(iter(xs), state))
    for h, c in ((trace.h, trace.c[-1]), (np.stack([step.h for step in steps]), steps[-1].c)):
        np.testing.assert_allclose(h, every_h, rtol=1e-5, atol=3e-6 * size)
        np.testing.assert_allclose(c, last_c, rtol=1e-5, atol=3e-6 * size)
