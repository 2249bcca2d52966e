"""What is commonly mistaken about the weights of a recurrent layer: each mistake as the layer without it.

Sources for the orders of the gates: https://keras.io/api/layers/recurrent_layers/ (i, f, c, o and z, r, h),
https://pytorch.org/docs/stable/generated/torch.nn.GRU.html (r, z, n),
https://onnx.ai/onnx/operators/onnx__LSTM.html (i, o, f, c), `BasicLSTMCell` of TensorFlow 1 (i, j, f, o) and
https://docs.openvino.ai (LSTMSequence: f, i, c, o).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np

from unrolled.arrays import Array
from unrolled.cell import Cell
from unrolled.gru import GRU
from unrolled.layer import RecurrentLayer
from unrolled.lstm import LSTM
from unrolled.simple_rnn import SimpleRNN

Layer: TypeAlias = RecurrentLayer[Any]
Block: TypeAlias = Callable[[Array], Array]


class Kind(IntEnum):
    """What a mistake is about, in the order in which two of them are put right."""

    FILE = 0
    """Which of the file's arrays count."""
    LAYOUT = 1
    ORDER = 2
    BIAS = 3
    ACTIVATION = 4
    EQUATION = 5
    DIRECTION = 6
    NETWORK = 7
    ARRAY = 8
    """What an array of numbers holds."""


@dataclass(frozen=True, eq=False, slots=True)
class Mistake:
    """One thing that may have been taken for another.

    Attributes:
        kind: What it is about.
        truth: What would be true instead, as a clause: "the gate blocks stand in the order i, o, f, g".
        change: The layer as it would be then, or None where there is nothing of the kind in it.
        is_rare: Whether it is tried after the others, and not together with another one.
    """

    kind: Kind
    truth: str
    change: Callable[[Layer], Layer | None]
    is_rare: bool = False


_KNOWN_ORDERS = {
    "ifgo": "Keras's ifco and PyTorch's ifgo",
    "iofg": "ONNX's iofc",
    "igfo": "TensorFlow 1's ijfo and Keras 1's icfo",
    "figo": "OpenVINO's fico",
    "zrn": "Keras's and ONNX's zrh",
    "rzn": "PyTorch's rzn",
}

_READ_ORDERS = {("LSTM", "ONNX"): "iofg", ("GRU", "PyTorch"): "rzn"}
"""How the blocks of the gates are read, where that is not the order of the cell here."""

_ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear", "softsign", "hard_sigmoid", "hard_sigmoid_keras2")


def mistakes(layer: Layer, framework: str, biases: Array | None = None) -> Iterator[Mistake]:
    """The mistakes that may have been made about a layer, from a file of `framework`.

    `biases` are the two that the file has, where the layer has their sum.
    """
    if isinstance(layer, Cell):
        yield from _orders(layer, framework, biases)
        yield from _biases(layer, biases)
        yield from _activations(layer)
        yield from _transpositions(layer)
        yield from _equations(layer, biases)


def _orders(layer: Layer, framework: str, biases: Array | None) -> Iterator[Mistake]:
    """Every other order of the blocks of the gates, in all weights or in some."""
    gates = "".join(gate.name for gate in layer.anatomy.gates)
    if len(gates) < 2:
        return
    read = _READ_ORDERS.get((layer.anatomy.cell, framework), gates)
    read = "".join(gate for gate in read if gate in gates)  # a coupled layer has no f
    for order in sorted(map("".join, permutations(gates)), key=lambda order: order not in _KNOWN_ORDERS):
        if order != read:
            known = f" ({_KNOWN_ORDERS[order]})" if order in _KNOWN_ORDERS else ""
            told = f"in the order {', '.join(order)}{known}, not {', '.join(read)}"
            reorder = _in_order(gates, dict(zip(order, read, strict=True)))
            yield Mistake(Kind.ORDER, f"the gate blocks stand {told}", _on_weights(reorder, reorder, reorder))
            for which, change in _in_some(layer, reorder, biases):
                yield Mistake(Kind.ORDER, f"the gate blocks of {which} stand {told}", change, is_rare=True)


def _in_order(gates: str, taken_for: dict[str, str]) -> Block:
    """Each gate with the blocks of the one that its own were taken for."""
    places = [gates.index(taken_for[gate]) for gate in gates]

    def reorder(array: Array) -> Array:
        blocks = np.split(array, len(gates), axis=-1)
        return np.concatenate([blocks[place] for place in places], axis=-1)

    return reorder


