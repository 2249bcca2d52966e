"""A timestep has the same bits whichever way one came to it."""

import numpy as np
import numpy.typing as npt
import pytest
from tests.engine.layers import (
    BATCHES,
    FIELDS,
    assert_close,
    assert_same_bits,
    random_input,
    random_layer,
    random_state,
)

import unrolled
from unrolled.kernel import WIDE
from unrolled.lstm_kernel import LSTMKernel

LENGTHS = [1, 2, 7, 8, 9, 16, 17, 50]  # beside chunks of 8 timesteps
SIZES = [(1, 1), (3, 2), (3, 20), (40, 9), (130, 33)]


@pytest.fixture
def chunks_of_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSTMKernel, "rows", lambda *_: 8)


@pytest.mark.usefixtures("chunks_of_8")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("units", "features"), SIZES)
def test_at_every_timestep(
    units: int, features: int, length: int, batch: tuple[int, ...], dtype: npt.DTypeLike
) -> None:
    compare_routes(random_layer(units, features, dtype), length, batch)


@pytest.mark.usefixtures("chunks_of_8")
@pytest.mark.parametrize("activation", list(unrolled.ACTIVATIONS))
@pytest.mark.parametrize("recurrent_activation", ["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"])
def test_with_every_activation(activation: str, recurrent_activation: str) -> None:
    compare_routes(random_layer(5, 3, np.float32, activation, recurrent_activation), 20, ())


@pytest.mark.parametrize("length", [255, 256, 257, 600])
@pytest.mark.parametrize(("units", "features", "dtype"), [(3, 1, np.float64), (40, 20, np.float32)])
def test_on_the_chunks_of_its_own(units: int, features: int, dtype: npt.DTypeLike, length: int) -> None:
    compare_routes(random_layer(units, features, dtype), length, ())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [(), (6,)])
@pytest.mark.parametrize("features", [2, 12])
def test_of_a_wide_layer(features: int, batch: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    layer = random_layer(WIDE + 1, features, dtype)
    compare_routes(layer, 40, batch)
    xs = random_input(layer, 40, batch)
    for step, kernel_step in zip(layer.unroll(iter(xs)), layer.unroll(xs), strict=True):
        for name in FIELDS:
            assert_close(getattr(step, name), getattr(kernel_step, name), dtype)


def compare_routes(layer: unrolled.LSTM, length: int, batch: tuple[int, ...]) -> None:
    xs, state = random_input(layer, length, batch), random_state(layer, batch)
    trace, run = layer.trace(xs, state), unrolled.Run(layer, xs, state)
    for step in layer.unroll(xs, state):
        assert_same_bits(step, trace[step.t])
    order = np.random.default_rng(length).permutation(length).tolist()
    for t in [*order, *order[:5], *range(min(length, 5)), length - 1]:
        assert run[t].t == t
        assert_same_bits(run[t], trace[t])
    for step in run.window(0, length)[-1]:
        assert_same_bits(step, trace[step.t])


def test_from_memory_of_any_layout() -> None:
    layer = random_layer(20, 12)
    xs = random_input(layer, 80)
    strided = np.empty((80, 24))
    strided[:, ::2] = xs
    for other in (np.asfortranarray(xs), strided[:, ::2], xs.tolist()):
        assert_same_bits(layer.trace(other), layer.trace(xs))
        assert_same_bits(unrolled.Run(layer, other)[79], layer.trace(xs)[79])


def test_on_a_second_trace_of_another_input() -> None:
    layer = random_layer(6, 2)
    xs, others = random_input(layer, 300), random_input(layer, 300, seed=9)
    first = layer.trace(xs)
    layer.trace(others)
    layer.trace(others[:10])
    assert_same_bits(layer.trace(xs), first)
