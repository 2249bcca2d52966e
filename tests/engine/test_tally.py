"""The counts of issue 2, which are Keras's and PyTorch's own."""

import numpy as np
import pytest

import unrolled
from unrolled import tally

COUNTS = [  # units, features, as Keras counts, as PyTorch counts
    (1, 1, 12, 16),
    (1, 2, 16, 20),
    (2, 1, 32, 40),
    (2, 2, 40, 48),
    (3, 1, 60, 72),
    (3, 2, 72, 84),
    (256, 4096, 4_457_472, 4_458_496),
]


def zeros(units: int, features: int, bias: bool = True) -> unrolled.LSTM:
    weights = np.zeros((features + units, 4 * units), np.float32)
    return unrolled.LSTM(weights[:features], weights[features:], np.zeros(4 * units, np.float32) if bias else None)


@pytest.mark.parametrize(("units", "features", "keras", "pytorch"), COUNTS)
def test_counts(units: int, features: int, keras: int, pytorch: int) -> None:
    counted = tally(zeros(units, features))
    assert counted.total == keras
    assert [convention.total for convention in counted.conventions] == [keras, pytorch]
    assert [convention.name for convention in counted.conventions] == ["Keras", "PyTorch, ONNX"]


def test_rows_and_columns() -> None:
    counted = tally(zeros(3, 2))
    assert (counted.cell, counted.units, counted.features) == ("LSTM", 3, 2)
    assert counted.gates == ("i", "f", "g", "o")
    assert counted.matrices == ("kernel", "recurrent_kernel", "bias")
    assert counted.shapes == ("2×3", "3×3", "3")
    assert counted.counts == ((6, 9, 3),) * 4
    assert counted.gate_sums == (18, 18, 18, 18)
    assert counted.matrix_sums == (24, 36, 12)
    assert sum(counted.gate_sums) == sum(counted.matrix_sums) == counted.total == 72


def test_formula() -> None:
    counted = tally(zeros(3, 2))
    assert counted.formula == "4·units·(features + units + 1)"
    assert counted.numbers == "4·3·(2 + 3 + 1) = 72"
    pytorch = counted.conventions[1]
    assert pytorch.formula == "4·units·(features + units + 2)"
    assert pytorch.numbers == "4·3·(2 + 3 + 2) = 84"
    assert "two biases" in pytorch.reason
    assert "one bias" in counted.conventions[0].reason


def test_without_bias() -> None:
    counted = tally(zeros(3, 2, bias=False))
    assert counted.total == 60
    assert counted.counts == ((6, 9, 0),) * 4
    assert counted.formula == "4·units·(features + units)"
    assert counted.numbers == "4·3·(2 + 3) = 60"
    assert [convention.total for convention in counted.conventions] == [60, 72, 84]


def test_counts_are_those_of_the_arrays() -> None:
    layer = unrolled.LSTM.initialize(7, 5, seed=1)
    assert tally(layer).total == sum(array.size for array in layer.weights.values())
