"""A run as arrays, and the layers that are made from a layer."""

import numpy as np
import pytest
from tests.engine.layers import FIELDS, assert_close, assert_same_bits, random_input, random_layer

import unrolled


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_shapes(batch: tuple[int, ...]) -> None:
    layer = random_layer(4, 3)
    trace = layer.trace(random_input(layer, 7, batch))
    assert trace.x.shape == (7, *batch, 3)
    assert trace.z.shape == (7, 4, *batch, 4)
    assert {getattr(trace, name).shape for name in FIELDS if name not in "xz"} == {(7, *batch, 4)}
    step = trace[0]
    assert step.z.shape == (4, *batch, 4)
    assert {getattr(step, name).shape for name in FIELDS if name not in "xz"} == {(*batch, 4)}


def test_rows_and_parts() -> None:
    layer = random_layer(4, 3)
    trace = layer.trace(random_input(layer, 7))
    assert len(trace) == 7
    assert [step.t for step in trace] == [0, 1, 2, 3, 4, 5, 6]
    assert_same_bits(trace[-1], trace[6])
    part = trace.part(slice(2, 5))
    assert (part.start, len(part), type(part)) == (2, 3, unrolled.LSTMTrace)
    assert [step.t for step in part] == [2, 3, 4]
    assert_same_bits(part[1], trace[3])
    h, c = trace[3].state
    assert np.array_equal(h, trace.h[3])
    assert np.array_equal(c, trace.c[3])
    for row in (7, -8):
        with pytest.raises(unrolled.TimestepError, match=f"^trace: expected a row below 7, got {row}$"):
            trace[row]


def test_the_biases_and_weights_make_z() -> None:
    identity = np.tile(np.eye(2), 4)
    layer = unrolled.LSTM(identity, np.zeros((2, 8)), np.repeat([10.0, 20.0, 30.0, 40.0], 2))
    z = layer.trace([[1.0, 2.0]]).z[0]
    assert z.tolist() == [[11, 12], [21, 22], [31, 32], [41, 42]]  # Keras's order of gates: i, f, g, o
    assert layer.step([1.0, 2.0]).z.tolist() == z.tolist()


def test_a_unit_alone_is_as_the_unit_with_its_wires_cut() -> None:
    layer = random_layer(4, 2)
    xs = random_input(layer, 12)
    cut = layer.without_connections().trace(xs)
    for unit in range(4):
        assert_close(layer.unit(unit).trace(xs).h[:, 0], cut.h[:, unit], np.float64)
    assert not np.allclose(cut.h, layer.trace(xs).h)
    with pytest.raises(unrolled.OptionError, match=r"^unit: expected 0 to 3, got 4$"):
        layer.unit(4)