def _in_some(layer: Layer, block: Block, biases: Array | None) -> Iterator[tuple[str, Callable[[Layer], Layer | None]]]:
    """The same change in some of the weights only."""
    yield "the kernel alone", _on_weights(block)
    yield "the recurrent kernel alone", _on_weights(None, block)
    if layer.weights.get("bias") is None:
        return
    yield "the bias alone", _on_weights(bias=block)
    yield "the kernels, but not of the bias,", _on_weights(block, block)
    if biases is None and layer.weights["bias"].ndim == 1:
        yield "the kernel and the bias", _on_weights(block, None, block)
        yield "the recurrent kernel and the bias", _on_weights(None, block, block)
    for row, (which, kernels) in enumerate((("kernel", (block, None)), ("recurrent kernel", (None, block)))):
        bias = _in_row(row, block, biases)
        if biases is not None or layer.weights["bias"].ndim == 2:
            yield f"the {which} and of the bias beside it", _on_weights(*kernels, bias)


def _in_row(row: int, change: Block, biases: Array | None) -> Block:
    """A change in one of two biases, which the layer has as rows, or the sum of."""

    def changed(bias: Array) -> Array:
        rows = np.array(bias if biases is None else biases)
        rows[row] = change(rows[row])
        return rows if biases is None else np.asarray(rows.sum(axis=0))

    return changed


def _on_weights(
    kernel: Block | None = None, recurrent_kernel: Block | None = None, bias: Block | None = None
) -> Callable[[Layer], Layer | None]:
    """A layer with its weights changed."""

    def change(layer: Layer) -> Layer | None:
        if not isinstance(layer, Cell) or (kernel is None and recurrent_kernel is None and layer.bias is None):
            return None
        return layer.with_weights(
            layer.kernel if kernel is None else kernel(layer.kernel),
            layer.recurrent_kernel if recurrent_kernel is None else recurrent_kernel(layer.recurrent_kernel),
            layer.bias if bias is None or layer.bias is None else bias(layer.bias),
        )

    return change


def _biases(layer: Layer, biases: Array | None) -> Iterator[Mistake]:
    for row, place in enumerate(("W", "U")) if biases is not None else ():
        told = f"only the bias beside {place} counts, not the one beside {'UW'[row]}"
        yield Mistake(Kind.FILE, told, _on_weights(bias=_taken(biases, row)))
    changes: dict[str, Callable[[Layer], Layer | None]] = {
        "there is no bias": _on_weights(bias=np.zeros_like),
        "the bias is counted twice here": _on_weights(bias=lambda bias: bias / 2),
        "the bias counts twice, once beside W and once beside U": _on_weights(bias=lambda bias: 2 * bias),
    }
    if isinstance(layer, LSTM) and not layer.coupled:
        forget = np.repeat([0.0, 1.0, 0.0, 0.0], layer.units).astype(layer.dtype)
        changes["1 is added to the bias of f (TensorFlow 1's forget_bias)"] = _with_bias(forget)
        changes["the 1 of unit_forget_bias is in the bias of f already"] = _with_bias(-forget)
    if isinstance(layer, GRU) and layer.reset_after:
        changes["the two rows of the bias are swapped"] = _on_weights(bias=lambda bias: bias[::-1])
        for row, place in enumerate(("W", "U")):
            changes[f"both rows of the bias are added beside {place}"] = _on_weights(bias=_summed_into(row))
            changes[f"only the bias beside {place} counts"] = _on_weights(bias=_only(row))
    for truth, change in changes.items():
        yield Mistake(Kind.BIAS, truth, change)


def _taken(biases: Array | None, row: int) -> Block:
    return lambda bias: bias if biases is None else biases[row]


def _with_bias(more: Array) -> Callable[[Layer], Layer | None]:
    """A layer with something added to its bias."""

    def change(layer: Layer) -> Layer | None:
        if not isinstance(layer, Cell):
            return None
        bias = more if layer.bias is None else layer.bias + more
        return layer.with_weights(layer.kernel, layer.recurrent_kernel, bias)

    return change


def _summed_into(row: int) -> Block:
    def change(bias: Array) -> Array:
        rows = np.zeros_like(bias)
        rows[row] = bias.sum(axis=0)
        return rows

    return change


def _only(row: int) -> Block:
    def change(bias: Array) -> Array:
        rows = np.zeros_like(bias)
        rows[row] = bias[row]
        return rows

    return change


def _activations(layer: Layer) -> Iterator[Mistake]:
    for option, of in (("recurrent_activation", "of the gates "), ("activation", "")):
        used = getattr(layer, option, None)
        for name in _ACTIVATIONS if used is not None else ():
            if name != used:
                truth = f"the activation {of}is {name}, not {used}"
                yield Mistake(Kind.ACTIVATION, truth, _with_activation(option, name))


def _with_activation(option: str, name: str) -> Callable[[Layer], Layer | None]:
    options: dict[str, Any] = {option: name}
    return lambda layer: replace(layer, **options) if isinstance(layer, LSTM | GRU | SimpleRNN) else None


