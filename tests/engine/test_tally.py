"""The counts, which are Keras's and PyTorch's own."""

import numpy as np
import pytest
from tests.engine.layers import Layer, random_gru, random_lstm, random_simple_rnn

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


CELLS: list[tuple[Layer, int, list[tuple[str, int, str]]]] = [  # PyTorch's: nn.GRU, nn.RNN, nn.LSTM(proj_size)
    (
        random_gru(3, 1),
        54,
        [("Keras, PyTorch, ONNX", 54, "3·units·(features + units + 2)"), ("Keras, reset first", 45, "")],
    ),
    (
        random_gru(32, 10, reset_after=False),
        4128,
        [("Keras", 4128, "3·units·(features + units + 1)"), ("Keras, PyTorch, ONNX", 4224, "")],
    ),
    (
        random_gru(3, 1, bias=False),
        36,
        [("no bias", 36, ""), ("Keras, reset first", 45, ""), ("Keras, PyTorch, ONNX", 54, "")],
    ),
    (random_simple_rnn(3, 1), 15, [("Keras", 15, "units·(features + units + 1)"), ("PyTorch, ONNX", 18, "")]),
    (
        random_lstm(5, 4, outputs=3),
        175,
        [("one bias", 175, "4·units·(features + outputs + 1) + units·outputs"), ("PyTorch", 195, "")],
    ),
    (
        random_lstm(3, 2, peepholes=True),
        81,
        [("one bias", 81, "4·units·(features + units + 1) + 3·units"), ("ONNX", 93, "")],
    ),
    (
        random_lstm(3, 2, coupled=True, peepholes=True),
        60,
        [
            ("one bias", 60, "3·units·(features + units + 1) + 2·units"),
            ("ONNX", 93, "4·units·(features + units + 2) + 3·units"),
        ],
    ),
]


@pytest.mark.parametrize(("layer", "total", "conventions"), CELLS)
def test_every_cell(layer: Layer, total: int, conventions: list[tuple[str, int, str]]) -> None:
    counted = tally(layer)
    assert counted.total == total == sum(array.size for array in layer.weights.values())
    assert sum(counted.matrix_sums) == total
    assert [(each.name, each.total) for each in counted.conventions] == [(name, of) for name, of, _ in conventions]
    for convention, (_, _, formula) in zip(counted.conventions, conventions, strict=True):
        assert formula in ("", convention.formula)
        calculation, result = convention.numbers.split(" = ")
        assert eval(calculation.replace("·", "*")) == int(result) == convention.total  # noqa: S307 - our own digits


def test_rows_and_columns_of_other_cells() -> None:
    gru = tally(random_gru(3, 2))
    assert (gru.gates, gru.titles) == (("z", "r", "n"), ("update gate", "reset gate", "candidate"))
    assert (gru.shapes, gru.counts) == (("2×3", "3×3", "2×3"), ((6, 9, 6),) * 3)
    simple = tally(random_simple_rnn(3, 2))
    assert (simple.gates, simple.counts) == (("h",), ((6, 9, 3),))
    rare = tally(random_lstm(3, 2, peepholes=True, outputs=2))
    assert rare.matrices == ("kernel", "recurrent_kernel", "bias", "peepholes", "projection")
    assert rare.shapes == ("2×3", "2×3", "3", "3", "3×2")
    assert rare.gates == ("i", "f", "g", "o", "h")
    assert rare.counts == ((6, 6, 3, 3, 0), (6, 6, 3, 3, 0), (6, 6, 3, 0, 0), (6, 6, 3, 3, 0), (0, 0, 0, 0, 6))
