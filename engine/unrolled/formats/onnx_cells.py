"""From a node LSTM, GRU or RNN of ONNX, and its weights, to a recurrent layer.

Sources: https://onnx.ai/onnx/operators/onnx__LSTM.html, …__GRU.html and …__RNN.html. ONNX has the gates in the order
i, o, f, c and z, r, h, and two biases for each, one after the other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.arrays import Array, State
from unrolled.checks import MOST_UNITS
from unrolled.files import UnreadableError
from unrolled.formats.onnx_node import Node
from unrolled.gru import GRU
from unrolled.layer import RecurrentLayer
from unrolled.lstm import LSTM
from unrolled.network import Recurrent
from unrolled.npy import AnyArray
from unrolled.simple_rnn import SimpleRNN
from unrolled.text import printable

BLOCKS = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""How many blocks of units the weights of each cell have."""

W, R, B, SEQUENCE_LENS, INITIAL_H, INITIAL_C, P = range(1, 8)
"""The inputs of a node behind the first, X."""

_LSTM_ORDER = (0, 2, 3, 1)  # i, f, c, o out of i, o, f, c
_PEEPHOLE_ORDER = (0, 2, 1)  # i, f, o out of i, o, f

_DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
_PLAIN = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu", "softsign": "softsign", "softplus": "softplus"}
_WITH_NUMBERS: dict[str, tuple[str, tuple[float | None, ...]]] = {
    "affine": ("affine", (None, None)),
    "leakyrelu": ("leaky_relu", (0.01,)),
    "thresholdedrelu": ("thresholded_relu", (1.0,)),
    "scaledtanh": ("scaled_tanh", (None, None)),
    "hardsigmoid": ("hard_sigmoid", (0.2, 0.5)),
    "elu": ("elu", (1.0,)),
}
"""By ONNX's name in small letters: ours, and alpha and beta where the node says nothing."""

_ATTRIBUTES = {"activations", "activation_alpha", "activation_beta", "clip", "direction", "hidden_size", "layout"} | {
    "output_sequence",  # of opset 1: whether Y is put out
}
_OWN = {"LSTM": {"input_forget"}, "GRU": {"linear_before_reset"}, "RNN": set[str]()}

Operand = Callable[[int, str], AnyArray | None]
"""The constant that a node reads at a place, None if it is left out; it knows what to call it if it is no constant."""


@dataclass(frozen=True, eq=False, slots=True)
class Starts:
    """What a node reads beside its weights.

    Attributes:
        h: The initial hidden state, (directions, batch, units), if it is told.
        c: The initial cell state.
        lengths: How many timesteps each sample has.
    """

    h: AnyArray | None = None
    c: AnyArray | None = None
    lengths: AnyArray | None = None


def recurrent(node: Node, name: str, operand: Operand, starts: Starts) -> Recurrent:
    """The layer of a node.

    Raises:
        UnreadableError: If an attribute or a weight is not as ONNX says.
    """
    cell = node.op
    _check_attributes(node, cell)
    w, r, b, p = _weights(node, cell, operand)
    directions = len(w)
    _check_numbers(node)
    functions = _functions(node, cell, directions)
    layers = [
        _layer(node, cell, w[d], r[d], None if b is None else b[d], None if p is None else p[d], functions[d])
        for d in range(directions)
    ]
    states, lengths = _states(node, starts, [layer.units for layer in layers], layers[0].dtype), _lengths(node, starts)
    _check_samples(node, starts)
    return Recurrent(
        name,
        layers[0],
        layers[1] if directions == 2 else None,
        merge="concat" if directions == 2 else None,
        go_backwards=node.text("direction", "forward") == "reverse",
        flips_back=node.text("direction", "forward") == "reverse",
        parameters=sum(array.size for array in (w, r, b, p) if array is not None),
        initial_states=states,
        lengths=lengths,
        biases=None if b is None or not _are_summed(node, cell) else tuple(_halves(each, cell) for each in b),
    )


def _check_attributes(node: Node, cell: str) -> None:
    unknown = next((name for name in node.attributes if name not in _ATTRIBUTES | _OWN[cell]), None)
    if unknown is not None:
        raise UnreadableError(f"{node.shown}: expected the attributes of {cell}, got {printable(unknown, 40)}")


