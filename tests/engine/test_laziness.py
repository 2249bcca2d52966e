"""A timestep is computed when it is asked for, and what was handed out never changes."""

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from itertools import count, islice

import numpy as np
import numpy.typing as npt
import pytest
from tests.engine.layers import FIELDS, Array, assert_same_bits, random_input, random_layer, random_state

import unrolled


def test_a_stream_that_never_ends() -> None:
    layer = random_layer(2, 1)
    steps = list(islice(layer.unroll([float(t)] for t in count()), 5))
    assert [step.t for step in steps] == [0, 1, 2, 3, 4]
    assert [step.x[0] for step in steps] == [0, 1, 2, 3, 4]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    read: list[int] = []

    def stream() -> Iterator[list[float]]:
        for t in range(10):
            read.append(t)
            yield [1.0]

    steps = random_layer(2, 1).unroll(stream())
    assert read == []
    next(steps)
    assert read == [0]
    next(steps)
    assert read == [0, 1]


def test_a_wrong_timestep_of_a_stream_is_an_error_when_it_comes() -> None:
    steps = random_layer(2, 1).unroll(iter([[1.0], [1.0, 2.0]]))
    next(steps)
    with pytest.raises(unrolled.ShapeError, match=r"1 features, got shape \(2,\)"):
        next(steps)


@pytest.mark.parametrize(("units", "features"), [(3, 2), (3, 20)])
def test_one_timestep_of_work_at_each_next(units: int, features: int) -> None:
    layer = random_layer(units, features)
    steps = layer.unroll(random_input(layer, 20, seed=features))  # no other test left these values in memory
    first = next(steps)
    memory = first.h.base  # of the whole chunk, where a row that was computed ahead would show
    assert memory is not None
    ahead = memory.copy()
    assert np.array_equal(memory[1, :units], first.h)
    second = next(steps)
    assert not np.array_equal(ahead[2, :units], second.h)
    assert np.array_equal(memory[2, :units], second.h)


WAYS: dict[str, Callable[[unrolled.LSTM, Array], unrolled.LSTMStep]] = {
    "step": lambda layer, xs: layer.step(xs[0]),
    "unroll an array": lambda layer, xs: list(layer.unroll(xs))[3],
    "unroll a stream": lambda layer, xs: list(layer.unroll(iter(xs)))[3],
    "trace": lambda layer, xs: layer.trace(xs)[3],
    "run": lambda layer, xs: unrolled.Run(layer, xs)[3],
    "walk": lambda layer, xs: unrolled.Walk(layer, xs).seek(3),
}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("batch", [(), (2,)])
def test_records_cannot_be_changed(way: str, batch: tuple[int, ...]) -> None:
    layer = random_layer(3, 2)
    step = WAYS[way](layer, random_input(layer, 9, batch))
    assert type(step) is unrolled.LSTMStep
    with pytest.raises(FrozenInstanceError):
        step.t = 7  # type: ignore[misc]  # that it is read-only is what is tested
    with pytest.raises(FrozenInstanceError):
        del step.h
    for name in FIELDS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(step, name)[...] = 0


def test_traces_and_weights_cannot_be_changed() -> None:
    layer = random_layer(3, 2)
    trace = layer.trace(random_input(layer, 9))
    arrays = [*trace.arrays, *layer.weights.values(), *layer.zero_state()]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(FrozenInstanceError):
        trace.start = 7  # type: ignore[misc]  # that it is read-only is what is tested


@pytest.mark.parametrize("way", list(WAYS))
def test_a_step_outlives_changes_of_the_input(way: str) -> None:
    layer = random_layer(3, 2)
    xs = random_input(layer, 9)
    step = WAYS[way](layer, xs)
    before = copy.deepcopy(step)
    xs[...] = 1e6
    assert_same_bits(step, before)


def test_a_step_outlives_changes_of_the_state_and_of_the_weights() -> None:
    kernel, recurrent_kernel = np.ones((1, 4)), np.ones((1, 4))
    layer = unrolled.LSTM(kernel, recurrent_kernel)
    h, c = np.ones(1), np.ones(1)
    steps = [layer.step([1.0], (h, c)), next(layer.unroll([[1.0]], (h, c))), layer.trace([[1.0]], (h, c))[0]]
    for array in (kernel, recurrent_kernel, h, c):
        array[...] = 1e6
    assert [(step.h_previous[0], step.c_previous[0]) for step in steps] == [(1, 1)] * 3
    assert_same_bits(layer.step([1.0], (np.ones(1), np.ones(1))), steps[0])


def test_steps_of_a_chunk_outlive_the_chunks_after_it() -> None:
    layer = random_layer(3, 2)
    xs = random_input(layer, 3000)
    run, steps = unrolled.Run(layer, xs), layer.unroll(xs)
    kept, also_kept = run[5], next(steps)
    before, also_before = copy.deepcopy(kept), copy.deepcopy(also_kept)
    for t in (2999, 300, 1500, 600, 2000):
        run[t]
    list(steps)
    assert_same_bits(kept, before)
    assert_same_bits(also_kept, also_before)


def test_steps_and_layers_can_be_copied_and_pickled() -> None:
    layer = random_layer(3, 2)
    step = layer.trace(random_input(layer, 4))[2]
    assert_same_bits(pickle.loads(pickle.dumps(step)), step)  # noqa: S301 - our own pickle
    assert replace(step, t=9).t == 9
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301 - our own pickle
        assert not other.kernel.flags.writeable
        assert_same_bits(other.step([1.0, 2.0]), layer.step([1.0, 2.0]))


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(way: str, dtype: npt.DTypeLike) -> None:
    layer = random_layer(3, 2, dtype)
    step = WAYS[way](layer, np.ones((9, 2)))
    assert {getattr(step, name).dtype for name in FIELDS} == {np.dtype(dtype)}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("features", [2, 20])
def test_what_is_not_finite_goes_through_without_a_warning(way: str, value: float, features: int) -> None:
    layer = random_layer(3, features)
    xs = np.full((9, features), value)
    step = WAYS[way](layer, xs)
    assert np.array_equal(step.x, xs[0], equal_nan=True)
    assert np.isnan(step.h).all() or not np.isnan(value)


def test_a_nan_stays_in_its_own_sequence() -> None:
    layer = random_layer(3, 2)
    xs = random_input(layer, 6, (2,))
    alone = layer.trace(xs[:, 1])
    xs[2, 0, 0] = np.nan
    trace = layer.trace(xs)
    assert np.isfinite(trace.h[:2]).all()
    assert np.isnan(trace.h[2:, 0]).all()
    np.testing.assert_allclose(trace.h[:, 1], alone.h, rtol=1e-12)


def test_errors_of_the_caller_are_not_silenced() -> None:
    layer = random_layer(2, 1)
    for _ in layer.unroll(random_input(layer, 3)):
        with pytest.warns(RuntimeWarning, match="overflow"):
            np.exp(np.array([1e4]))
    assert random_state(layer)[0].shape == (2,)