def _transpositions(layer: Layer) -> Iterator[Mistake]:
    """Blocks and whole matrices that were to be transposed and were not, or were and should not have been."""
    gates = len(layer.anatomy.gates)

    def square(array: Array) -> Array:
        return _by_block(array, gates, lambda block: block.T)

    def cudnn(array: Array) -> Array:  # the same as `square` where the block is one
        return _by_block(array, gates, lambda block: block.T.reshape(block.shape, order="F"))

    of = "each gate's block of " if gates > 1 else ""
    changes: dict[str, Callable[[Layer], Layer | None]] = {}
    if layer.units == layer.outputs:
        changes[f"{of}the recurrent kernel is transposed"] = _on_weights(None, square)
        changes[f"{of}both kernels is transposed (CuDNN's layout)"] = _on_weights(cudnn, square)
        if layer.units == layer.features:
            changes["the kernel and the recurrent kernel are swapped"] = _kernels_swapped
    changes[f"{of}the kernel is transposed (CuDNN's layout)"] = _on_weights(cudnn)
    told = "is stored as (gates, rows) and has to be transposed, not reshaped"
    changes[f"the kernel {told}"] = _on_weights(_untangled)
    changes[f"the recurrent kernel {told}"] = _on_weights(None, _untangled)
    changes[f"each kernel {told}"] = _on_weights(_untangled, _untangled)
    if gates > 1:
        apart = _deinterleaved(gates)
        told = "the gates of each unit stand beside each other, not the units of each gate"
        changes[told] = _on_weights(apart, apart, apart)
    for truth, change in changes.items():
        yield Mistake(Kind.LAYOUT, truth, change)


def _kernels_swapped(layer: Layer) -> Layer | None:
    return layer.with_weights(layer.recurrent_kernel, layer.kernel, layer.bias) if isinstance(layer, Cell) else None


def _by_block(array: Array, gates: int, change: Block) -> Array:
    return np.hstack([change(block) for block in np.hsplit(array, gates)])


def _untangled(array: Array) -> Array:
    """What was reshaped from (columns, rows) to (rows, columns), transposed instead."""
    return np.ascontiguousarray(array).reshape(array.shape[::-1]).T


def _deinterleaved(gates: int) -> Block:
    def change(array: Array) -> Array:
        units = array.shape[-1] // gates
        return np.swapaxes(array.reshape(*array.shape[:-1], units, gates), -1, -2).reshape(array.shape)

    return change


def _equations(layer: Layer, biases: Array | None) -> Iterator[Mistake]:
    """Conventions of the equations themselves."""
    changes: dict[str, Callable[[Layer], Layer | None]] = {}
    if isinstance(layer, LSTM) and layer.peepholes is not None and len(layer.peepholes) == 3:
        for order in permutations(range(3)):
            if order != (0, 1, 2):
                names = ", ".join("ifo"[place] for place in np.argsort(order))
                changes[f"the peepholes stand in the order {names}, not i, f, o"] = _with_peepholes(order)
    if isinstance(layer, GRU):
        changes["h is (1 - z)*h(t-1) + z*n, not z*h(t-1) + (1 - z)*n"] = _in_gru(_with_z_complemented)
        if layer.reset_after:
            told = "the reset gate is applied before the recurrent kernel (reset_after=False)"
            changes[told] = _in_gru(_reset_before)
        else:
            told = "the reset gate is applied after the recurrent kernel (reset_after=True)"
            changes[told] = _in_gru(lambda layer: _reset_after(layer, biases))
    for truth, change in changes.items():
        yield Mistake(Kind.EQUATION, truth, change)


def _with_peepholes(order: tuple[int, ...]) -> Callable[[Layer], Layer | None]:
    def change(layer: Layer) -> Layer | None:
        if not isinstance(layer, LSTM) or layer.peepholes is None:
            return None
        return replace(layer, peepholes=layer.peepholes[list(order)])

    return change


def _in_gru(change: Callable[[GRU], Layer]) -> Callable[[Layer], Layer | None]:
    return lambda layer: change(layer) if isinstance(layer, GRU) else None


def _with_z_complemented(layer: GRU) -> Layer:
    """As the sigmoids of -z and z add up to 1, the weights of z change their sign."""
    signs = np.repeat([-1, 1, 1], layer.units).astype(layer.dtype)
    bias = None if layer.bias is None else layer.bias * signs
    return layer.with_weights(layer.kernel * signs, layer.recurrent_kernel * signs, bias)


def _reset_before(layer: GRU) -> Layer:
    return replace(layer, reset_after=False, bias=None if layer.bias is None else layer.bias.sum(axis=0))


def _reset_after(layer: GRU, biases: Array | None) -> Layer:
    rows = biases
    if rows is None and layer.bias is not None:
        rows = np.stack([layer.bias, np.zeros_like(layer.bias)])
    return replace(layer, reset_after=True, bias=rows)
