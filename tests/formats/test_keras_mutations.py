"""What a reader could get wrong and still load every file: each such mistake moves the numbers far out of tolerance."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.formats.keras_models import case, distance

from unrolled.formats import keras_cells, keras_layers, keras_version, load
from unrolled.formats.keras_cells import GATES, Arrays
from unrolled.formats.keras_weights import Part
from unrolled.network import Direction, Recurrent

Mutation = Callable[[pytest.MonkeyPatch], None]
FAR = 1e-3


def on_arrays(change: Callable[[str, Arrays], Arrays]) -> Mutation:
    """A reader that makes its cells from other arrays."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        make = keras_cells.make
        patch.setattr(keras_layers, "make", lambda cell, arrays, functions: make(cell, change(cell, arrays), functions))

    return mutate


def swapped(first: int, second: int) -> Callable[[str, Arrays], Arrays]:
    def swap(cell: str, arrays: Arrays) -> Arrays:
        order = list(range(GATES[cell]))
        order[first], order[second] = order[second], order[first]
        parts = [
            None if array is None else np.concatenate([np.split(array, len(order), -1)[gate] for gate in order], -1)
            for array in (arrays.kernel, arrays.recurrent_kernel, arrays.bias)
        ]
        assert parts[0] is not None
        assert parts[1] is not None
        return Arrays(parts[0], parts[1], parts[2])

    return swap


def with_bias(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[str, Arrays], Arrays]:
    def changed(_: str, arrays: Arrays) -> Arrays:
        assert arrays.bias is not None
        return replace(arrays, bias=change(arrays.bias))

    return changed


def summed_into_the_first_row(bias: np.ndarray) -> np.ndarray:
    return np.stack([bias.sum(axis=0), np.zeros_like(bias[0])])


def other_hard_sigmoid(patch: pytest.MonkeyPatch) -> None:
    other = {"hard_sigmoid": "hard_sigmoid_keras2", "hard_sigmoid_keras2": "hard_sigmoid"}
    right = keras_version.KerasVersion.activation
    patch.setattr(
        keras_version.KerasVersion,
        "activation",
        lambda self, name: other[right(self, name)] if "hard" in name else right(self, name),
    )


def untransposed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(keras_cells, "_by_block", lambda array, _gates, _change: array)


def recurrent_only_transposed(patch: pytest.MonkeyPatch) -> None:
    right = keras_cells._by_block
    patch.setattr(
        keras_cells,
        "_by_block",
        lambda array, gates, change: right(array, gates, change) if array.shape[0] * gates == array.shape[1] else array,
    )


def first_half_of_the_bias(patch: pytest.MonkeyPatch) -> None:
    right = keras_cells._from_cudnn

    def halved(cell: str, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Arrays:
        return replace(right(cell, kernel, recurrent, bias), bias=bias[: len(bias) // 2])

    patch.setattr(keras_cells, "_from_cudnn", halved)


def unflipped(patch: pytest.MonkeyPatch) -> None:
    right = vars(Recurrent)["directions"].fget
    patch.setattr(
        Recurrent,
        "directions",
        property(lambda self: tuple(Direction(one.name, one.layer, False) for one in right(self))),
    )


def directions_swapped(patch: pytest.MonkeyPatch) -> None:
    def other(path: str = "", number: int = 0, count: int = 1) -> Part:
        return Part(SWAP.get(path, path), count - 1 - number, count)

    patch.setattr(keras_layers, "Part", other)


SWAP = {"forward_layer/cell": "backward_layer/cell", "backward_layer/cell": "forward_layer/cell"}


@pytest.mark.parametrize(
    ("name", "mutation"),
    [
        *(
            (f"keras2/{name}.h5", on_arrays(swapped(first, second)))
            for name in ("lstm3", "keras1_lstm", "cudnnlstm")
            for first in range(4)
            for second in range(first)
        ),
        *((f"keras3/{name}.keras", on_arrays(swapped(1, 0))) for name in ("gru_before", "gru_no_bias_after")),
        ("keras2/keras1_gru.h5", on_arrays(swapped(2, 0))),
        ("keras2/gru_after1.h5", on_arrays(with_bias(lambda bias: bias[::-1]))),
        ("keras2/gru_after1.h5", on_arrays(with_bias(summed_into_the_first_row))),
        ("keras2/cudnn_gru.h5", on_arrays(with_bias(lambda bias: bias[::-1]))),
        ("keras2/cudnnlstm.h5", first_half_of_the_bias),
        ("keras2/cudnn_both_ways.h5", first_half_of_the_bias),
        ("keras2/lstm_hardsigmoid.h5", other_hard_sigmoid),
        ("keras2/hard.h5", other_hard_sigmoid),
        ("keras3/hard.keras", other_hard_sigmoid),
        ("keras2/keras1_gru.h5", other_hard_sigmoid),
        ("keras2/cudnnlstm.h5", untransposed),
        ("keras2/cudnn_gru.h5", untransposed),
        ("keras2/cudnn_both_ways.h5", untransposed),
        ("keras2/cudnn_gru.h5", recurrent_only_transposed),
        ("keras2/bilstm_concat.h5", unflipped),
        ("keras3/bilstm_concat.keras", unflipped),
        ("keras2/masked_both_ways.h5", unflipped),
        ("keras3/backwards.keras", unflipped),
        ("keras2/bilstm_concat.h5", directions_swapped),
        ("keras3/bilstm_concat.keras", directions_swapped),
    ],
)
def test_a_mistake_shows(monkeypatch: pytest.MonkeyPatch, name: str, mutation: Mutation) -> None:
    expected = case(name).expected
    mutation(monkeypatch)
    assert distance(load(case(name).path), expected) > FAR
