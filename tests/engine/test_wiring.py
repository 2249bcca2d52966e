"""Cutting the wires between units leaves as many layers of one unit; and where the parameters are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import (
    Layer,
    assert_close,
    cells,
    fields_of,
    layers,
    random_gru,
    random_input,
    random_layer,
    random_lstm,
    random_simple_rnn,
    timesteps,
)

import unrolled
from unrolled.wiring import WireCount, check_separate, count_wires

FIELDS = ("h", "h_previous", "i", "f", "g", "o", "c", "c_previous", "tanh_c")


@given(layers, timesteps)
def test_a_cut_layer_equals_its_separate_units(layer: unrolled.LSTM, length: int) -> None:
    xs, cut = random_input(layer, length), layer.without_connections()
    together = cut.trace(xs)
    for unit in range(layer.units):
        alone = layer.unit(unit)
        assert (alone.units, alone.features, alone.dtype) == (1, layer.features, layer.dtype)
        trace = alone.trace(xs)
        assert_close(together.z[:, :, unit], trace.z[:, :, 0], layer.dtype)
        for name in FIELDS:
            assert_close(getattr(together, name)[:, unit], getattr(trace, name)[:, 0], layer.dtype)


@given(layers, timesteps)
def test_the_check_agrees(layer: unrolled.LSTM, length: int) -> None:
    largest = [*check_separate(layer.without_connections(), random_input(layer, length))]
    assert len(largest) == layer.units
    assert largest == sorted(largest)
    # Unbounded activations make large states, of which rounding takes its share.
    scale = max(1.0, float(np.abs(layer.without_connections().trace(random_input(layer, length)).c).max()))
    assert largest[-1] <= scale * (2e-5 if layer.dtype == np.float32 else 1e-12)


def test_the_check_notices_a_wire() -> None:
    layer = random_layer(3, 1)
    xs = random_input(layer, 8)
    difference = [*check_separate(layer, xs)][-1]
    apart = np.abs(layer.trace(xs).c - np.hstack([layer.unit(unit).trace(xs).c for unit in range(3)])).max()
    assert difference >= apart > 1e-3


def test_the_check_knows_what_is_not_a_number() -> None:
    layer = random_layer(2, 1)
    xs = np.array([[1.0], [np.nan], [np.inf]])
    assert [*check_separate(layer.without_connections(), xs)] == pytest.approx([0, 0], abs=1e-12)
    # Through a wire of weight nan, one unit alone is well and the layer is not.
    recurrent_kernel = np.zeros((2, 8))
    recurrent_kernel[1, 0] = np.nan
    broken = unrolled.LSTM(np.ones((1, 8)), recurrent_kernel)
    assert [*check_separate(broken, [[1.0], [2.0]])] == [np.inf, np.inf]


@given(layers)
def test_cutting_keeps_all_but_the_wires_between(layer: unrolled.LSTM) -> None:
    cut = layer.without_connections()
    assert np.array_equal(cut.kernel, layer.kernel)
    assert (cut.bias is None) == (layer.bias is None)
    assert (cut.activation, cut.recurrent_activation) == (layer.activation, layer.recurrent_activation)
    for gate in range(4):
        columns = slice(gate * layer.units, (gate + 1) * layer.units)
        block = layer.recurrent_kernel[:, columns]
        assert np.array_equal(cut.recurrent_kernel[:, columns], np.diag(np.diag(block)))
    assert cut.dtype == layer.dtype


@given(layers, timesteps)
def test_at_the_first_timestep_nothing_flows_between_units(layer: unrolled.LSTM, length: int) -> None:
    xs = random_input(layer, length)
    assert_close(layer.without_connections().trace(xs).h[0], layer.trace(xs).h[0], layer.dtype)


@given(layers, st.booleans())
def test_where_the_parameters_are(layer: unrolled.LSTM, cut: bool) -> None:
    count = count_wires(layer.without_connections() if cut else layer)
    units, features = layer.units, layer.features
    assert count.input == 4 * units * features
    assert count.itself == 4 * units
    assert count.between == 4 * units * (units - 1)
    assert count.bias == (0 if layer.bias is None else 4 * units)
    assert count.total == unrolled.tally(layer).total
    alone = [unrolled.tally(layer.unit(unit)).total for unit in range(units)]
    assert sum(alone) == count.total - count.between
    assert set(alone) == {4 * (features + 1 + (layer.bias is not None))}


@pytest.mark.parametrize(
    ("units", "features", "expected"),
    [
        (3, 1, WireCount(12, 12, 24, 12)),
        (2, 1, WireCount(8, 8, 8, 8)),
        (1, 1, WireCount(4, 4, 0, 4)),
        (3, 2, WireCount(24, 12, 24, 12)),
    ],
)
def test_counts_by_hand(units: int, features: int, expected: WireCount) -> None:
    assert count_wires(unrolled.LSTM.initialize(units, features, seed=7)) == expected


def test_sixty_is_not_three_times_twelve() -> None:
    layer = unrolled.LSTM.initialize(units=3, features=1, seed=7)
    count = count_wires(layer)
    assert (count.total, count.between, count.total - count.between) == (60, 24, 36)
    assert [unrolled.tally(layer.unit(unit)).total for unit in range(3)] == [12, 12, 12]


@pytest.mark.parametrize("unit", [-1, 3])
def test_a_unit_that_is_not_there(unit: int) -> None:
    with pytest.raises(unrolled.OptionError, match=f"unit: expected 0 to 2, got {unit}"):
        random_layer(3, 1).unit(unit)


@given(cells, timesteps)
def test_a_cut_layer_of_any_cell_equals_its_separate_units(layer: Layer, length: int) -> None:
    if not layer.separable:
        message = r"^units: expected a layer whose units can be told apart, got a projection, which mixes "
        with pytest.raises(unrolled.OptionError, match=message):
            layer.without_connections()
        with pytest.raises(unrolled.OptionError, match=message):
            layer.unit(0)
        return
    xs, cut_layer = random_input(layer, length), layer.without_connections()
    together = cut_layer.trace(xs)
    for unit in range(layer.units):
        alone = layer.unit(unit)
        assert (alone.units, alone.clip, alone.anatomy) == (1, layer.clip, layer.anatomy)
        trace = alone.trace(xs)
        for name in set(fields_of(trace)) - {"x", "pre_activations"}:
            assert_close(getattr(together, name)[:, unit], getattr(trace, name)[:, 0], layer.dtype)


@given(cells)
def test_where_the_parameters_of_any_cell_are(layer: Layer) -> None:
    count = count_wires(layer)
    assert count.total == unrolled.tally(layer).total
    if layer.separable:
        alone = [unrolled.tally(layer.unit(unit)).total for unit in range(layer.units)]
        assert sum(alone) == count.total - count.between


def test_counts_of_other_cells_by_hand() -> None:
    assert count_wires(random_gru(3, 1)) == WireCount(9, 9, 18, 18)
    assert count_wires(random_simple_rnn(3, 1)) == WireCount(3, 3, 6, 3)
    assert count_wires(random_lstm(3, 1, peepholes=True)) == WireCount(12, 12, 24, 12, peepholes=9)
    assert count_wires(random_lstm(3, 1, outputs=2)) == WireCount(12, 0, 24, 12, projection=6)
