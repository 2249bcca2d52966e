"""Where two runs part."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import Array, layers, random_gru, random_input, random_layer, random_lstm, timesteps

import unrolled
from unrolled import Parting, Run, ShapeError, find_parting
from unrolled.compare import STRETCH, differences

NAMES = ("i", "f", "g", "o", "c", "h")


def parting(one: Run[unrolled.LSTMStep], other: Run[unrolled.LSTMStep], tolerance: float = 1e-6) -> Parting | None:
    return [*find_parting(one, other, tolerance)][-1][1]


def apart(one: unrolled.LSTM, other: unrolled.LSTM, xs: Array) -> Array:
    """a − b of every gate and state, from the traces, shape (names, T, units)."""
    first, second = one.trace(xs), other.trace(xs)
    return np.stack([getattr(first, name) - getattr(second, name) for name in NAMES])


@given(layers, timesteps)
def test_a_layer_does_not_part_from_itself(layer: unrolled.LSTM, length: int) -> None:
    xs = random_input(layer, length)
    assert [*find_parting(Run(layer, xs), Run(layer, xs), tolerance=0)] == [(length, None)]


@given(st.integers(1, 5), st.integers(0, 20), st.sampled_from([1e-9, 1e-6, 0.01, 0.3, 0.8]))
def test_two_seeds_part_where_their_traces_do(units: int, seed: int, tolerance: float) -> None:
    one, other = (unrolled.LSTM.initialize(units, 2, each) for each in (seed, seed + 1))
    xs = 0.3 * random_input(one, 20)
    differing = apart(one, other, xs)
    beyond = np.flatnonzero((np.abs(differing) > tolerance).any(axis=(0, 2)))
    found = parting(Run(one, xs), Run(other, xs), tolerance)
    if not len(beyond):
        assert found is None
        return
    assert found is not None
    assert found.t == beyond[0]
    at = differing[NAMES.index(found.name), found.t, found.unit]
    assert found.difference == pytest.approx(at, rel=1e-9)
    assert abs(at) == pytest.approx(np.abs(differing[:, found.t]).max(), rel=1e-9)


def test_the_sign_is_that_of_the_first_less_the_second() -> None:
    layer = random_layer(2, 1)
    xs = random_input(layer, 4)
    one, other = Run(layer, xs), Run(random_layer(2, 1, seed=5), xs)
    forth, back = parting(one, other), parting(other, one)
    assert forth is not None
    assert back is not None
    assert (forth.t, forth.name, forth.unit) == (back.t, back.name, back.unit)
    assert forth.difference == -back.difference != 0


def test_whole_and_cut_part_at_the_second_timestep() -> None:
    layer = unrolled.LSTM.initialize(3, 1, seed=7)
    xs = [[1.0], [2.0], [3.0], [4.0]]
    found = parting(Run(layer, xs), Run(layer.without_connections(), xs))
    assert found is not None
    assert found.t == 1


@pytest.mark.parametrize("t", [0, STRETCH - 1, STRETCH, 2 * STRETCH + 7])
def test_it_stops_in_the_stretch_where_they_part(t: int) -> None:
    length = 3 * STRETCH
    layer = random_layer(3, 1)
    xs = random_input(layer, length)
    changed = xs.copy()
    changed[t] += 1
    told = [*find_parting(Run(layer, xs), Run(layer, changed))]
    stretches = t // STRETCH + 1
    assert [compared for compared, _ in told] == [STRETCH * k for k in range(1, stretches + 1)]
    assert [found is None for _, found in told] == [True] * (stretches - 1) + [False]
    found = told[-1][1]
    assert found is not None
    assert found.t == t


def test_the_last_stretch_may_be_short() -> None:
    layer = random_layer(1, 1)
    xs = random_input(layer, STRETCH + 3)
    assert [*find_parting(Run(layer, xs), Run(layer, xs))] == [(STRETCH, None), (STRETCH + 3, None)]


def test_not_a_number_in_one_alone_is_a_difference() -> None:
    layer = random_layer(2, 1)
    xs = random_input(layer, 5)
    broken = xs.copy()
    broken[3] = np.nan
    assert parting(Run(layer, broken), Run(layer, broken)) is None
    for one, other in ((xs, broken), (broken, xs)):
        found = parting(Run(layer, one), Run(layer, other), tolerance=1e300)
        assert found is not None
        assert found.t == 3
        assert np.isnan(found.difference)


def test_differences() -> None:
    nan, inf = np.nan, np.inf
    one = np.array([1.0, nan, inf, -inf, inf, nan, 2.0])
    other = np.array([3.0, nan, inf, inf, 1.0, 0.0, nan])
    np.testing.assert_array_equal(differences(one, other), [-2, 0, 0, -inf, inf, nan, nan])


def test_runs_that_cannot_be_compared() -> None:
    layer = random_layer(2, 1)
    run = Run(layer, np.zeros((4, 1)))
    others = (
        Run(layer, np.zeros((5, 1))),
        Run(random_layer(3, 1), np.zeros((4, 1))),
        Run(layer, np.zeros((4, 2, 1))),
    )
    for other in others:
        with pytest.raises(unrolled.ShapeError, match="compare: expected two runs of one cell, length and number"):
            next(find_parting(run, other))
    with pytest.raises(unrolled.ShapeError, match="compare"):
        next(find_parting(others[2], others[2]))


def test_layers_with_other_parts_are_not_compared() -> None:
    plain, projected = random_lstm(3, 2), random_lstm(3, 2, outputs=3)
    runs = [Run[Any](layer, random_input(layer, 4)) for layer in (plain, projected, random_gru(3, 2))]
    for other in runs[1:]:
        with pytest.raises(ShapeError, match=r"^compare: expected two runs of one cell"):
            next(find_parting(runs[0], other))
    assert [*find_parting(runs[2], runs[2])] == [(4, None)]
