"""Operators of ONNX that exporters put between the weights and the layer that reads them, computed on constants.

Each is one line of https://onnx.ai/onnx/operators/. Shapes are among the constants: there, a size can be an `Extent`.
"""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from unrolled.files import UnreadableError
from unrolled.formats.onnx_node import Node
from unrolled.formats.onnx_tensor import MOST_BYTES
from unrolled.formats.onnx_values import Extent, tidied
from unrolled.npy import AnyArray

Operands = Sequence[AnyArray | None]
"""What a node reads; None for an input that is left out."""

_CASTS: dict[int, type[np.generic]] = {
    1: np.float32,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
}


class NotComputedError(UnreadableError):
    """A constant that an operator does not give: its operands do not fit it, or it does more than is done here."""


def fold(node: Node, operands: Operands) -> tuple[AnyArray, ...]:
    """The outputs of a node whose operator is in `FOLDED`.

    Raises:
        NotComputedError: If they cannot be computed.
        UnreadableError: If an attribute is of the wrong type.
    """
    try:
        return tuple(map(tidied, FOLDED[node.op](node, operands)))
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as problem:
        if isinstance(problem, UnreadableError):
            raise
        raise NotComputedError(f"{node.shown} ({node.op}) cannot be computed from these shapes") from problem


def integers(node: Node, operands: Operands, place: int, name: str) -> list[int] | None:
    """Whole numbers that older opsets have as an attribute, and newer ones as an input.

    Raises:
        UnreadableError: If they are no whole numbers.
    """
    if name in node:
        return node.integers(name)
    found = operands[place] if len(operands) > place else None
    if found is None:
        return None
    if found.dtype.kind not in "iu" or found.size > 1000:
        raise UnreadableError(f"{node.shown}: {name}: expected whole numbers, got {found.dtype}")
    return [int(value) for value in found.flat]


def slices(node: Node, operands: Operands, rank: int) -> dict[int, slice]:
    """What a Slice takes of each axis that it names."""
    starts, ends = integers(node, operands, 1, "starts"), integers(node, operands, 2, "ends")
    if starts is None or ends is None:
        raise UnreadableError(f"{node.shown}: expected starts and ends, got none")
    axes = integers(node, operands, 3, "axes") or list(range(len(starts)))
    steps = integers(node, operands, 4, "steps") or [1] * len(starts)
    taken = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -rank <= axis < rank:
            raise ValueError(axis)
        before_all = step < 0 and end < -(1 << 30)
        taken[axis % rank] = slice(start, None if before_all else end, step)
    return taken


