"""What a reader could get wrong and still load every file: each such mistake moves the numbers far out of tolerance."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.formats.torch_models import Array, case, distance

from unrolled import GRU, LSTM
from unrolled.formats import tensors, torch_cells
from unrolled.formats.tensors import Tensor
from unrolled.network import Direction, Recurrent

Mutation = Callable[[pytest.MonkeyPatch], None]
FAR = 1e-3


def on_weights(change: Callable[[dict[str, Array]], Mapping[str, Array]]) -> Mutation:
    """A reader that makes its cells from other numbers."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        made = torch_cells._cell

        def cell(kind: str, weights: Mapping[str, Tensor], *rest: Any) -> Any:
            changed = change({name: one.numbers(name) for name, one in weights.items()})
            return made(kind, {name: tensors.of_array(array) for name, array in changed.items()}, *rest)

        patch.setattr(torch_cells, "_cell", cell)

    return mutate


def in_order(*order: int) -> Mutation:
    def change(weights: dict[str, Array]) -> dict[str, Array]:
        return {
            name: array
            if name == "weight_hr"
            else np.concatenate([np.split(array, len(order))[gate] for gate in order])
            for name, array in weights.items()
        }

    return on_weights(change)


def without(name: str) -> Mutation:
    return on_weights(lambda weights: {**weights, name: np.zeros_like(weights[name])})


def summed(weights: dict[str, Array]) -> dict[str, Array]:
    both = weights["bias_ih"] + weights["bias_hh"]
    return {**weights, "bias_ih": both, "bias_hh": np.zeros_like(both)}


def swapped(weights: dict[str, Array]) -> dict[str, Array]:
    return {**weights, "bias_ih": weights["bias_hh"], "bias_hh": weights["bias_ih"]}


def never_backwards(patch: pytest.MonkeyPatch) -> None:
    directions: Any = vars(Recurrent)["directions"]

    def forwards(layer: Recurrent) -> tuple[Direction, ...]:
        return tuple(replace(one, backwards=False) for one in directions.fget(layer))

    patch.setattr(Recurrent, "directions", property(forwards))


def reset_before(patch: pytest.MonkeyPatch) -> None:
    def make(kernel: Array, recurrent_kernel: Array, bias: Array) -> GRU:
        return GRU(kernel, recurrent_kernel, bias.sum(axis=0), reset_after=False)

    patch.setattr(torch_cells, "GRU", make)


def hard_sigmoid(patch: pytest.MonkeyPatch) -> None:
    def make(kernel: Array, recurrent_kernel: Array, bias: Array, projection: Array | None) -> LSTM:
        return LSTM(kernel, recurrent_kernel, bias, recurrent_activation="hard_sigmoid", projection=projection)

    patch.setattr(torch_cells, "LSTM", make)


def bits_as_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tensors.Tensor, "numbers", lambda one, _: (one.read().astype(np.uint32) << 15).view(np.float32))


def transposed(weights: dict[str, Array]) -> dict[str, Array]:
    """As if the recurrent blocks were written the way that Keras writes them."""
    units = weights["weight_hh"].shape[1]
    blocks = np.split(weights["weight_hh"], len(weights["weight_hh"]) // units)
    return {**weights, "weight_hh": np.concatenate([block.T for block in blocks])}


def other_strides(patch: pytest.MonkeyPatch) -> None:
    def read(view: Any, numbers: Any) -> Array:
        size = int(np.prod(view.shape))
        flat: Array = numbers(view.storage.key)[view.offset : view.offset + size]
        return flat.reshape(view.shape)

    patch.setattr("unrolled.formats.torch_files._read", read)


@pytest.mark.parametrize(
    ("name", "mutation"),
    [
        ("lstm4.pt", in_order(0, 2, 1, 3)),
        ("lstm4.safetensors", in_order(0, 3, 1, 2)),
        ("lstm4.pt", in_order(2, 1, 0, 3)),
        ("lstm4.pt", without("bias_hh")),
        ("lstm4.pt", without("bias_ih")),
        ("lstm4.pt", hard_sigmoid),
        ("lstm4.pt", on_weights(transposed)),
        ("projection.pt", in_order(0, 2, 1, 3)),
        ("gru.pt", in_order(1, 0, 2)),
        ("gru.pt", in_order(0, 2, 1)),
        ("gru.pt", on_weights(summed)),
        ("gru.pt", on_weights(swapped)),
        ("gru.pt", reset_before),
        ("bilstm2.pt", never_backwards),
        ("rnn_tanh.pt", never_backwards),
        ("bfloat16.pt", bits_as_numbers),
        ("older.pt", other_strides),
    ],
)
def test_a_mistake_is_far_from_pytorch(name: str, mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    one = case(name)
    assert distance(one.load(), one.expected) < 1e-6
    mutation(monkeypatch)
    assert distance(one.load(), one.expected) > FAR