def _check_numbers(node: Node) -> None:
    for name in ("layout", "input_forget", "linear_before_reset"):
        if node.integer(name, 0) not in (0, 1):
            raise UnreadableError(f"{node.shown}: {name}: expected 0 or 1, got {node.integer(name, 0)}")
    clip = node.number("clip")
    if clip is not None and not 0 < clip < math.inf:
        raise UnreadableError(f"{node.shown}: clip: expected a positive number, got {clip}")


def _weights(node: Node, cell: str, operand: Operand) -> tuple[AnyArray, AnyArray, AnyArray | None, AnyArray | None]:
    """W, R, B and P, whose shapes fit each other and the attributes."""
    direction = node.text("direction", "forward")
    if direction not in _DIRECTIONS:
        raise UnreadableError(
            f"{node.shown}: direction: expected forward, reverse or bidirectional, got {printable(direction, 40)}"
        )
    w, r = operand(W, "W"), operand(R, "R")
    if w is None or r is None:
        raise UnreadableError(f"{node.shown}: expected the weights W and R, got none")
    directions, blocks = _DIRECTIONS[direction], BLOCKS[cell]
    units = r.shape[-1] if r.ndim == 3 else 0
    told = node.integer("hidden_size", units)
    if not 1 <= told <= MOST_UNITS or told != units:
        got = f"R of shape {r.shape}"
        raise UnreadableError(f"{node.shown}: expected {told:,} units, as hidden_size says, got {got}")
    features = w.shape[-1] if w.ndim == 3 else 0
    b, p = operand(B, "B"), operand(P, "P") if cell == "LSTM" else None
    expected = {
        "W": (w, (directions, blocks * units, features)),
        "R": (r, (directions, blocks * units, units)),
        "B": (b, (directions, 2 * blocks * units)),
        "P": (p, (directions, 3 * units)),
    }
    for name, (array, shape) in expected.items():
        if array is None:
            continue
        if array.dtype.kind != "f":
            raise UnreadableError(f"{node.shown}: {name}: expected floating point numbers, got {array.dtype}")
        if array.shape != shape or not array.size:
            raise UnreadableError(
                f"{node.shown}: {name}: expected shape {shape} for {units} units, {direction}, got {array.shape}"
            )
    return w, r, b, p


@np.errstate(all="ignore")
def _layer(
    node: Node, cell: str, w: AnyArray, r: AnyArray, b: AnyArray | None, p: AnyArray | None, functions: list[str]
) -> RecurrentLayer[Any]:
    """One direction."""
    kernel, recurrent_kernel = _in_our_order(w, cell).T, _in_our_order(r, cell).T
    halves = None if b is None else _halves(b, cell)
    bias = None if halves is None else halves[0] + halves[1]
    clip = node.number("clip")
    if cell == "LSTM":
        squash, activate, activate_c = functions
        return LSTM(
            kernel,
            recurrent_kernel,
            bias,
            activate,
            squash,
            output_activation=None if activate_c == activate else activate_c,
            peepholes=None if p is None else p.reshape(3, -1)[list(_PEEPHOLE_ORDER)],
            coupled=bool(node.integer("input_forget", 0)),
            clip=clip,
        )
    if cell == "RNN":
        return SimpleRNN(kernel, recurrent_kernel, bias, functions[0], clip=clip)
    squash, activate = functions
    after = bool(node.integer("linear_before_reset", 0))
    return GRU(kernel, recurrent_kernel, halves if after else bias, activate, squash, reset_after=after, clip=clip)


def _halves(b: AnyArray, cell: str) -> AnyArray:
    """The bias beside W and that beside U."""
    return np.stack([_in_our_order(half, cell) for half in np.split(_stepped(b), 2)])


def _are_summed(node: Node, cell: str) -> bool:
    """Whether the two biases become one, and have as many blocks as it."""
    return not node.integer("input_forget" if cell == "LSTM" else "linear_before_reset", 0)


def _stepped(array: AnyArray) -> AnyArray:
    """An array in the type that it is stepped in: float16 in float32, so that sums are not rounded to it."""
    return array.astype(np.result_type(array, np.float32))


def _in_our_order(array: AnyArray, cell: str) -> AnyArray:
    """The blocks of an array in the order i, f, g, o of an LSTM."""
    if cell != "LSTM":
        return array
    blocks = np.split(array, 4)
    return np.concatenate([blocks[place] for place in _LSTM_ORDER])


