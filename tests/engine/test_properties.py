"""What must hold for every layer and every input, over random ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import (
    FIELDS,
    assert_close,
    batches,
    layers,
    random_input,
    random_layer,
    random_state,
    timesteps,
)

import unrolled


@given(layers, batches, timesteps, timesteps)
def test_a_run_continues_from_its_state(layer: unrolled.LSTM, batch: tuple[int, ...], first: int, second: int) -> None:
    xs, state = random_input(layer, first + second, batch), random_state(layer, batch)
    whole = list(layer.unroll(xs, state))
    before = list(layer.unroll(xs[:first], state))
    after = list(layer.unroll(xs[first:], before[-1].state))
    assert [step.t for step in after] == list(range(second))
    for one, other in zip(whole, before + after, strict=True):
        for name in FIELDS:
            assert_close(getattr(one, name), getattr(other, name), layer.dtype)


@given(layers, st.sampled_from([(1,), (3,), (2, 3), (2, 1, 2)]), timesteps)
def test_a_batch_is_as_many_single_runs(layer: unrolled.LSTM, batch: tuple[int, ...], length: int) -> None:
    xs, (h, c) = random_input(layer, length, batch), random_state(layer, batch)
    together = layer.trace(xs, (h, c))
    for index in np.ndindex(*batch):
        alone = layer.trace(xs[:, *index], (h[index], c[index]))
        assert_close(together.z[:, :, *index], alone.z, layer.dtype)
        for name in ("i", "f", "g", "o", "c", "tanh_c", "h", "h_previous", "c_previous"):
            assert_close(getattr(together, name)[:, *index], getattr(alone, name), layer.dtype)


@given(layers, batches, timesteps)
def test_the_clear_form_equals_the_kernel(layer: unrolled.LSTM, batch: tuple[int, ...], length: int) -> None:
    xs, state = random_input(layer, length, batch), random_state(layer, batch)
    trace, run = layer.trace(xs, state), unrolled.Run(layer, xs, state)
    clear = list(layer.unroll((x for x in xs), state))
    assert len(clear) == length
    for t, (step, kernel_step) in enumerate(zip(clear, layer.unroll(xs, state), strict=True)):
        for fast in (kernel_step, trace[t], run[t]):
            assert step.t == fast.t == t
            for name in FIELDS:
                mine, theirs = getattr(step, name), getattr(fast, name)
                assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
                assert_close(mine, theirs, layer.dtype)


@given(layers, batches, timesteps)
def test_the_input_is_never_modified(layer: unrolled.LSTM, batch: tuple[int, ...], length: int) -> None:
    xs, state = random_input(layer, length, batch), random_state(layer, batch)
    given_arrays = (xs, *state)
    copies = [array.copy() for array in given_arrays]
    layer.trace(xs, state)
    list(layer.unroll(xs, state))
    list(layer.unroll(iter(xs), state))
    unrolled.Run(layer, xs, state).window(0, length)
    for array, copy in zip(given_arrays, copies, strict=True):
        assert array.tobytes() == copy.tobytes()
        assert array.flags.writeable


@given(layers, batches, timesteps)
def test_the_states_hang_together(layer: unrolled.LSTM, batch: tuple[int, ...], length: int) -> None:
    trace = layer.trace(random_input(layer, length, batch))
    assert not trace.h_previous[0].any()
    assert not trace.c_previous[0].any()
    assert np.array_equal(trace.h_previous[1:], trace.h[:-1])
    assert np.array_equal(trace.c_previous[1:], trace.c[:-1])


@given(layers, timesteps)
def test_values_stay_within_their_bounds(layer: unrolled.LSTM, length: int) -> None:
    trace = layer.trace(100 * random_input(layer, length))
    for name in ("i", "f", "g", "o", "c", "h"):
        low, high = layer.bounds(name)
        assert low <= getattr(trace, name).min()
        assert getattr(trace, name).max() <= high


def test_an_open_forget_gate_keeps_what_a_shut_input_gate_lets_alone() -> None:
    bias = np.repeat([-1e3, 1e3, 0.0, 1e3], 2)
    layer = unrolled.LSTM(np.zeros((1, 8)), np.zeros((2, 8)), bias)
    trace = layer.trace(np.ones((1000, 1)), (np.array([0.5, 0.5]), np.array([0.25, -3.0])))
    assert np.array_equal(trace.c, np.tile([0.25, -3.0], (1000, 1)))
    np.testing.assert_allclose(trace.h[-1], np.tanh([0.25, -3.0]), rtol=1e-15)


def test_swapping_two_units_swaps_their_values() -> None:
    layer = random_layer(4, 2)
    order = np.array([2, 1, 0, 3])
    columns = np.concatenate([order + 4 * gate for gate in range(4)])
    assert layer.bias is not None
    swapped = unrolled.LSTM(layer.kernel[:, columns], layer.recurrent_kernel[order][:, columns], layer.bias[columns])
    xs = random_input(layer, 20)
    assert_close(swapped.trace(xs).h, layer.trace(xs).h[:, order], np.float64)
