"""The ledger: its terms add up to the engine's z, for every size, dtype and activation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import (
    Layer,
    any_state,
    assert_close,
    cells,
    layers,
    random_gru,
    random_input,
    random_layer,
    random_lstm,
    random_state,
)

import unrolled
from unrolled.ledger import GROUPS, Ledger

GATES = ("i", "f", "g", "o")
SHOWN = 0.5e-4
"""Half of the last digit of the four decimals that a ledger is shown with."""


def account(layer: unrolled.LSTM, gate: str = "f", unit: int = 1) -> Ledger:
    """The ledger of one gate at a timestep at which every state has a value."""
    return unrolled.ledger(layer, layer.step(random_input(layer, 1)[0], random_state(layer)), gate, unit)


@given(layers, st.sampled_from(GATES), st.integers(0, 8), st.integers(0, 5))
def test_the_terms_add_up_to_the_z_of_the_engine(layer: unrolled.LSTM, gate: str, unit: int, t: int) -> None:
    unit %= layer.units
    xs = random_input(layer, 6)
    for step in (layer.trace(xs)[t], unrolled.Run(layer, xs)[t]):
        told = unrolled.ledger(layer, step, gate, unit)
        assert len(told) == layer.features + layer.units + (layer.bias is not None)
        assert told.z == step.z[GATES.index(gate), unit]
        assert told.value == getattr(step, gate)[unit]
        assert abs(told.total - told.z) < SHOWN
        assert_close(told.total, told.z, layer.dtype)
        assert_close(sum(told.group_sums()), told.z, layer.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("units", "features"), [(1, 1), (3, 1), (64, 16), (512, 512)])
def test_every_unit_and_gate_adds_up(units: int, features: int, bias: bool, dtype: type) -> None:
    layer = random_layer(units, features, dtype, bias=bias)
    step = layer.trace(random_input(layer, 3))[2]
    for gate in GATES:
        for unit in range(0, units, max(1, units // 8)):
            told = unrolled.ledger(layer, step, gate, unit)
            assert abs(told.total - told.z) < SHOWN
            assert_close(told.total, told.z, dtype)


@given(layers, st.sampled_from(GATES))
def test_each_product_is_its_weight_times_its_signal(layer: unrolled.LSTM, gate: str) -> None:
    unit = layer.units - 1
    told = account(layer, gate, unit)
    column = GATES.index(gate) * layer.units + unit
    x, (h, _) = random_input(layer, 1)[0], random_state(layer)
    expected = [*(x * layer.kernel[:, column]), *(h * layer.recurrent_kernel[:, column])]
    if layer.bias is not None:
        expected.append(layer.bias[column])
    assert_close(told.products, expected, layer.dtype)
    assert_close(told.weights * told.signals, told.products, np.float64)


@pytest.mark.parametrize("bias", [True, False])
def test_groups(bias: bool) -> None:
    told = account(random_layer(3, 2, bias=bias))
    names = [GROUPS[group] for group in told.groups]
    assert names == [
        "from the input",
        "from the input",
        "from other units",
        "from itself",
        "from other units",
        *["bias"] * bias,
    ]
    p = told.products
    np.testing.assert_allclose(told.group_sums(), [p[0] + p[1], p[2] + p[4], p[3], p[5] if bias else 0], rtol=1e-12)
    assert [*told.by_group()] == [0, 1, 2, 4, 3, 5][: len(told)]


def test_names() -> None:
    told = account(random_layer(3, 2))
    assert [told.weight_name(k) for k in range(6)] == [
        "W[x1→f2]",
        "W[x2→f2]",
        "U[h1→f2]",
        "U[h2→f2]",
        "U[h3→f2]",
        "b[f2]",
    ]
    assert [told.signal_name(k) for k in range(6)] == ["x1", "x2", "h1(t-1)", "h2(t-1)", "h3(t-1)", ""]
    alone = account(random_layer(3, 2, bias=False))
    assert (alone.weight_name(4), alone.signal_name(4)) == ("U[h3→f2]", "h3(t-1)")


@given(layers)
def test_by_size_the_largest_of_either_sign_comes_first(layer: unrolled.LSTM) -> None:
    told = account(layer, unit=0)
    order = told.by_size()
    assert sorted(order) == [*range(len(told))]
    sizes = [abs(told.products[k]) for k in order]
    assert sizes == sorted(sizes, reverse=True)


def test_by_size_terms_of_one_size_keep_their_order() -> None:
    layer = unrolled.LSTM(np.ones((3, 4)), np.zeros((1, 4)), np.full(4, 2.0))
    told = unrolled.ledger(layer, layer.step([1.0, -3.0, -1.0]), "i", 0)
    assert [*told.by_size()] == [1, 4, 0, 2, 3]


def test_what_is_not_a_number_is_told_without_a_warning() -> None:
    layer = random_layer(2, 3)
    told = unrolled.ledger(layer, layer.step([np.nan, np.inf, -np.inf]), "g", 0)
    assert np.isnan(told.total)
    assert np.isnan(told.z)
    assert np.isnan(told.group_sums()[0])
    assert told.by_size()[-1] == 0


def test_it_cannot_be_changed() -> None:
    told = account(random_layer(3, 2))
    for array in (told.weights, told.signals, told.products):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_what_there_is_no_ledger_of() -> None:
    layer = random_layer(3, 2)
    step = layer.step([1.0, 2.0])
    with pytest.raises(unrolled.OptionError, match="gate: expected one of i, f, g, o, got 'c'"):
        unrolled.ledger(layer, step, "c", 0)
    for unit in (-1, 3):
        with pytest.raises(unrolled.OptionError, match=f"unit: expected 0 to 2, got {unit}"):
            unrolled.ledger(layer, step, "i", unit)
    with pytest.raises(unrolled.OptionError, match=r"single sequence, got inputs of shape \(2, 2\)"):
        unrolled.ledger(layer, layer.step(np.zeros((2, 2))), "i", 0)


@given(cells, st.integers(0, 8), st.integers(0, 5))
def test_the_terms_of_every_cell_add_up(layer: Layer, unit: int, t: int) -> None:
    unit %= layer.units
    step = layer.trace(random_input(layer, 6), any_state(layer))[t]
    for row, gate in enumerate(layer.anatomy.gates):
        told = unrolled.ledger(layer, step, gate.name, unit)
        assert told.z == step.pre_activations[row, unit]
        assert told.value == getattr(step, gate.name)[unit]
        assert_close(told.total, told.z, layer.dtype)
        assert_close(sum(told.group_sums()), told.z, layer.dtype)
        assert len({(told.weight_name(k), told.signal_name(k)) for k in range(len(told))}) == len(told)
        assert told.last_of_each_kind[-1] == len(told) - 1


def named(layer: Layer, gate: str) -> tuple[list[str], list[str], list[str]]:
    """The weights, the signals and the groups of the ledger of unit 2, at a timestep at which every state is 0.5."""
    state = tuple(np.full(zeros.shape, 0.5) for zeros in layer.zero_state())
    told = unrolled.ledger(layer, layer.step([1.0], state), gate, 1)
    terms = range(len(told))
    groups = [GROUPS[group] for group in told.groups]
    return [told.weight_name(k) for k in terms], [told.signal_name(k) for k in terms], groups


def test_the_candidate_of_a_gru_hears_the_units_through_the_reset_gate() -> None:
    weights, signals, groups = named(random_gru(2, 1), "n")
    assert weights == ["W[x1→n2]", "U[h1→n2]", "U[h2→n2]", "b[n2]", "b_h[n2]"]
    assert signals == ["x1", "r2·h1(t-1)", "r2·h2(t-1)", "", "r2"]
    assert groups == ["from the input", "from other units", "from itself", "bias", "bias"]
    assert named(random_gru(2, 1), "z")[1] == ["x1", "h1(t-1)", "h2(t-1)", "", ""]
    first = random_gru(2, 1, reset_after=False)
    assert named(first, "n")[:2] == (weights[:4], ["x1", "r1·h1(t-1)", "r2·h2(t-1)", ""])


def test_a_peephole_shows_each_unit_its_own_cell_state() -> None:
    layer = random_lstm(2, 1, peepholes=True)
    for gate, signal in (("i", "c2(t-1)"), ("f", "c2(t-1)"), ("o", "c2(t)")):
        weights, signals, groups = named(layer, gate)
        assert (weights[-1], signals[-1], groups[-1]) == (f"p[c2→{gate}2]", signal, "from itself")
    assert named(layer, "g")[0][-1] == "b[g2]"


def test_behind_a_projection_no_coordinate_of_h_is_a_unit() -> None:
    for outputs in (1, 2, 3):
        weights, _, groups = named(random_lstm(2, 1, outputs=outputs), "f")
        assert weights == ["W[x1→f2]", *(f"U[h{k + 1}→f2]" for k in range(outputs)), "b[f2]"]
        assert groups == ["from the input", *["from other units"] * outputs, "bias"]