def split_sizes(node: Node, operands: Operands, size: int) -> list[int]:
    """How many of `size` each output of a Split gets."""
    told = integers(node, operands, 1, "split")
    count = len(node.outputs)
    if told is None:
        each = -(-size // count)
        told = [each] * (count - 1) + [size - each * (count - 1)]
    if sum(told) != size or min(told) < 0 or len(told) != count:
        raise ValueError(told)
    return told


def _needed(operands: Operands, place: int = 0) -> AnyArray:
    found = operands[place] if len(operands) > place else None
    if found is None:
        raise ValueError(place)
    return found


def _check_size(shape: Sequence[int]) -> None:
    if min(shape, default=0) < 0 or prod(shape) * 8 > MOST_BYTES:
        raise ValueError(shape)


def _transpose(node: Node, operands: Operands) -> list[AnyArray]:
    return [_needed(operands).transpose(node.integers("perm"))]


def _unsqueeze(node: Node, operands: Operands) -> list[AnyArray]:
    return [np.expand_dims(_needed(operands), tuple(integers(node, operands, 1, "axes") or ()))]


def _squeeze(node: Node, operands: Operands) -> list[AnyArray]:
    axes = integers(node, operands, 1, "axes")
    return [np.squeeze(_needed(operands), None if axes is None else tuple(axes))]


def _slice(node: Node, operands: Operands) -> list[AnyArray]:
    data = _needed(operands)
    taken = slices(node, operands, data.ndim)
    return [data[tuple(taken.get(axis, slice(None)) for axis in range(data.ndim))]]


def _split(node: Node, operands: Operands) -> list[AnyArray]:
    data, axis = _needed(operands), node.integer("axis", 0)
    return list(np.split(data, np.cumsum(split_sizes(node, operands, data.shape[axis]))[:-1], axis))


def _concat(node: Node, operands: Operands) -> list[AnyArray]:
    parts = [_needed(operands, place) for place in range(len(operands))]
    _check_size([sum(part.size for part in parts)])
    return [np.concatenate(parts, node.integer("axis", 1))]


def _gather(node: Node, operands: Operands) -> list[AnyArray]:
    data, places, axis = _needed(operands), _needed(operands, 1), node.integer("axis", 0)
    _check_size([data.size // max(1, data.shape[axis]), places.size])
    taken = np.take(data, places, axis)
    return [np.asarray(taken) if data.dtype != object or isinstance(taken, np.ndarray) else _one(taken)]


def _one(value: object) -> AnyArray:
    """A single size."""
    array = np.empty((), object)
    array[()] = value
    return array


def _reshape(node: Node, operands: Operands) -> list[AnyArray]:
    data = _needed(operands)
    wanted = integers(node, operands, 1, "shape") or []
    keeps = not node.integer("allowzero", 0)
    return [data.reshape([data.shape[place] if keeps and not size else size for place, size in enumerate(wanted)])]


def _cast(node: Node, operands: Operands) -> list[AnyArray]:
    data = _needed(operands)
    if data.dtype == object:
        return [data]  # a size stays one
    with np.errstate(all="ignore"):
        return [data.astype(_CASTS[_cast_to(node)])]


def _cast_to(node: Node) -> int:
    to = node.integer("to", 0)
    if to not in _CASTS:
        raise ValueError(to)
    return to


def _shape_in(operands: Operands, place: int) -> list[int]:
    """A shape, with 1 where a size depends on the input."""
    return [1 if isinstance(size, Extent) else int(size) for size in _needed(operands, place).flat]


def _expand(_node: Node, operands: Operands) -> list[AnyArray]:
    data = _needed(operands)
    shape = np.broadcast_shapes(data.shape, tuple(_shape_in(operands, 1)))
    _check_size(shape)
    return [np.broadcast_to(data, shape)]


def _tile(_node: Node, operands: Operands) -> list[AnyArray]:
    data, repeats = _needed(operands), _shape_in(operands, 1)
    _check_size([*repeats, data.size])
    return [np.tile(data, repeats)]


def _fill(_node: Node, operands: Operands) -> list[AnyArray]:
    shape = _shape_in(operands, 0)
    _check_size(shape)
    value = operands[1] if len(operands) > 1 else None  # the attribute, which the walk puts there
    return [np.full(shape, np.float32(0) if value is None else value.reshape(())[()])]


def _binary(function: Callable[[AnyArray, AnyArray], AnyArray]) -> Callable[[Node, Operands], list[AnyArray]]:
    def compute(_node: Node, operands: Operands) -> list[AnyArray]:
        one, other = _needed(operands), _needed(operands, 1)
        if object in (one.dtype, other.dtype) and function not in (np.multiply, np.add, np.subtract):
            raise TypeError  # nobody knows what the sizes are
        _check_size(np.broadcast_shapes(one.shape, other.shape))
        with np.errstate(all="ignore"):
            return [np.asarray(function(one, other))]

    return compute


def _equal(_node: Node, operands: Operands) -> list[AnyArray]:
    one, other = np.broadcast_arrays(_needed(operands), _needed(operands, 1))
    if one.dtype == other.dtype != object:
        return [np.asarray(one == other)]
    same = [_is_equal(a, b) for a, b in zip(one.flat, other.flat, strict=True)]
    return [np.array(same, np.bool_).reshape(one.shape)]


def _is_equal(one: object, other: object) -> bool:
    """Whether two sizes are the same, which is certain of one that depends on the input if the other is negative."""
    if isinstance(one, Extent) and isinstance(other, Extent) and one == other:
        return True
    extents = [size for size in (one, other) if isinstance(size, Extent)]
    numbers = [size for size in (one, other) if not isinstance(size, Extent)]
    is_size = all(extent.more >= 0 for extent in extents)
    if extents and not (len(numbers) == 1 and int(str(numbers[0])) < 0 and is_size):
        raise TypeError(one, other)
    return not extents and one == other


def _where(_node: Node, operands: Operands) -> list[AnyArray]:
    condition, one, other = (_needed(operands, place) for place in range(3))
    _check_size(np.broadcast_shapes(condition.shape, one.shape, other.shape))
    return [np.where(condition.astype(np.bool_), one, other)]


def _shape(node: Node, operands: Operands) -> list[AnyArray]:
    shape = np.array(_needed(operands).shape, np.int64)
    return [shape[node.integer("start", 0) : node.integer("end", len(shape))]]


def _product(node: Node, operands: Operands) -> list[AnyArray]:
    told = integers(node, operands, 1, "axes")
    axes = None if told is None else tuple(told)
    found = np.multiply.reduce(_needed(operands), axes, keepdims=True)
    return [found if node.integer("keepdims", 1) else np.squeeze(found, axes)]


def _divide(one: AnyArray, other: AnyArray) -> AnyArray:
    return one // other if one.dtype.kind in "iu" else one / other


FOLDED: dict[str, Callable[[Node, Operands], list[AnyArray]]] = {
    "Identity": lambda _node, operands: [_needed(operands)],
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Slice": _slice,
    "Split": _split,
    "Concat": _concat,
    "Gather": _gather,
    "Reshape": _reshape,
    "Cast": _cast,
    "Expand": _expand,
    "Tile": _tile,
    "ConstantOfShape": _fill,
    "Shape": _shape,
    "Mul": _binary(np.multiply),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Div": _binary(_divide),
    "ReduceProd": _product,
    "Equal": _equal,
    "Where": _where,
    "Less": _binary(np.less),
    "Greater": _binary(np.greater),
    "And": _binary(np.logical_and),
    "Or": _binary(np.logical_or),
    "Not": lambda _node, operands: [np.logical_not(_needed(operands))],
}
"""What can be computed, by operator."""

SPREADING = ("Expand", "Tile", "ConstantOfShape")
"""Those that may be given a shape which depends on the input."""

KEEPS_SPREAD = ("Identity", "Transpose", "Unsqueeze", "Squeeze", "Slice", "Split", "Concat", "Gather", "Cast")
"""Those that read one sample like any other."""
