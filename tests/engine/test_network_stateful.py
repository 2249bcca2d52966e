"""Batches that go on where the one before ended, beside one long run."""

import numpy as np
import pytest
from tests.engine.layers import random_layer
from tests.engine.networks import keras_cases

from unrolled import GRU, OptionError, ShapeError
from unrolled.network import Network, Recurrent
from unrolled.stateful import Batches

SAMPLES = np.random.default_rng(3).standard_normal((7, 5, 2))
LAYER = Recurrent("a", random_layer(3, 2), stateful=True)
FRESH = Recurrent("b", GRU.initialize(4, 3, 1))
NETWORK = Network((LAYER, FRESH))


@pytest.mark.parametrize("order", [range(7), range(6, -1, -1), [5, 1, 3]])
def test_rows_are_long_sequences(order: list[int]) -> None:
    batches = Batches(NETWORK, SAMPLES, 2)
    for sample in order:
        row = np.concatenate(SAMPLES[sample % 2 : sample + 1 : 2])
        expected = LAYER.forward.trace(row).h[-5:]
        reading = batches.read(sample)
        np.testing.assert_allclose(reading.output("a"), expected, atol=1e-12)
        np.testing.assert_allclose(reading.output("b"), FRESH.forward.trace(expected).h, atol=1e-12)


def test_resets_start_from_zeros() -> None:
    batches = Batches(NETWORK, SAMPLES, 2, resets=[2])
    np.testing.assert_allclose(batches.read(4).output("a"), LAYER.forward.trace(SAMPLES[4]).h, atol=1e-12)
    both = np.concatenate([SAMPLES[4], SAMPLES[6]])
    np.testing.assert_allclose(batches.read(6).output("a"), LAYER.forward.trace(both).h[5:], atol=1e-12)


def test_exploring_goes_through_the_samples_before_once() -> None:
    batches = Batches(NETWORK, SAMPLES, 1)
    progress = list(batches.explore(6))
    assert (progress[-1].done, progress[-1].total) == (6, 6)
    assert list(batches.explore(6)) == []
    assert list(batches.explore(3)) == []


def test_layers_without_state_need_no_other_sample() -> None:
    batches = Batches(Network((Recurrent("a", random_layer(3, 2)),)), SAMPLES, 1)
    assert list(batches.explore(6)) == []
    np.testing.assert_allclose(batches.read(6).output("a"), random_layer(3, 2).trace(SAMPLES[6]).h, atol=1e-12)


def test_both_directions_go_on() -> None:
    case = keras_cases()["stateful"]
    assert case.batch_size == 2
    fresh = Batches(case.network, case.x, 2, resets=[0, 1, 2]).read(4)
    going_on = Batches(case.network, case.x, 2).read(4)
    for name in ("layer1/forward", "layer1/backward"):
        assert not np.allclose(fresh.passage(name).initial_state[0], going_on.passage(name).initial_state[0])
        assert not np.any(fresh.passage(name).initial_state[0])


def test_wrong_batches() -> None:
    with pytest.raises(OptionError, match="batch_size: expected 1 or more, got 0"):
        Batches(NETWORK, SAMPLES, 0)
    with pytest.raises(
        ShapeError, match=r"input: expected \(samples, T, …\) with one sample or more, got shape \(0, 5"
    ):
        Batches(NETWORK, SAMPLES[:0], 1)
    with pytest.raises(OptionError, match="sample: expected 0 to 6, got 7"):
        Batches(NETWORK, SAMPLES, 2).read(7)