def _functions(node: Node, cell: str, directions: int) -> list[list[str]]:
    """The names of the activations of each direction, in ONNX's order: f, g, h."""
    count = len(_DEFAULTS[cell])
    told = node.texts("activations") or list(_DEFAULTS[cell]) * directions
    if len(told) != count * directions:
        raise UnreadableError(f"{node.shown}: activations: expected {count * directions}, got {len(told)}")
    alphas, betas = iter(node.numbers("activation_alpha")), iter(node.numbers("activation_beta"))
    names = []
    for name in told:
        known = name.lower()
        if known in _PLAIN:
            names.append(_PLAIN[known])
            continue
        if known not in _WITH_NUMBERS:
            raise UnreadableError(f"{node.shown}: activations: expected ones of ONNX's own, got {printable(name, 40)}")
        ours, defaults = _WITH_NUMBERS[known]
        found = [next(values, default) for values, default in zip((alphas, betas), defaults, strict=False)]
        if None in found:
            raise UnreadableError(f"{node.shown}: activations: expected alpha and beta for {name}, got none")
        if not np.isfinite(np.array(found, float)).all():
            got = " and ".join(map(shortest, found))
            raise UnreadableError(f"{node.shown}: activations: expected finite alpha and beta for {name}, got {got}")
        names.append(f"{ours}({', '.join(map(shortest, found))})")
    return [names[direction * count : (direction + 1) * count] for direction in range(directions)]


def shortest(value: float | None) -> str:
    """A float32 in as few digits as it takes: 0.2, not 0.20000000298."""
    return str(np.float32(0.0 if value is None else value))


def _states(node: Node, starts: Starts, units: list[int], dtype: np.dtype[Any]) -> tuple[State, ...] | None:
    """The state before the first timestep of each direction, if it is told and not zero.

    One row for each sample, (samples, units), if they differ; else (units,).
    """
    told = {"initial_h": starts.h} | ({"initial_c": starts.c} if node.op == "LSTM" else {})
    if all(array is None or not array.any() for array in told.values()):
        return None
    parts: list[list[Array]] = []
    for name, array in told.items():
        if array is None:
            parts.append([np.zeros(size, dtype) for size in units])
            continue
        rows = _directions_first(node, array)
        if rows.ndim != 3 or (len(rows), rows.shape[2]) != (len(units), units[0]) or not rows.size:
            expected = f"({len(units)}, samples, {units[0]})"
            raise UnreadableError(f"{node.shown}: {name}: expected shape {expected}, got {array.shape}")
        if array.dtype.kind != "f":
            raise UnreadableError(f"{node.shown}: {name}: expected floating point numbers, got {array.dtype}")
        alike = np.array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape), equal_nan=True)
        parts.append(list((rows[:, 0] if alike else rows).astype(dtype)))
    return tuple(zip(*parts, strict=True))


def _directions_first(node: Node, state: AnyArray) -> AnyArray:
    """An initial state as (directions, samples, units)."""
    return state.swapaxes(0, 1) if node.integer("layout", 0) and state.ndim == 3 else state


def _lengths(node: Node, starts: Starts) -> tuple[int, ...] | None:
    """How many timesteps the node reads of each sample, if the file says so; one number if that is always the same."""
    lengths = starts.lengths
    if lengths is None:
        return None
    if lengths.ndim != 1 or not lengths.size or lengths.dtype.kind not in "iu" or lengths.min() < 1:
        got = printable(str(lengths.tolist()) if lengths.size < 9 else str(lengths.shape), 60)
        raise UnreadableError(f"{node.shown}: sequence_lens: expected a number of timesteps for each sample, got {got}")
    told = tuple(map(int, lengths))
    return told if len(set(told)) > 1 else told[:1]


def _check_samples(node: Node, starts: Starts) -> None:
    """Checks that the lengths and both states are of equally many samples, unless they are one for all."""
    told = {"sequence_lens": starts.lengths, "initial_h": starts.h, "initial_c": starts.c}
    counts = {
        name: len(array) if name == "sequence_lens" else _directions_first(node, array).shape[1]
        for name, array in told.items()
        if array is not None and array.ndim == (1 if name == "sequence_lens" else 3)
    }
    several = {name: count for name, count in counts.items() if count > 1}
    if len(set(several.values())) > 1:
        got = " and ".join(f"{count:,} in {name}" for name, count in several.items())
        raise UnreadableError(f"{node.shown}: expected one number of samples, got {got}")
