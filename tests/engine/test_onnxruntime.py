"""Every hidden state and the last cell state beside ONNX Runtime's."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.engine.layers import (
    Layer,
    any_state,
    random_gru,
    random_input,
    random_layer,
    random_lstm,
    random_simple_rnn,
)
from tests.engine.oracle import ONNX_ACTIVATIONS, onnx_run

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


CELLS: dict[str, Callable[..., Layer]] = {
    "LSTM": random_layer,
    "LSTM with peepholes": lambda *size, **options: random_lstm(*size, peepholes=True, **options),
    "coupled LSTM": lambda *size, **options: random_lstm(*size, coupled=True, **options),
    "coupled LSTM with peepholes": lambda *size, **options: random_lstm(*size, coupled=True, peepholes=True, **options),
    "clipped LSTM": lambda *size, **options: random_lstm(*size, clip=0.3, peepholes=True, **options),
    "LSTM with three activations": lambda *size, **options: random_lstm(*size, output_activation="softsign", **options),
    "GRU": random_gru,
    "GRU, reset first": lambda *size, **options: random_gru(*size, reset_after=False, **options),
    "clipped GRU": lambda *size, **options: random_gru(*size, clip=0.2, **options),
    "clipped GRU, reset first": lambda *size, **options: random_gru(*size, reset_after=False, clip=0.2, **options),
    "SimpleRNN": random_simple_rnn,
    "clipped SimpleRNN": lambda *size, **options: random_simple_rnn(*size, clip=0.3, **options),
}


@pytest.mark.parametrize(("units", "features", "batch", "timesteps"), SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_hidden_state(cell: str, units: int, features: int, batch: int, timesteps: int) -> None:
    assert_agrees(CELLS[cell](units, features, np.float32, seed=units), batch, timesteps)


@pytest.mark.parametrize("recurrent_activation", ["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"])
@pytest.mark.parametrize("activation", list(ONNX_ACTIVATIONS))
@pytest.mark.parametrize("cell", ["LSTM", "GRU", "GRU, reset first", "SimpleRNN"])
def test_activations(cell: str, activation: str, recurrent_activation: str) -> None:
    names = {"activation": activation, "recurrent_activation": recurrent_activation}
    if cell == "SimpleRNN":
        del names["recurrent_activation"]
    layer = CELLS[cell](4, 3, np.float32, **names)
    wide = layer.with_weights(9 * layer.kernel, layer.recurrent_kernel, layer.bias)
    assert_agrees(wide, 2, 8)  # far from zero, where the hard sigmoids are clipped


@pytest.mark.parametrize("units", [2, 40])
@pytest.mark.parametrize("cell", CELLS)
def test_without_bias(cell: str, units: int) -> None:
    assert_agrees(CELLS[cell](units, 3, np.float32, bias=False), 2, 8)


def test_resetting_before_and_after_the_product_differ() -> None:
    after = random_gru(4, 3, np.float32, bias=False)
    before = unrolled.GRU(after.kernel, after.recurrent_kernel, reset_after=False)
    xs = random_input(after, 9)
    assert np.abs(after.trace(xs).h - before.trace(xs).h).max() > 1e-3


def assert_agrees(layer: Layer, batch: int, timesteps: int) -> None:
    xs, state = random_input(layer, timesteps, (batch,)), any_state(layer, (batch,))
    theirs = onnx_run(layer, xs, state)
    size = max(1.0, *(float(np.abs(array).max()) for array in theirs))
    trace = layer.trace(xs, state)
    steps = list(layer.unroll(iter(xs), state))
    for every_h, last in ((trace.h, trace[-1]), (np.stack([step.h for step in steps]), steps[-1])):
        for mine, other in zip((every_h, *last.state[1:]), theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=3e-6 * size)
