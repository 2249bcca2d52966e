"""Who wrote what is in a state: the shares add up to the engine's state, and each one is what it is said to be."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import assert_close, layers, random_input, random_layer, random_state

import unrolled

lengths = st.integers(1, 40)


def run_of(layer: unrolled.LSTM, length: int, seed: int = 1) -> unrolled.Run[unrolled.LSTMStep]:
    """A run that begins with something in its cell states."""
    return unrolled.Run(layer, random_input(layer, length, seed=seed), random_state(layer))


def rounding(trace: unrolled.LSTMTrace, t: int, unit: int) -> float:
    """How far the engine's c_t can be from exact arithmetic on its gates.

    Each timestep rounds a product, another and their sum, each by half a last digit; and the later gates keep of that
    what they keep.
    """
    last_digit, error = float(np.finfo(trace.c.dtype).eps), 0.0
    for r in range(t + 1):
        f, c, new = (float(array[r, unit]) for array in (trace.f, trace.c_previous, trace.written))
        error = abs(f) * error + 2 * last_digit * (abs(f * c) + abs(new))
    return error + 1e-30


@given(layers, lengths, st.integers(0, 39), st.integers(0, 8), st.integers(0, 39))
def test_the_shares_add_up_to_the_state_of_the_engine(
    layer: unrolled.LSTM, length: int, t: int, unit: int, first: int
) -> None:
    t, unit = t % length, unit % layer.units
    first %= t + 1
    run = run_of(layer, length)
    told = unrolled.memory(run, t, unit, first)
    trace = layer.trace(random_input(layer, length), random_state(layer))
    assert (told.t, told.unit, told.first, told.state, len(told)) == (t, unit, first, "c", t + 1 - first)
    assert told.value == run[t].c[unit]
    assert_close(told.written, trace.i[first : t + 1, unit] * trace.g[first : t + 1, unit], layer.dtype)
    assert abs(told.totals[-1] - told.value) <= 2 * rounding(trace, t, unit)
    assert abs(told.before + told.left.sum() - told.value) <= 2 * rounding(trace, t, unit)
    for name in ("written", "kept", "left", "totals"):
        array = getattr(told, name)
        assert (array.shape, array.dtype) == ((t + 1 - first,), np.float64), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [1, 64, 300, 2000])
def test_any_length_adds_up(length: int, dtype: type) -> None:
    layer = random_layer(5, 3, dtype)
    run, trace = run_of(layer, length), layer.trace(random_input(layer, length), random_state(layer))
    for unit in range(5):
        for first in {0, length // 2, max(0, length - 100)}:
            told = unrolled.memory(run, length - 1, unit, first)
            assert abs(told.totals[-1] - trace.c[-1, unit]) <= 2 * rounding(trace, length - 1, unit)


@given(layers, st.integers(2, 20), st.integers(0, 19), st.integers(0, 8))
def test_the_state_without_one_write_differs_by_what_is_left_of_it(
    layer: unrolled.LSTM, length: int, s: int, unit: int
) -> None:
    """The cell equation is replayed in fractions, where nothing rounds, with the gates as they were."""
    s, unit = s % length, unit % layer.units
    run = run_of(layer, length)
    steps = [run[t] for t in range(length)]
    start = Fraction(float(steps[0].c_previous[unit]))

    def replay(c: Fraction, without: int | None = None) -> Fraction:
        for step in steps:
            written = Fraction(float(step.i[unit])) * Fraction(float(step.g[unit]))
            c = Fraction(float(step.f[unit])) * c + (Fraction(0) if step.t == without else written)
        return c

    told = unrolled.memory(run, length - 1, unit)
    whole = replay(start)
    assert_close(told.left[s], float(whole - replay(start, without=s)), layer.dtype)
    assert_close(told.before, float(whole - replay(Fraction(0))), layer.dtype)
    assert_close(told.totals[-1], float(whole), layer.dtype)


@given(st.integers(1, 30), st.floats(-3, 3), st.integers(0, 99))
def test_what_is_put_into_the_cell_arrives_as_the_gates_keep_it(length: int, more: float, seed: int) -> None:
    """Without a recurrent kernel no gate depends on c, so the engine itself can run with more in it at the start."""
    free = random_layer(3, 2, seed=seed)
    layer = unrolled.LSTM(free.kernel, np.zeros((3, 12)), free.bias)
    xs, (h, c) = random_input(layer, length), random_state(layer)
    one, other = layer.trace(xs, (h, c)), layer.trace(xs, (h, c + more))
    for unit in range(3):
        told = unrolled.memory(unrolled.Run(layer, xs, (h, c)), length - 1, unit)
        kept = told.before / c[unit]
        assert_close(other.c[-1, unit] - one.c[-1, unit], more * kept, np.float64)


def closed_and_open(keeps: list[float], dtype: type) -> unrolled.LSTM:
    """A layer whose unit k has the forget gate keeps[k], which is 0 or 1 exactly, and whose other gates are ajar."""
    units = len(keeps)
    bias = np.concatenate([np.full(units, 0.3), np.where(keeps, 1e4, -1e4), np.full(units, 0.5), np.zeros(units)])
    return unrolled.LSTM(np.ones((1, 4 * units), dtype), np.zeros((units, 4 * units), dtype), bias.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_gates_at_exactly_0_and_1(dtype: type, activation: str) -> None:
    made = closed_and_open([0.0, 1.0], dtype)
    layer = unrolled.LSTM(made.kernel, made.recurrent_kernel, made.bias, "tanh", activation)
    run = unrolled.Run(layer, np.sin(np.arange(500))[:, None], (np.zeros(2), np.array([3.0, 4.0])))
    assert {float(step.f[0]) for step in (run[t] for t in range(500))} == {0.0}
    assert {float(step.f[1]) for step in (run[t] for t in range(500))} == {1.0}
    forgets, keeps = (unrolled.memory(run, 499, unit) for unit in (0, 1))
    assert not forgets.left[:-1].any()
    assert forgets.before == 0
    assert forgets.left[-1] == forgets.totals[-1] == forgets.value
    assert (keeps.kept == 1).all()
    assert np.array_equal(keeps.left, keeps.written)
    assert keeps.before == 4
    assert keeps.totals[-1] == pytest.approx(keeps.value, rel=2e-5 if dtype == np.float32 else 1e-12)


def test_a_gate_that_closes_once_forgets_what_was_before_and_nothing_since() -> None:
    kernel = np.array([[0.0, 1e4, 0.0, 0.0]])
    layer = unrolled.LSTM(kernel, np.zeros((1, 4)), np.array([0.0, 0.0, 1.0, 0.0]))
    xs = np.ones((300, 1))
    xs[100] = -1
    run = unrolled.Run(layer, xs, (np.zeros(1), np.ones(1)))
    told = unrolled.memory(run, 299, 0)
    assert run[100].f == 0
    assert (told.kept[:100] == 0).all()
    assert (told.kept[100:] == 1).all()
    assert told.before == 0
    assert told.totals[-1] == pytest.approx(told.value, rel=1e-12) == pytest.approx(200 * np.tanh(1) / 2, rel=1e-12)


def test_what_is_not_finite_goes_through() -> None:
    layer = unrolled.LSTM(np.ones((1, 4)), np.zeros((1, 4)))
    endless = unrolled.memory(unrolled.Run(layer, np.ones((3, 1)), (np.zeros(1), np.array([np.inf]))), 2, 0)
    assert np.isfinite(endless.left).all()
    assert endless.before == endless.value == endless.totals[-1] == np.inf
    broken = unrolled.memory(unrolled.Run(layer, np.array([[1.0], [np.nan], [1.0]])), 2, 0)
    assert np.isnan(broken.left).all()
    assert np.isnan(broken.value)
    assert np.isnan(broken.totals[-1])
    assert [*replace(broken, left=np.array([np.nan, 1.0, -2.0])).by_size()] == [2, 1, 0]


@given(layers, lengths, st.integers(0, 39), st.integers(0, 39), st.integers(0, 8))
def test_each_column_of_the_triangle_is_the_account_at_that_timestep(
    layer: unrolled.LSTM, length: int, first: int, last: int, unit: int
) -> None:
    first, last = sorted((first % length, last % length))
    unit %= layer.units
    run = run_of(layer, length)
    told = unrolled.memory_triangle(run, first, last, unit)
    assert (told.first, told.unit, told.state, len(told)) == (first, unit, "c", last + 1 - first)
    for t in range(first, last + 1):
        account, column = unrolled.memory(run, t, unit, first), told.left[:, t - first]
        assert_close(column[: len(account)], account.left, np.float64)
        assert not column[len(account) :].any()
        assert_close(told.before[t - first], account.before, np.float64)
        assert told.values[t - first] == account.value


def test_a_window_deep_in_a_long_run_is_exact() -> None:
    layer = random_layer(2, 1, seed=4)
    run = run_of(layer, 30_000)
    whole, short = unrolled.memory(run, 29_000, 1), unrolled.memory(run, 29_000, 1, 28_990)
    assert_close(short.left, whole.left[-11:], np.float64)
    assert_close(short.before, whole.totals[-12], np.float64)
    assert short.totals[-1] == pytest.approx(short.value, rel=1e-12)


def test_by_size_the_largest_share_of_either_sign_comes_first() -> None:
    told = unrolled.memory(run_of(random_layer(3, 2), 30), 29, 2)
    sizes = np.abs(told.left)[told.by_size()]
    assert sorted(sizes, reverse=True) == sizes.tolist()
    assert sorted(told.by_size()) == [*range(30)]


@given(st.floats(0.001, 0.999))
def test_after_its_half_life_half_is_left(keep: float) -> None:
    assert keep ** float(unrolled.half_life(keep)) == pytest.approx(0.5, rel=1e-9)


def test_half_lives() -> None:
    lives = unrolled.half_life([0.5, 0.25, 0.0, -0.2, 1.0, 1.5, np.nan])
    assert lives.tolist()[:6] == [1.0, 0.5, 0.0, 0.0, np.inf, np.inf]
    assert np.isnan(lives[6])
    layer = closed_and_open([1.0], np.float64)
    halving = unrolled.LSTM(layer.kernel, layer.recurrent_kernel, np.array([0.0, np.log(0.9 / 0.1), 0.0, 0.0]))
    run = unrolled.Run(halving, np.zeros((60, 1)), (np.zeros(1), np.ones(1)))
    life = float(unrolled.half_life(run[0].f[0]))
    assert run[int(life) - 1].c[0] > 0.5 > run[int(life)].c[0]


def test_it_cannot_be_changed() -> None:
    run = run_of(random_layer(3, 2), 5)
    told, triangle = unrolled.memory(run, 4, 0), unrolled.memory_triangle(run, 0, 4, 0)
    arrays = (told.written, told.kept, told.left, told.totals, triangle.left, triangle.before, triangle.values)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_what_there_is_no_account_of() -> None:
    run = run_of(random_layer(3, 2), 5)
    for unit in (-1, 3):
        with pytest.raises(unrolled.OptionError, match=f"unit: expected 0 to 2, got {unit}"):
            unrolled.memory(run, 4, unit)
    with pytest.raises(unrolled.TimestepError, match="timestep: expected 0 to 4, got 5"):
        unrolled.memory(run, 5, 0)
    with pytest.raises(unrolled.TimestepError, match="timestep: expected the first one at most 2, got 3"):
        unrolled.memory(run, 2, 0, 3)
    with pytest.raises(unrolled.TimestepError, match="timestep: expected 0 to 4, got -1"):
        unrolled.memory_triangle(run, -1, 2, 0)
    layer = random_layer(3, 2)
    batch: unrolled.Run[Any] = unrolled.Run(layer, random_input(layer, 5, (2,)))
    with pytest.raises(unrolled.OptionError, match=r"single sequence, got inputs of shape \(5, 2, 2\)"):
        unrolled.memory(batch, 4, 0)
    forgetful = unrolled.SimpleRNN.initialize(3, 2, seed=1)
    with pytest.raises(unrolled.OptionError, match="kept by a gate, got SimpleRNN"):
        unrolled.memory(unrolled.Run(forgetful, random_input(layer, 5)), 4, 0)
