"""What must hold for every cell and every option, over random ones; `test_properties` has more for the plain LSTM."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import (
    Layer,
    any_state,
    assert_close,
    assert_same_bits,
    batches,
    cells,
    fields_of,
    grus,
    random_gru,
    random_input,
    random_lstm,
    random_simple_rnn,
    timesteps,
)

import unrolled
from unrolled.clear_kernel import ClearKernel
from unrolled.kernel import WIDE

LAYERS: dict[str, Layer] = {
    "GRU": random_gru(5, 3, np.float32),
    "GRU, reset first": random_gru(5, 9, reset_after=False),
    "GRU without bias": random_gru(3, 1, bias=False),
    "clipped GRU": random_gru(4, 3, clip=0.5),
    "SimpleRNN": random_simple_rnn(5, 3, np.float32),
    "LSTM with peepholes": random_lstm(4, 3, peepholes=True),
    "LSTM with projection": random_lstm(5, 3, np.float32, outputs=2),
    "coupled LSTM": random_lstm(4, 3, coupled=True, peepholes=True),
    "clipped LSTM": random_lstm(4, 3, clip=0.5),
}
layers_by_name = pytest.mark.parametrize("name", LAYERS)


@given(cells, batches, timesteps, timesteps)
def test_a_run_continues_from_its_state(layer: Layer, batch: tuple[int, ...], first: int, second: int) -> None:
    xs, state = random_input(layer, first + second, batch), any_state(layer, batch)
    whole = list(layer.unroll(xs, state))
    before = list(layer.unroll(xs[:first], state))
    after = list(layer.unroll(xs[first:], before[-1].state))
    for one, other in zip(whole, before + after, strict=True):
        for name in fields_of(one):
            assert_close(getattr(one, name), getattr(other, name), layer.dtype)


@given(cells, st.sampled_from([(1,), (3,), (2, 3), (2, 1, 2)]), timesteps)
def test_a_batch_is_as_many_single_runs(layer: Layer, batch: tuple[int, ...], length: int) -> None:
    xs, state = random_input(layer, length, batch), any_state(layer, batch)
    together = layer.trace(xs, state)
    for index in np.ndindex(*batch):
        alone = layer.trace(xs[:, *index], tuple(array[index] for array in state))
        assert_close(together.pre_activations[:, :, *index], alone.pre_activations, layer.dtype)
        for name in set(fields_of(alone)) - {"x", "pre_activations"}:
            assert_close(getattr(together, name)[:, *index], getattr(alone, name), layer.dtype)


@given(cells, batches, timesteps)
def test_the_clear_form_equals_the_kernel(layer: Layer, batch: tuple[int, ...], length: int) -> None:
    xs, state = random_input(layer, length, batch), any_state(layer, batch)
    trace, run = layer.trace(xs, state), unrolled.Run[Any](layer, xs, state)
    clear = list(layer.unroll((x for x in xs), state))
    assert len(clear) == length
    for t, (step, kernel_step) in enumerate(zip(clear, layer.unroll(xs, state), strict=True)):
        for fast in (kernel_step, trace[t], run[t]):
            assert type(step) is type(fast)
            assert step.t == fast.t == t
            for name in fields_of(step):
                mine, theirs = getattr(step, name), getattr(fast, name)
                assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
                assert not mine.flags.writeable
                assert not theirs.flags.writeable
                assert_close(mine, theirs, layer.dtype)


@given(cells, batches, timesteps)
def test_the_states_hang_together(layer: Layer, batch: tuple[int, ...], length: int) -> None:
    xs = random_input(layer, length, batch)
    copied = xs.copy()
    trace = layer.trace(xs)
    assert np.array_equal(xs, copied)
    for name in layer.anatomy.carries:
        before, after = getattr(trace, f"{name}_previous"), getattr(trace, name)
        assert not before[0].any()
        assert np.array_equal(before[1:], after[:-1])
        assert after.shape == (length, *batch, layer.width(name))


@given(cells, timesteps)
def test_values_stay_within_their_bounds(layer: Layer, length: int) -> None:
    trace = layer.trace(100 * random_input(layer, length))
    room = 1e-6 if layer.dtype == np.float32 else 1e-12
    for quantity in layer.anatomy.quantities:
        low, high = layer.bounds(quantity.name)
        values = getattr(trace, quantity.name)
        assert low - room <= values.min()
        assert values.max() <= high + room


@given(cells, timesteps)
def test_an_account_adds_up(layer: Layer, length: int) -> None:
    trace, account = layer.trace(random_input(layer, length), any_state(layer)), layer.anatomy.account
    if account is None:
        with pytest.raises(unrolled.OptionError, match=r"^written: expected a cell whose state is kept by a gate"):
            _ = trace.written
        return
    kept = getattr(trace, account.keep) * getattr(trace, account.previous)
    assert_close(kept + trace.written, getattr(trace, account.state), layer.dtype)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 17, 50])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@layers_by_name
def test_the_same_bits_on_every_way(
    name: str, batch: tuple[int, ...], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClearKernel, "rows", lambda *_: 8)
    compare_routes(LAYERS[name], length, batch)


@pytest.mark.parametrize("length", [255, 257, 600])
@layers_by_name
def test_the_same_bits_on_chunks_of_its_own(name: str, length: int) -> None:
    compare_routes(LAYERS[name], length, ())


@pytest.mark.parametrize("batch", [(), (6,)])
def test_the_same_bits_of_a_wide_layer(batch: tuple[int, ...]) -> None:
    compare_routes(random_gru(WIDE + 1, 12), 40, batch)


def compare_routes(layer: Layer, length: int, batch: tuple[int, ...]) -> None:
    xs, state = random_input(layer, length, batch), any_state(layer, batch)
    trace, run = layer.trace(xs, state), unrolled.Run[Any](layer, xs, state)
    for step in layer.unroll(xs, state):
        assert_same_bits(step, trace[step.t])
    order = np.random.default_rng(length).permutation(length).tolist()
    for t in [*order, *order[:5], *range(min(length, 5)), length - 1]:
        assert_same_bits(run[t], trace[t])
    for step in run.window(0, length)[-1]:
        assert_same_bits(step, trace[step.t])


@layers_by_name
def test_a_long_run_is_reached_from_its_checkpoints(name: str) -> None:
    layer = LAYERS[name]
    xs = random_input(layer, 2000)
    run, trace = unrolled.Run[Any](layer, xs), layer.trace(xs)
    for t in (1999, 3, 1200, 700, 1998):
        assert_same_bits(run[t], trace[t])


@layers_by_name
def test_copies_compute_the_same(name: str) -> None:
    layer = LAYERS[name]
    xs = random_input(layer, 5)
    layer.trace(xs)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301 - it is our own
        assert not any(array.flags.writeable for array in other.weights.values())
        assert_same_bits(other.trace(xs), layer.trace(xs))
    assert repr(layer).startswith(f"{layer.anatomy.cell}(units={layer.units}, features={layer.features}, ")


@layers_by_name
def test_phases_compute_all_that_a_step_has(name: str) -> None:
    layer = LAYERS[name]
    computed = [each for phase in layer.anatomy.phases for each in phase.computes]
    sums = {f"z_{gate.name}" for gate in layer.anatomy.gates}
    held = set(fields_of(layer.step(np.zeros(layer.features)))) - {"pre_activations"}
    assert len(computed) == len(set(computed))
    assert set(computed) == held | sums
    assert held >= {quantity.name for quantity in layer.anatomy.quantities}


@given(grus)
def test_an_open_update_gate_keeps_the_hidden_state(layer: unrolled.GRU) -> None:
    bias = np.zeros((2, 3 * layer.units) if layer.reset_after else 3 * layer.units)
    bias[..., : layer.units] = 1e3
    keeping = unrolled.GRU(0 * layer.kernel, 0 * layer.recurrent_kernel, bias, reset_after=layer.reset_after)
    state = any_state(keeping)
    assert np.array_equal(keeping.trace(random_input(keeping, 9), state).h, np.tile(state[0], (9, 1)))


def test_a_recurrent_bias_of_the_candidate_goes_through_the_reset_gate() -> None:
    bias = np.zeros((2, 3))
    bias[:, 2] = [0.25, 0.5]
    bias[0, 1] = np.log(3)  # r = 3/4
    step = unrolled.GRU(np.zeros((1, 3)), np.zeros((1, 3)), bias).step([1.0])
    assert step.pre_activations[2] == pytest.approx([0.25 + 0.75 * 0.5], rel=1e-15)
    assert step.n == pytest.approx(np.tanh([0.625]), rel=1e-15)


def test_a_layer_of_one_unit_and_a_projection_of_two() -> None:
    layer = unrolled.LSTM(np.ones((1, 4)), np.zeros((2, 4)), projection=np.array([[2.0, -3.0]]))
    step: Any = layer.step([1.0])
    assert (layer.units, layer.outputs, step.m.shape, step.h.shape) == (1, 2, (1,), (2,))
    np.testing.assert_allclose(step.h, np.array([2.0, -3.0]) * step.m, rtol=1e-15)


def test_a_coupled_layer_drops_the_weights_that_nothing_reads() -> None:
    whole = random_lstm(3, 2)
    first, second = (
        unrolled.LSTM(np.where(here, 7.0, whole.kernel), whole.recurrent_kernel, whole.bias, coupled=True)
        for here in (False, np.repeat([False, True, False, False], 3))
    )
    xs = random_input(whole, 6)
    assert_same_bits(first.trace(xs), second.trace(xs))
    assert [gate.name for gate in first.anatomy.gates] == ["i", "g", "o"]
    assert first.kernel.shape == (2, 9)
    trace = first.trace(xs)
    assert np.array_equal(trace.f, 1 - trace.i)
    weights: dict[str, Any] = {**first.weights}
    assert_same_bits(unrolled.LSTM(**weights, coupled=True).trace(xs), trace)


@pytest.mark.parametrize("name", ["LSTM with peepholes", "GRU", "SimpleRNN"])
def test_clip_holds_back_what_goes_into_an_activation_alone(name: str) -> None:
    layer = LAYERS[name]
    weights: dict[str, Any] = {**layer.weights}
    clipped = type(layer)(**weights, clip=0.1)
    step = clipped.step(np.full(layer.features, 50.0))
    assert np.abs(step.pre_activations).max() > 1
    gate = layer.anatomy.gates[0].name
    kept = unrolled.ACTIVATIONS[layer.activation_of(gate)](np.array([-0.1, 0.1]))
    assert kept[0] - 1e-6 <= getattr(step, gate).min()
    assert getattr(step, gate).max() <= kept[1] + 1e-6
