"""Dense and Embedding layers, which ONNX has as products, sums, activations and lookups."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unrolled.formats.onnx_cells import shortest
from unrolled.formats.onnx_node import Node
from unrolled.formats.onnx_values import Atom, Constant, DenseStage, EmbeddingStage, Piece, Stage, Value, View, axis_of
from unrolled.npy import AnyArray

_PLAIN = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Relu": "relu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Mish": "mish",
}
_OF_ALL_UNITS = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}
_WITH_NUMBERS = {
    "LeakyRelu": ("leaky_relu", {"alpha": 0.01}),
    "Elu": ("elu", {"alpha": 1.0}),
    "ThresholdedRelu": ("thresholded_relu", {"alpha": 1.0}),
    "HardSigmoid": ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
}
"""By the operator: ours, and what its attributes are where the node does not say."""

_ACTIVATIONS = {*_PLAIN, *_OF_ALL_UNITS, *_WITH_NUMBERS, "Selu", "Gelu"}

DENSE = {"MatMul", "Gemm", "Add", "Gather", *_ACTIVATIONS}
"""The operators that can be parts of a Dense layer, or an Embedding."""


def dense(node: Node, values: Sequence[Value | None]) -> View | None:
    """What a node gives that is a part of a Dense layer or is an Embedding; None if it is not, or not for certain."""
    match node.op, values:
        case "MatMul", [View() as view, Constant() as kernel]:
            return _product(node, view, kernel.array, None)
        case "Gemm", [View() as view, Constant() as kernel, *rest]:
            return _gemm(node, view, kernel.array, rest[0] if rest else None)
        case "Add", ([View() as view, Constant() as bias] | [Constant() as bias, View() as view]):
            return _with_bias(view, bias.array)
        case "Gather", [Constant() as table, View() as ids]:
            return _embedding(node, table.array, ids)
        case op, [View() as view] if op in _ACTIVATIONS:
            return _with_activation(node, view)
    return None


def _product(node: Node, view: View, kernel: AnyArray, bias: AnyArray | None) -> View | None:
    if kernel.ndim != 2 or kernel.dtype.kind != "f" or len(view.axes) < 2:
        return None
    if view.pieces:
        order = _order(view, len(kernel))
        if order is None or view.axes[-1] != view.features:
            return None
        if order != sorted(order):
            blocks = np.split(kernel, len(order))
            kernel = np.concatenate([blocks[order.index(direction)] for direction in range(len(order))])
            view = replace(view, pieces=tuple(view.pieces[order.index(each)] for each in range(len(order))))
    return _behind(view, DenseStage(node.shown, view, kernel, bias), kernel.shape[1])


def _order(view: View, rows: int) -> list[int] | None:
    """The directions of one stage as they lie side by side; None if they are not all of one, or not in equal parts."""
    stage, order = view.pieces[0].stage, [piece.direction for piece in view.pieces]
    is_whole = all(piece.stage is stage for piece in view.pieces) and sorted(order) == list(range(stage.width))
    return order if is_whole and rows % len(order) == 0 else None


def _behind(view: View, stage: Stage, units: int) -> View:
    """The view of what a stage makes of the last axis of another one."""
    unit = Atom("units", units)
    axes = (*view.axes[:-1], axis_of(unit))
    return replace(view, axes=axes, pieces=(Piece(stage, 0),), direction=Atom("directions", 1), unit=unit)


@np.errstate(all="ignore")
def _gemm(node: Node, view: View, kernel: AnyArray, bias: Value | None) -> View | None:
    alpha, beta = (node.number(name) if name in node else 1.0 for name in ("alpha", "beta"))
    if node.integer("transA", 0) or len(view.axes) != 2 or kernel.ndim != 2 or not (bias is None or _is_constant(bias)):
        return None
    kernel = (kernel.T if node.integer("transB", 0) else kernel) * np.asarray(alpha, kernel.dtype)
    added = None
    if isinstance(bias, Constant):
        row = _row(bias.array, kernel.shape[1])
        if row is None:
            return None
        added = row * np.asarray(beta, row.dtype)
    return _product(node, view, kernel, added)


def _is_constant(value: Value) -> bool:
    return isinstance(value, Constant) and not value.spread


def _row(bias: AnyArray, units: int) -> AnyArray | None:
    """A bias that is the same for every sample, one number for each unit."""
    if bias.dtype.kind != "f" or bias.size not in (1, units) or (bias.ndim and bias.shape[-1] != bias.size):
        return None
    return np.broadcast_to(bias.reshape(-1), (units,))


def _with_bias(view: View, bias: AnyArray) -> View | None:
    stage = view.stage
    if not isinstance(stage, DenseStage) or stage.bias is not None or stage.is_closed or bias.ndim > len(view.axes):
        return None
    row = _row(bias, stage.kernel.shape[1])
    if row is None or view.axes[-1] != view.features:
        return None
    return replace(view, pieces=(Piece(replace(stage, bias=row), 0),))


def _with_activation(node: Node, view: View) -> View | None:
    stage, rank = view.stage, len(view.axes)
    if not isinstance(stage, DenseStage) or stage.is_closed:
        return None
    if node.op in _OF_ALL_UNITS:
        axis = node.integer("axis", -1 if node.opset >= 13 else 1)
        if axis not in (-1, rank - 1) or view.axes[-1] != view.features:
            return None
    activation = _activation(node)
    if activation is None:
        return None
    closed = replace(stage, activation=activation, is_closed=True)
    return replace(view, pieces=(Piece(closed, 0),))


def _activation(node: Node) -> str | None:
    """Our name of an activation; None if it is one of others."""
    if node.op in _WITH_NUMBERS:
        name, usual = _WITH_NUMBERS[node.op]
        found = [node.number(each) if each in node else number for each, number in usual.items()]
        return f"{name}({', '.join(map(shortest, found))})"
    if node.op == "Selu":
        return None if {"alpha", "gamma"} & set(node.attributes) else "selu"
    if node.op == "Gelu":
        return "gelu" if node.text("approximate", "none") == "none" else None
    return _PLAIN.get(node.op) or _OF_ALL_UNITS[node.op]


def _embedding(node: Node, table: AnyArray, ids: View) -> View | None:
    if ids.pieces or table.ndim != 2 or table.dtype.kind != "f" or node.integer("axis", 0):
        return None
    stage = EmbeddingStage(node.shown, ids, table)
    whole = replace(ids, axes=(*ids.axes, ()))
    return _behind(whole, stage, table.shape[1])
